"""Misses: pairs of an instance and a reservation that match but for one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.rules.matching import INDEPENDENT_REGIONS, ZONAL, takes_no_zonal
from ri_report.rules.sizes import families

if TYPE_CHECKING:
    from ri_report.rules.sharing import Sharing


def near_misses(usage: pd.DataFrame, active: pd.DataFrame, sharing: Sharing) -> pd.DataFrame:
    """Return the pairs between which exactly one rule stands.

    Every row of the one frame is compared with every row of the other: one of them should be short.

    Args:
        usage: Rows as `capacity.with_slots` returns them.
        active: Rows of frame `eligibility.ACTIVE`.
        sharing: The preferences.

    Returns:
        usage_id, reservation_id and the reason, one of `reasons.UNUSED_REASONS_TEXT`; sorted.
    """
    usage = usage.assign(takes_no_zonal=takes_no_zonal(usage, sharing))
    both = usage.merge(active, how="cross", suffixes=("", "_bought"))
    stands = pd.DataFrame(_standing(both, sharing))
    is_near = (stands.sum(axis="columns") == 1) & _is_family(both)
    names = np.asarray(stands.columns, dtype=object)
    near = both.loc[is_near, ["usage_id", "reservation_id"]].assign(
        reason=names[stands[is_near].to_numpy(dtype=bool).argmax(axis=1)]
    )
    return near.sort_values(["reason", "reservation_id", "usage_id"], ignore_index=True)


def _standing(both: pd.DataFrame, sharing: Sharing) -> dict[str, pd.Series[bool]]:
    """Return for each rule whether it stands between the two, as if each stood alone."""
    is_zonal = both["scope"] == ZONAL
    differs = {
        name: both[name] != both[f"{name}_bought"]
        for name in ("region", "platform", "tenancy", "instance_type", "account_id")
    }
    # What flexes on one platform or tenancy does not on another: sizes must flex on both sides.
    is_exact = (both["pool_bought"] == both["instance_type_bought"]) | (
        both["pool"] == both["instance_type"]
    )
    circles = (
        sharing.circles(both[name], sharing.widest_tier)
        for name in ("account_id", "account_id_bought")
    )
    mine, theirs = circles
    is_elsewhere, is_unknown = _zones(both, differs["account_id"], sharing)
    is_zonal_here = is_zonal & ~differs["region"]
    return {
        "capacity_reservation": is_zonal & both["takes_no_zonal"],
        "wrong_zone": is_zonal_here & is_elsewhere & ~is_unknown,
        "zone_unknown": is_zonal_here & is_unknown,
        "size_not_flexible": (is_zonal | is_exact) & differs["instance_type"],
        "sharing_off": differs["account_id"] & (mine != theirs),
        "platform": differs["platform"],
        "tenancy": differs["tenancy"],
        "region": differs["region"],
    }


def _zones(
    both: pd.DataFrame, is_others: pd.Series[bool], sharing: Sharing
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Return whether the zones differ, and whether that is unknown because one of them is.

    Within one account the names tell; between accounts what the preferences say. Where names are
    the same place in every account they stand in for an id that is not known.
    """
    ids = both[["availability_zone_id", "availability_zone_id_bought"]]
    is_told = (ids != "").all(axis="columns") | both["region"].isin(INDEPENDENT_REGIONS)
    by_id = is_others & (sharing.zonal_match == "az_id") & is_told
    mine, theirs = (
        both[f"availability_zone{side}"].where(~by_id, both[f"availability_zone_id{side}"])
        for side in ("", "_bought")
    )
    return mine != theirs, (mine == "") | (theirs == "")


def _is_family(both: pd.DataFrame) -> pd.Series[bool]:
    return families(both["instance_type"]) == families(both["instance_type_bought"])
