"""What a collection keeps, and the one outcome in which each cell ends."""

from __future__ import annotations

import threading
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.errors import ConfigError, IntegrityError, NoReportError
from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    ZONES,
)
from ri_report.sandbox.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ri_report.inventory.schema import Inventory

    Worlds = Callable[..., Any]
    Gather = Callable[..., Inventory]

TWO = ("us-east-1", "eu-west-1")
COMPANY = """
management 111111111111 payer
run 2 m5.large us-east-1a
buy 3 m5.large us-east-1
account 222222222222 web
zones us-east-1 use1-az6 use1-az1 use1-az2 use1-az4 use1-az3 use1-az5
run 3 c5.xlarge us-east-1a
run 1 c5.xlarge eu-west-1b state=stopped
buy 2 c5.xlarge us-east-1a
account 333333333333 data
run 4 r5.large eu-west-1a
"""


def cells(inventory: Inventory, **where: str) -> pd.DataFrame:
    outcomes = inventory.outcomes
    for name, value in where.items():
        outcomes = outcomes[outcomes[name] == value]
    return outcomes


def statuses(inventory: Inventory, **where: str) -> set[tuple[str, str]]:
    chosen = cells(inventory, **where)
    return set(zip(chosen["status"], chosen["reason"], strict=True))


def test_every_running_instance_and_every_reservation_is_kept(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY)
    seen = gather(regions=TWO)
    running = seen.instances.groupby(["account_id", "region"]).size().to_dict()
    assert running == {
        ("111111111111", "us-east-1"): 2,
        ("222222222222", "us-east-1"): 3,
        ("333333333333", "eu-west-1"): 4,
    }
    bought = seen.reservations.set_index("account_id")["instance_count"].to_dict()
    assert bought == {"111111111111": 3, "222222222222": 2}
    for frame, declared in (
        (seen.accounts, ACCOUNTS),
        (seen.instances, INSTANCES),
        (seen.reservations, RESERVATIONS),
        (seen.capacity_reservations, CAPACITY_RESERVATIONS),
        (seen.zones, ZONES),
        (seen.outcomes, OUTCOMES),
    ):
        assert declared.check(frame).equals(frame)


def test_each_account_region_and_kind_has_exactly_one_outcome(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY)
    outcomes = gather(regions=TWO).outcomes
    expected = {
        (account_id, region, kind)
        for account_id in ("111111111111", "222222222222", "333333333333")
        for region in TWO
        for kind in ("instances", "reservations", "capacity_reservations", "zones")
    }
    assert sorted(map(tuple, outcomes[["account_id", "region", "kind"]].to_numpy())) == sorted(
        expected
    )
    assert set(outcomes["status"]) == {"OK", "EMPTY"}
    assert not outcomes["is_gap"].any()


def test_no_region_wanted_means_every_region_that_the_account_has_enabled(
    world: Worlds, gather: Gather
) -> None:
    world(
        "management 111111111111 payer\nenable me-south-1\naccount 222222222222 web\n"
        "run 1 m5.large us-east-1a"
    )
    outcomes = gather().outcomes
    regions = outcomes.groupby("account_id")["region"].agg(set)
    assert regions["111111111111"] - regions["222222222222"] == {"me-south-1"}
    assert set(outcomes["status"]) == {"OK", "EMPTY"}


def test_a_wanted_region_that_an_account_has_not_enabled_is_skipped_without_a_call(
    world: Worlds, gather: Gather
) -> None:
    there = world(COMPANY)
    seen = gather(regions=("us-east-1", "me-south-1"))
    assert statuses(seen, region="me-south-1") == {("SKIPPED", "not_opted_in")}
    assert len(cells(seen, region="me-south-1")) == 12
    assert not seen.outcomes["is_gap"].any()
    assert not [call for call in there.calls if call.region == "me-south-1"]


def test_a_region_that_does_not_exist_is_refused_with_the_nearest_one(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY)
    with pytest.raises(ConfigError, match=r"^a key: 'eu-wst-1'.*nearest is eu-west-1$"):
        gather(regions=("us-east-1", "eu-wst-1"), regions_from="a key")


