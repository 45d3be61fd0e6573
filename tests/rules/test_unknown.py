"""Unknown: what rests on something that was not read is no number, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.rules.analysis import Analysis, analyze
from ri_report.rules.basis import MARKED
from ri_report.rules.reasons import NOT_ALL_READ
from ri_report.rules.sharing import Sharing
from ri_report.rules.unknown import blind
from ri_report.rules.unread import left_out
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    from collections.abc import Iterable

HOME = "us-east-1"
COMPANY = """
    i-a: A runs 2 m5.large in us-east-1a
    i-b: B runs 1 m5.xlarge in us-east-1a
    i-w: A runs 1 m5.large in eu-west-1a
    r-a: A bought 3 m5.large in us-east-1
    r-b: B bought 1 c5.large in us-east-1
    r-w: A bought 2 m5.large in eu-west-1a
"""
"""A's 12 units cover its own 8 and 4 of B's 8; B's c5.large is idle."""
WHOLE = (CellKind.ACCOUNT, CellKind.REGIONS)


def gap(account: str, kind: CellKind) -> Outcome:
    region = "" if kind in WHOLE else HOME
    return Outcome(account, region, kind, Status.DENIED, "iam")


def blinded(text: str, *gaps: Outcome) -> Analysis:
    """The analysis of what is left of a fleet when these cells were not read."""
    world = fleet(text)

    def seen(frame: pd.DataFrame, kind: CellKind) -> pd.DataFrame:
        return _without(frame, [g for g in gaps if g.kind in (*WHOLE, kind)])

    inventory = replace(
        world.inventory,
        instances=seen(world.instances, CellKind.INSTANCES),
        reservations=seen(world.reservations, CellKind.RESERVATIONS),
        capacity_reservations=seen(world.capacity, CellKind.CAPACITY),
        outcomes=OUTCOMES.of(outcome.row() for outcome in gaps),
    )
    found = blind(analyze(inventory, world.sharing), inventory, world.sharing)
    for name in MARKED.keys() - {"allocations"}:  # of which the report declares what it shows
        MARKED[name].check(getattr(found, name))
    return found


def _without(frame: pd.DataFrame, gaps: Iterable[Outcome]) -> pd.DataFrame:
    for each in gaps:
        in_region = (frame["region"] == each.region) | (each.region == "")
        frame = frame[~((frame["account_id"] == each.account_id) & in_region)]
    return frame


OTHERWISE = {"zone_match_other", "zone_match_other_use"}


def row(frame: pd.DataFrame, **where: str) -> dict[str, Any]:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    (found,) = frame.to_dict("records")
    return {str(name): None if pd.isna(value) else value for name, value in found.items()}


def unknown(found: dict[str, Any]) -> set[str]:
    """What is missing, but for what the other reading of zones gives, which is where it differs."""
    missing = {name for name, value in found.items() if value is None}
    return missing - OTHERWISE


@pytest.mark.parametrize("kind", [CellKind.INSTANCES])
def test_the_use_of_what_an_account_bought_is_unknown_without_its_instances(kind: CellKind) -> None:
    """Its own instances come first: what is lent, and what is idle, follows from them."""
    found = blinded(COMPANY, gap("A", kind))
    mine = row(found.utilization, reservation_id="r-a")
    assert unknown(mine) == {
        "used_units",
        "unused_units",
        "utilization_ratio",
        "idle_slot_units",
        "lent_units",
    }
    assert (mine["purchased_units"], mine["unused_reason"]) == (12, NOT_ALL_READ)
    assert row(found.unused_reasons, reservation_id="r-a") == {
        "reservation_id": "r-a",
        "reason": NOT_ALL_READ,
        "unused_units": None,
        "zone_match_other": None,
        "basis": "",
        "completeness": "unknown",
    }
    idle = row(found.utilization, reservation_id="r-b")
    assert (idle["used_units"], idle["unused_reason"]) == (0, "nothing_running")
    assert row(found.utilization, reservation_id="r-w")["used_units"] == 4


def test_the_cover_of_what_an_account_runs_is_unknown_without_its_reservations() -> None:
    found = blinded(COMPANY, gap("B", CellKind.RESERVATIONS))
    mine = row(found.coverage_by_account, account_id="B")
    assert unknown(mine) == {
        "covered_instances",
        "uncovered_instances",
        "covered_units",
        "coverage_ratio",
    }
    assert (mine["running_instances"], mine["running_units"]) == (1, 8)
    assert row(found.coverage_by_account, account_id="A", region=HOME)["coverage_ratio"] == 1


