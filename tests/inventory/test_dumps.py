"""Saved AWS CLI answers: what is missing or unreadable is a gap, and none is left out silently."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.errors import ConfigError, IntegrityError, NoReportError, RiReportError
from ri_report.inventory.dumps import read_dumps

if TYPE_CHECKING:
    from pathlib import Path

    from ri_report.inventory.schema import Inventory

WEB, DATA, OLD = "111122223333", "012345678901", "444455556666"
AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
INSTANCE = {
    "InstanceId": "i-1",
    "InstanceType": "m5.large",
    "State": {"Code": 16, "Name": "running"},
    "Placement": {"AvailabilityZone": "us-east-1a", "Tenancy": "default"},
    "PlatformDetails": "Linux/UNIX",
    "UsageOperation": "RunInstances",
    "LaunchTime": "2026-01-05T08:00:00+00:00",
    "Tags": [{"Key": "Name", "Value": "web-1"}],
}
RESERVATION = {
    "ReservedInstancesId": "11111111-2222-3333-4444-555555555555",
    "InstanceType": "m5.large",
    "InstanceCount": 3,
    "State": "active",
    "Scope": "Region",
    "ProductDescription": "Linux/UNIX",
    "InstanceTenancy": "default",
    "Start": "2026-01-01T00:00:00+00:00",
    "End": "2026-12-31T23:59:59+00:00",
    "Duration": 31536000,
}


def instances(*records: dict[str, Any], owner: str = WEB) -> dict[str, Any]:
    launches = [
        {"ReservationId": f"r-{number}", "OwnerId": owner, "Instances": [record]}
        for number, record in enumerate(records)
    ]
    return {"Reservations": launches}


def reservations(*records: dict[str, Any]) -> dict[str, Any]:
    return {"ReservedInstances": list(records)}


def save(folder: Path, files: dict[str, Any]) -> Path:
    """Write each answer, as JSON unless it is text already."""
    for name, answer in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(answer if isinstance(answer, str) else json.dumps(answer))
    return folder


def whole(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - answers of any form
    """One account and region, read in full, and other files beside or instead of them."""
    here = f"{WEB}/us-east-1"
    files = {
        f"{here}/instances.json": instances(INSTANCE),
        f"{here}/reserved-instances.json": reservations(RESERVATION),
    }
    named = {name.replace("__", "/").replace("_", "-") + ".json": a for name, a in more.items()}
    return files | named


def gaps(inventory: Inventory) -> set[tuple[str, str, str, str, str]]:
    rows = inventory.outcomes[inventory.outcomes["is_gap"]]
    names = ("account_id", "region", "kind", "status", "reason")
    return set(zip(*(rows[name] for name in names), strict=True))


def refusal(kind: type[RiReportError], folder: Path) -> str:
    with pytest.raises(kind) as refused:
        read_dumps(folder, AS_OF)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_region_read_in_full_has_no_gap(tmp_path: Path) -> None:
    seen = read_dumps(save(tmp_path, whole()), AS_OF)
    assert gaps(seen) == set()
    assert seen.instances["instance_id"].tolist() == ["i-1"]
    assert seen.instances["name"].tolist() == ["web-1"]
    assert seen.reservations["instance_count"].tolist() == [3]
    assert seen.accounts["account_id"].tolist() == [WEB]
    assert seen.accounts["is_management"].isna().all()
    assert (seen.source, seen.endpoint, seen.as_of) == ("dumps", "", AS_OF)
    assert seen.run == "2026-11-22T063000Z"


def test_an_answer_without_records_is_empty_and_no_gap(tmp_path: Path) -> None:
    here = f"{WEB}/us-east-1"
    files = {
        f"{here}/instances.json": instances(),
        f"{here}/reserved-instances.json": reservations(),
    }
    seen = read_dumps(save(tmp_path, files), AS_OF)
    assert set(seen.outcomes["status"]) == {"EMPTY"}
    assert gaps(seen) == set()


@pytest.mark.parametrize("kind", ["instances", "reservations"])
def test_a_missing_file_is_a_gap_that_names_the_command(kind: str, tmp_path: Path) -> None:
    name = {"instances": "instances", "reservations": "reserved-instances"}[kind]
    files = whole()
    del files[f"{WEB}/us-east-1/{name}.json"]
    seen = read_dumps(save(tmp_path, files), AS_OF)
    assert gaps(seen) == {(WEB, "us-east-1", kind, "SKIPPED", "no_file")}
    (fix,) = seen.outcomes.loc[seen.outcomes["is_gap"], "fix"]
    assert f"aws ec2 describe-{name} --region us-east-1 --output json" in fix


def test_missing_zones_are_no_gap(tmp_path: Path) -> None:
    seen = read_dumps(save(tmp_path, whole()), AS_OF)
    assert "zones" not in set(seen.outcomes["kind"])


HELD = {
    "CapacityReservationId": "cr-1",
    "OwnerId": WEB,
    "InstanceType": "m5.large",
    "InstancePlatform": "Linux/UNIX",
    "AvailabilityZone": "us-east-1a",
    "TotalInstanceCount": 5,
    "AvailableInstanceCount": 2,
    "State": "active",
    "StartDate": "2026-01-01T00:00:00+00:00",
}
HELD_FILE = f"{WEB}/us-east-1/capacity-reservations.json"


def held(*records: dict[str, Any]) -> dict[str, Any]:
    return {HELD_FILE: {"CapacityReservations": list(records)}}


def test_missing_capacity_reservations_are_not_known_and_no_gap(tmp_path: Path) -> None:
    seen = read_dumps(save(tmp_path, whole()), AS_OF)
    assert "capacity_reservations" not in set(seen.outcomes["kind"])
    assert gaps(seen) == set()


def test_own_active_capacity_reservations_are_kept(tmp_path: Path) -> None:
    lent = HELD | {"CapacityReservationId": "cr-2", "OwnerId": DATA}
    ended = HELD | {"CapacityReservationId": "cr-3", "State": "expired"}
    zones = {"AvailabilityZones": [{"ZoneName": "us-east-1a", "ZoneId": "use1-az4"}]}
    files = whole() | held(HELD, lent, ended)
    files[f"{WEB}/us-east-1/availability-zones.json"] = zones
    seen = read_dumps(save(tmp_path, files), AS_OF)
    (row,) = seen.capacity_reservations.to_dict("records")
    assert (row["account_id"], row["capacity_reservation_id"]) == (WEB, "cr-1")
    assert (row["total_instances"], row["available_instances"]) == (5, 2)
    assert row["availability_zone_id"] == "use1-az4"
    (outcome,) = seen.outcomes[seen.outcomes["kind"] == "capacity_reservations"].to_dict("records")
    assert (outcome["status"], outcome["row_count"]) == ("OK", 1)


@pytest.mark.parametrize("is_owner_asked", [True, False])
def test_a_shared_capacity_reservation_is_told_by_its_owner_and_by_who_pays(
    tmp_path: Path, *, is_owner_asked: bool
) -> None:
    lent = HELD | {"OwnerId": DATA, "UnusedReservationBillingOwnerId": WEB}
    files = whole() | held(lent)
    if is_owner_asked:
        files[f"{DATA}/us-east-1/capacity-reservations.json"] = {"CapacityReservations": [lent]}
    told = read_dumps(save(tmp_path, files), AS_OF).capacity_reservations
    owners = dict(zip(told["account_id"], told["owner_id"], strict=True))
    assert owners == {WEB: DATA} | ({DATA: ""} if is_owner_asked else {})


def test_no_capacity_reservations_are_empty_and_no_gap(tmp_path: Path) -> None:
    seen = read_dumps(save(tmp_path, whole() | held()), AS_OF)
    kind = seen.outcomes["kind"] == "capacity_reservations"
    assert seen.outcomes.loc[kind, "status"].tolist() == ["EMPTY"]
    assert gaps(seen) == set()


@pytest.mark.parametrize(
    "content", ["{", '{"Reservations": []}', '{"CapacityReservations": [{"OwnerId": "1"}]}']
)
def test_unreadable_capacity_reservations_are_a_gap_and_the_rest_is_kept(
    content: str, tmp_path: Path
) -> None:
    seen = read_dumps(save(tmp_path, whole() | {HELD_FILE: content}), AS_OF)
    assert gaps(seen) == {(WEB, "us-east-1", "capacity_reservations", "MALFORMED", "")}
    (fix,) = seen.outcomes.loc[seen.outcomes["is_gap"], "fix"]
    assert "aws ec2 describe-capacity-reservations --region us-east-1" in fix
    assert seen.capacity_reservations.empty
    assert len(seen.instances) == len(seen.reservations) == 1


def test_capacity_reservations_of_another_region_end_the_run(tmp_path: Path) -> None:
    files = whole() | held(HELD | {"AvailabilityZone": "eu-west-1a"})
    assert HELD_FILE in refusal(IntegrityError, save(tmp_path, files))


def test_zone_ids_come_from_the_accounts_own_map(tmp_path: Path) -> None:
    zones = {
        "AvailabilityZones": [
            {"ZoneName": "us-east-1a", "ZoneId": "use1-az4", "ZoneType": "availability-zone"}
        ]
    }
    files = whole()
    files[f"{WEB}/us-east-1/availability-zones.json"] = zones
    seen = read_dumps(save(tmp_path, files), AS_OF)
    assert seen.instances["availability_zone_id"].tolist() == ["use1-az4"]
    assert seen.zones["availability_zone_id"].tolist() == ["use1-az4"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "cannot be read as JSON"),
        ('{"Reservations": [', "cannot be read as JSON"),
        ("<html>Sign in</html>", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[]", "has no Reservations"),
        ('{"ReservedInstances": []}', "has no Reservations"),
        ('{"Reservations": {}}', "Reservations is not a list of objects"),
        ('{"Reservations": ["i-1"]}', "Reservations is not a list of objects"),
        ('{"Reservations": null}', "Reservations is not a list of objects"),
        ('{"Reservations": [], "NextToken": "abc"}', "one page of several"),
        ('{"Reservations": [{"Instances": [{"InstanceId": "i-1"}]}]}', "InstanceType"),
    ],
)
def test_an_unreadable_file_is_a_gap_and_the_rest_is_kept(
    content: str, why: str, tmp_path: Path
) -> None:
    files = whole()
    files[f"{WEB}/us-east-1/instances.json"] = content
    seen = read_dumps(save(tmp_path, files), AS_OF)
    assert gaps(seen) == {(WEB, "us-east-1", "instances", "MALFORMED", "")}
    (detail,) = seen.outcomes.loc[seen.outcomes["is_gap"], "detail"]
    assert f"{WEB}/us-east-1/instances.json" in detail
    assert why in detail
    assert len(seen.instances) == 0
    assert len(seen.reservations) == 1


def test_no_record_of_a_half_readable_file_is_kept(tmp_path: Path) -> None:
    broken = INSTANCE | {"InstanceId": "i-2", "State": {}}
    files = whole() | {f"{WEB}/us-east-1/instances.json": instances(INSTANCE, broken)}
    seen = read_dumps(save(tmp_path, files), AS_OF)
    assert len(seen.instances) == 0
    assert gaps(seen) == {(WEB, "us-east-1", "instances", "MALFORMED", "")}


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    save(tmp_path, whole())
    path = tmp_path / WEB / "us-east-1" / "instances.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_dumps(tmp_path, AS_OF).instances) == 1


@pytest.mark.parametrize("name", ["\ud800 lone", "nul \0", "esc \x1b[2J", "\ufffe", "x" * 40_000])
def test_a_strange_tag_is_kept_as_text(name: str, tmp_path: Path) -> None:
    strange = INSTANCE | {"Tags": [{"Key": "Name", "Value": name}]}
    files = whole() | {f"{WEB}/us-east-1/instances.json": instances(strange)}
    seen = read_dumps(save(tmp_path, files), AS_OF)
    assert seen.instances["name"].tolist() == [name.replace("\ud800", "\ufffd")]


def test_an_answer_of_another_account_ends_the_run_and_names_the_file(tmp_path: Path) -> None:
    files = whole() | {f"{WEB}/us-east-1/instances.json": instances(INSTANCE, owner=DATA)}
    said = refusal(IntegrityError, save(tmp_path, files))
    assert IntegrityError.exit_code == 7
    assert f"{WEB}/us-east-1/instances.json" in said
    assert DATA in said


def test_an_answer_of_another_region_ends_the_run(tmp_path: Path) -> None:
    """Instances would stand in a region where no reservation of theirs is."""
    here = f"{WEB}/eu-west-1"
    files = {
        f"{here}/instances.json": instances(INSTANCE),
        f"{here}/reserved-instances.json": reservations(),
    }
    said = refusal(IntegrityError, save(tmp_path, files))
    assert f"{here}/instances.json" in said
    assert "us-east-1a" in said


def test_local_and_wavelength_zones_belong_to_their_region(tmp_path: Path) -> None:
    far = [
        INSTANCE | {"InstanceId": f"i-{zone}", "Placement": {"AvailabilityZone": zone}}
        for zone in ("us-east-1-bos-1a", "us-east-1-wl1-bos-wlz-1")
    ]
    files = whole() | {f"{WEB}/us-east-1/instances.json": instances(*far)}
    assert len(read_dumps(save(tmp_path, files), AS_OF).instances) == 2


@pytest.mark.parametrize("what", ["instances", "reserved-instances"])
def test_one_record_in_two_accounts_ends_the_run(what: str, tmp_path: Path) -> None:
    answers = {
        "instances": instances(),
        "reserved-instances": reservations(),
    }
    files = whole() | {f"{DATA}/us-east-1/{name}.json": a for name, a in answers.items()}
    twin = {
        "instances": instances(INSTANCE, owner=DATA),
        "reserved-instances": reservations(RESERVATION),
    }
    files[f"{DATA}/us-east-1/{what}.json"] = twin[what]
    said = refusal(IntegrityError, save(tmp_path, files))
    assert f"{WEB} in us-east-1" in said
    assert f"{DATA} in us-east-1" in said


def accounts(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Accounts": list(records)}


def test_an_active_account_without_a_folder_is_a_gap(tmp_path: Path) -> None:
    listed = accounts(
        {"Id": WEB, "Name": "web", "State": "ACTIVE"},
        {"Id": DATA, "Name": "data", "Status": "ACTIVE"},
    )
    seen = read_dumps(save(tmp_path, whole(accounts=listed)), AS_OF)
    assert gaps(seen) == {(DATA, "", "account", "SKIPPED", "no_file")}
    assert seen.accounts["account_name"].tolist() == ["data", "web"]


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "CLOSED"])
def test_an_account_that_is_not_active_needs_no_folder(state: str, tmp_path: Path) -> None:
    listed = accounts({"Id": WEB, "State": "ACTIVE"}, {"Id": OLD, "Name": "old", "State": state})
    seen = read_dumps(save(tmp_path, whole(accounts=listed)), AS_OF)
    assert gaps(seen) == set()
    row = seen.outcomes[seen.outcomes["account_id"] == OLD].iloc[0]
    assert (row["status"], row["reason"]) == ("SKIPPED", "account_state")
    assert state in row["detail"]


def test_a_region_that_only_another_account_has_is_said_not_to_be_saved(tmp_path: Path) -> None:
    """It may be one that the account does not use, so it is no gap; but nobody has looked."""
    files = whole()
    for place in (f"{WEB}/eu-central-1", f"{DATA}/eu-central-1"):
        files |= {
            f"{place}/instances.json": instances(),
            f"{place}/reserved-instances.json": reservations(),
        }
    files["accounts.json"] = accounts({"Id": OLD, "Status": "ACTIVE"})
    outcomes = read_dumps(save(tmp_path, files), AS_OF).outcomes
    (told,) = outcomes[outcomes["reason"] == "not_saved"].to_dict("records")
    assert (told["account_id"], told["region"], told["kind"]) == (DATA, "us-east-1", "regions")
    assert (told["status"], told["is_gap"]) == ("SKIPPED", False)
    assert told["detail"] == "no folder of this region, of which another account has one"
    assert f"{DATA}/us-east-1/" in told["fix"]
    assert set(outcomes.loc[outcomes["is_gap"], "account_id"]) == {OLD}


def test_an_account_folder_without_regions_is_a_gap(tmp_path: Path) -> None:
    save(tmp_path, whole())
    (tmp_path / DATA).mkdir()
    seen = read_dumps(tmp_path, AS_OF)
    assert gaps(seen) == {(DATA, "", "account", "SKIPPED", "no_file")}
    assert seen.accounts["account_id"].tolist() == [DATA, WEB]


def test_the_management_account_is_known_from_the_organization(tmp_path: Path) -> None:
    answer = {"Organization": {"Id": "o-example", "MasterAccountId": WEB}}
    seen = read_dumps(save(tmp_path, whole(organization=answer)), AS_OF)
    assert seen.accounts["is_management"].tolist() == [True]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("accounts", "{"),
        ("accounts", "[" * 100_000),
        ("accounts", '{"Accounts": {}}'),
        ("accounts", '{"Accounts": ["111122223333"]}'),
        ("accounts", '{"Accounts": [{"Name": "web", "State": "ACTIVE"}]}'),
        ("accounts", '{"Accounts": [{"Id": "111122223333"}]}'),
        ("accounts", '{"Accounts": [], "NextToken": "abc"}'),
        ("accounts", '{"Accounts": [{"Id": 12345678901, "State": "ACTIVE"}]}'),
        ("accounts", '{"Accounts": [{"Id": "11122223333", "State": "ACTIVE"}]}'),
        ("organization", "nonsense"),
        ("organization", '{"Organization": []}'),
        ("organization", '{"Organization": {"Id": "o-example"}}'),
        ("organization", '{"Organization": {"MasterAccountId": ["111122223333"]}}'),
    ],
)
def test_a_wrong_list_of_accounts_is_refused_by_name(
    name: str, content: str, tmp_path: Path
) -> None:
    save(tmp_path, whole())
    (tmp_path / f"{name}.json").write_text(content)
    said = refusal(ConfigError, tmp_path)
    assert said.startswith(f"{tmp_path / name}.json: ")
    assert ConfigError.exit_code == 2


def test_a_folder_whose_name_is_no_account_id_is_refused(tmp_path: Path) -> None:
    """Leaving it out would be a silent zero."""
    files = whole() | {"11122223333/us-east-1/instances.json": instances()}
    said = refusal(ConfigError, save(tmp_path, files))
    assert f"{tmp_path / '11122223333'}" in said
    assert "12 digits" in said


@pytest.mark.parametrize("region", ["us-east1", "US-EAST-1", "use1", "us-east-1a"])
def test_a_folder_whose_name_is_no_region_is_refused(region: str, tmp_path: Path) -> None:
    files = whole() | {f"{WEB}/{region}/instances.json": instances()}
    said = refusal(ConfigError, save(tmp_path, files))
    assert f"{tmp_path / WEB / region}" in said
    assert "region" in said


def test_other_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    files = whole() | {"notes/readme.txt": "hello", "reports/run/report.json": "{}"}
    seen = read_dumps(save(tmp_path, files), AS_OF)
    assert gaps(seen) == set()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'absent'}: there is no such folder" in refusal(
        ConfigError, tmp_path / "absent"
    )


def test_a_folder_without_accounts_says_what_it_should_hold(tmp_path: Path) -> None:
    assert "<12-digit account id>/<region>/" in refusal(ConfigError, tmp_path)


@pytest.mark.parametrize("listed", [None, {"Id": OLD, "State": "SUSPENDED"}])
def test_no_report_is_made_of_nothing_but_gaps(
    listed: dict[str, str] | None, tmp_path: Path
) -> None:
    files: dict[str, Any] = {f"{WEB}/us-east-1/instances.json": "{"}
    if listed:
        files["accounts.json"] = accounts({"Id": WEB, "State": "ACTIVE"}, listed)
    said = refusal(NoReportError, save(tmp_path, files))
    assert NoReportError.exit_code == 4
    assert "instances.json: cannot be read as JSON" in said


def test_no_report_is_made_of_zones_alone(tmp_path: Path) -> None:
    answer = {"AvailabilityZones": [{"ZoneName": "us-east-1a", "ZoneId": "use1-az4"}]}
    refusal(NoReportError, save(tmp_path, {f"{WEB}/us-east-1/availability-zones.json": answer}))


def test_no_report_is_made_of_empty_folders(tmp_path: Path) -> None:
    (tmp_path / WEB / "us-east-1").mkdir(parents=True)
    with pytest.raises(NoReportError, match="there is no such file"):
        read_dumps(tmp_path, None)


def test_the_moment_is_that_of_the_newest_answer(tmp_path: Path) -> None:
    save(tmp_path, whole() | {"reports/run/report.json": "{}"})
    here = tmp_path / WEB / "us-east-1"
    os.utime(here / "instances.json", (1_700_000_000, 1_700_000_000))
    os.utime(here / "reserved-instances.json", (1_700_000_100, 1_700_000_100))
    seen = read_dumps(tmp_path, None)
    assert seen.as_of == datetime.fromtimestamp(1_700_000_100, UTC)


def test_the_order_of_the_folders_changes_nothing(tmp_path: Path) -> None:
    other = INSTANCE | {"InstanceId": "i-0"}
    files = whole() | {
        f"{DATA}/us-east-1/instances.json": instances(other, owner=DATA),
        f"{DATA}/us-east-1/reserved-instances.json": reservations(),
    }
    one = read_dumps(save(tmp_path / "one", files), AS_OF)
    two = read_dumps(save(tmp_path / "two", dict(reversed(files.items()))), AS_OF)
    assert one.instances.equals(two.instances)
    assert one.outcomes.equals(two.outcomes)
    assert one.instances["instance_id"].tolist() == ["i-0", "i-1"]


def test_no_report_is_made_of_a_suspended_account_alone(tmp_path: Path) -> None:
    listed = accounts({"Id": OLD, "State": "SUSPENDED"})
    save(tmp_path, {"accounts.json": listed})
    (tmp_path / OLD).mkdir()
    assert "the account is SUSPENDED" in refusal(NoReportError, tmp_path)


def test_equal_answers_in_another_folder_give_equal_inventories(tmp_path: Path) -> None:
    place = f"{WEB}/us-east-1"
    files = {f"{place}/instances.json": "{", f"{WEB}/eu-west-1/instances.json": instances()}
    found = []
    for name in ("one", "two"):
        folder = save(tmp_path / name, files)
        (folder / WEB / "eu-west-1" / "reserved-instances.json").mkdir()
        found.append(read_dumps(folder, AS_OF))
    one, two = found
    assert one.outcomes.equals(two.outcomes)
    details = " ".join(one.outcomes["detail"])
    assert f"{place}/instances.json: cannot be read as JSON" in details
    assert f"{place}/reserved-instances.json: there is no such file" in details
    assert f"{WEB}/eu-west-1/reserved-instances.json: cannot be read (Is a directory)" in details
    assert str(tmp_path) not in details
