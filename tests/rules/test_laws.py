"""What holds for every organization, tried on random small ones."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ri_report.rules.allocation import allocate
from ri_report.rules.analysis import analyze
from ri_report.rules.conservation import check_conservation
from ri_report.rules.misses import near_misses
from ri_report.rules.reasons import NOTHING_RUNNING
from ri_report.rules.sharing import Sharing
from tests.rules.fleet import Fleet, fleet
from tests.rules.oracle import (
    MINUTES,
    QUARTERS,
    Machine,
    Organization,
    Purchase,
    allocate_slowly,
    fits,
    most,
    need,
    offer,
    pool,
    reaches,
    tiers,
)
from tests.rules.organizations import (
    ACCOUNTS,
    groups_of,
    organizations,
    purchase,
    renamed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Given = dict[tuple[str, str, str], float]
"""Units by machine, reservation and tier."""

FEW = 12
EXAMPLES = int(os.environ.get("RI_REPORT_EXAMPLES", FEW))
"""How many examples each law is tried on; set it to thousands for a longer search."""
MOST_EXAMPLES = EXAMPLES * (16 if EXAMPLES > FEW else 4)
"""How many the oracles get, which decide most: of some organizations each, in a proof thousands."""

law = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="RI_REPORT_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
thorough = settings(law, max_examples=MOST_EXAMPLES)
some = st.lists(organizations(), min_size=1, max_size=6)


def engine(orgs: Sequence[Organization]) -> list[Given]:
    """Return what the engine gives in each organization, asked for all of them at once.

    Each is a period of its own, with accounts of its own, so that none may touch another.
    """
    found: list[Given] = [{} for _ in orgs]
    settings_of = [(org.by_id, org.mode, org.zonal_inside) for org in orgs]
    for by_id, mode, zonal_inside in sorted(set(settings_of)):
        alike = (by_id, mode, zonal_inside)
        numbers = [n for n, its in enumerate(settings_of) if its == alike]
        apart = [renamed(orgs[n], f"{n}{{}}".format) for n in numbers]
        groups = {
            f"{n}{name}": members
            for n, org in zip(numbers, apart, strict=True)
            for name, members in groups_of(org).items()
        }
        sharing = Sharing(
            mode=mode,
            groups=groups,
            deactivated_accounts=frozenset[str]().union(*(org.deactivated for org in apart)),
            zonal_match="az_id" if by_id else "az_name",
            zonal_in_capacity_reservations=zonal_inside,
        )
        rows = allocate(
            _usage(zip(numbers, apart, strict=True)),
            _reservations(zip(numbers, apart, strict=True)),
            sharing,
        )
        for period, usage, reservation, tier, units in rows.itertuples(index=False):
            found[int(period)][usage, reservation, tier] = units
    return found


def _usage(orgs: Iterable[tuple[int, Organization]]) -> pd.DataFrame:
    rows = [(str(n), *m, m.region) for n, org in orgs for m in org.machines]
    names = ["period", *Machine._fields, "region"]
    frame = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names, "str"))
    slots = frame["slots"].astype("int64")
    return frame.assign(
        usage_id=frame["name"],
        account_id=frame["account"],
        availability_zone=frame["zone"],
        availability_zone_id=frame["zone_id"],
        instance_type=frame["type"],
        hours=frame["minutes"].astype("int64") / MINUTES * slots.clip(1),
        kind=slots.clip(upper=1).map({0: "instance", 1: "idle_slot"}).astype("str"),
        capacity_reservation_id=frame["inside"],
    )


def _reservations(orgs: Iterable[tuple[int, Organization]]) -> pd.DataFrame:
    rows = [(str(n), *p) for n, org in orgs for p in org.purchases]
    names = ["period", *Purchase._fields]
    frame = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names, "str"))
    return frame.assign(
        reservation_id=frame["name"],
        account_id=frame["account"],
        scope=(frame["zone"] == "").map({True: "regional", False: "zonal"}).astype("str"),
        availability_zone=frame["zone"],
        availability_zone_id=frame["zone_id"],
        instance_type=frame["type"],
        instance_count=frame["bought"].astype("int64"),
        hours=1.0,
    )


def sums(units: Given, part: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, amount in units.items():
        found[key[part]] = found.get(key[part], 0.0) + amount
    return found


def totals(orgs: Sequence[Organization]) -> list[float]:
    return [sum(units.values()) for units in engine(orgs)]


@thorough
@given(some)
def test_the_engine_gives_row_by_row_what_the_slow_oracle_gives(orgs: list[Organization]) -> None:
    assert engine(orgs) == [allocate_slowly(org) for org in orgs]


@thorough
@given(some)
def test_no_allocation_could_cover_more_of_a_pool(orgs: list[Organization]) -> None:
    for org, units in zip(orgs, engine(orgs), strict=True):
        covered = dict.fromkeys(map(pool, org.machines), 0.0)
        for m in org.machines:
            covered[pool(m)] += sums(units, 0).get(m.name, 0.0)
        assert covered == {where: most(org, where) for where in covered}


@law
@given(some)
def test_nothing_is_covered_or_used_beyond_its_size(orgs: list[Organization]) -> None:
    for org, units in zip(orgs, engine(orgs), strict=True):
        covered, used = sums(units, 0), sums(units, 1)
        assert all(amount > 0 for amount in units.values())
        assert sum(covered.values()) == sum(used.values())
        assert all(covered.get(m.name, 0.0) <= need(m) for m in org.machines)
        assert all(used.get(p.name, 0.0) <= offer(p) for p in org.purchases)


@law
@given(some)
def test_no_reservation_idles_while_a_match_runs_uncovered(orgs: list[Organization]) -> None:
    for org, units in zip(orgs, engine(orgs), strict=True):
        covered, used = sums(units, 0), sums(units, 1)
        idle = [p for p in org.purchases if used.get(p.name, 0.0) < offer(p)]
        uncovered = [m for m in org.machines if covered.get(m.name, 0.0) < need(m)]
        assert not any(
            fits(org, p, m) and reaches(org, p, m, tiers(org)[-1]) for p in idle for m in uncovered
        )


@law
@given(some, st.permutations(ACCOUNTS))
def test_other_names_for_the_accounts_keep_the_totals(
    orgs: list[Organization], names: list[str]
) -> None:
    names_of = dict(zip(ACCOUNTS, names, strict=True))
    assert totals([renamed(org, names_of.__getitem__) for org in orgs]) == totals(orgs)


@law
@given(some, purchase("r-new"))
def test_one_more_reservation_never_lowers_what_is_covered(
    orgs: list[Organization], new: Purchase
) -> None:
    orgs = [org._replace(by_id=False) for org in orgs]
    more = [org._replace(purchases=(*org.purchases, new)) for org in orgs]
    assert all(after >= before for after, before in zip(totals(more), totals(orgs), strict=True))


@law
@given(some)
def test_a_reservation_of_several_does_what_as_many_of_one_do(orgs: list[Organization]) -> None:
    for units, expected in zip(engine([_singles(org) for org in orgs]), engine(orgs), strict=True):
        together = {(m, p.split(".")[0], tier): 0.0 for m, p, tier in units}
        for (m, p, tier), amount in units.items():
            together[m, p.split(".")[0], tier] += amount
        assert together == expected


def _singles(org: Organization) -> Organization:
    singles = [
        p._replace(name=f"{p.name}.{n}", bought=1) for p in org.purchases for n in range(p.bought)
    ]
    return org._replace(purchases=tuple(singles))


@law
@given(st.lists(organizations(everybody=True), min_size=1, max_size=6))
def test_an_organization_that_shares_covers_what_one_account_would(
    orgs: list[Organization],
) -> None:
    orgs = [org._replace(by_id=False) for org in orgs]
    alone = [renamed(org, lambda _: "A")._replace(mode="open", group_of=()) for org in orgs]
    assert totals(alone) == totals(orgs)


def seen(org: Organization) -> Fleet:
    return fleet(
        org.text,
        mode=org.mode,
        groups=groups_of(org),
        deactivated=sorted(org.deactivated),
        zonal_match="az_id" if org.by_id else "az_name",
        zonal_in_capacity_reservations=org.zonal_inside,
    )


def snapshot(org: Organization) -> Organization:
    return org._replace(machines=tuple(m._replace(minutes=MINUTES) for m in org.machines))


@law
@given(organizations(), st.integers(0, 2**32))
def test_the_order_of_the_input_changes_no_table(org: Organization, seed: int) -> None:
    world, rng = seen(org), random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    mixed = Fleet(
        _shuffled(world.instances, rng),
        _shuffled(world.reservations, rng),
        {},
        world.sharing,
        _shuffled(world.capacity, rng),
    )
    ours = world.analysis
    theirs = analyze(mixed.inventory, world.sharing)
    for name, frame in vars(ours).items():
        pd.testing.assert_frame_equal(frame, vars(theirs)[name], obj=name)


def _shuffled(frame: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    return frame.take(rng.sample(range(len(frame)), len(frame))).reset_index(drop=True)


@law
@given(organizations(), st.sampled_from(sorted(QUARTERS)))
def test_what_reservations_cannot_serve_changes_nothing(org: Organization, kind: str) -> None:
    world = seen(org)
    noise = f"""
        i-stopped: A runs 2 {kind} in us-east-1a (), stopped
        i-spot: B runs 2 {kind} in us-east-1b (), spot
        i-host: A runs 2 {kind} in us-east-1a (), host
        i-other: A runs 3 r4.large in us-east-1a ()
        r-retired: A bought 3 {kind} in us-east-1, retired
        r-queued: B bought 3 {kind} in us-east-1a (), queued
        r-early: B bought 3 {kind} in us-east-1, starts 2026-11-23
        r-late: B bought 3 {kind} in us-east-1, ends 2026-11-22
        r-other: B bought 3 r3.large in us-east-1
        c-block: A holds 3 {kind} in us-east-1a (), capacity-block
        c-sql: A holds 3 {kind} in us-east-1a (), Windows with SQL Server
    """
    noisy = fleet(org.text + noise)
    noisy = replace(noisy, sharing=world.sharing)
    pd.testing.assert_frame_equal(noisy.allocations, world.allocations)


@law
@given(organizations().map(snapshot))
def test_the_reasons_of_a_reservation_add_up_to_its_unused_units(org: Organization) -> None:
    reasons = seen(org).analysis.unused_reasons
    used = sums(allocate_slowly(org), 1)
    unused = {p.name: offer(p) - used.get(p.name, 0.0) for p in org.purchases}
    told = reasons.groupby("reservation_id")["unused_units"].sum()
    assert told.to_dict() == {name: units for name, units in unused.items() if units}


@law
@given(organizations().map(snapshot))
def test_a_reason_names_the_one_rule_that_stands_before_an_uncovered_instance(
    org: Organization,
) -> None:
    """The pairs of module `misses` are found one by one, the reasons by keys over everything."""
    world = seen(org)
    found = world.analysis
    waiting = found.covered[found.covered["uncovered_units"] > 0]
    unused = found.utilization.loc[found.utilization["unused_units"] > 0, "reservation_id"]
    bought = found.active[found.active["reservation_id"].isin(unused)]
    reasons = found.unused_reasons[found.unused_reasons["reason"] != NOTHING_RUNNING]
    near, told = (
        set(zip(rows["reservation_id"], rows["reason"], strict=True))
        for rows in (near_misses(waiting, bought, world.sharing), reasons)
    )
    assert told <= near
    # Of several reservations one may take what another misses too.
    assert len(bought) > 1 or bool(told) == bool(near)


@law
@given(organizations().map(snapshot))
def test_every_table_adds_up_to_the_same_covered_units(org: Organization) -> None:
    result = seen(org).analysis
    check_conservation(result)
    units = sums(allocate_slowly(org), 0)
    covered = sum(units.get(m.name, 0.0) for m in org.machines if not m.slots)
    idle = sum(units.get(m.name, 0.0) for m in org.machines if m.slots)
    assert result.coverage["covered_units"].sum() == covered
    assert result.coverage_by_account["covered_units"].sum() == covered
    assert result.pools["covered_units"].sum() == covered
    assert result.utilization["used_units"].sum() == covered + idle
    assert result.pools["used_units"].sum() == covered + idle
    assert result.utilization["idle_slot_units"].sum() == idle
    assert result.pools["covered_idle_units"].sum() == idle
    assert result.capacity_reservations["covered_idle_units"].sum() == idle
    assert result.pools["lent_units"].sum() == result.utilization["lent_units"].sum()
    assert result.pools["lent_units"].sum() == result.pools["borrowed_units"].sum()
    running = sum(need(m) for m in org.machines if not m.slots)
    assert result.pools["running_units"].sum() == running
    assert result.uncovered["uncovered_units"].sum() == running - covered
