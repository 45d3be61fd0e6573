"""Clock hours: a month swept by its events equals a scan of its hours, and AWS's own bill."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ri_report.rules.allocation import allocate
from ri_report.rules.hours import KIND, by_hour, over_hours, purchased_hours
from ri_report.rules.sizes import factor_of

BILL = Path(__file__).parents[3] / "shared" / "data" / "bill-2018-10"
START = datetime(2018, 10, 1, tzinfo=UTC)
HOURS = 6
END = datetime(2018, 10, 1, HOURS, tzinfo=UTC)
EXAMPLES = int(os.environ.get("RI_REPORT_EXAMPLES", "60"))


def at(seconds: float) -> pd.Timestamp:
    return pd.Timestamp(START) + pd.Timedelta(seconds=seconds)


def runs_of(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Runs as account, type, and seconds after `START` at which each begins and ends."""
    return pd.DataFrame(
        [
            {
                "account_id": account,
                "region": "us-east-1",
                "availability_zone": "us-east-1a",
                "availability_zone_id": "use1-az1",
                "instance_type": instance_type,
                "platform": "Linux/UNIX",
                "tenancy": "default",
                "start": at(begun),
                "end": at(ended),
            }
            for account, instance_type, begun, ended in rows
        ],
        columns=[*KIND, "start", "end"],
    ).astype(dict.fromkeys(KIND, "str") | dict.fromkeys(["start", "end"], "datetime64[us, UTC]"))


def bought_of(*rows: tuple[str, str, str, int, float, float]) -> pd.DataFrame:
    """Reservations as id, account, type, count, and seconds at which the term begins and ends."""
    return pd.DataFrame(
        [
            {
                "reservation_id": reservation_id,
                "account_id": account,
                "region": "us-east-1",
                "scope": "regional",
                "availability_zone": "",
                "availability_zone_id": "",
                "instance_type": instance_type,
                "platform": "Linux/UNIX",
                "tenancy": "default",
                "instance_count": count,
                "start": at(begun),
                "end": at(ended),
            }
            for reservation_id, account, instance_type, count, begun, ended in rows
        ]
    )


def used_units(runs: pd.DataFrame, bought: pd.DataFrame) -> dict[str, float]:
    hourly = by_hour(runs, bought, START, END)
    found = allocate(hourly.usage, hourly.reservations)
    units = over_hours(found, hourly.periods).groupby(found["reservation_id"]).sum()
    return {str(name): round(float(total), 9) for name, total in units.items()}


def scanned_units(runs: pd.DataFrame, bought: pd.DataFrame) -> dict[str, float]:
    """Look at each hour by itself, every instance a row: no sharing of hours, no kinds."""
    totals: dict[str, float] = {}
    for hour in range(HOURS):
        low, high = at(hour * 3600), at((hour + 1) * 3600)
        ended = runs["end"].where(runs["end"] < high, high)
        begun = runs["start"].where(runs["start"] > low, low)
        ran = (ended - begun).dt.total_seconds()
        usage = runs.assign(usage_id=runs.index.astype("str"), hours=ran / 3600)[ran > 0]
        term = (bought["start"] < high) & (high <= bought["end"])
        offered = bought[term].assign(hours=1.0)
        for row in allocate(usage, offered).to_dict("records"):
            totals[row["reservation_id"]] = totals.get(row["reservation_id"], 0.0) + row["units"]
    return {name: round(units, 9) for name, units in totals.items()}


def test_four_quarters_of_an_hour_use_one_reservation_whole() -> None:
    runs = runs_of(*(("A", "m4.xlarge", 0, 900) for _ in range(4)))
    bought = bought_of(("r1", "A", "m4.xlarge", 1, -1, 10**7))
    assert used_units(runs, bought) == {"r1": 8.0}


def test_what_one_hour_leaves_is_lost_to_the_next() -> None:
    runs = runs_of(("A", "m4.xlarge", 1800, 3600), ("A", "m4.xlarge", 3600, 9000))
    bought = bought_of(("r1", "A", "m4.xlarge", 1, -1, 10**7))
    assert used_units(runs, bought) == {"r1": 8 * (0.5 + 1 + 0.5)}