def test_the_regions_of_each_account_are_asked_for_once_and_at_home(
    world: Worlds, gather: Gather
) -> None:
    there = world(COMPANY)
    gather(regions=TWO)
    assert there.called("DescribeRegions") == {
        ("111111111111", "us-east-1"): 1,
        ("222222222222", "us-east-1"): 1,
        ("333333333333", "us-east-1"): 1,
    }


def test_a_home_region_that_is_denied_does_not_lose_the_wanted_ones(
    world: Worlds, gather: Gather
) -> None:
    deny = "deny ec2:DescribeRegions region=us-east-1 by=scp"
    there = world(
        COMPANY.replace("account 333333333333 data", f"account 333333333333 data\n{deny}")
    )
    seen = gather(regions=("me-south-1", "eu-west-1"))
    assert statuses(seen, account_id="333333333333", kind="instances") == {
        ("OK", ""),
        ("SKIPPED", "not_opted_in"),
    }
    assert set(there.called("DescribeRegions")) == {
        (account, "eu-west-1") for account in ("111111111111", "222222222222", "333333333333")
    }
    (gap,) = cells(gather(), account_id="333333333333").to_dict("records")
    assert (gap["kind"], gap["status"], gap["reason"]) == ("regions", "DENIED", "scp")
    assert "AWS_REGION" in gap["fix"]


@pytest.mark.parametrize("wanted", ["cn-north-1", "us-gov-west-1", "cn-nroth-1"])
def test_a_region_of_another_partition_is_refused(
    world: Worlds, gather: Gather, wanted: str
) -> None:
    world(COMPANY)
    with pytest.raises(ConfigError, match=f"'{wanted}' is no region"):
        gather(regions=(wanted,))


def test_zone_ids_are_those_of_the_account_that_owns_the_row(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)

    def without_zone_ids(body: bytes) -> Response:
        start, end = b"<availabilityZoneId>", b"</availabilityZoneId>"
        while start in body:
            head, _, rest = body.partition(start)
            body = head + rest.partition(end)[2]
        return Response(200, {"Content-Type": "text/xml"}, body)

    there.spoil("DescribeInstances", without_zone_ids)
    there.spoil("DescribeReservedInstances", without_zone_ids)
    seen = gather(regions=TWO)
    named_a = seen.instances[seen.instances["availability_zone"] == "us-east-1a"]
    ids = named_a.groupby("account_id")["availability_zone_id"].agg(set).to_dict()
    zones = seen.zones[seen.zones["availability_zone"] == "us-east-1a"]
    truth = zones.set_index("account_id")["availability_zone_id"]
    assert ids == {
        "111111111111": {truth["111111111111"]},
        "222222222222": {"use1-az6"},
    }
    assert truth["111111111111"] != "use1-az6"
    zonal = seen.reservations[seen.reservations["scope"] == "zonal"]
    assert zonal["availability_zone_id"].tolist() == ["use1-az6"]


def test_a_missing_role_is_a_gap_of_that_account_and_of_no_other(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY.replace("account 333333333333 data", "account 333333333333 data role="))
    seen = gather(regions=TWO)
    (gap,) = cells(seen, account_id="333333333333").to_dict("records")
    assert (gap["region"], gap["kind"], gap["status"], gap["reason"], gap["is_gap"]) == (
        "",
        "account",
        "DENIED",
        "role",
        True,
    )
    assert "arn:aws:iam::333333333333:role/CrossAccountInstanceCounter" in gap["fix"]
    assert '"Principal": {"AWS": "arn:aws:iam::111111111111:user/ri-report"}' in gap["fix"]
    assert "sts:AssumeRole" in gap["fix"]
    assert len(seen.instances) == 5
    assert set(cells(seen, account_id="222222222222")["status"]) == {"OK", "EMPTY"}


def test_a_wrong_external_id_is_a_denied_role_and_a_right_one_is_not(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY.replace("account 333333333333 data", "account 333333333333 data external-id=k-9"))
    wrong = gather(regions=TWO)
    assert statuses(wrong, account_id="333333333333") == {("DENIED", "role")}
    right = gather(regions=TWO, external_id="k-9")
    assert not right.outcomes["is_gap"].any()


