"""Names that AWS would refuse are refused first, with what to write instead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ri_report.inventory.names import (
    RUN_NAME,
    checked_account_id,
    checked_external_id,
    checked_region,
    checked_role_name,
    checked_session_name,
    nearest,
    run_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = [
    (checked_account_id, "012345678901"),
    (checked_region, "us-gov-west-1"),
    (checked_region, "eu-isoe-west-1"),
    (checked_region, "ap-southeast-17"),
    (checked_role_name, "r"),
    (checked_role_name, "Role_1+=,.@-" + "x" * 52),
    (checked_session_name, "ri"),
    (checked_external_id, ""),
    (checked_external_id, "a:b/c" + "x" * 1219),
]
BAD = [
    (checked_account_id, "1234"),
    (checked_account_id, "0123456789012"),
    (checked_account_id, "01234567890\N{ARABIC-INDIC DIGIT ONE}"),
    (checked_region, "us_east_1"),
    (checked_region, "us-east-1a"),
    (checked_region, "us-east-1\n"),
    (checked_role_name, ""),
    (checked_role_name, "x" * 65),
    (checked_role_name, "path/role"),
    (checked_role_name, "r\u00f4le"),
    (checked_session_name, "x"),
    (checked_session_name, "a b"),
    (checked_external_id, "x"),
    (checked_external_id, "x" * 1225),
]


@pytest.mark.parametrize(("checked", "name"), GOOD)
def test_a_good_name_comes_back(checked: Callable[[str], str], name: str) -> None:
    assert checked(name) == name


@pytest.mark.parametrize(("checked", "name"), BAD)
def test_a_bad_name_is_refused(checked: Callable[[str], str], name: str) -> None:
    with pytest.raises(ValueError, match=r"is not|must be"):
        checked(name)


def test_an_external_id_is_never_repeated() -> None:
    with pytest.raises(ValueError, match="2 to 1224") as caught:
        checked_external_id("canary 4711")
    assert "canary" not in str(caught.value)


def test_the_nearest_region_is_named() -> None:
    with pytest.raises(ValueError, match="did you mean us-east-1"):
        checked_region("US_EAST_1")


def test_the_nearest_of_none_is_none() -> None:
    assert nearest("a", []) == "none"
    assert nearest("us-esat-1", {"us-west-1", "us-east-1"}) == "us-east-1"


def test_a_run_is_named_by_its_moment() -> None:
    name = run_name(datetime(2026, 11, 22, 6, 30, tzinfo=UTC))
    assert name == "2026-11-22T063000Z"
    assert RUN_NAME.fullmatch(name)
