"""Gathering: the rows of every cell become one inventory, sorted and seen once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ri_report.errors import IntegrityError
from ri_report.inventory.outcomes import OUTCOMES, CellKind
from ri_report.inventory.records import fill_zone_ids
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    ZONES,
    Inventory,
)
from ri_report.inventory.tables import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from ri_report.inventory.frames import Frame
    from ri_report.inventory.outcomes import Outcome
    from ri_report.inventory.tables import Tables

Row = dict[str, Any]

KINDS: dict[CellKind, Frame] = {
    CellKind.INSTANCES: INSTANCES,
    CellKind.RESERVATIONS: RESERVATIONS,
    CellKind.CAPACITY: CAPACITY_RESERVATIONS,
    CellKind.ZONES: ZONES,
}
"""The frames of what is read in each region."""


def gather(
    rows: Mapping[CellKind, list[Row]],
    outcomes: Iterable[Outcome],
    *,
    as_of: datetime,
    **about: str,
) -> Inventory:
    """Return the inventory of these rows.

    Args:
        rows: The rows of accounts, instances, reservations, capacity reservations and zones, in
            any order.
        outcomes: How the reading of each cell ended, in any order.
        as_of: Moment of observation, aware UTC.
        about: run, source, endpoint and caller_account_id of the inventory.

    Raises:
        IntegrityError: an instance or something reserved was seen in two places.
    """
    zones = rows[CellKind.ZONES]

    def made(kind: CellKind, frame: Frame) -> pd.DataFrame:
        return frame.of(placed(seen_once(rows[kind], frame), zones, frame))

    return Inventory(
        as_of=as_of,
        accounts=ACCOUNTS.of(in_order(rows[CellKind.ACCOUNT], ACCOUNTS)),
        instances=made(CellKind.INSTANCES, INSTANCES),
        reservations=made(CellKind.RESERVATIONS, RESERVATIONS),
        capacity_reservations=made(CellKind.CAPACITY, CAPACITY_RESERVATIONS),
        zones=ZONES.of(in_order(zones, ZONES)),
        outcomes=OUTCOMES.of(in_order((outcome.row() for outcome in outcomes), OUTCOMES)),
        **about,
    )


def gather_account(rows: Mapping[CellKind, Sequence[Row]], outcomes: Iterable[Outcome]) -> Tables:
    """Return the tables of what was read of one account, as `gather` would make its frames.

    Args:
        rows: Rows of the kinds `KINDS`, in any order; a kind may be missing.
        outcomes: How the reading of each cell ended, in any order.

    Raises:
        ValueError: a value is of another kind or missing, or a zone or a cell stands twice, which
            are mistakes of the program.
    """
    zones = in_order(rows.get(CellKind.ZONES, ()), ZONES)
    ordered = {
        frame: zones if frame is ZONES else placed(rows.get(kind, ()), zones, frame)
        for kind, frame in KINDS.items()
    }
    ordered[OUTCOMES] = in_order((outcome.row() for outcome in outcomes), OUTCOMES)
    for frame in (ZONES, OUTCOMES):
        check_keys(ordered[frame], frame)
    return {frame.name: table_of(frame, found) for frame, found in ordered.items()}


def check_keys(rows: Sequence[Row], frame: Frame) -> None:
    """Refuse rows that share a key.

    Raises:
        ValueError: two do, which is a mistake of the program.
    """
    if len({tuple(row[name] for name in frame.key) for row in rows}) < len(rows):
        raise ValueError(f"frame {frame.name}: two rows share {', '.join(frame.key)}")


def placed(rows: Iterable[Row], zones: Iterable[Row], frame: Frame) -> list[Row]:
    """Return the rows in order, their zone ids filled from their own account's zones."""
    return in_order(fill_zone_ids(rows, zones), frame)


def seen_once(rows: list[Row], frame: Frame) -> list[Row]:
    """Return the rows, none of which was seen in two accounts or regions.

    What an account only pays for counts as seen at its owner.

    Raises:
        IntegrityError: one was; EC2's ids are unique, so one of the two answers is wrong.
    """
    key = frame.key[-1]
    places: dict[str, Row] = {}
    for row in rows:
        if row.get("owner_id"):
            continue
        other = places.setdefault(row[key], row)
        if other is not row:
            seen = sorted(f"{r['account_id']} in {r['region']}" for r in (row, other))
            raise IntegrityError(
                f"{key} {row[key]} was seen in account {seen[0]} and in account {seen[1]}, but ids"
                " are unique, so one answer is not of the account that was asked; check endpoint,"
                " proxy or the folders of saved answers"
            )
    return rows


def in_order(rows: Iterable[Row], frame: Frame) -> list[Row]:
    """Return the rows by account, region and key, whatever order the answers came in."""
    first = [name for name in ("account_id", "region") if name in frame.names]
    names = list(dict.fromkeys([*first, *frame.key]))
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in names))
