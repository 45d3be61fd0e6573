"""Unplaced: where zone ids that matter were not read, what zones by id would give is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ri_report.rules.basis import MARKED
from ri_report.rules.unknown import blind
from tests.rules.fleet import fleet, lines, table

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import ZonalMatch

UNREAD = """
    r: A bought 2 m5.large in us-east-1a ()
    i-1: B runs 1 m5.large in us-east-1a ()
    i-2: B runs 1 m5.large in us-east-1b ()
"""
FAR = """
    r-far: A bought 1 c5.large in us-east-1a (use1-az1)
    i-far: B runs 1 c5.large in us-east-1a (use1-az2)
"""


def analyzed(text: str, zonal_match: ZonalMatch = "az_name", **options: object) -> Analysis:
    world = fleet(text, zonal_match=zonal_match, **options)  # type: ignore[arg-type] # as fleet
    return blind(world.analysis, world.inventory, world.sharing)


def counted(text: str, **options: object) -> str:
    found = analyzed(text, **options).unplaced  # type: ignore[arg-type] # as fleet
    return table(found, ("region", "pool", "reservations", "instances"))


@pytest.mark.parametrize("zonal_match", ["az_name", "az_id"])
def test_ids_that_matter_are_counted_by_pool(zonal_match: ZonalMatch) -> None:
    assert counted(f"{UNREAD}{FAR}", zonal_match=zonal_match) == lines("""
        region    | pool | reservations | instances
        us-east-1 | m5   | 1            | 2
        """)


NEEDLESS = {
    "known": UNREAD.replace(" ()", ""),
    "same account": UNREAD.replace("B runs", "A runs"),
    "another type": UNREAD.replace("runs 1 m5.large", "runs 1 m5.xlarge"),
    "another region": UNREAD.replace(
        "B runs 1 m5.large in us-east-1", "B runs 1 m5.large in us-west-2"
    ),
    "names are places": UNREAD.replace("us-east-1", "eu-central-1"),
    "used by its owner": f"{UNREAD}\ni-own: A runs 2 m5.large in us-east-1a ()",
    "covered by its own": f"{UNREAD}\nr-1: B bought 1 m5.large in us-east-1a ()"
    "\nr-2: B bought 1 m5.large in us-east-1b ()",
    "regional": UNREAD.replace("in us-east-1a ()\n    i-1", "in us-east-1\n    i-1"),
    "inside a capacity reservation": UNREAD.replace("()\n", "(), inside cr\n").replace(
        "r: A bought 2 m5.large in us-east-1a (), inside cr",
        "r: A bought 2 m5.large in us-east-1a ()",
    ),
}


LITTLE = """
    r: A bought 1 t3.nano in us-east-1a ()
    i: B runs 1 t3.nano in us-east-1b ()
"""
IN_PART = """
    r: A bought 3 m5.large in us-east-1a ()
    i-own: A runs 2 m5.large in us-east-1a ()
    i: B runs 1 m5.large in us-east-1b ()
"""


@pytest.mark.parametrize(("text", "pool"), [(LITTLE, "t3"), (IN_PART, "m5")])
def test_an_id_matters_to_whatever_its_owner_leaves(text: str, pool: str) -> None:
    found = analyzed(text).unplaced
    assert found[["pool", "reservations", "instances"]].to_numpy().tolist() == [[pool, 1, 1]]


@pytest.mark.parametrize("name", NEEDLESS)
def test_ids_that_do_not_matter_are_not_missed(name: str) -> None:
    assert counted(NEEDLESS[name]).count("\n") == 0


def test_ids_do_not_matter_to_accounts_that_do_not_share() -> None:
    assert counted(UNREAD, deactivated=["B"]).count("\n") == 0


@pytest.mark.parametrize(
    ("lost", "reservations", "instances"), [("r", 1, 0), ("i-1", 0, 1), ("i-2", 0, 1)]
)
def test_one_unknown_id_is_enough(lost: str, reservations: int, instances: int) -> None:
    kept = [
        line if line.strip().startswith(f"{lost}:") else line.replace(" ()", "")
        for line in UNREAD.splitlines()
    ]
    found = analyzed("\n".join(kept)).unplaced
    assert found[["reservations", "instances"]].to_numpy().tolist() == [[reservations, instances]]


def test_what_is_unknown_by_id_is_no_number_beside_what_is_used_by_name() -> None:
    made = analyzed(f"{UNREAD}{FAR}")
    assert set(made.zone_match["reservation_id"]) == {"r-far"}
    assert numbers(made.utilization, "reservation_id", "used_units") == {"r": 4, "r-far": 4}
    assert numbers(made.utilization, "reservation_id", "zone_match_other") == {"r-far": 0}


def test_what_zones_by_id_decide_is_unknown_where_ids_were_not_read() -> None:
    """All else of the pool too: what zonal reservations leave, regional ones and idle slots get."""
    made = analyzed(
        f"""
        {UNREAD}
        {FAR}
        r-wide: B bought 1 m5.xlarge in us-east-1
        cr: B holds 1 m5.large in us-east-1c
        """,
        "az_id",
    )
    assert numbers(made.utilization, "reservation_id", "used_units") == {"r-far": 0}
    assert numbers(made.covered, "usage_id", "covered_units") == {"i-far": 0}
    assert numbers(made.unused_reasons, "reservation_id", "unused_units") == {"r-far": 4}
    why = dict(
        zip(made.unused_reasons["reservation_id"], made.unused_reasons["reason"], strict=True)
    )
    assert why == {"r": "zone_unknown", "r-wide": "zone_unknown", "r-far": "wrong_zone"}
    assert numbers(made.uncovered, "instance_id", "uncovered_units") == {"i-far": 4}
    assert numbers(made.coverage, "instance_type", "covered_units") == {"c5.large": 0}
    assert numbers(made.coverage_by_account, "instance_type", "covered_units") == {"c5.large": 0}
    assert made.capacity_reservations["covered_idle_units"].isna().all()
    assert made.expiries["ending_used_units"].isna().all()
    assert made.allocations["units"].isna().all()
    pools = made.pools[made.pools["pool"] == "m5"]
    assert pools[["covered_units", "used_units", "lent_units"]].isna().all(axis=None)
    assert dict(zip(pools["account_id"], pools["running_units"], strict=True)) == {"A": 0, "B": 8}
    assert set(pools["completeness"]) == {"unknown"}
    unsaid = (getattr(made, name) for name in MARKED)
    assert all((frame.loc[frame["basis"] == "firm", "basis"] == "firm").all() for frame in unsaid)
    reasons = dict(zip(made.uncovered["instance_id"], made.uncovered["reason"], strict=True))
    assert reasons["i-1"] == "zone_unknown"
    assert set(made.utilization["unused_reason"]) == {"zone_unknown", "wrong_zone"}


def numbers(frame: pd.DataFrame, key: str, name: str) -> dict[str, float]:
    """What is known of a column."""
    known = frame[frame[name].notna()]
    return dict(zip(known[key], known[name], strict=True))
