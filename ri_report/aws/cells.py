"""The reading of one account and of one (account, region, kind) cell, each with its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ri_report.aws.answers import answer, malformed, pages, part
from ri_report.aws.clients import using
from ri_report.aws.faults import Asked, Fault, FaultError
from ri_report.aws.permissions import (
    DESCRIBE_AVAILABILITY_ZONES,
    DESCRIBE_CAPACITY_RESERVATIONS,
    DESCRIBE_INSTANCES,
    DESCRIBE_RESERVED_INSTANCES,
)
from ri_report.aws.regions import account_regions
from ri_report.errors import IntegrityError
from ri_report.inventory.fields import MalformedRecordError
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.records import (
    capacity_rows,
    instance_rows,
    reservation_rows,
    zone_rows,
)

if TYPE_CHECKING:
    from ri_report.aws.clients import Clients
    from ri_report.aws.credentials import RoleCredentials
    from ri_report.aws.scope import Scope

Row = dict[str, Any]
T = TypeVar("T")
MakeRows = Callable[[list[Row], str, str], list[Row]]
# Asking for pages of a stated size uses the larger of EC2's request buckets
# (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
PAGE_SIZE = 1000
RUNNING = [{"Name": "instance-state-name", "Values": ["running"]}]
ACTIVE = [{"Name": "state", "Values": ["active"]}]


@dataclass(frozen=True)
class Cell:
    """One question to one account; one about the whole account has no region."""

    account_id: str
    region: str
    kind: CellKind

    def outcome(self, fault: Fault) -> Outcome:
        """The outcome of a cell that could not be read."""
        return Outcome(
            self.account_id,
            self.region,
            self.kind,
            fault.status,
            fault.reason,
            fault.detail,
            fault.fix,
        )


@dataclass(frozen=True)
class Reading:
    """What came of a cell: its outcome and the rows that were kept, none unless it was read."""

    outcome: Outcome
    rows: list[Row]


@dataclass(frozen=True)
class AccountReading:
    """What came of entering an account: the cells to read, and outcomes already certain."""

    account_id: str
    cells: list[Cell]
    outcomes: list[Outcome]


@dataclass(frozen=True)
class Reader:
    """Reads accounts and cells; may be used from many threads at once."""

    clients: Clients
    credentials: RoleCredentials

    def enter(self, account_id: str, scope: Scope) -> AccountReading:
        """Assume the account's role, ask for its regions, and lay out its cells.

        Raises:
            ConfigError: a wanted region does not exist.
        """
        cell = Cell(account_id, "", CellKind.ACCOUNT)
        try:
            self.credentials.of(account_id)
            cell = Cell(account_id, "", CellKind.REGIONS)
            regions = self._signed(
                account_id, lambda principal: account_regions(self.clients, principal, scope)
            )
        except FaultError as error:
            return AccountReading(account_id, [], [cell.outcome(error.fault)])
        return AccountReading(
            account_id,
            [Cell(account_id, region, kind) for region in regions.enabled for kind in READERS],
            [
                _not_opted_in(account_id, region, kind)
                for region in regions.not_opted_in
                for kind in READERS
            ],
        )

    def read(self, cell: Cell) -> Reading:
        """Read one cell whole; whatever goes wrong is its outcome, and no row of it is kept."""
        try:
            rows = self._signed(
                cell.account_id, lambda principal: READERS[cell.kind](self.clients, cell, principal)
            )
        except FaultError as error:
            return Reading(cell.outcome(error.fault), [])
        status = Status.OK if rows else Status.EMPTY
        outcome = Outcome(cell.account_id, cell.region, cell.kind, status, row_count=len(rows))
        return Reading(outcome, rows)

    def _signed(self, account_id: str, read: Callable[[str], T]) -> T:
        """Read with the account's credentials; once more with new ones if AWS refused them."""
        credentials = self.credentials.of(account_id)
        principal = self.credentials.principal(account_id)
        try:
            with using(credentials):
                return read(principal)
        except FaultError as error:
            if error.fault.status is not Status.EXPIRED:
                raise
            fresh = self.credentials.renewed(account_id, credentials)
            if fresh is credentials:
                raise
        with using(fresh):
            return read(principal)


def _not_opted_in(account_id: str, region: str, kind: CellKind) -> Outcome:
    detail = "the account has not enabled this region"
    return Outcome(account_id, region, kind, Status.SKIPPED, "not_opted_in", detail)


def read_instances(clients: Clients, cell: Cell, principal: str) -> list[Row]:
    """Every running instance of the cell, each once, from all pages or none."""
    asked = Asked(DESCRIBE_INSTANCES, principal)
    found = pages(clients, asked, cell.region, Filters=RUNNING, MaxResults=PAGE_SIZE)
    launches = [launch for page in found for launch in part(page, "Reservations", asked)]
    return _rows(instance_rows, launches, cell, asked)


def read_reservations(clients: Clients, cell: Cell, principal: str) -> list[Row]:
    """Every reservation of the cell, in every state; EC2 answers without pages."""
    asked = Asked(DESCRIBE_RESERVED_INSTANCES, principal)
    reply = answer(clients, asked, cell.region)
    return _rows(reservation_rows, part(reply, "ReservedInstances", asked), cell, asked)


def read_capacity_reservations(clients: Clients, cell: Cell, principal: str) -> list[Row]:
    """Every active capacity reservation that the account owns, from all pages or none."""
    asked = Asked(DESCRIBE_CAPACITY_RESERVATIONS, principal)
    found = pages(clients, asked, cell.region, Filters=ACTIVE, MaxResults=PAGE_SIZE)
    held = [record for page in found for record in part(page, "CapacityReservations", asked)]
    return _rows(capacity_rows, held, cell, asked)


def read_zones(clients: Clients, cell: Cell, principal: str) -> list[Row]:
    """Every zone that the account sees in the region; EC2 answers without pages."""
    asked = Asked(DESCRIBE_AVAILABILITY_ZONES, principal)
    reply = answer(clients, asked, cell.region)
    return _rows(zone_rows, part(reply, "AvailabilityZones", asked), cell, asked)


READERS: dict[CellKind, Callable[[Clients, Cell, str], list[Row]]] = {
    CellKind.INSTANCES: read_instances,
    CellKind.RESERVATIONS: read_reservations,
    CellKind.CAPACITY: read_capacity_reservations,
    CellKind.ZONES: read_zones,
}


def _rows(make: MakeRows, records: list[Row], cell: Cell, asked: Asked) -> list[Row]:
    try:
        return make(records, cell.account_id, cell.region)
    except MalformedRecordError as error:
        raise malformed(asked, "record", str(error)) from error
    except IntegrityError as error:
        fix = "Check the endpoint and proxy settings: the answer belongs to another account"
        fault = Fault(Status.INTEGRITY, "other_account", f"{asked.action}: {error}", fix)
        raise FaultError(fault) from error
