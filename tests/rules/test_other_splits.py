"""Every table that marks its rows, made from another split that AWS leaves open just as well."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from ri_report.rules.allocation import ALLOCATIONS
from ri_report.rules.analysis import analyze
from ri_report.rules.basis import FIRM, MARKED
from tests.rules.test_firmness import ANY, split
from tests.rules.test_laws import law, seen

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd

    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing
    from tests.rules.oracle import Organization

    Row = tuple[Hashable, ...]

SPLITS = 3
"""How many other splits each organization is tried with."""


def analyzed(org: Organization, rng: random.Random | None = None) -> Analysis:
    """The analysis of an organization, by our conventions or by any other."""
    world = seen(org)
    if rng is None:
        return analyze(world.inventory, world.sharing)

    def shuffled(usage: pd.DataFrame, active: pd.DataFrame, sharing: Sharing) -> pd.DataFrame:
        assert len(usage) == len(org.machines)
        assert len(active) == len(org.purchases)
        given = split(org._replace(by_id=sharing.zonal_match == "az_id"), rng)
        return ALLOCATIONS.of(
            {"usage_id": taker, "reservation_id": giver, "tier": tier, "units": units}
            for (taker, giver, tier), units in given.items()
        )

    with (
        patch("ri_report.rules.analysis.allocate", shuffled),
        patch("ri_report.rules.zones.allocate", shuffled),
    ):
        return analyze(world.inventory, world.sharing)


def numbers(made: Analysis, name: str) -> dict[Row, list[float]]:
    """The units of each row of a table, and last what the other reading of zones would give."""
    frame, rows = MARKED[name], getattr(made, name)
    units = [c.name for c in frame.columns if c.kind in ("units", "number", "ratio")]
    key = [*frame.key, *(["tier"] if name == "allocations" else [])]
    keys = zip(*(rows[column] for column in key), strict=True)
    return dict(zip(keys, rows[units].to_numpy().tolist(), strict=True))


@law
@given(ANY, st.integers(0, 2**32))
def test_no_other_split_changes_a_firm_row_of_any_table(org: Organization, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    ours = analyzed(org)
    for theirs in (analyzed(org, rng) for _ in range(SPLITS)):
        for name in MARKED:
            is_firm = getattr(ours, name)["basis"] == FIRM
            rows = zip(numbers(ours, name).items(), is_firm, strict=True)
            # What is missing says that there is nothing to tell, of which nothing is claimed.
            firm = {row: [u for u in units if u == u] for (row, units), sure in rows if sure}  # noqa: PLR0124 - not a number
            found = numbers(theirs, name)
            same = {row: found.get(row, [])[: len(units)] for row, units in firm.items()}
            assert same == firm, name
