"""A text of statements becomes an organization, or a line that is wrong is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.organization import Denial, Role

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
START = "management 999988887777 org\naccount 012345678901 web\n"


def test_statements_below_an_account_are_about_it() -> None:
    organization = organization_from(
        """
        management 999988887777 org
        account 012345678901 "web shop" state=PENDING_CLOSURE role=Reader external-id=x1
        enable ap-east-1    # a comment
        deny ec2:DescribeInstances region=eu-west-1 by=scp
        account 111122223333 data role=
        """,
        AS_OF,
    )
    web, data = organization.accounts[1:]
    assert (web.account_id, web.name, web.state) == ("012345678901", "web shop", "PENDING_CLOSURE")
    assert web.roles == (Role("Reader", "x1"),)
    assert web.has_enabled("ap-east-1")
    assert web.denials == (Denial("ec2:DescribeInstances", "eu-west-1", "scp"),)
    assert data.roles == ()
    assert not data.has_enabled("ap-east-1")


def test_same_text_and_moment_give_an_equal_organization() -> None:
    text = START + "run 3 m5.large us-east-1a name=api\nbuy 2 m5.large us-east-1 ends=30"
    assert organization_from(text, AS_OF) == organization_from(text, AS_OF)


def test_ids_differ_between_accounts_and_launches() -> None:
    fleet = "run 2 m5.large us-east-1a\nrun 2 m5.large us-east-1a\n"
    organization = organization_from(START + fleet + "account 111122223333 b\n" + fleet, AS_OF)
    ids = [
        instance["InstanceId"]
        for account in organization.accounts
        for instance in account.instances.get("us-east-1", ())
    ]
    assert len(set(ids)) == 8


def test_moments_of_the_same_day_are_the_same_second() -> None:
    text = "buy 1 m5.large us-east-1 ends=-9 starts=-30\nbuy 1 m5.large us-east-1 starts=-9 ends=9"
    old, new = organization_from(START + text, AS_OF).accounts[1].reserved_instances["us-east-1"]
    assert old["End"] == new["Start"]


@pytest.mark.parametrize("days", [1, 30, 90, 365])
def test_end_lies_within_six_hours_before_the_day_that_is_named(days: int) -> None:
    text = START + f"buy 1 m5.large us-east-1 ends={days}"
    (bought,) = organization_from(text, AS_OF).accounts[1].reserved_instances["us-east-1"]
    assert timedelta(0) <= AS_OF + timedelta(days=days) - bought["End"] < timedelta(hours=6)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rent 3 m5.large us-east-1a", "a statement starts with one of"),
        ("run 3 m5.large us-moon-1a", "us-moon-1a: not a Region or zone"),
        ("run 3 m5.large us-east-1x", "the account has the zones us-east-1a"),
        ("run three m5.large us-east-1a", "invalid literal"),
        ("run 3 m5.large us-east-1a colour=red", "unknown option colour"),
        ("run 3 m5.large us-east-1a platform=BeOS", "platform is one of Linux/UNIX"),
        ("zones us-east-1 use1-az1", "give each of use1-az1"),
        ("enable us-moon-1", "unknown: us-moon-1"),
        ("buy 3", "missing"),
        ("hold 3 m5.large us-east-1a", "missing"),
        ("hold 3 m5.large us-east-1a name=x colour=red", "unknown option colour"),
        ("run 1 m5.large us-east-1a capacity_reservation=x", "nothing named 'x' is held"),
    ],
)
def test_wrong_line_is_named(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        organization_from(START + line, AS_OF)
    assert str(caught.value).startswith("line 3, ")


def _held(text: str, account: int = 1) -> list[dict[str, Any]]:
    seen = organization_from(START + text, AS_OF).accounts[account].capacity_reservations
    return list(seen.get("us-east-1", ()))


def test_running_instances_take_slots_and_stopped_ones_do_not() -> None:
    (held,) = _held(
        """
        hold 9 m5.large us-east-1b name=x
        run 4 m5.large us-east-1b capacity_reservation=x
        run 2 m5.large us-east-1b capacity_reservation=x platform="Red Hat BYOL Linux"
        run 5 m5.large us-east-1b capacity_reservation=x state=stopped
        run 1 m5.large us-east-1b
        """
    )
    assert (held["TotalInstanceCount"], held["AvailableInstanceCount"]) == (9, 3)


@pytest.mark.parametrize(
    "run",
    [
        "run 1 m5.large us-east-1b capacity_reservation=x",
        "run 1 m5.xlarge us-east-1a capacity_reservation=x",
        "run 1 m5.large us-east-1a capacity_reservation=x platform=Windows",
        "run 1 m5.large us-east-1a capacity_reservation=x tenancy=dedicated",
        "run 1 m5.large us-east-1a capacity_reservation=y",
        "account 111122223333 data\nrun 1 m5.large us-east-1a capacity_reservation=x",
    ],
)
def test_only_instances_like_those_held_for_can_be_launched_into_it(run: str) -> None:
    held = "hold 3 m5.large us-east-1a name=x\nhold 3 m5.large us-east-1a name=y state=expired\n"
    with pytest.raises(ValueError, match="is held for such instances"):
        organization_from(START + held + run, AS_OF)


def test_no_more_instances_than_there_are_slots_can_be_launched() -> None:
    text = "hold 3 m5.large us-east-1a name=x\nrun 4 m5.large us-east-1a capacity_reservation=x"
    with pytest.raises(ValueError, match="x has room for 3"):
        organization_from(START + text, AS_OF)


def test_two_capacity_reservations_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="x is held already"):
        organization_from(START + "hold 3 m5.large us-east-1a name=x\n" * 2, AS_OF)


def test_consumers_see_what_is_shared_with_them_under_their_own_name_of_the_zone() -> None:
    text = """
    hold 3 m5.large us-east-1a name=x shared_with=111122223333,444455556666
    hold 2 m5.large us-east-1a name=mine
    account 111122223333 data
    zones us-east-1 use1-az6 use1-az1 use1-az2 use1-az4 use1-az3 use1-az5
    run 1 m5.large us-east-1b capacity_reservation=x
    """
    own, mine = _held(text)
    (seen,) = _held(text, account=2)
    assert own["OwnerId"] == seen["OwnerId"] == mine["OwnerId"] == "012345678901"
    assert own["CapacityReservationId"] == seen["CapacityReservationId"]
    assert own["CapacityReservationId"] != mine["CapacityReservationId"]
    assert own["AvailableInstanceCount"] == seen["AvailableInstanceCount"] == 2
    assert own["AvailabilityZoneId"] == seen["AvailabilityZoneId"] == "use1-az1"
    assert (own["AvailabilityZone"], seen["AvailabilityZone"]) == ("us-east-1a", "us-east-1b")
    assert _held(text, account=0) == []


def test_organization_needs_a_management_account() -> None:
    with pytest.raises(ValueError, match="no management account"):
        organization_from("account 012345678901 web", AS_OF)
