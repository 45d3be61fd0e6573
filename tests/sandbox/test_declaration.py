"""A text of statements becomes an organization, or a line that is wrong is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
    ],
)
def test_wrong_line_is_named(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        organization_from(START + line, AS_OF)
    assert str(caught.value).startswith("line 3, ")


def test_organization_needs_a_management_account() -> None:
    with pytest.raises(ValueError, match="no management account"):
        organization_from("account 012345678901 web", AS_OF)
