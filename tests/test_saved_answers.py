"""`report --from-dumps`: counts equal a second computation straight from the JSON."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[..., Any]
    Answers = dict[tuple[str, str], dict[str, Any]]

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "api-responses"
FIRST, SECOND = "644160558196", "123456789000"
PLACES = {
    "c7n__ec2_image_metadata_filter_ec2.DescribeInstances_1": (FIRST, "us-east-1"),
    "c7n__test_ec2_set_md_access_ec2.DescribeInstances_1": (FIRST, "us-east-1"),
    "c7n__test_ec2_propagate_spot_tags_ec2.DescribeInstances_1": (FIRST, "us-east-2"),
    "c7n__test_ec2_resize_ec2.DescribeInstances_1": (FIRST, "us-west-2"),
    "c7n__test_ec2_reboot_ec2.DescribeInstances_1": (SECOND, "us-east-1"),
    "c7n__test_ec2_reserved_instance_query_ec2.DescribeReservedInstances_1": (FIRST, "us-east-1"),
}
"""Which account and region each recorded answer was given for."""
FILES = {"Reservations": "instances.json", "ReservedInstances": "reserved-instances.json"}

WEB, DATA = "111122223333", "012345678901"
OWN = {
    (WEB, "us-east-1"): """
        i-11 m5.large   running    us-east-1a Linux/UNIX RunInstances      -
        i-12 m5.large   running    us-east-1b Linux/UNIX RunInstances      -
        i-13 m5.large   stopped    us-east-1b Linux/UNIX RunInstances      -
        i-14 m5.large   running    us-east-1b Linux/UNIX RunInstances      spot
        i-15 c5.xlarge  running    us-east-1a Windows    RunInstances:0002 -
        i-16 c5.xlarge  terminated us-east-1a Windows    RunInstances:0002 -
    """,
    (WEB, "eu-west-1"): """
        i-21 t3.nano    running    eu-west-1a Linux/UNIX RunInstances      -
    """,
    (DATA, "us-east-1"): """
        i-31 m5.large   running    us-east-1c Linux/UNIX RunInstances      -
        i-32 r5.2xlarge running    us-east-1c Linux/UNIX RunInstances      -
        i-33 x9z.colossal running  us-east-1c Linux/UNIX RunInstances      -
    """,
}
OWN_PURCHASES = {
    (WEB, "us-east-1"): """
        r-11 m5.large  4 active  2026-06-01T00:00:00+00:00 2027-05-31T23:59:59+00:00
        r-12 c5.xlarge 2 retired 2025-06-01T00:00:00+00:00 2026-05-31T23:59:59+00:00
    """,
    (WEB, "eu-west-1"): "",
    (DATA, "us-east-1"): """
        r-31 r5.xlarge 3 active  2026-02-01T00:00:00+00:00 2027-01-31T23:59:59+00:00
    """,
}


def instance(line: str) -> dict[str, Any]:
    name, kind, state, zone, platform, operation, lifecycle = line.split()
    record = {
        "InstanceId": name,
        "InstanceType": kind,
        "State": {"Name": state},
        "Placement": {"AvailabilityZone": zone, "Tenancy": "default"},
        "PlatformDetails": platform,
        "UsageOperation": operation,
    }
    return record if lifecycle == "-" else record | {"InstanceLifecycle": lifecycle}


def purchase(line: str) -> dict[str, Any]:
    name, kind, count, state, start, end = line.split()
    return {
        "ReservedInstancesId": name,
        "InstanceType": kind,
        "InstanceCount": int(count),
        "State": state,
        "Start": start,
        "End": end,
        "Scope": "Region",
        "ProductDescription": "Linux/UNIX",
        "InstanceTenancy": "default",
    }


def lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip())


def own_answers() -> Answers:
    return {
        place: {
            "Reservations": [
                {
                    "ReservationId": line.split()[0],
                    "OwnerId": place[0],
                    "Instances": [instance(line)],
                }
                for line in lines(text)
            ],
            "ReservedInstances": [purchase(line) for line in lines(OWN_PURCHASES[place])],
        }
        for place, text in OWN.items()
    }


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON holds any type
    """Turn the recording's form of a moment into that of the AWS CLI."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "datetime":
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        moment = datetime(1, 1, 1, tzinfo=UTC)
        return moment.replace(**{name: value[name] for name in names}).isoformat()
    return {name: plain(item) for name, item in value.items()}


def recorded_answers() -> Answers:
    answers: Answers = {}
    for name, place in PLACES.items():
        data = plain(json.loads((RECORDED / f"{name}.json").read_bytes()))["data"]
        answer = answers.setdefault(place, {"Reservations": [], "ReservedInstances": []})
        for key in FILES:
            answer[key] += data.get(key, [])
    return answers


@pytest.fixture(params=["our own", "recorded"])
def answers(request: pytest.FixtureRequest) -> Answers:
    if request.param == "our own":
        return own_answers()
    if not RECORDED.is_dir():
        pytest.skip(f"no recorded answers: {RECORDED} is not there")
    return recorded_answers()