def test_hours_in_which_nothing_changed_share_one_period() -> None:
    runs = runs_of(("A", "m4.xlarge", 0, HOURS * 3600), ("B", "m4.large", -9999, 10**6))
    bought = bought_of(("r1", "A", "m4.xlarge", 1, -1, 10**7))
    hourly = by_hour(runs, bought, START, END)
    assert hourly.periods["hours"].tolist() == [HOURS]
    assert used_units(runs, bought) == {"r1": 8.0 * HOURS}


def test_the_hour_of_purchase_counts_in_full_and_the_hour_of_the_end_not_at_all() -> None:
    runs = runs_of(("A", "m4.large", 0, HOURS * 3600))
    bought = bought_of(("r1", "A", "m4.large", 1, 3600 + 2700, 4 * 3600 + 1))
    assert used_units(runs, bought) == {"r1": 4.0 * 3}


def test_a_period_begins_where_something_changes_and_has_the_hours_until_the_next() -> None:
    runs = runs_of(("A", "m4.large", 0, 2 * 3600))
    bought = bought_of(("r1", "A", "m4.large", 1, 3 * 3600, 10**7))
    periods = by_hour(runs, bought, START, END).periods
    told = sorted(zip(periods["start"], periods["hours"], strict=True))
    assert told[-1] == (at(3 * 3600), HOURS - 3)
    assert told[0] == (at(0), 2)


def test_a_second_counts() -> None:
    runs = runs_of(*(("A", "m4.large", *s) for s in [(3599, 3600), (7199, 7201), (9000, 9000)]))
    bought = bought_of(("r1", "A", "m4.large", 1, -1, 10**7))
    assert used_units(runs, bought) == {"r1": round(4 * 3 / 3600, 9)}


@pytest.mark.parametrize(
    "inside", [{"capacity_reservation_id": "cr-1"}, {"kind": "idle_slot"}], ids=["in", "idle"]
)
@pytest.mark.parametrize(("scope", "units"), [("zonal", 0.0), ("regional", 4.0 * HOURS)])
def test_zonal_reservations_do_not_serve_capacity_reservations_in_any_hour(
    inside: dict[str, str], scope: str, units: float
) -> None:
    """EC2 User Guide, "Capacity Reservation pricing and billing"."""
    runs = runs_of(("A", "m4.large", 0, HOURS * 3600)).assign(**inside)
    bought = bought_of(("r1", "A", "m4.large", 1, -1, 10**7)).assign(
        scope=scope, availability_zone="us-east-1a", availability_zone_id="use1-az1"
    )
    assert used_units(runs, bought).get("r1", 0.0) == units


def test_runs_inside_and_beside_a_capacity_reservation_are_told_apart() -> None:
    runs = runs_of(*[("A", "m4.large", 0, HOURS * 3600)] * 3)
    runs["capacity_reservation_id"] = ["cr-1", "", None]
    bought = bought_of(("r1", "A", "m4.large", 3, -1, 10**7)).assign(
        scope="zonal", availability_zone="us-east-1a", availability_zone_id="use1-az1"
    )
    assert used_units(runs, bought) == {"r1": 2 * 4.0 * HOURS}


def test_nothing_that_ran_gives_no_usage() -> None:
    hourly = by_hour(runs_of(), bought_of(("r1", "A", "m4.large", 1, -1, 10**7)), START, END)
    assert hourly.usage.empty
    assert len(hourly.reservations) == 1


moments = st.integers(-3600, (HOURS + 1) * 3600)
spans = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))
accounts = st.sampled_from(["A", "B", "C"])
types = st.sampled_from(["m4.large", "m4.xlarge", "c5.large", "g5.xlarge"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.tuples(accounts, types, spans), max_size=12),
    st.lists(st.tuples(accounts, types, st.integers(1, 3), spans), min_size=1, max_size=5),
)
def test_the_sweep_over_events_equals_the_scan_of_hours(
    ran: list[tuple[str, str, tuple[int, int]]],
    offered: list[tuple[str, str, int, tuple[int, int]]],
) -> None:
    runs = runs_of(*((account, kind, *span) for account, kind, span in ran))
    bought = bought_of(
        *((f"r{n}", owner, kind, count, *s) for n, (owner, kind, count, s) in enumerate(offered))
    )
    # Which reservation of a pool is used is a convention of each call; the sum is not.
    swept, scanned = used_units(runs, bought), scanned_units(runs, bought)
    assert sum(swept.values()) == pytest.approx(sum(scanned.values()))
    assert swept == pytest.approx(scanned)


