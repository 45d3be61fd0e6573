"""The whole line, from an organization to the files of a report, through the command."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest

from ri_report import pipeline
from ri_report.report.outputs import PLACES
from ri_report.rules.analysis import analyze
from ri_report.sandbox.faults import Script
from ri_report.sandbox.identity import LONG_LIVED_SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing

    Command = Callable[..., Any]
    Serve = Callable[..., Any]

US = ("--region", "us-east-1", "--as-of", "2026-11-22T06:30Z", "--no-progress")
EVERY = ("--format", "html,xlsx,json,csv,parquet")
FACTS = ("--format", "json,csv")
RUN = Path("reports/2026-11-22T063000Z")
PAYER, WEB, DATA, OLD = "111111111111", "222222222222", "333333333333", "444444444444"
READABLE = """
management 111111111111 payer
run 2 m5.large us-east-1a
buy 5 m5.large us-east-1
account 222222222222 web
run 3 c5.xlarge us-east-1a
run 1 c5.xlarge us-east-1a lifecycle=spot
buy 2 c5.xlarge us-east-1a
"""
WITHOUT_ROLE = """
account 333333333333 data role=
run 9 r5.large us-east-1a
buy 9 r5.large us-east-1
"""
SUSPENDED = """
account 444444444444 closed-shop state=SUSPENDED
run 7 m5.large us-east-1a
"""
ELSEWHERE = """
management 111111111111 payer
enable ap-east-1
run 2 m5.large ap-east-1a
account 222222222222 web
run 3 c5.xlarge us-east-1a
"""
MEASURES = (
    "running_instances",
    "running_units",
    "covered_units",
    "coverage_ratio",
    "purchased_units",
    "used_units",
    "utilization_ratio",
)


def rows(table: str, folder: Path = RUN) -> list[dict[str, str]]:
    text = (folder / "tables" / f"{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def of_account(table: str, account_id: str) -> list[dict[str, str]]:
    return [row for row in rows(table) if row["account_id"] == account_id]


def facts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RUN / "report.json").read_bytes())
    return found


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def texts(folder: Path) -> dict[str, str]:
    """Every file of a run as text, what is packed unpacked."""
    found = {}
    for name, content in tree(folder).items():
        if name.endswith(".parquet"):
            found[name] = pd.read_parquet(io.BytesIO(content)).to_csv()
        elif name.endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                found |= {
                    f"{name}/{n}": packed.read(n).decode("latin-1") for n in packed.namelist()
                }
        else:
            found[name] = content.decode()
    return found


def test_a_run_over_everything_is_complete(command: Command, organization_served: Serve) -> None:
    organization_served(READABLE)
    assert command("run", *US, *FACTS).code == 0
    counts = {
        (row["account_id"], row["instance_type"]): int(row["running_instances"])
        for row in rows("running")
    }
    assert counts == {(PAYER, "m5.large"): 2, (WEB, "c5.xlarge"): 4}
    assert facts()["completeness"] == {
        "complete": True,
        "accounts_read": 2,
        "accounts_total": 2,
        "accounts_left_out": 0,
        "gaps": [],
    }
    # 2 of 5 bought m5.large (4 units each) and both c5.xlarge (8 units each) are in use.
    assert facts()["kpis"]["utilization"]["value"] == pytest.approx((2 * 4 + 2 * 8) / (5 * 4 + 16))
    # Of 2 m5.large and 3 On-Demand c5.xlarge, 2 and 2 are covered.
    assert facts()["kpis"]["coverage"]["value"] == pytest.approx((8 + 16) / (8 + 24))


def test_a_missing_role_ends_with_3_and_a_page_that_says_so_at_the_top(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + WITHOUT_ROLE)
    ended = command("run", *US, *EVERY)
    assert ended.code == 3
    assert f"Not read: {DATA} (data): DENIED (role)" in ended.err
    page = (RUN / "ri-report.html").read_text()
    body = re.sub(r"<[^>]+>", " ", page[page.index("<body>") :])
    top = " ".join(body[: body.index("Coverage and utilization")].split())
    assert top.startswith("Incomplete. 1 of 3 accounts was not read in full.")
    assert DATA in top
    assert "sts:AssumeRole" in top


def test_a_job_that_runs_as_a_role_reads_the_same(
    command: Command, organization_served: Serve
) -> None:
    """So it runs in production: its own credentials are a session, and it chains roles."""
    organization_served(READABLE + WITHOUT_ROLE)
    command("run", *US, *FACTS, "--output-dir", "user")
    organization_served(READABLE + WITHOUT_ROLE, job_role="ri-report-job")
    ended = command("run", *US, *FACTS, "--output-dir", "role")
    assert ended.code == 3
    role = f"arn:aws:iam::{PAYER}:role/ri-report-job"
    assert f'"Principal": {{"AWS": "{role}"}}' in ended.err
    assert command("run", "--dry-run").out.splitlines()[0].startswith(f"{PAYER}  read as {role}")
    for name in ("running", "utilization", "coverage", "accounts"):
        table = f"{RUN.name}/tables/{name}.csv"
        assert (Path("role") / table).read_bytes() == (Path("user") / table).read_bytes()


def test_an_account_that_was_not_read_is_unknown_and_never_zero(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + WITHOUT_ROLE)
    command("run", *US, *EVERY)
    (account,) = of_account("accounts", DATA)
    assert account["reading"] == "not read"
    assert {account[name] for name in MEASURES} == {""}
    (coverage,) = of_account("coverage_by_account", DATA)
    assert coverage.pop("completeness") == "unknown"
    assert (coverage.pop("account_id"), coverage.pop("account_name")) == (DATA, "data")
    assert set(coverage.values()) == {""}
    (running,) = of_account("running", DATA)
    assert running["running_instances"] == ""
    tables = facts()["tables"]
    assert {tables["accounts"]["total"][name] for name in MEASURES} == {None}
    assert tables["coverage_by_account"]["total"]["running_instances"] is None
    assert tables["running"]["total"]["running_instances"] is None
    assert [gap["account_id"] for gap in facts()["completeness"]["gaps"]] == [DATA]
    for name in ("utilization", "coverage"):
        kpi = facts()["kpis"][name]
        assert (kpi["standing"], kpi["caveat"]) == (
            "unknown",
            "Of what was read: 2 of 3 accounts",
        )
    page = (RUN / "ri-report.html").read_text()
    lines = re.findall(rf"<tr><th[^>]*>{DATA} <small>.*?</tr>", page)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in lines]
    assert len(cells) >= 3  # Accounts, Coverage by account, Running instances
    assert max(each.count("unknown") for each in cells) >= len(MEASURES)
    assert not any("0" in each for each in cells)


def test_what_one_account_denies_is_unknown_and_the_rest_is_kept(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + "deny ec2:DescribeReservedInstances\n")
    ended = command("run", *US, *FACTS)
    assert ended.code == 3
    assert f"Reservations not read: {WEB} (web) in us-east-1: DENIED (iam)" in ended.err
    (account,) = of_account("accounts", WEB)
    assert account["reading"] == "partly read"
    assert account["running_instances"] == "4"
    assert account["running_units"] == "24.0"
    unknown = ("covered_units", "coverage_ratio", "purchased_units", "used_units")
    assert {account[name] for name in unknown} == {""}
    (coverage,) = of_account("coverage_by_account", WEB)
    assert (coverage["running_instances"], coverage["coverage_ratio"]) == ("3", "")
    (payer,) = of_account("accounts", PAYER)
    assert payer["coverage_ratio"] == "1.0"


def test_denied_capacity_reservations_are_a_gap_and_the_rest_is_known(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + "deny ec2:DescribeCapacityReservations\n")
    ended = command("run", *US, *FACTS)
    assert ended.code == 3
    assert "ec2:DescribeCapacityReservations" in ended.err
    (account,) = of_account("accounts", WEB)
    assert (account["running_instances"], account["covered_units"]) == ("4", "16.0")
    (gap,) = of_account("gaps", WEB)
    assert (gap["region"], gap["kind"], gap["status"]) == (
        "us-east-1",
        "capacity_reservations",
        "DENIED",
    )


def test_unread_instances_leave_the_purchases_known(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + "deny ec2:DescribeInstances region=us-east-1 by=scp\n")
    ended = command("run", *US, *FACTS)
    assert ended.code == 3
    assert "DENIED (scp)" in ended.err
    (account,) = of_account("accounts", WEB)
    assert (account["purchased_units"], account["running_instances"]) == ("16.0", "")
    assert {account[name] for name in ("used_units", "utilization_ratio", "lent_units")} == {""}
    assert [row["reservation_id"] for row in of_account("purchases", WEB)]


def test_what_an_account_bought_is_not_called_idle_without_its_instances(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + "deny ec2:DescribeInstances\n")
    assert command("run", *US, *EVERY).code == 3
    (bought,) = of_account("utilization", WEB)
    unknown = ("used_units", "unused_units", "utilization_ratio", "lent_units")
    assert {bought[name] for name in unknown} == {""}
    assert (bought["purchased_units"], bought["unused_reason"]) == ("16.0", "not_all_read")
    (reason,) = [
        r for r in rows("unused_reasons") if r["reservation_id"] == bought["reservation_id"]
    ]
    assert (reason["reason"], reason["unused_units"]) == ("not_all_read", "")
    # 2 of 5 bought m5.large of the payer are in use; what web bought is in neither number.
    assert facts()["kpis"]["utilization"]["value"] == pytest.approx(2 / 5)
    assert facts()["kpis"]["unused_units"]["standing"] == "unknown"


def test_what_an_account_runs_is_not_called_uncovered_without_its_reservations(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + "deny ec2:DescribeReservedInstances\n")
    assert command("run", *US, *EVERY).code == 3
    (place,) = [row for row in rows("coverage") if row["instance_type"] == "c5.xlarge"]
    assert (place["running_instances"], place["covered_units"], place["coverage_ratio"]) == (
        "3",
        "",
        "",
    )
    (family,) = [row for row in rows("coverage_by_family") if row["family"] == "c5"]
    assert (family["running_units"], family["covered_units"]) == ("24.0", "")
    dark = of_account("uncovered", WEB)
    assert [(row["reason"], row["uncovered_units"]) for row in dark] == [("not_all_read", "")] * 3
    for pool in of_account("pools", WEB):
        assert {pool[n] for n in ("purchased_units", "used_units", "covered_units")} == {""}
    # All m5.large of the payer are covered; what web runs is in neither number.
    assert facts()["kpis"]["coverage"]["value"] == 1
    purchases = facts()["tables"]["purchases"]
    assert purchases["may_lack_rows"]
    assert purchases["total"]["instance_count"] is None
    assert "not read is not in it" in purchases["note"]
    page = (RUN / "ri-report.html").read_text()
    assert re.search(r"<td class=.unknown.>unknown of 3</td>", page)


def test_accounts_that_are_left_out_are_warned_of_and_the_run_is_complete(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE)
    ended = command("run", *US, *FACTS, "--exclude-account", WEB, "-q")
    assert ended.code == 0
    (line,) = ended.err.splitlines()
    assert line.startswith("warning: 1 account left out by the configuration: ")
    completeness = facts()["completeness"]
    assert (completeness["complete"], completeness["accounts_left_out"]) == (True, 1)
    (warning,) = [f["text"] for f in facts()["findings"] if f["level"] == "warning"]
    assert warning.startswith("1 account left out by the configuration")
    for kpi in ("utilization", "coverage", "unused_units", "uncovered_units"):
        assert facts()["kpis"][kpi]["standing"] == "unknown"
        assert "1 left out" in facts()["kpis"][kpi]["caveat"]


def test_an_account_without_any_wanted_region_has_nothing_to_read(
    command: Command, organization_served: Serve
) -> None:
    organization_served(ELSEWHERE)
    regions = ("--region", "ap-east-1", *US[2:])
    assert command("run", *regions, *FACTS).code == 0
    (account,) = of_account("accounts", WEB)
    assert account["reading"] == "nothing to read"
    assert {account[name] for name in ("running_instances", "purchased_units")} <= {"0", "0.0"}
    assert facts()["completeness"]["accounts_total"] == 2
    assert facts()["completeness"]["accounts_read"] == 2


def test_no_role_anywhere_ends_with_4_and_no_report(
    command: Command, organization_served: Serve
) -> None:
    organization_served("management 111111111111 payer\nrun 1 m5.large us-east-1a" + WITHOUT_ROLE)
    ended = command("run", *US)
    assert ended.code == 4
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1
    assert f"arn:aws:iam::{DATA}:role/CrossAccountInstanceCounter" in ended.err
    assert not Path("reports").exists()


def test_without_credentials_nothing_is_touched_and_one_line_says_what_to_do(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(READABLE)
    command("run", *US, *FACTS)
    before = tree(RUN)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    began = time.monotonic()
    ended = command("run", *US, *FACTS)
    assert time.monotonic() - began < 5
    assert ended.code == 4
    (line,) = ended.err.splitlines()
    assert line.startswith("error: no usable AWS credentials: ")
    assert "AWS_PROFILE" in line
    assert tree(RUN) == before


def test_refused_credentials_end_with_4(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(READABLE)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary/wrong")
    ended = command("run", *US)
    assert ended.code == 4
    assert len(ended.err.splitlines()) == 1
    assert "canary" not in ended.err
    assert not Path("reports").exists()


def test_an_account_that_is_not_active_is_listed_and_not_asked(
    command: Command, organization_served: Serve
) -> None:
    endpoint = organization_served(READABLE + SUSPENDED)
    assert command("run", *US, *FACTS).code == 0
    (account,) = of_account("accounts", OLD)
    assert (account["state"], account["reading"]) == ("SUSPENDED", "not queried")
    assert {account[name] for name in MEASURES} == {""}
    assert facts()["completeness"]["accounts_total"] == 2
    assert facts()["tables"]["accounts"]["total"]["running_instances"] == 6
    assert OLD not in {call.account_id for call in endpoint.calls}
    assert sum(call.operation == "AssumeRole" for call in endpoint.calls) == 1


@pytest.mark.parametrize(
    ("option", "read"),
    [
        (("--account", WEB), {WEB}),
        (("--account", WEB, "--account", PAYER), {WEB, PAYER}),
        (("--exclude-account", DATA), {WEB, PAYER}),
        (("--exclude-account", DATA, "--exclude-account", WEB), {PAYER}),
    ],
)
def test_accounts_can_be_chosen(
    command: Command, organization_served: Serve, option: tuple[str, ...], read: set[str]
) -> None:
    organization_served(READABLE + WITHOUT_ROLE)
    assert command("run", *US, *FACTS, *option).code == 0
    assert {r["account_id"] for r in rows("accounts") if r["reading"] == "read"} == read
    assert {r["account_id"] for r in rows("accounts")} == {PAYER, WEB, DATA}


def test_a_list_of_accounts_that_shrank_by_more_than_a_fifth_is_warned_of_loudly(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + WITHOUT_ROLE)
    command("run", *US, *FACTS, "--as-of", "2026-11-22T06:30Z")
    again = command("run", *US, *FACTS, "--as-of", "2026-11-22T07:30Z")
    assert "shrank" not in again.err
    organization_served(READABLE)
    later = command("run", *US, *FACTS, "--as-of", "2026-11-22T08:30Z")
    assert "the list of accounts shrank from 3 to 2" in later.err
    assert later.code == 0


@pytest.mark.parametrize("option", ["--account", "--exclude-account"])
def test_an_account_that_does_not_exist_is_refused_with_the_nearest(
    command: Command, organization_served: Serve, option: str
) -> None:
    organization_served(READABLE)
    ended = command("run", *US, option, "222222222223")
    assert ended.code == 2
    assert f"the nearest is {WEB}" in ended.err
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    "what",
    [
        "a link",
        "a file",
        "a link in place of the run",
        "a file in place of the run",
        "a link in place of the snapshot",
        "nothing above",
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_asked(
    command: Command, organization_served: Serve, what: str
) -> None:
    endpoint = organization_served(READABLE)
    place = Path("absent/reports" if what == "nothing above" else "reports")
    taken = {"run": RUN, "snapshot": RUN / "snapshot"}.get(what.rsplit(maxsplit=1)[-1], place)
    if what != "nothing above":
        taken.parent.mkdir(parents=True, exist_ok=True)
    if what.startswith("a file"):
        taken.write_text("mine")
    elif what.startswith("a link"):
        Path("elsewhere").mkdir()
        taken.symlink_to(Path("elsewhere").absolute())
    ended = command("run", *US, "--output-dir", place)
    assert ended.code == 2
    assert endpoint.calls == []


def test_a_snapshot_gives_the_same_files_again_byte_for_byte(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + WITHOUT_ROLE)
    command("run", *US, *EVERY)
    again = command("report", "--snapshot", RUN / "snapshot", "--output-dir", "again", *EVERY)
    assert again.code == 3
    assert f"Not read: {DATA} (data)" in again.err
    before = {name: c for name, c in tree(RUN).items() if not name.startswith("snapshot/")}
    assert len(before) > 30
    assert tree(Path("again") / RUN.name) == before


def test_a_rerun_leaves_no_output_of_before_and_nothing_else_is_touched(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE)
    command("run", *US, *EVERY)
    assert {path.name for path in RUN.iterdir()} == PLACES | {"snapshot"}
    (RUN / "notes.txt").write_text("mine")
    command("run", *US, "--format", "json,parquet")
    assert {path.name for path in RUN.iterdir()} == {
        "snapshot",
        "report.json",
        "tables",
        "notes.txt",
    }
    assert {path.suffix for path in (RUN / "tables").iterdir()} == {".parquet"}


def test_what_was_collected_is_kept_when_no_report_can_be_made_of_it(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(READABLE)
    command("run", *US, *FACTS)
    before = tree(RUN)
    organization_served(READABLE + SUSPENDED)
    monkeypatch.setattr(pipeline, "render", lambda *_: 1 // 0)
    assert command("run", *US, *FACTS).code == 4
    after = tree(RUN)
    changed = {name for name in before if before[name] != after[name]}
    assert after.keys() == before.keys()
    assert changed == {
        f"snapshot/{name}" for name in ("accounts.parquet", "outcomes.parquet", "manifest.json")
    }


def test_two_runs_over_the_same_facts_give_the_same_bytes(
    command: Command, organization_served: Serve
) -> None:
    """The two endpoints listen on different ports, and answer in whatever order they like."""
    for output in ("one", "two"):
        organization_served(READABLE + WITHOUT_ROLE + SUSPENDED)
        assert command("run", *US, *EVERY, "--output-dir", output).code == 3
    # What is kept for a resume notes the endpoint, which is another one for each.
    one, two = (
        {name: content for name, content in tree(Path(output)).items() if name[0] != "."}
        for output in ("one", "two")
    )
    assert len(one) > len(EVERY)
    assert one == two


def test_the_page_names_the_endpoint_that_is_not_aws(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE)
    command("run", *US, *EVERY)
    assert "127.0.0.1 (not AWS itself)" in (RUN / "ri-report.html").read_text()


def test_a_snapshot_is_reported_with_the_settings_of_its_run(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE)
    settings = Path("ri-report.toml")
    settings.write_text("[targets]\nutilization = 0.11\n")
    command("run", *US, "--format", "json")
    settings.write_text("[targets]\nutilization = 0.22\n")
    again = ("report", "--snapshot", RUN / "snapshot", "--output-dir", "again", "--format", "json")
    targets = []
    for more in ((), ("--config", settings)):
        assert command(*again, *more).code == 0
        made = json.loads((Path("again") / RUN.name / "report.json").read_bytes())
        targets.append(made["kpis"]["utilization"]["target"])
    assert targets == [0.11, 0.22]


STRANGER = "222222222223"
STRANGERS = {
    "organization.include_accounts": f'[organization]\ninclude_accounts = ["{STRANGER}"]',
    "organization.exclude_accounts": f'[organization]\nexclude_accounts = ["{STRANGER}"]',
    "account": f'[[account]]\nid = "{STRANGER}"',
    "sharing.deactivated_accounts": f'[sharing]\ndeactivated_accounts = ["{STRANGER}"]',
    "sharing.groups.shop": (
        f'[sharing]\nmode = "restricted"\n[sharing.groups]\nshop = ["{WEB}", "{STRANGER}"]'
    ),
}


@pytest.mark.parametrize("key", STRANGERS)
def test_an_account_of_the_file_that_does_not_exist_is_refused_before_any_role_is_assumed(
    command: Command, organization_served: Serve, key: str
) -> None:
    endpoint = organization_served(READABLE)
    Path("ri-report.toml").write_text(STRANGERS[key])
    ended = command("run", *US)
    assert ended.code == 2
    assert ended.err == (
        f"error: ri-report.toml: {key}: {STRANGER} is not among the 2 listed accounts; the nearest"
        f" is {WEB}\n"
    )
    assert not [call for call in endpoint.calls if call.operation == "AssumeRole"]
    assert not Path("reports").exists()


@pytest.mark.parametrize("key", [key for key in STRANGERS if key.startswith("sharing")])
def test_sharing_that_names_a_stranger_is_refused_for_what_is_stored_too(
    command: Command, organization_served: Serve, key: str
) -> None:
    organization_served(READABLE)
    command("collect", *US)
    Path("mine.toml").write_text(STRANGERS[key])
    folder = Path(f"dumps/{WEB}/us-east-1")
    folder.mkdir(parents=True)
    (folder / "instances.json").write_text('{"Reservations": []}')
    for stored in (("--snapshot", RUN / "snapshot"), ("--from-dumps", "dumps")):
        ended = command("report", *stored, "--config", "mine.toml", "--output-dir", "again")
        assert ended.code == 2
        assert f"mine.toml: {key}: {STRANGER} is not among" in ended.err
        assert not Path("again").exists()


@pytest.mark.parametrize("how", ["file", "RI_REPORT_REGION", "--region"])
def test_a_region_that_does_not_exist_is_refused_where_it_was_written(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    organization_served(READABLE)
    if how == "file":
        Path("ri-report.toml").write_text('[organization]\nregions = ["us-esat-1"]')
    elif how == "RI_REPORT_REGION":
        monkeypatch.setenv(how, "us-esat-1")
    place = "ri-report.toml: organization.regions" if how == "file" else how
    ended = command("run", "--no-progress", *(["--region", "us-esat-1"] * (how == "--region")))
    assert ended.code == 2
    said = f"error: {place}: 'us-esat-1' is no region of AWS's; the nearest is us-east-1\n"
    assert ended.err == said
    planned = command("run", "--dry-run", *(["--region", "us-esat-1"] * (how == "--region")))
    assert (planned.code, planned.out, planned.err) == (2, "", said)


def test_a_dry_run_that_may_not_ask_for_regions_says_that_they_are_not_checked(
    command: Command, organization_served: Serve
) -> None:
    endpoint = organization_served(READABLE)
    endpoint.faults = Script("ec2:DescribeRegions * * always: error UnauthorizedOperation 403")
    planned = command("run", "--dry-run", "--region", "us-esat-1")
    assert planned.code == 0
    assert len(planned.out.splitlines()) == 2
    assert planned.err.startswith("warning: --region not checked: ec2:DescribeRegions")
    assert {call.operation for call in endpoint.calls} == {
        "GetCallerIdentity",
        "ListAccounts",
        "DescribeOrganization",
        "DescribeRegions",
    }


def test_a_dry_run_refuses_a_folder_that_a_run_could_not_write_to(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE)
    place = ("--output-dir", "absent/reports")
    planned, ended = command("run", "--dry-run", *place), command("run", *US, *place)
    assert planned.code == ended.code == 2
    assert "absent does not exist" in planned.err
    assert planned.err == ended.err


GROUP_OF = '[sharing]\nmode = "restricted"\n[sharing.groups]\nshop = ["{}"]'
PAYER_IN_GROUP = (
    f"sharing.groups: {PAYER} in group shop is the management account, which AWS leaves out of"
    " every group; correct it"
)


def test_the_management_account_in_a_group_is_refused_and_what_was_read_is_kept(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE)
    settings = Path("my settings.toml")
    settings.write_text(GROUP_OF.format(PAYER))
    ended = command("run", *US, "--format", "json", "--config", settings)
    assert ended.code == 2
    assert ended.err.startswith(
        f"error: my settings.toml: {PAYER_IN_GROUP}; the snapshot keeps it as it was: "
    )
    assert len(ended.err.splitlines()) == 1
    assert [path.name for path in RUN.iterdir()] == ["snapshot"]
    settings.write_text(GROUP_OF.format(WEB))
    (named,) = re.findall(r"`ri-report (report .*)`", ended.err)
    assert command(*shlex.split(named)).code == 0
    warnings = [f["text"] for f in facts()["findings"] if f["level"] == "warning"]
    assert [text for text in warnings if PAYER in text and "serve only itself" in text]


def test_the_management_account_in_a_group_is_refused_where_the_group_was_written(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE)
    settings = Path("mine.toml")
    settings.write_text(GROUP_OF.format(PAYER))
    assert command("collect", *US, "--config", settings).code == 0
    stored = ("--snapshot", RUN / "snapshot")
    said = f"error: {RUN / 'snapshot'}: {PAYER_IN_GROUP} in a file, and name that with --config\n"
    for asked in (("report", *stored), ("explain", "i-1", *stored)):
        ended = command(*asked)
        assert (ended.code, ended.err) == (2, said)
        ended = command(*asked, "--config", settings)
        assert (ended.code, ended.err) == (2, f"error: mine.toml: {PAYER_IN_GROUP}\n")
    planned = command("run", "--dry-run", "--config", settings)
    assert (planned.code, planned.out) == (2, "")
    assert planned.err == f"error: mine.toml: {PAYER_IN_GROUP}\n"


def test_groups_are_kept_with_the_snapshot(command: Command, organization_served: Serve) -> None:
    organization_served(READABLE)
    Path("ri-report.toml").write_text(
        f'[sharing]\nmode = "prioritized"\n[sharing.groups]\nshop = ["{WEB}"]'
    )
    assert command("run", *US, "--format", "json").code == 0
    first = (RUN / "report.json").read_bytes()
    again = ("report", "--snapshot", RUN / "snapshot", "--output-dir", "again", "--format", "json")
    assert command(*again).code == 0
    assert (Path("again") / RUN.name / "report.json").read_bytes() == first
    (told,) = [m["definition"] for m in facts()["method"] if m["term"] == "Sharing"]
    assert f"Group shop: {WEB}." in told


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        (lambda snapshot: (snapshot / "instances.parquet").unlink(), 7, "instances.parquet"),
        (lambda snapshot: (snapshot / "manifest.json").unlink(), 2, "is not a snapshot"),
        (lambda snapshot: (snapshot / "manifest.json").write_text("{}"), 2, "schema version None"),
        (lambda snapshot: (snapshot / "manifest.json").write_text("{"), 7, "is not whole"),
        (
            lambda snapshot: (snapshot / "manifest.json").write_text('{"schema_version": 9}'),
            2,
            "schema version 9",
        ),
    ],
)
def test_a_damaged_snapshot_is_refused_in_one_line(
    command: Command,
    organization_served: Serve,
    damage: Callable[[Path], object],
    code: int,
    said: str,
) -> None:
    organization_served(READABLE)
    command("collect", *US)
    damage(RUN / "snapshot")
    ended = command("report", "--snapshot", RUN / "snapshot", "--output-dir", "again")
    assert ended.code == code
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not Path("again").exists()


TAMPERED: dict[str, Callable[[Analysis], Analysis]] = {
    "a unit more covered": lambda a: replace(
        a, covered=a.covered.assign(covered_units=a.covered["covered_units"] + 1)
    ),
    "a unit less used": lambda a: replace(
        a, utilization=a.utilization.assign(used_units=a.utilization["used_units"] - 1)
    ),
    "a place left out": lambda a: replace(a, coverage=a.coverage.iloc[1:]),
    "an account left out": lambda a: replace(a, coverage_by_account=a.coverage_by_account.iloc[1:]),
    "a pool left out": lambda a: replace(a, pools=a.pools.iloc[1:]),
    "an allocation left out": lambda a: replace(a, allocations=a.allocations.iloc[1:]),
    "more lent than borrowed": lambda a: replace(
        a, pools=a.pools.assign(lent_units=a.pools["lent_units"] + 1)
    ),
    "a reason left out": lambda a: replace(a, unused_reasons=a.unused_reasons.iloc[1:]),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_numbers_that_contradict_each_other_are_never_written(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def tampered(inventory: Inventory, sharing: Sharing) -> Analysis:
        return TAMPERED[how](analyze(inventory, sharing))

    organization_served(READABLE)
    monkeypatch.setattr(pipeline, "analyze", tampered)
    ended = command("run", *US, *FACTS)
    assert ended.code == 7
    assert len(ended.err.splitlines()) == 1
    assert [path.name for path in RUN.iterdir()] == ["snapshot"]


def test_no_secret_is_in_anything_that_is_written(
    command: Command, organization_served: Serve
) -> None:
    endpoint = organization_served(
        READABLE.replace("222222222222 web", "222222222222 web external-id=canary-4711")
        + WITHOUT_ROLE.replace("role=", "external-id=canary-4712")
    )
    ended = command("run", *US, *EVERY, "--external-id", "canary-4711", "-v")
    assert ended.code == 3
    assert any(call.operation == "AssumeRole" for call in endpoint.calls)
    shown = texts(RUN) | {"stdout": ended.out, "stderr": ended.err}
    for secret in ("canary", LONG_LIVED_SECRET_KEY, "ASIA", "AKIA", "SessionToken"):
        assert [name for name, text in shown.items() if secret in text] == []


def test_the_workbook_says_unknown_for_the_account_that_was_not_read(
    command: Command, organization_served: Serve
) -> None:
    organization_served(READABLE + WITHOUT_ROLE)
    command("run", *US, *EVERY)
    with closing(openpyxl.load_workbook(RUN / "ri-report.xlsx")) as book:
        values = [[cell.value for cell in row] for row in book["Accounts"].iter_rows()]
    (line,) = [row for row in values if row and row[0] == DATA]
    assert 0 not in line
    assert line.count("unknown") >= len(MEASURES)
