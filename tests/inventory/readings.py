"""Readings of accounts: some made up, rows and outcomes that belong together; and what was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from ri_report.inventory.gathering import KINDS
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.parts import read_outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from ri_report.inventory.schema import Inventory

Row = dict[str, Any]
Rows = dict[CellKind, list[Row]]

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
REGIONS = ("eu-west-1", "us-east-1")
MOMENTS = st.datetimes(
    datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001 - its rule
)  # fmt: skip
SHORT = st.text(max_size=4)
VALUES = {
    "text": SHORT,
    "count": st.integers(0, 10_000_000),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "cost": st.floats(allow_nan=False, allow_infinity=False),
    "time": MOMENTS,
    "flag": st.booleans(),
}
GAPS = st.sampled_from([Status.TIMEOUT, Status.DENIED, Status.THROTTLED, Status.MALFORMED])


@dataclass(frozen=True)
class Read:
    """What was read of an account."""

    account_id: str
    rows: Rows
    outcomes: list[Outcome]

    def only(self, cells: set[tuple[str, CellKind]]) -> Read:
        """Return what was read of these cells."""
        rows = {
            kind: [row for row in found if (row["region"], kind) in cells]
            for kind, found in self.rows.items()
        }
        outcomes = [o for o in self.outcomes if (o.region, o.kind) in cells]
        return Read(self.account_id, rows, outcomes)


def account(account_id: str, **values: object) -> Row:
    """Make a row of the frame `ACCOUNTS`."""
    absent: Row = {"account_name": "", "state": "ACTIVE", "is_management": None}
    return absent | {"account_id": account_id} | values


def instance(account_id: str, region: str, instance_id: str, **values: object) -> Row:
    """Make a row of the frame `INSTANCES`."""
    absent: Row = {column.name: "" for column in KINDS[CellKind.INSTANCES].columns}
    where = {"account_id": account_id, "region": region, "instance_id": instance_id}
    return absent | where | {"launch_time": AS_OF - timedelta(hours=1)} | values


def zone(account_id: str, region: str, name: str, zone_id: str) -> Row:
    """Make a row of the frame `ZONES`."""
    return {
        "account_id": account_id,
        "region": region,
        "availability_zone": name,
        "availability_zone_id": zone_id,
        "zone_type": "availability-zone",
    }


def read_ok(account_id: str, region: str, kind: CellKind, row_count: int = 1) -> Outcome:
    """Make the outcome of a cell that was read."""
    return Outcome(account_id, region, kind, Status.OK, row_count=row_count)


def gap(account_id: str, region: str = "", kind: CellKind = CellKind.ACCOUNT) -> Outcome:
    """Make the outcome of what was not read."""
    return Outcome(account_id, region, kind, Status.TIMEOUT, "", "no answer", "Run again")


@st.composite
def readings(draw: st.DrawFn, most_accounts: int = 4) -> list[Read]:
    """Draw readings of a few accounts in which each cell was read, or was not."""
    numbers = st.integers(0, 10**12 - 1)
    ids = draw(st.lists(numbers, max_size=most_accounts, unique=True))
    return [_reading(draw, f"{number:012d}") for number in ids]


def _reading(draw: st.DrawFn, account_id: str) -> Read:
    read = Read(account_id, {kind: [] for kind in KINDS}, [])
    for region in REGIONS:
        for kind in KINDS:
            found = [_row(draw, account_id, region, kind) for _ in range(draw(st.integers(0, 3)))]
            unique = _each_once(found, kind)
            is_told_empty: bool = draw(st.booleans())
            if unique or is_told_empty:
                status = Status.OK if unique else Status.EMPTY
                read.rows[kind] += unique
                outcome = Outcome(account_id, region, kind, status, row_count=len(unique))
            else:
                outcome = Outcome(account_id, region, kind, draw(GAPS), "why", draw(SHORT))
            read.outcomes.append(outcome)
    return read


def _row(draw: st.DrawFn, account_id: str, region: str, kind: CellKind) -> Row:
    row: Row = {"account_id": account_id, "region": region}
    for column in KINDS[kind].columns[2:]:
        values = VALUES[column.kind]
        row[column.name] = draw(st.none() | values if column.nullable else values)
    row["availability_zone"] = draw(st.sampled_from(["", "a", "b"]))
    row["availability_zone_id"] = draw(st.sampled_from(["", "az1"]))
    (*_, key) = KINDS[kind].key
    if kind is not CellKind.ZONES:
        row[key] = f"{account_id} {region} {draw(st.sampled_from('éabcdefgh'))}"
    return row


def _each_once(rows: list[Row], kind: CellKind) -> list[Row]:
    (*_, key) = KINDS[kind].key
    return list({row[key]: row for row in rows}.values())


def rows_of(found: list[Read]) -> Rows:
    """Return the rows of all readings by their kind, with those of their accounts."""
    rows = {kind: [row for read in found for row in read.rows[kind]] for kind in KINDS}
    return rows | {CellKind.ACCOUNT: [account(read.account_id) for read in found]}


def gaps_in(inventory: Inventory) -> set[tuple[str, str, str]]:
    """Return account, status and reason of whatever could not be read."""
    missing = inventory.outcomes[inventory.outcomes["is_gap"]]
    return set(map(tuple, missing[["account_id", "status", "reason"]].to_numpy().tolist()))


def cells_read(folder: Path) -> dict[str, frozenset[tuple[str, CellKind]]]:
    """Return by account the (region, kind) cells whose part says that they were read."""
    return {
        account_id: frozenset((o.region, o.kind) for o in outcomes if not o.is_gap)
        for account_id, outcomes in read_outcomes(folder)
    }