@pytest.mark.parametrize(
    ("text", "instance_type", "known"),
    [
        (COMPANY, "m5.xlarge", False),
        (COMPANY, "m5.large", True),
        (COMPANY + "i-c: B runs 1 m5.large in us-east-1a", "m5.large", False),
    ],
)
def test_a_place_is_unknown_where_an_instance_in_it_is(
    text: str, instance_type: str, *, known: bool
) -> None:
    found = blinded(text, gap("B", CellKind.RESERVATIONS)).coverage
    place = row(found, region=HOME, instance_type=instance_type)
    assert place["running_units"] is not None
    assert (place["covered_units"] is not None) == known
    assert (place["coverage_ratio"] is not None) == known
    assert row(found, region="eu-west-1")["coverage_ratio"] == 1


def test_every_instance_whose_cover_is_unknown_is_among_the_uncovered() -> None:
    text = COMPANY + "i-c: B runs 1 t3.large in us-east-1a"
    found = blinded(text, gap("B", CellKind.RESERVATIONS)).uncovered
    for name, units in {"i-b": 8, "i-c": 4}.items():
        mine = row(found, instance_id=name)
        assert (mine["reason"], mine["running_units"]) == (NOT_ALL_READ, units)
        assert unknown(mine) == {"covered_units", "uncovered_units"}


@pytest.mark.parametrize(
    ("account", "kind", "known"),
    [
        ("A", CellKind.INSTANCES, {"purchased_units"}),
        ("A", CellKind.RESERVATIONS, {"running_units"}),
        ("B", CellKind.INSTANCES, {"purchased_units"}),
        ("B", CellKind.RESERVATIONS, {"running_units"}),
    ],
)
def test_a_pool_knows_of_an_account_what_was_read_of_it(
    account: str, kind: CellKind, known: set[str]
) -> None:
    pools = blinded(COMPANY, gap(account, kind)).pools
    mine = pools[(pools["account_id"] == account) & (pools["region"] == HOME)]
    measures = [name for name in mine.columns if name.endswith("_units") and "idle" not in name]
    assert {name for name in measures if mine[name].notna().all()} == known
    assert {name for name in measures if mine[name].notna().any()} == known
    others = pools[~pools.index.isin(mine.index)]
    assert len(others)
    assert others[measures].notna().all(axis=None)


@pytest.mark.parametrize("kind", [*WHOLE, CellKind.INSTANCES])
def test_what_an_account_runs_unseen_is_a_row_of_unknowns(kind: CellKind) -> None:
    found = blinded(COMPANY, gap("B", kind))
    region = "" if kind in WHOLE else HOME
    for frame in (found.running, found.coverage_by_account):
        mine = row(frame, account_id="B", region=region)
        words = {name: value for name, value in mine.items() if value not in ("", None, region)}
        assert words.pop("completeness", "unknown") == "unknown"
        assert words == {"account_id": "B"}


def test_a_month_is_unknown_where_the_use_of_what_ends_is() -> None:
    text = COMPANY + "r-d: A bought 1 m5.large in us-east-1, ends 2026-12-01"
    month = row(blinded(text, gap("A", CellKind.INSTANCES)).expiries, month="2026-12")
    assert (month["ending_units"], month["ending_used_units"]) == (4, None)
    month = row(blinded(text, gap("B", CellKind.INSTANCES)).expiries, month="2026-12")
    assert month["ending_used_units"] == 4


@pytest.mark.parametrize(
    ("account", "kind"), [("A", CellKind.INSTANCES), ("B", CellKind.RESERVATIONS)]
)
def test_an_allocation_between_what_is_unknown_has_no_units(account: str, kind: CellKind) -> None:
    found = blinded(COMPANY, gap(account, kind)).allocations
    assert row(found, reservation_id="r-a", usage_id="i-b")["units"] is None
    assert row(found, reservation_id="r-w")["units"] == 4


def test_a_reading_of_zones_says_nothing_about_use_that_is_unknown() -> None:
    text = """
        i-other: B runs 3 m5.large in us-east-1a (use1-az2)
        i-own: A runs 1 m5.large in us-east-1b (use1-az3)
        r-zonal: A bought 2 m5.large in us-east-1a (use1-az1)
    """
    found = blinded(text, gap("A", CellKind.INSTANCES)).zone_match
    assert unknown(row(found)) == {name for name in found.columns if "_units_by_" in name}