def test_one_kind_that_is_denied_does_not_lose_the_others(world: Worlds, gather: Gather) -> None:
    world(
        COMPANY.replace(
            "account 333333333333 data",
            "account 333333333333 data\ndeny ec2:DescribeReservedInstances",
        )
    )
    seen = gather(regions=TWO)
    denied = cells(seen, account_id="333333333333", kind="reservations")
    assert statuses(seen, account_id="333333333333", kind="reservations") == {("DENIED", "iam")}
    assert denied["is_gap"].all()
    assert denied["fix"].str.contains("ec2:DescribeReservedInstances").all()
    assert len(seen.instances[seen.instances["account_id"] == "333333333333"]) == 4


DENIED_AWAY = COMPANY.replace(
    "account 333333333333 data",
    "account 333333333333 data\ndeny ec2:DescribeInstances region=eu-west-1 by=scp",
)


def test_a_service_control_policy_is_named_as_such(world: Worlds, gather: Gather) -> None:
    world(DENIED_AWAY)
    seen = gather(regions=TWO)
    where = {"account_id": "333333333333", "kind": "instances"}
    assert statuses(seen, region="eu-west-1", **where) == {("DENIED", "scp")}
    assert statuses(seen, region="us-east-1", **where) == {("EMPTY", "")}


def test_a_denied_region_that_the_configuration_leaves_out_is_no_gap(
    world: Worlds, gather: Gather
) -> None:
    there = world(DENIED_AWAY)
    seen = gather(regions=("us-east-1",))
    assert not seen.outcomes["is_gap"].any()
    assert {region for _, region in there.called("DescribeInstances")} == {"us-east-1"}


def test_an_account_whose_regions_are_denied_has_one_outcome(world: Worlds, gather: Gather) -> None:
    world(
        COMPANY.replace(
            "account 333333333333 data", "account 333333333333 data\ndeny ec2:DescribeRegions"
        )
    )
    (gap,) = cells(gather(regions=TWO), account_id="333333333333").to_dict("records")
    assert (gap["region"], gap["kind"], gap["status"]) == ("", "regions", "DENIED")


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "CLOSED"])
def test_an_account_that_is_not_active_is_listed_but_not_asked(
    state: str, world: Worlds, gather: Gather
) -> None:
    there = world(f"{COMPANY}\naccount 444444444444 old state={state}")
    seen = gather(regions=TWO)
    assert statuses(seen, account_id="444444444444") == {("SKIPPED", "account_state")}
    assert seen.accounts.set_index("account_id").loc["444444444444", "state"] == state
    assert "role/CrossAccount" in "".join(there.bodies).replace("%2F", "/")
    assert "444444444444" not in "".join(there.bodies)
    assert not seen.outcomes["is_gap"].any()


def test_excluded_accounts_are_listed_but_not_asked(world: Worlds, gather: Gather) -> None:
    world(COMPANY)
    seen = gather(regions=TWO, exclude_accounts=("222222222222",))
    assert statuses(seen, account_id="222222222222") == {("SKIPPED", "excluded")}
    only = gather(regions=TWO, accounts=("222222222222",))
    assert set(only.instances["account_id"]) == {"222222222222"}
    assert statuses(only, account_id="111111111111") == {("SKIPPED", "excluded")}
    assert len(only.accounts) == 3


