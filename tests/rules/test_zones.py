"""Zones by name and by id: which reservations the setting decides on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from ri_report.rules.allocation import allocate
from ri_report.rules.capacity import with_slots
from ri_report.rules.zones import ZONE_MATCH, other_reading, zone_match
from tests.rules.fleet import fleet, lines, table
from tests.rules.oracle import Organization, allocate_slowly
from tests.rules.organizations import organizations
from tests.rules.test_laws import law, seen, snapshot

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.rules.sharing import ZonalMatch
    from tests.rules.fleet import Fleet

SUSAN = "r-susan: A bought 2 m5.large in us-west-2a (usw2-az1)"
REGIONAL = "r-susan: A bought 2 m5.large in us-west-2"
OWN = "i-susan: A runs 2 m5.large in us-west-2a (usw2-az1)"
BOB = "i-bob: B runs 3 m5.large in us-west-2a (usw2-az2)"


def told(world: Fleet) -> pd.DataFrame:
    both = with_slots(world.usage, world.slots)
    other = other_reading(both, world.active, world.sharing, world.allocations)
    return zone_match(both, world.active, world.allocations, other)


def compared(text: str, zonal_match: str = "az_name", **options: object) -> str:
    world = fleet(text, zonal_match=zonal_match, **options)  # type: ignore[arg-type] # a literal
    found = told(world)
    names = ("reservation_id", "used_units_by_name", "used_units_by_id", "applied")
    assert list(found.columns) == ZONE_MATCH.names
    return table(found, names)


@pytest.mark.parametrize("applied", ["az_name", "az_id"])
def test_a_name_that_is_another_place_is_told_with_both_results(applied: str) -> None:
    """Bob's zone of the same name is another place: Billing User Guide, the EC2 example."""
    text = f"{SUSAN}\n{BOB}"
    assert compared(text, applied) == lines(f"""
        reservation_id | used_units_by_name | used_units_by_id | applied
        r-susan        | 8                  | 0                | {applied}
        """)


def test_a_place_of_another_name_is_told_with_both_results() -> None:
    text = f"{SUSAN}\ni-bob: B runs 3 m5.large in us-west-2b (usw2-az1)"
    assert compared(text) == lines("""
        reservation_id | used_units_by_name | used_units_by_id | applied
        r-susan        | 0                  | 8                | az_name
        """)


def test_a_regional_reservation_that_gives_way_is_told_too() -> None:
    """Bob's own regional reservation covers what the zonal one, by id, would not."""
    text = f"""
        {SUSAN}
        i-bob: B runs 3 m5.large in us-west-2a (usw2-az2)
        r-bob: B bought 2 m5.large in us-west-2
    """
    assert compared(text) == lines("""
        reservation_id | used_units_by_name | used_units_by_id | applied
        r-bob          | 4                  | 8                | az_name
        r-susan        | 8                  | 0                | az_name
        """)


def test_a_reservation_that_serves_an_idle_slot_instead_of_an_instance_is_told() -> None:
    """By name Susan's serves Bob's instance, and Bob's own his idle slot; by id his instance."""
    world = fleet(f"""
        {SUSAN}
        i-bob: B runs 1 m5.large in us-west-2a (usw2-az2)
        cr-bob: B holds 1 m5.large in us-west-2b
        r-bob: B bought 1 m5.large in us-west-2
        """)
    found = told(world)
    used, covered = (
        [f"{part}_units_by_{reading}" for reading in ("name", "id")] for part in ("used", "covered")
    )
    assert table(found, ["reservation_id", *used, *covered]) == lines("""
        reservation_id | used_units_by_name | used_units_by_id | covered_units_by_name | covered_units_by_id
        r-bob          | 4                  | 4                | 0                     | 4
        r-susan        | 4                  | 0                | 4                     | 0
        """)  # noqa: E501 - a table


@pytest.mark.parametrize(
    "text",
    [
        "",
        SUSAN,
        f"{SUSAN}\ni-bob: B runs 3 m5.large in us-west-2a (usw2-az1)",
        f"{SUSAN}\n{OWN}\n{BOB}",
        f"{REGIONAL}\n{OWN}\n{BOB}",
    ],
    ids=["nothing", "alone", "same place", "used by its owner", "regional"],
)
def test_what_the_setting_does_not_change_is_not_told(text: str) -> None:
    assert compared(text).count("\n") == 0


def test_accounts_that_do_not_share_do_not_depend_on_names() -> None:
    text = f"{SUSAN}\n{BOB}"
    assert compared(text, deactivated=["B"]).count("\n") == 0


@law
@given(organizations().map(snapshot))
def test_both_results_are_those_of_the_slow_oracle(org: Organization) -> None:
    world = seen(org)
    found = told(world)
    both = {
        row["reservation_id"]: (row["used_units_by_name"], row["used_units_by_id"])
        for row in found.to_dict("records")
    }
    used = {by_id: _used(org._replace(by_id=by_id)) for by_id in (False, True)}
    expected = {p.name: (used[False][p.name], used[True][p.name]) for p in org.purchases}
    assert both == {name: units for name, units in expected.items() if units[0] != units[1]}


