"""Analysis: the rules in their order, from an inventory to every frame that a report shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ri_report.rules.allocation import allocate
from ri_report.rules.basis import Otherwise, with_basis
from ri_report.rules.capacity import covered_capacity, held_capacity, idle_slots, with_slots
from ri_report.rules.counts import running
from ri_report.rules.coverage import cover, coverage, coverage_by_account
from ri_report.rules.eligibility import active_reservations, eligible_usage
from ri_report.rules.expiry import expiries
from ri_report.rules.inside import INSIDE, inside
from ri_report.rules.places import without_contradictions
from ri_report.rules.reasons import uncovered_instances, unused_reasons
from ri_report.rules.unplaced import unplaced_pools
from ri_report.rules.utilization import pools, utilization
from ri_report.rules.zones import ZONE_MATCH, other_reading, zone_match

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.sharing import Sharing


@dataclass(frozen=True)
class Analysis:
    """What the rules make of one inventory; each field is the frame declared under its name.

    Where `basis.MARKED` declares one of that name, its rows say whether they are firm.
    """

    running: pd.DataFrame
    covered: pd.DataFrame
    not_eligible: pd.DataFrame
    active: pd.DataFrame
    other_states: pd.DataFrame
    allocations: pd.DataFrame
    coverage: pd.DataFrame
    coverage_by_account: pd.DataFrame
    utilization: pd.DataFrame
    unused_reasons: pd.DataFrame
    uncovered: pd.DataFrame
    zone_match: pd.DataFrame
    pools: pd.DataFrame
    expiries: pd.DataFrame
    capacity_reservations: pd.DataFrame
    idle_slots: pd.DataFrame
    unplaced: pd.DataFrame
    inside: pd.DataFrame


@dataclass(frozen=True)
class _Fleet:
    """What runs and what was bought, as the rules take it."""

    usage: pd.DataFrame
    not_eligible: pd.DataFrame
    active: pd.DataFrame
    other_states: pd.DataFrame
    held: pd.DataFrame
    slots: pd.DataFrame
    both: pd.DataFrame
    as_of: datetime


def analyze(inventory: Inventory, sharing: Sharing) -> Analysis:
    """Apply the rules to what was seen; what was not seen is the report's business."""
    fleet = _fleet(without_contradictions(inventory))
    both, active = fleet.both, fleet.active
    allocations = allocate(both, active, sharing)
    made = _tables(fleet, allocations, sharing)
    made = replace(made, inside=inside(both, active, sharing, allocations))
    reading = other_reading(both, active, sharing, allocations)
    if reading is None:
        return with_basis(made, both, sharing, None)
    made = replace(made, zone_match=zone_match(both, active, allocations, reading))
    other = Otherwise(reading, _tables(fleet, reading.allocations, reading.sharing))
    return with_basis(made, both, sharing, other)


def _fleet(inventory: Inventory) -> _Fleet:
    usage, not_eligible = eligible_usage(inventory.instances, inventory.zones)
    active, other_states = active_reservations(inventory.reservations, inventory.as_of)
    held = held_capacity(inventory.capacity_reservations, inventory.zones)
    slots = idle_slots(held)
    both = with_slots(usage, slots)
    return _Fleet(usage, not_eligible, active, other_states, held, slots, both, inventory.as_of)


def _tables(fleet: _Fleet, allocations: pd.DataFrame, sharing: Sharing) -> Analysis:
    """Return what follows from an allocation, without what compares it with another."""
    active, slots = fleet.active, fleet.slots
    covered = cover(fleet.usage, allocations)
    reasons = unused_reasons(covered, active, allocations, sharing)
    used = utilization(active, allocations, reasons, fleet.as_of, slots=slots)
    return Analysis(
        running=running(fleet.usage, fleet.not_eligible),
        covered=covered,
        not_eligible=fleet.not_eligible,
        active=active,
        other_states=fleet.other_states,
        allocations=allocations,
        coverage=coverage(covered),
        coverage_by_account=coverage_by_account(covered),
        utilization=used,
        unused_reasons=reasons,
        uncovered=uncovered_instances(covered, active, sharing),
        zone_match=ZONE_MATCH.of([]),
        pools=pools(covered, slots, active, allocations),
        expiries=expiries(used, fleet.other_states),
        capacity_reservations=covered_capacity(fleet.held, allocations),
        idle_slots=slots,
        unplaced=unplaced_pools(fleet.both, active, allocations, sharing),
        inside=INSIDE.of([]),
    )
