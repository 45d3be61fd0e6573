"""Counts: how many instances run, by account and type, before any rule about discounts."""

from __future__ import annotations

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.completeness import COMPLETE, COMPLETENESS

RUNNING = Frame(
    "running",
    ("account_id", "region", "instance_type"),
    (
        Column("account_id", "text", "Account that runs the instances", "Account"),
        Column("region", "text", "Region"),
        Column("instance_type", "text", "Instance type"),
        Column(
            "running_instances",
            "count",
            "Running instances of every kind",
            "Running",
            nullable=True,
        ),
        Column(
            "eligible_instances",
            "count",
            "Of these, reservations can cover",
            "Eligible",
            nullable=True,
        ),
        Column(
            "not_eligible_instances", "count", "Of these, reservations cannot cover", nullable=True
        ),
        COMPLETENESS,
    ),
)


def running(usage: pd.DataFrame, not_eligible: pd.DataFrame) -> pd.DataFrame:
    """Return frame `RUNNING`: what runs, sorted by account, region and type.

    Args:
        usage: Frame `eligibility.USAGE`.
        not_eligible: Frame `eligibility.NOT_ELIGIBLE`; what it holds as not running is not counted.
    """
    others = not_eligible[not_eligible["reason"] != "not_running"]
    rows = pd.concat(
        [
            usage.assign(running_instances=1, eligible_instances=1),
            others.assign(running_instances=1, not_eligible_instances=1),
        ]
    )
    measures = [column.name for column in RUNNING.columns if column.kind == "count"]
    sums = rows.groupby(list(RUNNING.key), as_index=False)[measures].sum()
    return RUNNING.check(sums.assign(completeness=COMPLETE))
