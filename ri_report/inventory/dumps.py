"""Dumps: saved answers of the AWS CLI, read into the same inventory as a live run.

    DIR/accounts.json                                  optional: organizations list-accounts
    DIR/organization.json                              optional: organizations describe-organization
    DIR/<account id>/<region>/instances.json           ec2 describe-instances
    DIR/<account id>/<region>/reserved-instances.json  ec2 describe-reserved-instances
    DIR/<account id>/<region>/availability-zones.json  optional: ec2 describe-availability-zones

A file that is missing or cannot be read is a gap, never zero.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ri_report.errors import ConfigError, NoReportError
from ri_report.inventory.gathering import gather
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.records import (
    MalformedRecordError,
    account_rows,
    instance_rows,
    reservation_rows,
    zone_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ri_report.inventory.schema import Inventory

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Source:
    """One file of a region: what it holds and how its records become rows."""

    kind: CellKind
    file: str
    key: str
    command: str
    rows: Callable[[Iterable[dict[str, Any]], str, str], Rows]
    required: bool = True


SOURCES = (
    _Source(
        CellKind.ZONES,
        "availability-zones.json",
        "AvailabilityZones",
        "describe-availability-zones",
        zone_rows,
        required=False,
    ),
    _Source(
        CellKind.INSTANCES,
        "instances.json",
        "Reservations",
        "describe-instances",
        instance_rows,
    ),
    _Source(
        CellKind.RESERVATIONS,
        "reserved-instances.json",
        "ReservedInstances",
        "describe-reserved-instances",
        reservation_rows,
    ),
)


@dataclass
class _Read:
    rows: dict[CellKind, Rows] = field(default_factory=lambda: {s.kind: [] for s in SOURCES})
    outcomes: list[Outcome] = field(default_factory=list)


def read_dumps(folder: Path, as_of: datetime | None, run: str = "") -> Inventory:
    """Read a folder of saved answers.

    Args:
        folder: Laid out as this module's docstring says.
        as_of: Moment of observation, aware UTC; None for the time of the newest file.
        run: Name of the run; "" for one made from the moment of observation.

    Raises:
        ConfigError: there is no such folder, or nothing in it looks like an answer.
        NoReportError: no file of any account could be read.
        IntegrityError: the answers contradict their folder or each other.
    """
    places = _places(folder)
    moment = as_of or _newest(folder)
    accounts = _accounts(folder, sorted({account for account, _ in places}))
    read = _Read()
    for account_id, region in places:
        _read_region(folder, account_id, region, read)
    read.outcomes += _unseen(accounts, {account for account, _ in places})
    if not any(rows for rows in read.rows.values()) and all(o.is_gap for o in read.outcomes):
        raise NoReportError(f"{folder}: no file could be read; {read.outcomes[0].detail}")
    return gather(
        {CellKind.ACCOUNT: accounts} | read.rows,
        read.outcomes,
        as_of=moment,
        run=run or f"{moment:%Y-%m-%dT%H%M%SZ}",
        source="dumps",
        endpoint="",
        caller_account_id="",
    )


def _places(folder: Path) -> list[tuple[str, str]]:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder; name one with --from-dumps")
    places = sorted(
        (region.parent.name, region.name)
        for region in folder.glob("*/*/")
        if re.fullmatch(r"\d{12}", region.parent.name)
    )
    if not places:
        raise ConfigError(
            f"{folder}: holds no <12-digit account id>/<region>/ folders; "
            "save answers as <account id>/<region>/instances.json"
        )
    return places


def _newest(folder: Path) -> datetime:
    newest = max(path.stat().st_mtime for path in folder.rglob("*.json"))
    return datetime.fromtimestamp(int(newest), tz=UTC)


def _accounts(folder: Path, seen: list[str]) -> Rows:
    management = _optional(folder / "organization.json", "Organization")
    payer = None if management is None else str(management.get("MasterAccountId", "")) or None
    listed = _optional(folder / "accounts.json", "Accounts")
    rows = [] if listed is None else account_rows(listed, payer)
    named = {row["account_id"] for row in rows}
    rest = [{"Id": account_id, "State": "ACTIVE"} for account_id in seen if account_id not in named]
    return sorted(rows + account_rows(rest, payer), key=lambda row: str(row["account_id"]))


def _optional(path: Path, key: str) -> Any:  # noqa: ANN401 - JSON holds any type
    """Return one key of an optional file; a file that is there must be right."""
    if not path.exists():
        return None
    try:
        return _load(path, key)
    except MalformedRecordError as error:
        raise ConfigError(f"{path}: {error}") from error


def _load(path: Path, key: str) -> Any:  # noqa: ANN401 - JSON holds any type
    try:
        answer = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise MalformedRecordError(f"cannot be read as JSON ({error})") from error
    if not isinstance(answer, dict) or key not in answer:
        raise MalformedRecordError(f"has no {key}; save the whole answer with --output json")
    if answer.get("NextToken"):
        raise MalformedRecordError("is one page of several; save it without --max-items")
    return answer[key]


def _read_region(folder: Path, account_id: str, region: str, read: _Read) -> None:
    for source in SOURCES:
        path = folder / account_id / region / source.file
        if not path.exists():
            if source.required:
                read.outcomes.append(_missing(source, account_id, region, path))
            continue
        try:
            rows = source.rows(_load(path, source.key), account_id, region)
        except MalformedRecordError as error:
            read.outcomes.append(_malformed(source, account_id, region, f"{path}: {error}"))
            continue
        read.rows[source.kind] += rows
        status = Status.OK if rows else Status.EMPTY
        read.outcomes.append(Outcome(account_id, region, source.kind, status, row_count=len(rows)))


def _missing(source: _Source, account_id: str, region: str, path: Path) -> Outcome:
    return Outcome(
        account_id,
        region,
        source.kind,
        Status.SKIPPED,
        "no_file",
        f"{path}: there is no such file",
        f"Save the answer of `aws ec2 {source.command} --region {region} --output json` there",
    )


def _malformed(source: _Source, account_id: str, region: str, detail: str) -> Outcome:
    return Outcome(
        account_id,
        region,
        source.kind,
        Status.MALFORMED,
        "",
        detail,
        f"Save the answer of `aws ec2 {source.command} --region {region} --output json` again",
    )


def _unseen(accounts: Rows, seen: set[str]) -> list[Outcome]:
    """Return the outcomes of listed accounts without a folder: a gap unless they are not active."""
    outcomes = []
    for row in accounts:
        account_id, state = row["account_id"], row["state"]
        if account_id in seen:
            continue
        closed = state != "ACTIVE"
        outcomes.append(
            Outcome(
                account_id,
                "",
                CellKind.ACCOUNT,
                Status.SKIPPED,
                "account_state" if closed else "no_file",
                f"the account is {state}" if closed else "no folder of this account",
                "" if closed else f"Save its answers under {account_id}/<region>/",
            )
        )
    return outcomes