def test_the_job_reads_its_own_account_without_a_role(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    gather(regions=TWO)
    bodies = "".join(there.bodies)
    assert "111111111111%3Arole" not in bodies
    assert "222222222222%3Arole" in bodies


def html(_: bytes) -> Response:
    return Response(200, {"Content-Type": "text/html"}, b"<html><body>Sign in</body></html>")


def test_what_is_not_the_answer_asked_for_is_malformed_and_never_zero(
    world: Worlds, gather: Gather
) -> None:
    spoilers: dict[str, Callable[[bytes], Response]] = {
        "html": html,
        "empty": lambda _: Response(200, {}, b""),
        "json": lambda _: Response(200, {}, b'{"Reservations": []}'),
        "no set": lambda b: Response(200, {}, b.replace(b"reservationSet", b"otherSet")),
        "no request id": lambda b: Response(200, {}, b.replace(b"requestId", b"otherId")),
        "cut": lambda b: Response(200, {}, b[: len(b) // 2]),
        "no instance id": lambda b: Response(200, {}, b.replace(b"instanceId", b"instanceKey")),
    }
    there = world(COMPANY)
    for name, spoil in spoilers.items():
        there.faults.clear()
        there.spoil("DescribeInstances", spoil, region="eu-west-1")
        seen = gather(regions=TWO)
        ended = cells(seen, account_id="333333333333", region="eu-west-1", kind="instances")
        assert ended["status"].tolist() == ["MALFORMED"], name
        assert ended["row_count"].tolist() == [0], name
        assert "333333333333" not in set(seen.instances["account_id"]), name
        assert set(cells(seen, region="us-east-1")["status"]) <= {"OK", "EMPTY"}, name


def test_reservations_without_their_list_are_malformed(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    there.spoil("DescribeReservedInstances", html)
    there.spoil("DescribeAvailabilityZones", html)
    seen = gather(regions=TWO)
    assert set(cells(seen, kind="reservations")["status"]) == {"MALFORMED"}
    assert set(cells(seen, kind="zones")["status"]) == {"MALFORMED"}
    assert set(cells(seen, kind="instances")["status"]) == {"OK", "EMPTY"}
    assert seen.reservations.empty


def test_a_count_that_is_no_number_is_malformed(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    there.spoil(
        "DescribeReservedInstances",
        lambda b: Response(200, {}, b.replace(b"<instanceCount>3<", b"<instanceCount>x<")),
    )
    seen = gather(regions=TWO)
    where = {"account_id": "111111111111", "region": "us-east-1"}
    assert {status for status, _ in statuses(seen, kind="reservations", **where)} == {"MALFORMED"}
    assert seen.reservations["account_id"].tolist() == ["222222222222"]


def test_pages_are_all_read_and_a_failing_page_leaves_no_partial_count(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ri_report.aws.cells.PAGE_SIZE", 5)
    there = world("management 111111111111 payer\nrun 23 m5.large us-east-1a")
    assert len(gather(regions=("us-east-1",)).instances) == 23
    assert there.called("DescribeInstances") == {("111111111111", "us-east-1"): 5}
    true_pages = 3

    def last_pages_fail(body: bytes) -> Response:
        nonlocal true_pages
        true_pages -= 1
        return Response(200, {}, body if true_pages >= 0 else body[:200])

    there.spoil("DescribeInstances", last_pages_fail)
    seen = gather(regions=("us-east-1",))
    assert statuses(seen, kind="instances") == {("MALFORMED", "ResponseParserError")}
    assert seen.instances.empty


def tokens(*names: str) -> Callable[[bytes], Response]:
    """Answer with these paging tokens in turn, again and again, for ever."""
    turn = 0

    def answer(body: bytes) -> Response:
        nonlocal turn
        token = f"<nextToken>{names[turn % len(names)]}</nextToken>".encode()
        turn += 1
        closing = b"</DescribeInstancesResponse>"
        return Response(200, {}, body.replace(closing, token + closing))

    return answer


@pytest.mark.parametrize("cycle", [("A",), ("A", "B"), ("A", "B", "C")])
def test_a_cycle_of_paging_tokens_is_malformed(
    cycle: tuple[str, ...], world: Worlds, gather: Gather
) -> None:
    there = world("management 111111111111 payer\nrun 3 m5.large us-east-1a")
    whole: list[bytes] = []

    def always_the_first(body: bytes) -> Response:
        whole.append(body)
        return again(whole[0])

    again = tokens(*cycle)
    there.spoil("DescribeInstances", always_the_first)
    seen = gather(regions=("us-east-1",))
    assert statuses(seen, kind="instances") == {("MALFORMED", "token_cycle")}
    assert len(whole) == len(cycle) + 1


def test_an_instance_on_two_pages_is_counted_once(world: Worlds, gather: Gather) -> None:
    there = world("management 111111111111 payer\nrun 3 m5.large us-east-1a")
    whole: list[bytes] = []

    def twice(body: bytes) -> Response:
        whole.append(body)
        return tokens("A")(whole[0]) if len(whole) == 1 else Response(200, {}, whole[0])

    there.spoil("DescribeInstances", twice)
    seen = gather(regions=("us-east-1",))
    assert len(whole) == 2
    assert len(seen.instances) == 3


def test_states_sent_despite_the_filter_are_kept_with_their_state(
    world: Worlds, gather: Gather
) -> None:
    there = world("management 111111111111 payer\nrun 3 m5.large us-east-1a")
    there.spoil(
        "DescribeInstances",
        lambda b: Response(200, {}, b.replace(b"<name>running<", b"<name>stopped<", 1)),
    )
    states = gather(regions=("us-east-1",)).instances["state"]
    assert sorted(states) == ["running", "running", "stopped"]
    sent = next(body for body in there.bodies if "DescribeInstances" in body)
    assert "instance-state-name" in sent
    assert "MaxResults=1000" in sent


HELD = """
management 111111111111 payer
hold 20 m5.large us-east-1a name=peak shared_with=222222222222 billed_to=222222222222
hold 2 m5.large us-east-1a name=past state=expired ends=-3
run 8 m5.large us-east-1a capacity_reservation=peak
account 222222222222 web
zones us-east-1 use1-az6 use1-az1 use1-az2 use1-az4 use1-az3 use1-az5
run 3 m5.large us-east-1b capacity_reservation=peak
hold 4 c5.xlarge us-east-1c name=batch platform=Windows ends=9
hold 1 p5.48xlarge us-east-1d name=block reservation_type=capacity-block ends=9
"""


def test_capacity_reservations_are_kept_with_their_owner_and_with_who_pays(
    world: Worlds, gather: Gather
) -> None:
    there = world(HELD)
    seen = gather(regions=("us-east-1",))
    names = ["account_id", "instance_type", "platform", "total_instances", "available_instances"]
    told = seen.capacity_reservations.sort_values(names)
    (paid,) = told[told["owner_id"] != ""].to_dict("records")
    assert (paid["account_id"], paid["owner_id"]) == ("222222222222", "111111111111")
    assert (paid["availability_zone"], paid["availability_zone_id"]) == ("us-east-1b", "use1-az1")
    held = told[told["owner_id"] == ""]
    assert held[names].to_numpy().tolist() == [
        ["111111111111", "m5.large", "Linux/UNIX", 20, 9],
        ["222222222222", "c5.xlarge", "Windows", 4, 4],
        ["222222222222", "p5.48xlarge", "Linux/UNIX", 1, 1],
    ]
    assert held["reservation_type"].tolist() == ["default", "default", "capacity-block"]
    assert held["unused_billing_owner_id"].tolist() == ["222222222222", "", ""]
    assert held["availability_zone_id"].tolist() == ["use1-az1", "use1-az2", "use1-az4"]
    assert held["end"].isna().tolist() == [True, False, False]
    inside = seen.instances[seen.instances["capacity_reservation_id"] != ""]
    assert inside.groupby("account_id").size().to_dict() == {"111111111111": 8, "222222222222": 3}
    assert set(inside["capacity_reservation_id"]) == {held["capacity_reservation_id"].iloc[0]}
    sent = next(body for body in there.bodies if "Action=DescribeCapacity" in body)
    assert "Filter.1.Name=state&Filter.1.Value.1=active" in sent
    assert "MaxResults=1000" in sent


def test_zone_ids_of_capacity_reservations_come_from_the_map_of_who_told_of_them(
    world: Worlds, gather: Gather
) -> None:
    there = world(HELD)
    there.spoil(
        "DescribeCapacityReservations",
        lambda b: Response(200, {}, b.replace(b"availabilityZoneId", b"otherZoneId")),
    )
    held = gather(regions=("us-east-1",)).capacity_reservations
    assert held.loc[held["owner_id"] != "", "availability_zone_id"].tolist() == ["use1-az1"]
    theirs = held.loc[held["owner_id"] == "", "availability_zone_id"]
    assert sorted(theirs) == ["use1-az1", "use1-az2", "use1-az4"]


def test_pages_of_capacity_reservations_are_all_read_or_none_is_kept(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ri_report.aws.cells.PAGE_SIZE", 5)
    many = "".join(f"hold 2 m5.large us-east-1a name=held-{number}\n" for number in range(12))
    there = world(f"management 111111111111 payer\n{many}")
    assert len(gather(regions=("us-east-1",)).capacity_reservations) == 12
    assert there.called("DescribeCapacityReservations") == {("111111111111", "us-east-1"): 3}
    true_pages = 2

    def last_page_fails(body: bytes) -> Response:
        nonlocal true_pages
        true_pages -= 1
        return Response(200, {}, body if true_pages >= 0 else body[:200])

    there.spoil("DescribeCapacityReservations", last_page_fails)
    seen = gather(regions=("us-east-1",))
    assert statuses(seen, kind="capacity_reservations") == {("MALFORMED", "ResponseParserError")}
    assert seen.capacity_reservations.empty


def test_a_paging_token_of_capacity_reservations_that_comes_back_is_malformed(
    world: Worlds, gather: Gather
) -> None:
    there = world(HELD)
    closing = b"</DescribeCapacityReservationsResponse>"
    whole: list[bytes] = []

    def same_token(body: bytes) -> Response:
        whole.append(body)
        return Response(200, {}, whole[0].replace(closing, b"<nextToken>A</nextToken>" + closing))

    there.spoil("DescribeCapacityReservations", same_token)
    seen = gather(regions=("us-east-1",), exclude_accounts=("222222222222",))
    assert statuses(seen, kind="capacity_reservations") == {("MALFORMED", "token_cycle")}
    assert len(whole) == 2


def test_states_of_capacity_sent_despite_the_filter_are_not_kept(
    world: Worlds, gather: Gather
) -> None:
    there = world(HELD)
    there.spoil(
        "DescribeCapacityReservations",
        lambda b: Response(200, {}, b.replace(b"<state>active<", b"<state>cancelled<")),
    )
    seen = gather(regions=("us-east-1",))
    assert seen.capacity_reservations.empty
    assert statuses(seen, kind="capacity_reservations") == {("EMPTY", "")}


def test_denied_capacity_reservations_are_a_gap_and_the_rest_is_kept(
    world: Worlds, gather: Gather
) -> None:
    world(HELD + "deny ec2:DescribeCapacityReservations\n")
    seen = gather(regions=("us-east-1",))
    where = {"account_id": "222222222222", "kind": "capacity_reservations"}
    (denied,) = cells(seen, **where).to_dict("records")
    assert (denied["status"], denied["reason"], denied["is_gap"]) == ("DENIED", "iam", True)
    assert "ec2:DescribeCapacityReservations" in denied["fix"]
    assert seen.outcomes["is_gap"].sum() == 1
    assert seen.capacity_reservations["account_id"].tolist() == ["111111111111"]
    assert len(seen.instances) == 11


def test_capacity_reservations_without_their_list_are_malformed(
    world: Worlds, gather: Gather
) -> None:
    there = world(HELD)
    there.spoil("DescribeCapacityReservations", html)
    seen = gather(regions=("us-east-1",))
    assert {status for status, _ in statuses(seen, kind="capacity_reservations")} == {"MALFORMED"}
    assert len(seen.instances) == 11


def test_an_instance_of_another_owner_is_an_integrity_outcome(
    world: Worlds, gather: Gather
) -> None:
    there = world(COMPANY)
    there.spoil(
        "DescribeInstances",
        lambda b: Response(200, {}, b.replace(b"333333333333</ownerId", b"999999999999</ownerId")),
    )
    seen = gather(regions=TWO)
    where = {"account_id": "333333333333", "region": "eu-west-1", "kind": "instances"}
    assert statuses(seen, **where) == {("INTEGRITY", "other_account")}
    assert "999999999999" in cells(seen, **where)["detail"].iloc[0]


def test_a_role_of_another_account_is_an_integrity_outcome(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    there.spoil(
        "AssumeRole",
        lambda b: Response(200, {}, b.replace(b"sts::333333333333", b"sts::222222222222")),
    )
    seen = gather(regions=TWO)
    assert statuses(seen, account_id="333333333333") == {("INTEGRITY", "other_account")}


def test_one_instance_in_two_accounts_ends_the_run(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    first: list[bytes] = []

    def same_id(body: bytes) -> Response:
        ids = [part.split(b"<")[0] for part in body.split(b"<instanceId>")[1:]]
        if ids:
            first.append(ids[0])
            body = body.replace(ids[0], first[0])
        return Response(200, {}, body)

    there.spoil("DescribeInstances", same_id)
    with pytest.raises(IntegrityError, match=r"instance_id i-\w+ was seen in account"):
        gather(regions=TWO)


def test_throttling_that_ends_leaves_no_trace_and_throttling_that_stays_is_an_outcome(
    world: Worlds, gather: Gather
) -> None:
    there = world(COMPANY)
    clean = gather(regions=TWO)
    there.refuse("DescribeInstances", "RequestLimitExceeded", status=503, times=4)
    assert gather(regions=TWO).instances.equals(clean.instances)
    there.faults.clear()
    there.refuse("DescribeInstances", "RequestLimitExceeded", status=503, region="eu-west-1")
    seen = gather(regions=TWO)
    assert statuses(seen, region="eu-west-1", kind="instances") == {
        ("THROTTLED", "RequestLimitExceeded")
    }
    assert set(cells(seen, kind="reservations")["status"]) == {"OK", "EMPTY"}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_twice_is_tried_again(status: int, world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    there.refuse("DescribeInstances", "InternalError", status=status, times=2)
    assert not gather(regions=TWO).outcomes["is_gap"].any()


def test_credentials_that_end_in_the_middle_are_renewed_once(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    clean = gather(regions=TWO)
    before = len([c for c in there.calls if c.operation == "AssumeRole"])
    there.refuse("DescribeInstances", "RequestExpired", region="eu-west-1", times=1)
    again = gather(regions=TWO, concurrency=1, accounts=("222222222222", "333333333333"))
    assert not again.outcomes["is_gap"].any()
    assert len([c for c in there.calls if c.operation == "AssumeRole"]) == before + 2 + 1
    assert clean.instances["account_id"].nunique() == 3


@pytest.mark.parametrize("concurrency", [1, 16])
def test_credentials_that_cannot_be_renewed_leave_the_cell_expired(
    world: Worlds, gather: Gather, concurrency: int
) -> None:
    there = world(COMPANY)
    there.refuse("DescribeInstances", "RequestExpired")
    there.spoil("AssumeRole", lambda b: Response(200, {}, b), times=2)
    there.refuse("AssumeRole", "AccessDenied", status=403)
    seen = gather(regions=TWO, concurrency=concurrency)
    assert set(cells(seen, kind="instances")["status"]) == {"EXPIRED"}
    assert set(cells(seen, kind="reservations")["status"]) == {"OK", "EMPTY"}


def test_no_account_read_at_all_ends_the_run_with_the_reason_and_the_fix(
    world: Worlds, gather: Gather
) -> None:
    world(
        "management 111111111111 payer\naccount 222222222222 web role=\n"
        "account 333333333333 data role="
    )
    with pytest.raises(NoReportError, match=r"2 of 2 times because of DENIED \(role\)") as caught:
        gather(regions=TWO, exclude_accounts=("111111111111",))
    assert "trust policy" in str(caught.value)
    assert "\n" not in str(caught.value)


DENIALS = {
    "the role": " role=",
    "regions": "\ndeny ec2:DescribeRegions",
    "both lists": "\ndeny ec2:DescribeInstances\ndeny ec2:DescribeReservedInstances by=scp",
}


@pytest.mark.parametrize(("web", "data"), [*product(DENIALS, DENIALS)])
def test_denials_in_every_linked_account_end_the_run_although_its_own_account_was_read(
    world: Worlds, gather: Gather, web: str, data: str
) -> None:
    world(
        f"management 111111111111 payer\naccount 222222222222 web{DENIALS[web]}\n"
        f"account 333333333333 data{DENIALS[data]}"
    )
    with pytest.raises(NoReportError, match="in none of the 2 linked accounts") as caught:
        gather(regions=TWO)
    assert "first in account 222222222222: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_list_of_one_linked_account_makes_a_report(world: Worlds, gather: Gather) -> None:
    world(
        "management 111111111111 payer\naccount 222222222222 web role=\n"
        "account 333333333333 data\ndeny ec2:DescribeInstances"
    )
    assert set(cells(gather(regions=TWO), kind="reservations")["status"]) == {"EMPTY"}


def test_answers_all_of_other_accounts_are_an_integrity_error(
    world: Worlds, gather: Gather
) -> None:
    there = world("management 111111111111 payer\naccount 222222222222 web")
    there.spoil(
        "AssumeRole",
        lambda b: Response(200, {}, b.replace(b"sts::222222222222", b"sts::333333333333")),
    )
    with pytest.raises(IntegrityError, match="answered for account 333333333333"):
        gather(regions=TWO, exclude_accounts=("111111111111",))


def test_two_runs_over_the_same_organization_give_equal_frames(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY)
    one, other = gather(regions=TWO), gather(regions=TWO[::-1], concurrency=2)
    for name in (
        "accounts",
        "instances",
        "reservations",
        "capacity_reservations",
        "zones",
        "outcomes",
    ):
        assert getattr(one, name).equals(getattr(other, name)), name


def test_the_inventory_says_where_it_comes_from(world: Worlds, gather: Gather) -> None:
    there = world(COMPANY)
    seen = gather(regions=TWO)
    assert seen.source == "aws"
    assert seen.run == "test"
    assert seen.caller_account_id == "111111111111"
    assert there.url.startswith(f"http://{seen.endpoint}:")


class Recorder:
    def __init__(self) -> None:
        self.total = 0
        self.ended: dict[str, bool] = {}
        self.threads: set[int] = set()

    def listed(self, accounts: int) -> None:
        self.total += accounts

    def done(self, account_id: str, *, failed: bool) -> None:
        assert account_id not in self.ended
        self.ended[account_id] = failed
        self.threads.add(threading.get_ident())


def test_progress_tells_each_account_once_and_from_the_calling_thread(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY.replace("account 333333333333 data", "account 333333333333 data role="))
    progress = Recorder()
    gather(regions=TWO, progress=progress)
    assert progress.total == 3
    assert progress.ended == {"111111111111": False, "222222222222": False, "333333333333": True}
    assert progress.threads == {threading.get_ident()}


def test_at_most_the_given_number_of_calls_is_under_way(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(COMPANY)
    lock, under_way, most = threading.Lock(), 0, 0
    truth = there.spoiled

    def counted(*arguments: Any) -> Response:  # noqa: ANN401 - passed on as it is
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            answer: Response = truth(*arguments)
            return answer
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(there, "spoiled", counted)
    gather(concurrency=2)
    assert 1 <= most <= 2


def test_a_call_that_was_throttled_for_long_is_still_asked_again_when_it_then_fails_otherwise(
    world: Worlds, gather: Gather
) -> None:
    there = world(COMPANY)
    clean = gather(regions=TWO)
    there.refuse(
        "DescribeInstances", "RequestLimitExceeded", status=503, region="eu-west-1", times=9
    )
    there.refuse("DescribeInstances", "InternalError", status=500, region="eu-west-1", times=2)
    seen = gather(regions=TWO, accounts=("333333333333",))
    assert not seen.outcomes["is_gap"].any()
    data = clean.instances[clean.instances["account_id"] == "333333333333"]
    assert seen.instances.equals(data.reset_index(drop=True))
