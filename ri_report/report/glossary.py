"""Glossary: what the words mean, and which conventions stand where AWS is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.rules.sharing import GROUP

if TYPE_CHECKING:
    from ri_report.rules.sharing import Sharing

TEXT = """\
Moment of observation
    Everything is true of the instances running at one moment. A bill counts hours: an
    instance that was stopped at that moment, or that runs only part of the hour, looks
    different there.

Utilization
    Used / purchased: the share of the normalized units bought in active reservations that
    covers running instances, and then idle slots of capacity reservations. A ratio of sums,
    never a mean of percentages.

Coverage
    Covered / running: the share of the normalized units of eligible running On-Demand
    Instances that reservations cover. What is not covered may still be covered by Savings
    Plans, which this report does not read.

Normalized units
    AWS's measure of size within a family: small is 1, large 4, xlarge 8, and N xlarge 8 x N.
    Sums over families measure capacity, not money.

Eligible
    Running On-Demand Instances on default or dedicated tenancy, on a platform for which AWS
    sells reservations. Spot, Dedicated Hosts, Capacity Blocks, Outposts, Local and Wavelength
    Zones are listed apart and are in no ratio.

Order of application
    Zonal reservations before regional ones, across the whole organization; the account that
    bought the reservation before the others; the smallest size first; fractions allowed (EC2
    User Guide, How Reserved Instance discounts are applied). Idle slots of capacity
    reservations come after all instances.

Zonal and regional
    A zonal reservation covers its exact type in its zone. A regional one covers any zone of
    its region, and for Linux/UNIX on default tenancy any size of its family, but for the
    families that AWS excludes.

Capacity reservations
    AWS bills an idle slot of an On-Demand Capacity Reservation as it bills an instance, to the
    account that pays for it. Regional reservations cover it with what instances leave; zonal
    ones never do, and by this report's reading of AWS's words (EC2 User Guide, Capacity
    Reservation pricing and billing) neither do they cover an instance that runs inside one,
    unless the setting sharing.zonal_in_capacity_reservations says so. Slots count in
    utilization, apart, and never in coverage.

Lent and borrowed
    Units of a reservation that cover instances or idle slots of another account are lent by
    the owner and borrowed by that account.

Pool
    Region, platform, tenancy and family (or exact type, where sizes do not flex). How much of a
    pool is covered and used in total follows from AWS's rules.

Firm and convention
    AWS's rules fix how much of a pool is covered and used, but not which of its sizes, zones,
    instances, accounts and reservations have it; even the smallest size first, as documented,
    is not what bills show. A row is firm when every split that the rules leave open gives it
    the same units. Of other rows the pool's total is firm and the split a convention; \u2248 is
    its sign. A sum over some rows of a pool is firm for sure only where each of them is. Tables
    that do not say it of their rows tell nothing that a split could change.

Conventions
    Of several reservations the one that ends first is used first; of several instances of one
    size, those of the account with most left to cover, then by account and id.

Unknown
    What could not be read is unknown, never zero. Ratios over nothing are n/a.
"""
"""A term a block, its definition indented below it."""

MODE_TEXT = {
    "open": "Open between all accounts.",
    "prioritized": "Prioritized: reservations serve the account that bought them, then its group,"
    " then all others.",
    "restricted": "Restricted: reservations serve the account that bought them, then its group, and"
    " nobody else. An account in no group, as the management account always is, shares with none.",
}
ZONAL_MATCH_TEXT = {
    "az_name": "Between accounts, zonal reservations match by zone name, as AWS's billing"
    " documentation words it.",
    "az_id": "Between accounts, zonal reservations match by zone id, the physical place.",
}
ZONAL_INSIDE_TEXT = (
    "Zonal reservations also cover instances that run inside a capacity reservation"
    " (zonal_in_capacity_reservations)."
)


def method(sharing: Sharing) -> tuple[tuple[str, str], ...]:
    """Return the terms with the settings that this report was made with."""
    off = ", ".join(sorted(sharing.deactivated_accounts))
    groups = (
        f"Group {name}: {', '.join(sorted(members))}."
        for name, members in sorted(sharing.groups.items())
        if GROUP in sharing.tiers
    )
    words = (
        MODE_TEXT[sharing.mode],
        *groups,
        f"Deactivated for {off}, which neither lend nor borrow." if off else "",
        ZONAL_MATCH_TEXT[sharing.zonal_match],
        ZONAL_INSIDE_TEXT if sharing.zonal_in_capacity_reservations else "",
    )
    return (*terms(), ("Sharing", " ".join(word for word in words if word)))


def terms() -> tuple[tuple[str, str], ...]:
    """Return (term, definition) pairs in reading order."""
    blocks = (block.partition("\n") for block in TEXT.strip().split("\n\n"))
    return tuple((term, " ".join(definition.split())) for term, _, definition in blocks)
