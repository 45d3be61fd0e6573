"""A straightforward allocator of the same rules: dictionaries and loops, one unit of thought each.

It is what the engine is timed against, and a second opinion: its result must be the same.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ri_report.rules.sizes import EXCLUDED_FAMILIES, factor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = dict[str, Any]
TICKS = 4 * 3600


def allocate(usage: list[Row], reservations: list[Row]) -> dict[tuple[str, str, str, str], float]:
    """Return units by (period, usage, reservation, tier), sharing open, zones matched by name."""
    factors: dict[str, float] = {}
    for row in usage:
        row["size"] = _factor(row, factors)
        row["left"] = round(row["hours"] * 3600) * round(row["size"] * 4)
    for row in reservations:
        size = round(_factor(row, factors) * 4)
        row["left"] = round(row["hours"] * 3600) * size * row["instance_count"]
    given: dict[tuple[str, str, str, str], float] = {}
    for scope, key in (("zonal", _zonal), ("regional", _regional)):
        sellers = [row for row in reservations if row["scope"] == scope]
        _tier(usage, sellers, _own(key), ("owner", given))
        _tier(usage, sellers, key, ("organization", given))
    return given


def _factor(row: Row, factors: dict[str, float]) -> float:
    name = row["instance_type"]
    if name not in factors:
        factors[name] = factor_of(name)[0]
    return factors[name]


def _own(key: Callable[[Row], tuple[str, ...]]) -> Callable[[Row], tuple[str, ...]]:
    return lambda row: (*key(row), row["account_id"])


def _zonal(row: Row) -> tuple[str, ...]:
    place = (row["period"], row["region"], row["availability_zone"])
    return (*place, row["instance_type"], row["platform"], row["tenancy"])


def _regional(row: Row) -> tuple[str, ...]:
    family = row["instance_type"].split(".")[0]
    linux = row["platform"] == "Linux/UNIX" and row["tenancy"] == "default"
    what = family if linux and family not in EXCLUDED_FAMILIES else row["instance_type"]
    return (row["period"], row["region"], what, row["platform"], row["tenancy"])


def _tier(
    usage: list[Row],
    sellers: list[Row],
    key: Callable[[Row], tuple[str, ...]],
    into: tuple[str, dict[tuple[str, str, str, str], float]],
) -> None:
    offers = _queues(sellers, key)
    wishes = _queues(usage, key)
    for name, offered in offers.items():
        wanted = wishes.get(name, [])
        left: dict[str, int] = defaultdict(int)
        for row in wanted:
            left[row["account_id"]] += row["left"]
        wanted.sort(
            key=lambda r: (r["size"], -left[r["account_id"]], r["account_id"], r["usage_id"])
        )
        offered.sort(key=lambda r: (r["end"], r["reservation_id"]))
        _give(wanted, offered, into)


def _queues(
    rows: Iterable[Row], key: Callable[[Row], tuple[str, ...]]
) -> dict[tuple[str, ...], list[Row]]:
    queues: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row["left"]:
            queues[key(row)].append(row)
    return queues


def _give(
    wanted: list[Row], offered: list[Row], into: tuple[str, dict[tuple[str, str, str, str], float]]
) -> None:
    tier, given = into
    sellers = iter(offered)
    seller = next(sellers)
    for row in wanted:
        while row["left"]:
            ticks = min(row["left"], seller["left"])
            if ticks:
                where = (row["period"], row["usage_id"], seller["reservation_id"], tier)
                given[where] = given.get(where, 0) + ticks / TICKS
            row["left"] -= ticks
            seller["left"] -= ticks
            if not seller["left"]:
                following = next(sellers, None)
                if following is None:
                    return
                seller = following
