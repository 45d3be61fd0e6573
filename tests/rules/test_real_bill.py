"""The allocation against a month of a real bill, where that sample lies beside the project."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ri_report.rules.allocation import allocate, allocated_units

BILL = Path(__file__).parents[3] / "shared" / "data" / "bill-2018-10"
PLATFORMS = {"RunInstances": "Linux/UNIX", "RunInstances:0002": "Windows"}
PLACE = {"region": "us-east-1", "availability_zone_id": "", "tenancy": "default"}

pytestmark = pytest.mark.skipif(
    not BILL.is_dir(), reason="the sample bill is not part of the project"
)


def usage() -> pd.DataFrame:
    rows = pd.read_parquet(BILL / "instance_hours_with_aws_coverage_2018-10.parquet")
    return rows.assign(
        usage_id=rows.index.astype("str"),
        period=rows["hour_utc"].astype("str"),
        platform=rows["operation"].map(PLATFORMS),
        aws_units=rows["aws_covered_hours"] * rows["norm_factor"],
        **PLACE,
    ).rename(columns={"account": "account_id", "az": "availability_zone", "hours_run": "hours"})


def reservations(hours: pd.Series[pd.Timestamp]) -> pd.DataFrame:
    """Offer each reservation in every hour of its term, the hour of its start being whole."""
    rows = pd.read_csv(BILL / "reservations.csv", dtype={"line_item_usage_account_id": "str"})
    bought = pd.DataFrame(
        {
            "reservation_id": rows["reservation_reservation_a_r_n"],
            "account_id": rows["line_item_usage_account_id"],
            "instance_type": rows["line_item_usage_type"].str.removeprefix("HeavyUsage:"),
            "platform": rows["line_item_operation"].map(PLATFORMS),
            "instance_count": rows["reservation_number_of_reservations"],
            "start": pd.to_datetime(rows["reservation_start_time"]).dt.floor("h"),
            "end": pd.to_datetime(rows["reservation_end_time"]),
        }
    ).assign(scope="regional", availability_zone="", hours=1.0, **PLACE)
    offered = bought.merge(hours.drop_duplicates().to_frame("hour"), how="cross")
    offered = offered[(offered["start"] <= offered["hour"]) & (offered["hour"] < offered["end"])]
    return offered.assign(period=offered["hour"].astype("str"))


def test_every_pool_in_every_hour_is_covered_as_aws_billed_it() -> None:
    used = usage()
    bought = reservations(used["hour_utc"])
    found = allocate(used, bought)
    used["is_owner"] = used["account_id"].isin(bought["account_id"])
    used["units"] = allocated_units(used["usage_id"], found)
    pool_hour = ["period", "is_owner", "family", "platform"]
    sums = used.groupby(pool_hour)[["units", "aws_units"]].sum()
    assert len(sums) == 4252
    # The bill rounds to a millionth of an hour, the allocation to a second.
    assert (sums["units"] - sums["aws_units"]).abs().max() < 1e-6
