"""Parts: what was read of each account, on disk while a run is under way, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ri_report.inventory.gathering import KINDS, gather_account
from ri_report.inventory.names import ACCOUNT_ID
from ri_report.inventory.outcomes import READ, CellKind, Outcome, Status
from ri_report.inventory.part_file import keep_part, outcomes_in, read_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ri_report.inventory.tables import Tables

Row = dict[str, Any]

ENTRY = frozenset({CellKind.ACCOUNT, CellKind.REGIONS})
"""Kinds that stand for every cell of an account that was not reached because of them."""


def write_part(
    folder: Path,
    account_id: str,
    rows: Mapping[CellKind, Sequence[Row]],
    outcomes: Sequence[Outcome],
    kept: Iterable[tuple[str, CellKind]] = (),
) -> list[Outcome]:
    """Keep what was read of an account; processes may do so at once for different accounts.

    Where the account has a part already, what the outcomes say about a cell takes the place of
    what the part says; all else in it is kept, but a gap that stood for the whole account.

    Args:
        folder: Where the parts lie.
        account_id: The 12-digit account.
        rows: Rows of the kinds `KINDS`, in any order; a kind may be missing.
        outcomes: How the reading of each cell ended, in any order.
        kept: The (region, kind) cells that were not read again, because the part has them.

    Returns:
        The gaps of those: what the part no longer has, as when it was damaged since.

    Raises:
        ConfigError: the disk is full or fails; an older part is then as it was.
        ValueError: a row or an outcome is not of this account, is of a cell that was not read or
            stands twice, or holds a value of another kind: mistakes of the program.
    """
    _check_account(account_id, rows, outcomes)
    before = read_part(folder, account_id)
    if before is not None:
        rows, outcomes = _merged(before, rows, outcomes)
    lost = _lost(account_id, outcomes, kept)
    keep_part(folder, account_id, gather_account(rows, [*outcomes, *lost]))
    return lost


def _lost(
    account_id: str, outcomes: Sequence[Outcome], kept: Iterable[tuple[str, CellKind]]
) -> list[Outcome]:
    there = {(outcome.region, outcome.kind) for outcome in outcomes}
    detail = "not whole on disk any more when the run was resumed"
    fix = "Check the disk of this machine, then run again"
    return [
        Outcome(account_id, region, kind, Status.MALFORMED, "part", detail, fix)
        for region, kind in sorted(set(kept) - there)
    ]


def _check_account(
    account_id: str, rows: Mapping[CellKind, Sequence[Row]], outcomes: Sequence[Outcome]
) -> None:
    if not ACCOUNT_ID.fullmatch(account_id):
        raise ValueError(f"not the id of an account: {account_id!r}")
    if any(outcome.account_id != account_id for outcome in outcomes):
        raise ValueError(f"account {account_id}: an outcome of another account")
    read = {(account_id, o.region, o.kind) for o in outcomes if o.status in READ}
    for kind, found in rows.items():
        cells = {(row["account_id"], row["region"], kind) for row in found}
        if kind not in KINDS or not cells <= read:
            raise ValueError(f"account {account_id}: rows of {kind} in a cell that was not read")


def _merged(
    before: Tables, rows: Mapping[CellKind, Sequence[Row]], outcomes: Sequence[Outcome]
) -> tuple[dict[CellKind, list[Row]], list[Outcome]]:
    """Return what is true of the account now: what was said anew, and all else that was said."""
    told = {(outcome.region, outcome.kind) for outcome in outcomes}
    kept = [
        outcome
        for outcome in outcomes_in(before)
        if (outcome.region, outcome.kind) not in told
        and not (outcomes and outcome.kind in ENTRY and outcome.is_gap)
    ]
    merged = {
        kind: [row for row in before[frame.name].to_pylist() if (row["region"], kind) not in told]
        + list(rows.get(kind, ()))
        for kind, frame in KINDS.items()
    }
    return merged, [*kept, *outcomes]


def read_outcomes(folder: Path) -> Iterator[tuple[str, list[Outcome]]]:
    """Yield each account that has a part, in order, with its outcomes."""
    for path in sorted(folder.glob("*.part")):
        account_id = path.name.removesuffix(".part")
        tables = read_part(folder, account_id)
        if tables is not None:
            yield account_id, outcomes_in(tables)