def test_a_cell_of_which_nothing_was_seen_is_a_row_of_its_own_among_the_pools() -> None:
    """C's instances were not read, and D's reservations: of the other side each has none."""
    gaps = gap("C", CellKind.INSTANCES), gap("D", CellKind.RESERVATIONS)
    pools = blinded(COMPANY, *gaps).pools
    nowhere = {"region": HOME, "pool": "", "platform": "", "tenancy": "", "basis": ""}
    nowhere["completeness"] = "unknown"
    measures = [name for name in pools.columns if name.endswith("_units")]
    known = {
        "C": ["purchased_units", "idle_units", "covered_idle_units"],
        "D": ["running_units", "idle_units"],
    }
    for account, names in known.items():
        expected = nowhere | {"account_id": account} | dict.fromkeys([*measures, *OTHERWISE])
        assert row(pools, account_id=account) == expected | dict.fromkeys(names, 0)


def test_what_is_unknown_is_neither_firm_nor_a_convention() -> None:
    found = blinded(COMPANY, gap("B", CellKind.RESERVATIONS))
    for frame, where in (
        (found.covered, {"usage_id": "i-b"}),
        (found.uncovered, {"instance_id": "i-b"}),
        (found.coverage_by_account, {"account_id": "B"}),
        (found.allocations, {"usage_id": "i-b"}),
    ):
        assert (row(frame, **where)["basis"], row(frame, **where)["completeness"]) == (
            "",
            "unknown",
        )
    assert row(found.utilization, reservation_id="r-a")["basis"] == "firm"


@pytest.mark.parametrize(("unread", "covered"), [("B", None), ("C", 0)])
def test_the_cover_of_idle_slots_is_unknown_without_the_reservations_of_who_pays(
    unread: str, covered: float | None
) -> None:
    text = COMPANY + "cr-c: C holds 1 r5.large in us-east-1a, idle slots billed to B"
    found = blinded(text, gap(unread, CellKind.RESERVATIONS)).capacity_reservations
    assert row(found)["covered_idle_units"] == covered


def test_rows_are_numbered_from_0_as_in_every_frame() -> None:
    found = blinded(COMPANY, gap("A", CellKind.INSTANCES), gap("B", CellKind.RESERVATIONS))
    for frame in vars(found).values():
        assert frame.index.tolist() == list(range(len(frame)))


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        (Sharing(), ["C"]),
        (Sharing(deactivated_accounts=frozenset({"C"})), []),
        (Sharing(mode="restricted", groups={"shop": ["A", "C"]}), ["C"]),
        (Sharing(mode="restricted", groups={"shop": ["A", "B"], "lab": ["C"]}), []),
        (Sharing(mode="prioritized", groups={"shop": ["A", "B"], "lab": ["C"]}), ["C"]),
    ],
)
def test_an_account_that_is_left_out_counts_where_it_would_share(
    sharing: Sharing, expected: list[str]
) -> None:
    """B was refused, not left out."""
    outcomes = (
        gap("B", CellKind.ACCOUNT),
        Outcome("C", "", CellKind.ACCOUNT, Status.SKIPPED, "excluded"),
    )
    inventory = replace(
        fleet(COMPANY).inventory,
        accounts=ACCOUNTS.of({"account_id": name} for name in "ABC"),
        outcomes=OUTCOMES.of(outcome.row() for outcome in outcomes),
    )
    assert left_out(inventory, sharing) == expected


HELD = """
    i-a: A runs 1 m5.large in us-east-1a
    i-b: B runs 1 m5.large in us-east-1a
    cr-a: A holds 2 m5.large in us-east-1a
    cr-b: B holds 3 m5.large in us-east-1a
    cr-c: C holds 1 m5.large in us-east-1a, idle slots billed to A
    r-a: A bought 9 m5.large in us-east-1
    r-full: A bought 1 c5.large in us-east-1
    i-full: A runs 1 c5.large in us-east-1a
    r-zonal: A bought 2 r5.large in us-east-1a
    r-b: B bought 1 t3.large in us-east-1
    r-w: A bought 1 m5.large in eu-west-1
"""
"""Instances leave 28 of A's 36 units, of which idle slots may take any part."""