def _used(org: Organization) -> dict[str, float]:
    used = {p.name: 0.0 for p in org.purchases}
    for (_, name, _), amount in allocate_slowly(org).items():
        used[name] += amount
    return used


def test_without_names_that_mislead_nothing_is_allocated_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = fleet(f"{SUSAN}\ni-bob: B runs 3 m5.large in us-west-2a (usw2-az1)")
    given_once = allocate(world.usage, world.active, world.sharing)
    monkeypatch.setattr("ri_report.rules.zones.allocate", None)
    other = other_reading(world.usage, world.active, world.sharing, given_once)
    assert other is None
    assert zone_match(world.usage, world.active, given_once, other).empty


@pytest.mark.parametrize(("applied", "other"), [("az_name", "0"), ("az_id", "8")])
def test_rows_that_depend_on_the_reading_say_what_the_other_would_give(
    applied: ZonalMatch, other: str
) -> None:
    """Bob's zone of the same name is another place; what he runs elsewhere is as it is."""
    made = fleet(
        f"""
        {SUSAN}
        i-bob: B runs 2 m5.large in us-west-2a (usw2-az2)
        i-far: B runs 1 m5.large in us-west-2c
        r-far: B bought 1 c5.large in us-west-2
        """,
        zonal_match=applied,
    ).analysis
    assert told_by(made.utilization, "reservation_id") == f"r-far: nan, r-susan: {other}"
    place = f"us-west-2a: {other}, us-west-2c: nan"
    assert told_by(made.coverage, "availability_zone") == place
    assert told_by(made.coverage_by_account, "availability_zone") == place


MOVED = """
    r: A bought 1 m5.large in us-east-1a (use1-az1)
    i-b: B runs 1 m5.large in us-east-1a (use1-az2)
    i-c: C runs 1 m5.large in us-east-1b (use1-az1)
"""


def test_every_table_tells_of_its_rows_what_the_other_reading_would_give() -> None:
    made = fleet(MOVED).analysis
    assert made.zone_match.empty
    assert told_of(made.covered, "usage_id") == {"i-b": 0, "i-c": 4}
    assert told_of(made.uncovered, "instance_id") == {"i-c": 0}
    assert told_of(made.coverage, "availability_zone") == {"us-east-1a": 0, "us-east-1b": 4}
    assert told_of(made.coverage_by_account, "account_id") == {"B": 0, "C": 4}
    assert told_of(made.allocations, "usage_id") == {"i-b": 0}
    assert told_of(made.pools, "account_id") == {"B": 0, "C": 4}
    assert told_of(made.utilization, "reservation_id") == {}


def test_sums_tell_it_too_and_so_do_idle_slots() -> None:
    """By name r covers what B runs and r-b its idle slots; by id r-b covers what it runs."""
    made = fleet(
        """
        r: A bought 2 m5.large in us-east-1a (use1-az1), ends 2027-02-01
        i-b: B runs 2 m5.large in us-east-1a (use1-az2)
        r-b: B bought 2 m5.large in us-east-1, ends 2027-03-01
        cr: B holds 2 m5.large in us-east-1c
        """
    ).analysis
    assert told_of(made.utilization, "reservation_id") == {"r": 0, "r-b": 8}
    assert told_of(made.unused_reasons, "reason") == {}
    assert told_of(made.capacity_reservations, "account_id") == {"B": 0}
    assert told_of(made.expiries, "month") == {"2027-02": 0}
    assert told_of(made.pools, "account_id") == {"A": 0, "B": 8}
    assert told_of(made.pools, "account_id", "zone_match_other_use") == {"A": 0, "B": 8}


def test_reasons_tell_it_too() -> None:
    made = fleet(
        f"{SUSAN}\n{BOB}\ni-far: B runs 1 m5.large in us-west-2c", zonal_match="az_id"
    ).analysis
    assert told_of(made.unused_reasons, "reason") == {"wrong_zone": 0}


def told_of(frame: pd.DataFrame, key: str, name: str = "zone_match_other") -> dict[str, float]:
    rows = frame[frame[name].notna()]
    return dict(zip(rows[key], rows[name], strict=True))


def told_by(frame: pd.DataFrame, name: str) -> str:
    rows = zip(frame[name], frame["zone_match_other"], strict=True)
    return ", ".join(f"{key}: {units:g}" for key, units in rows)


def test_without_names_that_mislead_no_row_tells_of_another_reading() -> None:
    made = fleet(f"{SUSAN}\ni-bob: B runs 3 m5.large in us-west-2a (usw2-az1)").analysis
    for frame in (made.utilization, made.coverage, made.coverage_by_account):
        assert frame["zone_match_other"].isna().all()
        assert len(frame)
