"""Fleets of any size for the benchmarks, drawn from a seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

FAMILIES = ("m5", "c5", "r5", "t3", "m6i", "c6g", "r6g", "i3", "g4dn", "x2idn")
SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge")
REGIONS = tuple(f"region-{number}" for number in range(17))
PLATFORMS = ("Linux/UNIX", "Linux/UNIX", "Linux/UNIX", "Windows", "Red Hat Enterprise Linux")


def fleet(
    instances: int, reservations: int, accounts: int, regions: int = 17
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return usage and reservations as `allocate` takes them, for one period."""
    draw = np.random.default_rng(20261101)
    usage = _traits(draw, instances, accounts, regions)
    usage.insert(0, "usage_id", [f"i-{number:017x}" for number in draw.permutation(instances)])
    usage["hours"] = 1.0
    bought = _traits(draw, reservations, accounts, regions)
    bought.insert(
        0, "reservation_id", [f"r-{number:08d}" for number in draw.permutation(reservations)]
    )
    bought["scope"] = draw.choice(["zonal", "regional", "regional", "regional"], reservations)
    zonal = bought["scope"] == "zonal"
    for zone in ("availability_zone", "availability_zone_id"):
        bought[zone] = bought[zone].where(zonal, "")
    bought["instance_count"] = draw.integers(1, 15, reservations)
    days = draw.integers(0, 1095, reservations)
    bought["end"] = pd.Timestamp("2026-11-01", tz="UTC") + pd.to_timedelta(days, unit="D")
    bought["hours"] = 1.0
    return usage, bought


def _traits(draw: np.random.Generator, rows: int, accounts: int, regions: int) -> pd.DataFrame:
    region = draw.choice(np.array(REGIONS[:regions]), rows)
    letter = draw.choice(np.array(["a", "b", "c"]), rows)
    family = draw.choice(np.array(FAMILIES), rows)
    size = draw.choice(np.array(SIZES), rows)
    return pd.DataFrame(
        {
            "account_id": [f"{number:012d}" for number in draw.integers(0, accounts, rows)],
            "region": region,
            "availability_zone": np.char.add(region, letter),
            "availability_zone_id": np.char.add(region, letter),
            "instance_type": np.char.add(np.char.add(family, "."), size),
            "platform": draw.choice(np.array(PLATFORMS), rows),
            "tenancy": draw.choice(np.array(["default"] * 19 + ["dedicated"]), rows),
            "period": "",
        }
    ).astype("str")


def month(
    runs: int, reservations: int, accounts: int, start: pd.Timestamp, hours: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return when instances ran, from minutes to weeks, and reservations over the whole month.

    Each account runs ten workloads, each of one type and platform in the three zones of a region,
    that scale out and in.
    """
    draw = np.random.default_rng(20261001)
    workloads = _traits(draw, accounts * 10, accounts, regions=3).drop(columns="period")
    ran = workloads.iloc[draw.integers(0, len(workloads), runs)].reset_index(drop=True)
    letter = pd.Series(draw.choice(np.array(["a", "b", "c"]), runs), dtype="str")
    for zone in ("availability_zone", "availability_zone_id"):
        ran[zone] = ran["region"] + letter
    begun = draw.integers(-24 * 3600, hours * 3600, runs)
    length = np.exp(draw.normal(np.log(4 * 3600), 1.2, runs)).astype("int64") + 60
    ran["start"] = start + pd.to_timedelta(begun, unit="s")
    ran["end"] = ran["start"] + pd.to_timedelta(length, unit="s")
    _, bought = fleet(1, reservations, accounts, regions=3)
    bought["start"] = start - pd.Timedelta(days=100)
    bought["end"] = bought["end"] + pd.Timedelta(days=100)
    return ran, bought.drop(columns=["period", "hours"])