def test_the_use_of_regional_reservations_is_unknown_without_the_capacity_of_who_bought() -> None:
    found = blinded(HELD, gap("A", CellKind.CAPACITY))
    for name in ("r-a", "r-full"):
        mine = row(found.utilization, reservation_id=name)
        assert unknown(mine) == {
            "used_units",
            "unused_units",
            "utilization_ratio",
            "idle_slot_units",
            "lent_units",
        }
        assert (mine["unused_reason"], mine["basis"]) == (NOT_ALL_READ, "")
        reason = row(found.unused_reasons, reservation_id=name)
        assert (reason["reason"], reason["unused_units"]) == (NOT_ALL_READ, None)


@pytest.mark.parametrize(("name", "unused"), [("r-zonal", 8), ("r-b", 4), ("r-w", 4)])
def test_zonal_reservations_and_those_of_others_are_known_without_it(
    name: str, unused: float
) -> None:
    """Zonal ones serve no idle slots; those of others serve what was seen."""
    found = blinded(HELD, gap("A", CellKind.CAPACITY))
    mine = row(found.utilization, reservation_id=name)
    assert (mine["unused_units"], mine["unused_reason"], mine["basis"]) == (
        unused,
        "nothing_running",
        "firm",
    )


def test_instances_come_before_idle_slots_so_that_their_cover_is_known_without_any() -> None:
    whole, found = blinded(HELD), blinded(HELD, gap("A", CellKind.CAPACITY))
    for name in ("covered", "uncovered", "running", "coverage", "coverage_by_account"):
        pd.testing.assert_frame_equal(vars(found)[name], vars(whole)[name])


def test_what_idle_slots_take_is_unknown_where_others_of_the_account_were_not_read() -> None:
    """A pays for cr-c, and its own come as early; B's are known to be covered, but by whom?"""
    found = blinded(HELD, gap("A", CellKind.CAPACITY))
    given = found.allocations.set_index("usage_id")["units"]
    assert set(given.index[given.isna()]) == {"cr-b", "cr-c"}
    assert given.dropna().to_dict() == {"i-a": 4, "i-b": 4, "i-full": 4}
    held = found.capacity_reservations
    assert row(held, capacity_reservation_id="cr-c")["covered_idle_units"] is None
    assert row(held, capacity_reservation_id="cr-c")["idle_units"] == 4


def test_a_pool_knows_what_instances_take_where_capacity_was_not_read() -> None:
    found = blinded(HELD, gap("A", CellKind.CAPACITY)).pools
    idle = {"idle_units", "covered_idle_units", "borrowed_units"}
    use = {"used_units", "lent_units"}
    mine = row(found, account_id="A", region=HOME, pool="m5")
    assert unknown(mine) == idle | use
    assert (mine["running_units"], mine["covered_units"], mine["purchased_units"]) == (4, 4, 36)
    assert mine["basis"] == "firm"
    zonal = row(found, account_id="A", region=HOME, pool="r5")
    assert unknown(zonal) == idle
    elsewhere = row(found, account_id="A", region=HOME, pool="")
    assert unknown(elsewhere) == idle
    assert not unknown(row(found, account_id="B", pool="m5"))
    assert not unknown(row(found, account_id="A", region="eu-west-1"))


def test_a_month_is_unknown_where_idle_slots_may_use_what_ends() -> None:
    text = HELD + "r-d: A bought 1 m5.large in us-east-1, ends 2026-12-01"
    month = row(blinded(text, gap("A", CellKind.CAPACITY)).expiries, month="2026-12")
    assert (month["ending_units"], month["ending_used_units"]) == (4, None)


def test_blinding_nothing_changes_nothing() -> None:
    world = fleet(COMPANY)
    analysis = world.analysis
    read = (Outcome("A", HOME, kind, Status.OK) for kind in (CellKind.INSTANCES, CellKind.CAPACITY))
    skipped = Outcome("C", "", CellKind.ACCOUNT, Status.SKIPPED, "account_state")
    outcomes = OUTCOMES.of(outcome.row() for outcome in (*read, skipped, gap("A", CellKind.ZONES)))
    inventory = replace(world.inventory, outcomes=outcomes)
    for name, frame in vars(blind(analysis, inventory, world.sharing)).items():
        pd.testing.assert_frame_equal(frame, vars(analysis)[name])
