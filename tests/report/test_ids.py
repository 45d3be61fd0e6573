"""An id that is not there leads to the one that was meant, and never to one that was not."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from ri_report.report.ids import WHERE, meant

RESERVATION = "4621a95b-93c4-427b-b436-34614f67a87d"
INSTANCE, OTHER = "i-0087fa71631658d4c", "i-0087fb71631658d4d"
HELD = "cr-0087fa71631658d4c"
KNOWN = [RESERVATION, INSTANCE, OTHER, HELD]
CHANCE = random.Random(1)  # noqa: S311 - ids, no secrets


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("4621a95b", RESERVATION),
        ("cr-", HELD),
        ("i-0087fa", INSTANCE),
        ("i-0087fa71631658d4e", INSTANCE),
        ("i-0087fa71631658d4c ", INSTANCE),
        ("4621a95b-93c4-427b-b436-34614f67a8d7", RESERVATION),
    ],
)
def test_the_id_that_was_meant_is_named(given: str, named: str) -> None:
    assert meant(given, KNOWN) == f"did you mean {named}?"


def test_of_several_that_begin_so_the_first_is_an_example() -> None:
    assert meant("i-0087f", KNOWN) == f"2 ids begin with it, such as {INSTANCE}"


@pytest.mark.parametrize("given", ["", "x", "nonsense", "web", "cr-0099", "0087fa71631658d4c"])
def test_where_none_is_near_the_tables_that_hold_ids_are_named(given: str) -> None:
    assert meant(given, KNOWN) == WHERE


def test_an_id_of_another_kind_is_not_near() -> None:
    assert meant(INSTANCE, [f"cr-{INSTANCE[2:]}"]) == WHERE


def test_random_ids_are_not_near_each_other() -> None:
    known = [f"i-0{CHANCE.getrandbits(64):016x}" for _ in range(2000)]
    known += [str(UUID(int=CHANCE.getrandbits(128))) for _ in range(2000)]
    assert meant(f"i-0{CHANCE.getrandbits(64):016x}", known) == WHERE
    assert meant(str(UUID(int=CHANCE.getrandbits(128))), known) == WHERE
