"""Expiry: what ends and what starts, by month."""

from __future__ import annotations

import pandas as pd

from ri_report.rules.expiry import EXPIRIES, ending_within, expiries
from tests.rules.fleet import AS_OF, fleet, lines, table

FLEET = """
    i-1: A runs 3 m5.large in us-east-1a
    r-1: A bought 2 m5.large in us-east-1, ends 2026-11-30T23:59
    r-2: A bought 1 m5.xlarge in us-east-1, ends 2026-12-01
    r-3: B bought 1 c5.large in us-east-1a, ends 2026-12-31
    r-4: B bought 4 c5.large in us-east-1, queued, starts 2026-12-01, ends 2027-12-01
    r-5: B bought 2 c5.large in us-east-1, starts 2027-01-05, ends 2028-01-05
    r-6: B bought 9 c5.large in us-east-1, queued-deleted, starts 2026-12-01
    r-7: B bought 9 c5.large in us-east-1, retired, ends 2026-12-01
    """
"""r-1 ends first, so it serves two of i-1; the third takes half of r-2."""


def test_months_tell_what_ends_and_what_will_start() -> None:
    found = fleet(FLEET).analysis.expiries
    assert table(found, EXPIRIES.names) == lines("""
        month   | ending_reservations | ending_instances | ending_units | ending_used_units | starting_instances
        2026-11 | 1                   | 2                | 8            | 8                 | 0
        2026-12 | 2                   | 2                | 12           | 4                 | 4
        2027-01 | 0                   | 0                | 0            | 0                 | 2
        """)  # noqa: E501 - a table


def test_within_so_many_days_includes_the_last_moment() -> None:
    used = fleet("""
        r-1: A bought 1 m5.large in us-east-1, ends 2026-12-22T06:00
        r-2: A bought 1 m5.large in us-east-1, ends 2026-12-22T06:01
        """).analysis.utilization
    assert ending_within(used, 30, AS_OF)["reservation_id"].tolist() == ["r-1"]
    assert ending_within(used, 29, AS_OF).empty


def test_nothing_bought_ends_never() -> None:
    result = fleet("i-1: A runs 1 m5.large in us-east-1a").analysis
    found = expiries(result.utilization, result.other_states)
    pd.testing.assert_frame_equal(found, EXPIRIES.of([]))
    assert ending_within(result.utilization, 90, AS_OF).empty