@pytest.fixture
def as_of(answers: Answers) -> str:
    """A moment at which the purchases of the answers give their discount."""
    return "2026-11-22T06:30Z" if (WEB, "us-east-1") in answers else "2019-11-01T00:00Z"


def save(answers: Answers) -> Path:
    folder = Path("dumps")
    for (account_id, region), answer in answers.items():
        place = folder / account_id / region
        place.mkdir(parents=True)
        for key, file in FILES.items():
            if key in answer:
                (place / file).write_text(json.dumps({key: answer[key]}))
    return folder


def made() -> Path:
    (folder,) = Path("reports").iterdir()
    return folder


def rows(table: str) -> list[dict[str, str]]:
    with (made() / "tables" / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_running_instances_are_counted_as_a_plain_loop_counts_them(
    command: Command, answers: Answers, as_of: str
) -> None:
    assert command("report", "--from-dumps", save(answers), "--as-of", as_of).code == 0
    expected: Counter[tuple[str, str, str]] = Counter()
    for (account_id, region), answer in answers.items():
        for launch in answer["Reservations"]:
            for record in launch["Instances"]:
                if record["State"]["Name"] == "running":
                    expected[account_id, region, record["InstanceType"]] += 1
    counted = {
        (row["account_id"], row["region"], row["instance_type"]): int(row["running_instances"])
        for row in rows("running")
    }
    assert counted == dict(expected)
    assert expected.total() == (8 if (WEB, "us-east-1") in answers else 10)
    eligible = sum(int(row["running_instances"]) for row in rows("coverage"))
    others = [row for row in rows("not_eligible") if row["reason"] != "not_running"]
    assert eligible + len(others) == expected.total()


def test_what_does_not_run_is_shown_apart_and_in_no_count(command: Command) -> None:
    command("report", "--from-dumps", save(own_answers()), "--as-of", "2026-11-22T06:30Z")
    apart = {row["instance_id"]: row["reason"] for row in rows("not_eligible")}
    assert apart == {"i-13": "not_running", "i-14": "spot", "i-16": "not_running"}
    c5 = [row for row in rows("running") if row["instance_type"] == "c5.xlarge"]
    assert [row["running_instances"] for row in c5] == ["1"]


def test_purchases_are_listed_as_a_plain_loop_lists_them(
    command: Command, answers: Answers, as_of: str
) -> None:
    assert command("report", "--from-dumps", save(answers), "--as-of", as_of).code == 0
    expected = {
        (
            account_id,
            region,
            record["ReservedInstancesId"],
            record["InstanceType"],
            str(record["InstanceCount"]),
            record["State"],
            datetime.fromisoformat(record["End"]),
        )
        for (account_id, region), answer in answers.items()
        for record in answer["ReservedInstances"]
    }
    names = ("account_id", "region", "reservation_id", "instance_type", "instance_count", "state")
    listed = {
        (*(row[name] for name in names), datetime.fromisoformat(row["end"]))
        for row in rows("purchases")
    }
    assert listed == expected
    active = {record[2] for record in expected if record[5] == "active"}
    assert {row["reservation_id"] for row in rows("utilization")} == active


def test_coverage_of_our_own_answers_is_what_aws_documents(command: Command) -> None:
    """Sizes count 4 (large) and 16 (2xlarge) units; an xlarge reservation brings 8.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html
    """
    command("report", "--from-dumps", save(own_answers()), "--as-of", "2026-11-22T06:30Z")
    used = {row["reservation_id"]: float(row["used_units"]) for row in rows("utilization")}
    # Three On-Demand m5.large, one of them in the other account; 2xlarge within three xlarge.
    assert used == {"r-11": 3 * 4, "r-31": 16}
    unused = {row["reservation_id"]: float(row["unused_units"]) for row in rows("utilization")}
    assert unused == {"r-11": 4, "r-31": 8}
    borrowed = {row["account_id"]: float(row["borrowed_units"]) for row in rows("accounts")}
    assert borrowed == {WEB: 0, DATA: 4}


def test_a_missing_file_ends_with_3_and_the_rest_is_counted(command: Command) -> None:
    answers = own_answers()
    del answers[DATA, "us-east-1"]["Reservations"]
    ended = command("report", "--from-dumps", save(answers), "--as-of", "2026-11-22T06:30Z")
    assert ended.code == 3
    assert f"Instances not read: {DATA} in us-east-1: SKIPPED (no_file)" in ended.err
    assert "aws ec2 describe-instances --region us-east-1 --output json" in ended.err
    account = {row["account_id"]: row for row in rows("accounts")}[DATA]
    assert (account["running_instances"], account["purchased_units"]) == ("", "24.0")
    assert account["coverage_ratio"] == ""


def test_a_region_that_only_other_accounts_have_is_in_no_number_and_said_so(
    command: Command,
) -> None:
    ended = command("report", "--from-dumps", save(own_answers()), "--as-of", "2026-11-22T06:30Z")
    assert ended.code == 0
    warned = f"those of other accounts have these regions: {DATA} in eu-west-1;"
    assert warned in (made() / "report.json").read_text()
    told = {(row["region"], row["completeness"]) for row in rows("coverage")}
    assert told == {("us-east-1", "complete"), ("eu-west-1", "partial")}


def test_the_kept_snapshot_keeps_what_zonal_reservations_cover(command: Command) -> None:
    record = instance("i-1 m5.large running us-east-1a Linux/UNIX RunInstances -")
    inside = record | {"CapacityReservationId": "cr-0a"}
    bought = purchase("r-1 m5.large 1 active 2026-06-01T00:00:00+00:00 2027-05-31T23:59:59+00:00")
    zonal = bought | {"Scope": "Availability Zone", "AvailabilityZone": "us-east-1a"}
    launch = {"ReservationId": "l-1", "OwnerId": WEB, "Instances": [inside]}
    folder = save({(WEB, "us-east-1"): {"Reservations": [launch], "ReservedInstances": [zonal]}})
    settings = Path("ri-report.toml")
    covered = []
    for choice in ("", "[sharing]\nzonal_in_capacity_reservations = true\n"):
        settings.write_text(choice)
        command("report", "--from-dumps", folder, "--as-of", "2026-11-22T06:30Z")
        settings.unlink()
        command("report", "--snapshot", made() / "snapshot")
        covered += [row["covered_units"] for row in rows("coverage")]
    assert covered == ["0.0", "4.0"]


def test_a_page_of_several_ends_with_3_and_counts_nothing_of_it(command: Command) -> None:
    folder = save(own_answers())
    path = folder / WEB / "us-east-1" / "instances.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"NextToken": "abc"}))
    ended = command("report", "--from-dumps", folder, "--as-of", "2026-11-22T06:30Z")
    assert ended.code == 3
    account = {row["account_id"]: row for row in rows("accounts")}[WEB]
    assert account["running_instances"] == ""


def break_owner(folder: Path) -> None:
    path = folder / WEB / "us-east-1" / "instances.json"
    path.write_text(path.read_text().replace(WEB, DATA))


def break_accounts(folder: Path) -> None:
    (folder / "accounts.json").write_text("{")


def break_everything(folder: Path) -> None:
    for path in folder.glob("*/*/*.json"):
        path.write_text("{")


def break_layout(folder: Path) -> None:
    (folder / WEB).rename(folder / WEB[:11])


@pytest.mark.parametrize(
    ("damage", "code"),
    [(break_owner, 7), (break_accounts, 2), (break_layout, 2), (break_everything, 4)],
)
def test_what_no_report_can_be_made_of_ends_in_one_line_and_writes_nothing(
    command: Command, damage: Callable[[Path], None], code: int
) -> None:
    folder = save(own_answers())
    damage(folder)
    ended = command("report", "--from-dumps", folder, "--as-of", "2026-11-22T06:30Z")
    assert ended.code == code
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1
    assert "bug" not in ended.err
    assert not Path("reports").exists()


def test_accounts_without_answers_are_gaps_unless_they_are_closed(command: Command) -> None:
    folder = save(own_answers())
    listed = [
        {"Id": WEB, "Name": "web", "State": "ACTIVE"},
        {"Id": DATA, "Name": "data", "Status": "ACTIVE"},
        {"Id": "444455556666", "Name": "closed", "State": "SUSPENDED"},
    ]
    (folder / "accounts.json").write_text(json.dumps({"Accounts": listed}))
    call = ("report", "--from-dumps", folder, "--as-of", "2026-11-22T06:30Z")
    assert command(*call).code == 0
    readings = {row["account_name"]: row["reading"] for row in rows("accounts")}
    assert readings == {"web": "read", "data": "read", "closed": "not queried"}
    listed.append({"Id": "777788889999", "Name": "absent", "State": "ACTIVE"})
    (folder / "accounts.json").write_text(json.dumps({"Accounts": listed}))
    ended = command(*call)
    assert ended.code == 3
    assert "Not read: 777788889999 (absent): SKIPPED (no_file)" in ended.err


def test_the_kept_snapshot_gives_the_same_report(command: Command) -> None:
    call = ("report", "--from-dumps", save(own_answers()), "--as-of", "2026-11-22T06:30Z")
    assert command(*call).code == 0
    first = {p.name: p.read_bytes() for p in made().iterdir() if p.is_file()}
    assert command("report", "--snapshot", made() / "snapshot", "--output-dir", "again").code == 0
    again = {p.name: p.read_bytes() for p in next(Path("again").iterdir()).iterdir() if p.is_file()}
    assert set(first) == {"ri-report.html", "ri-report.xlsx", "report.json"}
    assert again == first


def test_the_moment_of_the_files_is_used_unless_one_is_said(command: Command) -> None:
    """Reporting the same folder twice gives the same run."""
    folder = save(own_answers())
    one = command("report", "--from-dumps", folder, "--format", "json")
    two = command("report", "--from-dumps", folder, "--format", "json")
    assert one.paths == two.paths
