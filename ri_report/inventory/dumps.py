"""Dumps: saved answers of the AWS CLI, read into the same inventory as a live run.

    DIR/accounts.json                                  optional: organizations list-accounts
    DIR/organization.json                              optional: organizations describe-organization
    DIR/<account id>/<region>/instances.json           ec2 describe-instances
    DIR/<account id>/<region>/reserved-instances.json  ec2 describe-reserved-instances
    DIR/<account id>/<region>/availability-zones.json  optional: ec2 describe-availability-zones
    DIR/<account id>/<region>/capacity-reservations.json
                                                       optional: ec2 describe-capacity-reservations

A file that is missing is a gap, never zero, unless it is optional: then it is not known. One that
cannot be read is always a gap. A region of which only other accounts have a folder may be one that
the account does not use: it is no gap, but said not to be saved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ri_report.errors import ConfigError, IntegrityError, NoReportError
from ri_report.inventory.fields import MalformedRecordError
from ri_report.inventory.gathering import gather
from ri_report.inventory.layout import (
    account_ids,
    load,
    load_records,
    newest,
    regions,
)
from ri_report.inventory.names import ACCOUNT_ID, run_name
from ri_report.inventory.outcomes import NOT_SAVED, CellKind, Outcome, Status, accounts_read
from ri_report.inventory.records import (
    account_rows,
    capacity_rows,
    instance_rows,
    reservation_rows,
    zone_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
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
    _Source(
        CellKind.CAPACITY,
        "capacity-reservations.json",
        "CapacityReservations",
        "describe-capacity-reservations",
        capacity_rows,
        required=False,
    ),
)


FILES = tuple(source.file for source in SOURCES)


@dataclass
class _Read:
    rows: dict[CellKind, Rows] = field(default_factory=lambda: {s.kind: [] for s in SOURCES})
    outcomes: list[Outcome] = field(default_factory=list)


def read_dumps(folder: Path, as_of: datetime | None, run: str = "") -> Inventory:
    """Read a folder of saved answers.

    Args:
        folder: Laid out as this module's docstring says.
        as_of: Moment of observation, aware UTC; None for the time of the newest answer.
        run: Name of the run; "" for one made from the moment of observation.

    Raises:
        ConfigError: there is no such folder, or its layout or list of accounts is wrong.
        NoReportError: no list of instances or reservations could be read.
        IntegrityError: the answers contradict their folder or each other.
    """
    places = {account: regions(folder, account) for account in account_ids(folder, FILES)}
    accounts = _accounts(folder, list(places))
    read = _Read()
    for account_id, names in places.items():
        for region in names:
            _read_region(folder, account_id, region, read)
    read.outcomes += _unseen(accounts, {account for account, names in places.items() if names})
    read.outcomes += _unsaved(places)
    _refuse_nothing_read(folder, read.outcomes)
    moment = as_of or newest(folder, FILES)
    return gather(
        {CellKind.ACCOUNT: accounts} | read.rows,
        read.outcomes,
        as_of=moment,
        run=run or run_name(moment),
        source="dumps",
        endpoint="",
        caller_account_id="",
    )


def _refuse_nothing_read(folder: Path, outcomes: list[Outcome]) -> None:
    if accounts_read(outcomes):
        return
    first = next((outcome for outcome in outcomes if outcome.is_gap), outcomes[0])
    raise NoReportError(f"{folder}: nothing could be read; {first.detail}. {first.fix}")


def _accounts(folder: Path, seen: list[str]) -> Rows:
    management = _management_account_id(folder / "organization.json")
    path = folder / "accounts.json"
    rows = _listed(path, management) if path.exists() else []
    named = {row["account_id"] for row in rows}
    rest = [{"Id": account_id, "State": "ACTIVE"} for account_id in seen if account_id not in named]
    return rows + account_rows(rest, management)


def _listed(path: Path, management: str | None) -> Rows:
    """Return the rows of the listed accounts; a list that is there must be right."""
    try:
        rows = account_rows(load_records(path, "Accounts"), management)
    except MalformedRecordError as error:
        raise ConfigError(f"{path}: {error}") from error
    for row in rows:
        if not ACCOUNT_ID.fullmatch(row["account_id"]):
            raise ConfigError(f"{path}: {row['account_id']!r} is not an account id of 12 digits")
    return rows


def _management_account_id(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        organization = load(path, "Organization")
    except MalformedRecordError as error:
        raise ConfigError(f"{path}: {error}") from error
    said = organization.get("MasterAccountId") if isinstance(organization, dict) else None
    if not isinstance(said, str) or not ACCOUNT_ID.fullmatch(said):
        raise ConfigError(f"{path}: has no Organization.MasterAccountId of 12 digits")
    return said


def _read_region(folder: Path, account_id: str, region: str, read: _Read) -> None:
    for source in SOURCES:
        name = f"{account_id}/{region}/{source.file}"
        path = folder / name
        if not path.exists():
            if source.required:
                read.outcomes.append(_missing(source, account_id, region, name))
            continue
        try:
            rows = _rows(source, path, account_id, region)
        except MalformedRecordError as error:
            read.outcomes.append(_malformed(source, account_id, region, f"{name}: {error}"))
            continue
        read.rows[source.kind] += rows
        status = Status.OK if rows else Status.EMPTY
        read.outcomes.append(Outcome(account_id, region, source.kind, status, row_count=len(rows)))


def _rows(source: _Source, path: Path, account_id: str, region: str) -> Rows:
    """Return the rows of one file.

    Raises:
        MalformedRecordError: the file cannot be read, or a record in it.
        IntegrityError: it is the answer of another account or region.
    """
    try:
        rows = source.rows(load_records(path, source.key), account_id, region)
    except IntegrityError as error:
        raise IntegrityError(f"{path}: {error}; save each answer in its own folder") from error
    # The name of a zone, of a Local Zone too, begins with that of its region:
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
    zones = {row["availability_zone"] for row in rows} - {""}
    elsewhere = sorted(zone for zone in zones if not zone.startswith(region))
    if elsewhere:
        raise IntegrityError(
            f"{path}: names the zone {elsewhere[0]}, which is not in {region}; "
            "save each answer in its own folder"
        )
    return rows


def _missing(source: _Source, account_id: str, region: str, name: str) -> Outcome:
    return Outcome(
        account_id,
        region,
        source.kind,
        Status.SKIPPED,
        "no_file",
        f"{name}: there is no such file",
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
                f"the account is {state}" if closed else "no folder of this account and region",
                "" if closed else f"Save its answers under {account_id}/<region>/",
            )
        )
    return outcomes


def _unsaved(places: dict[str, list[str]]) -> list[Outcome]:
    """Return an outcome for each region of which other accounts have a folder and this one none."""
    anywhere = {region for names in places.values() for region in names}
    return [
        Outcome(
            account_id,
            region,
            CellKind.REGIONS,
            Status.SKIPPED,
            NOT_SAVED,
            "no folder of this region, of which another account has one",
            f"Save its answers under {account_id}/{region}/, empty ones too",
        )
        for account_id, names in places.items()
        if names
        for region in sorted(anywhere - {*names})
    ]