def test_purchased_hours_are_those_of_cost_explorer() -> None:
    """The sample of GetReservationUtilization: three leases from 2017-07-01 to 2017-10-01."""
    leases = pd.DataFrame(
        {
            "start": pd.to_datetime(["2016-09-28T15:22:32Z"] * 2 + ["2016-09-20T04:06:03Z"]),
            "end": pd.to_datetime(
                ["2019-09-28T15:22:31Z", "2017-09-28T15:22:31Z", "2017-09-20T04:06:02Z"]
            ),
        }
    )
    start, end = datetime(2017, 7, 1, tzinfo=UTC), datetime(2017, 10, 1, tzinfo=UTC)
    assert purchased_hours(leases, start, end).tolist() == [2208, 2151, 1948]


def test_a_term_outside_the_window_has_no_purchased_hours() -> None:
    spans = [(-7200, -3600), (HOURS * 3600, 10**7), (0, 1800), (-3600, 3600)]
    terms = pd.DataFrame({"start": [at(s) for s, _ in spans], "end": [at(e) for _, e in spans]})
    assert purchased_hours(terms, START, END).tolist() == [0, 0, 0, 1]


@pytest.mark.skipif(not BILL.is_dir(), reason="the sample bill is not part of the project")
def test_the_month_of_a_real_bill_has_the_utilization_that_aws_billed() -> None:
    platforms = {"RunInstances": "Linux/UNIX", "RunInstances:0002": "Windows"}
    ran = pd.read_parquet(BILL / "instance_hours_with_aws_coverage_2018-10.parquet")
    seconds = (ran["hours_run"] * 3600).round()
    runs = pd.DataFrame(
        {
            "account_id": ran["account"],
            "region": "us-east-1",
            "availability_zone": ran["az"],
            "availability_zone_id": "",
            "instance_type": ran["instance_type"],
            "platform": ran["operation"].map(platforms),
            "tenancy": "default",
            "start": ran["hour_utc"],
            "end": ran["hour_utc"] + pd.to_timedelta(seconds, unit="s"),
        }
    )
    rows = pd.read_csv(BILL / "reservations.csv", dtype={"line_item_usage_account_id": "str"})
    bought = pd.DataFrame(
        {
            "reservation_id": rows["reservation_reservation_a_r_n"],
            "account_id": rows["line_item_usage_account_id"],
            "region": "us-east-1",
            "scope": "regional",
            "availability_zone": "",
            "availability_zone_id": "",
            "instance_type": rows["line_item_usage_type"].str.removeprefix("HeavyUsage:"),
            "platform": rows["line_item_operation"].map(platforms),
            "tenancy": "default",
            "instance_count": rows["reservation_number_of_reservations"].astype("int64"),
            "start": pd.to_datetime(rows["reservation_start_time"]),
            "end": pd.to_datetime(rows["reservation_end_time"]),
        }
    )
    end = datetime(2018, 11, 1, tzinfo=UTC)
    hourly = by_hour(runs, bought, START, end)
    found = allocate(hourly.usage, hourly.reservations)
    units = over_hours(found, hourly.periods)
    size = bought["instance_type"].map(lambda name: factor_of(name)[0])
    sizes = dict(zip(bought["reservation_id"], size, strict=True))
    hours = purchased_hours(bought, START, end) * bought["instance_count"]
    assert units.sum() / (hours * size).sum() == pytest.approx(0.79091, abs=5e-6)
    used_hours = (units / found["reservation_id"].map(sizes)).sum()
    assert used_hours / hours.sum() == pytest.approx(0.88102, abs=5e-6)
