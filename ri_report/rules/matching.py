"""Matching: which usage and which reservations have in common what AWS compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from ri_report.rules.sharing import OWNER
from ri_report.rules.sizes import pool_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ri_report.rules.sharing import Sharing

    Integers = NDArray[np.int64]

ZONAL = "zonal"
REGIONAL = "regional"
INSTANCE = "instance"
IDLE_SLOT = "idle_slot"
RULES: dict[str, tuple[str, ...]] = {
    ZONAL: ("circle", "region", "zone", "instance_type", "platform", "tenancy"),
    REGIONAL: ("circle", "region", "pool", "platform", "tenancy"),
}
"""What must agree by scope (EC2 User Guide, "Regional and zonal Reserved Instances"): zonal
reservations match the zone and the exact type; regional ones any zone, and any size where sizes
flex, which the `pool` says. The `circle` says who shares with whom."""

INDEPENDENT_REGIONS = frozenset(
    {
        "us-east-1",
        "us-west-1",
        "us-west-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "eu-west-1",
        "sa-east-1",
        "us-gov-west-1",
    }
)
"""Where one zone name may be another place in every account; in all other regions it is the same
one (AWS Regions and Availability Zones, "AZ IDs", as of November 2026)."""

_ZONES = ("availability_zone", "availability_zone_id")
_POOL_TRAITS = ("instance_type", "platform", "tenancy")
_TRAITS = ("period", "account_id", "region", *_ZONES, *_POOL_TRAITS, "scope")


def comparable(usage: pd.DataFrame, reservations: pd.DataFrame, sharing: Sharing) -> pd.DataFrame:
    """Stack usage and, below it, reservations, with everything that decides on a match.

    Args:
        usage: What `allocation.allocate` takes.
        reservations: What `allocation.allocate` takes.
        sharing: The preferences.

    Returns:
        A column of categories for each trait, among them the `pool` and the `scope`: of a
        reservation its own, of usage the only one that may serve it, "" where both may; and the
        `place` by which zones are compared by id. An unknown zone is missing, and what is missing
        matches nothing.
    """
    no_zonal = takes_no_zonal(usage, sharing)
    usage = usage.assign(scope=pd.Series("", usage.index).mask(no_zonal, REGIONAL))
    both = pd.DataFrame({trait: _stacked(usage, reservations, trait) for trait in _TRAITS})
    both = _named(both)
    return both.assign(pool=_pools(both), place=_places(both))


def takes_no_zonal(usage: pd.DataFrame, sharing: Sharing) -> pd.Series[bool]:
    """Return whether no zonal reservation may serve the usage.

    Zonal reservations do not apply to Capacity Reservations (EC2 User Guide, "Capacity Reservation
    pricing and billing"), so not to idle slots. Whether that holds for an instance inside one too
    the preferences say.
    """
    slots = is_idle_slot(usage)
    return slots if sharing.zonal_in_capacity_reservations else slots | runs_inside(usage)


def runs_inside(usage: pd.DataFrame) -> pd.Series[bool]:
    """Return whether the usage is an instance that runs inside a capacity reservation."""
    if "capacity_reservation_id" not in usage:
        return pd.Series(data=False, index=usage.index)
    return usage["capacity_reservation_id"].fillna("") != ""


def is_idle_slot(usage: pd.DataFrame) -> pd.Series[bool]:
    """Return whether the usage is an idle slot of a capacity reservation, and no instance."""
    if "kind" not in usage:
        return pd.Series(data=False, index=usage.index)
    return usage["kind"] == IDLE_SLOT


def _stacked(usage: pd.DataFrame, reservations: pd.DataFrame, trait: str) -> pd.Categorical[str]:
    """Stack one trait of both sides; a trait that a side lacks is "" there."""
    sides = [_categories(side, trait) for side in (usage, reservations)]
    stacked = union_categoricals(sides, sort_categories=True)
    is_unknown = trait in _ZONES and "" in stacked.categories
    return stacked.remove_categories("") if is_unknown else stacked


def _categories(side: pd.DataFrame, trait: str) -> pd.Categorical[str]:
    if trait in side:
        return pd.Categorical(side[trait].astype("str"))
    return pd.Categorical.from_codes(np.zeros(len(side), dtype=np.int8), pd.Index([""]))


def _named(both: pd.DataFrame) -> pd.DataFrame:
    """Name the zone of usage that has only its id, as its own account does elsewhere.

    Else it would wait for its own account's zonal reservations among those of others.
    """
    name, key = "availability_zone", ["account_id", "region", "availability_zone_id"]
    is_lost = both[name].isna() & both[key[-1]].notna() & (both["scope"] == "")
    if not is_lost.any():
        return both
    named = both.loc[both[name].notna() & (both["scope"] != REGIONAL), [*key, name]]
    found = both.loc[is_lost, key].merge(named.drop_duplicates(key), on=key, how="left")
    codes = both[name].cat.codes.to_numpy().copy()
    codes[is_lost] = found[name].cat.codes
    names = both[name].cat.categories
    return both.assign(**{name: pd.Categorical.from_codes(codes, categories=names)})


def _places(both: pd.DataFrame) -> pd.Series[str] | pd.Categorical[int]:
    """Return the zone id of each row or, in a region where some are unknown, the zone name.

    The latter only where a name is the same place in every account, so that both say the same.
    """
    name, place, region = both["availability_zone"], both["availability_zone_id"], both["region"]
    is_lost = place.isna() & name.notna()
    named = set(region[is_lost].unique()) - INDEPENDENT_REGIONS if is_lost.any() else set()
    if not named:
        return place
    names, places = (np.asarray(side.cat.codes, dtype=np.int64) for side in (name, place))
    known = len(place.cat.categories)
    codes = np.where(region.isin(named), np.where(names < 0, -1, names + known), places)
    categories = pd.RangeIndex(known + len(name.cat.categories))
    return pd.Categorical.from_codes(codes, categories=categories)


def _pools(both: pd.DataFrame) -> pd.Categorical[str]:
    """Name the pool of each row, working out each combination of traits only once."""
    combination = pd.Series(pd.factorize(pack(both, _POOL_TRAITS))[0])
    first = both.loc[~combination.duplicated(), list(_POOL_TRAITS)]
    names = pool_names(first.astype("str")).astype("category")
    codes = names.cat.codes.to_numpy()[combination]
    return pd.Categorical.from_codes(codes, categories=names.cat.categories)


def match_keys(both: pd.DataFrame, scope: str, sharing: Sharing, tier: str) -> Integers:
    """Return a number for each row; usage and reservations match exactly where numbers agree.

    The number of what cannot match in this scope and tier is negative.

    Args:
        both: What `comparable` returns.
        scope: `zonal` or `regional`.
        sharing: Who may serve whom.
        tier: One of `sharing.tiers`.
    """
    keys = pack(arrange(both, sharing, tier), ("period", *RULES[scope]))
    return np.where(both["scope"].isin(["", scope]), keys, -1)


def arrange(both: pd.DataFrame, sharing: Sharing, tier: str) -> pd.DataFrame:
    """Add the `circle` in which each account shares in this tier, and the `zone` as it counts.

    Within one account a zone's name and id say the same, and the name is known where it matters.
    """
    accounts = both["account_id"].cat
    circles, names = pd.factorize(sharing.circles(pd.Series(accounts.categories), tier))
    codes = np.append(circles, -1)[accounts.codes]  # a missing account's code is -1: the last
    by_name = tier == OWNER or sharing.zonal_match == "az_name"
    return both.assign(
        circle=pd.Categorical.from_codes(codes, categories=names),
        zone=both["availability_zone" if by_name else "place"],
    )


def mixed_pools(both: pd.DataFrame, sharing: Sharing) -> NDArray[np.bool_]:
    """Return for each row whether it is in a pool where zones are compared in two ways.

    Where zones match by id, names decide within an account (see `arrange`). If it runs, or bought,
    the same in one zone with an id that is known and with one that is not, names take them for
    alike and ids do not. Then how much zonal reservations of the pool cover in all depends on which
    of these meets the account's own first.

    Args:
        both: What `comparable` returns.
        sharing: Who may serve whom.
    """
    scope = both["scope"]
    is_lost = (both["place"].isna() & (scope != REGIONAL)).to_numpy()
    if sharing.zonal_match == "az_name" or not is_lost.any():
        return np.zeros(len(both), dtype=bool)
    place = ["account_id", "region", "availability_zone", *_POOL_TRAITS]
    places, kinds = tell_apart(both, place), tell_apart(both, [*place, "scope"])
    is_mixed = ~is_lost & np.isin(kinds, kinds[is_lost])
    is_mixed &= np.isin(places, places[(scope == ZONAL).to_numpy()])
    pools = tell_apart(both, ["region", "pool", "platform", "tenancy"])
    return np.isin(pools, pools[is_mixed])


def pack(both: pd.DataFrame, traits: Sequence[str]) -> Integers:
    """Return one number for each combination of these traits, -1 where one of them is missing."""
    missing = [both[trait].cat.codes.to_numpy() < 0 for trait in traits]
    return np.where(np.logical_or.reduce(missing), -1, tell_apart(both, traits))


def tell_apart(both: pd.DataFrame, traits: Sequence[str]) -> Integers:
    """Return one number from 0 for each combination of these traits; missing is one as others."""
    numbers = np.zeros(len(both), dtype=np.int64)
    missing = 0
    for trait in traits:
        size = len(both[trait].cat.categories) + 1
        numbers *= size
        numbers += both[trait].cat.codes.to_numpy()
        missing = missing * size - 1
    return numbers - missing
