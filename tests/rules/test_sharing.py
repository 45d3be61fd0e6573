"""Sharing: preferences that AWS could not have are refused, and none can be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from ri_report.errors import ConfigError
from ri_report.inventory.schema import ACCOUNTS
from ri_report.rules.sharing import Sharing, check_members
from tests.rules.fleet import fleet

GROUPS = {"shop": ["A", "B"], "lab": ["C"]}
RESTRICTED = Sharing(mode="restricted", groups=GROUPS)


def accounts(*names: str, management: str | None = "M") -> pd.DataFrame:
    return ACCOUNTS.of(
        {"account_id": name, "is_management": management and name == management} for name in names
    )


def test_an_account_in_two_groups_is_refused_with_both() -> None:
    with pytest.raises(ValueError, match="account B is in the groups shop and lab"):
        Sharing(mode="prioritized", groups={"shop": ["A", "B"], "lab": ["B"]})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mode": "Open"}, "sharing: no mode 'Open'; it is open or prioritized or restricted"),
        ({"zonal_match": "name"}, "sharing: no zonal_match 'name'; it is az_name or az_id"),
        ({"groups": {"blue": "AB"}}, "group blue: 'AB' is no list of accounts; give a list"),
        (
            {"groups": {"Uncategorized": ["A"]}},
            "group Uncategorized: AWS so calls accounts that are in no group; leave it out",
        ),
    ],
)
def test_preferences_that_are_none_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        Sharing(**wrong)
    assert str(caught.value) == message


def test_open_sharing_has_no_use_for_groups() -> None:
    names = pd.Series(["A", "C", "M"])
    grouped = Sharing(groups=GROUPS)
    for tier in grouped.tiers:
        assert grouped.circles(names, tier).tolist() == Sharing().circles(names, tier).tolist()
    check_members(grouped, accounts("M"))


def test_equal_preferences_are_equal_and_cannot_be_changed() -> None:
    given = {"lab": ["C"], "shop": ["B", "A"]}
    other = Sharing(mode="restricted", groups=given)
    given["shop"].append("M")
    assert other == RESTRICTED
    assert hash(other) == hash(RESTRICTED)
    assert other != replace(other, groups={})
    assert other.grouped_accounts == {"A", "B", "C"}
    with pytest.raises(TypeError):
        other.groups["shop"] = ()  # type: ignore[index]  # this is what must not work


def test_groups_of_known_accounts_are_let_through() -> None:
    check_members(RESTRICTED, accounts("A", "B", "C", "M"))
    check_members(RESTRICTED, accounts("A", "B", "C", management=None))
    check_members(Sharing(), accounts())


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (accounts("A", "C", "M"), "B in group shop is not among the 3 listed accounts"),
        (accounts("A", "B", "C", management="C"), "C in group lab is the management account"),
    ],
)
def test_a_group_of_a_stranger_or_of_the_management_account_is_refused(
    known: pd.DataFrame, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        check_members(RESTRICTED, known)


def test_circles_are_those_of_the_tier() -> None:
    world = fleet("", mode="prioritized", groups=GROUPS, deactivated=["B"])
    names = pd.Series(["A", "B", "C", "M"])
    found = {tier: world.sharing.circles(names, tier).tolist() for tier in world.sharing.tiers}
    assert found == {
        "owner": ["A", "B", "C", "M"],
        "group": ["group shop", "B", "group lab", "M"],
        "organization": ["organization", "B", "organization", "organization"],
    }
