"""What is asked of an account and of each of its (region, kind) cells, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ri_report.aws.answers import Call, Reading, ask_as, malformed, pages, part
from ri_report.aws.faults import Asked, Fault, FaultError
from ri_report.aws.permissions import (
    ASSUME_ROLE,
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
    from ri_report.aws.answers import Answer
    from ri_report.aws.clients import Clients
    from ri_report.aws.credentials import RoleCredentials
    from ri_report.aws.scope import Scope

Row = dict[str, Any]
Filters = list[dict[str, object]]
MakeRows = Callable[[list[Row], str, str], list[Row]]
# Asking for pages of a stated size uses the larger of EC2's request buckets
# (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
PAGE_SIZE = 1000
MOST_BARREN_PAGES = 1000
"""Pages in a row that bring nothing new; more of them would go on until the run ends."""
RUNNING: Filters = [{"Name": "instance-state-name", "Values": ["running"]}]
ACTIVE: Filters = [{"Name": "state", "Values": ["active"]}]


KEYS = {
    CellKind.INSTANCES: "instance_id",
    CellKind.CAPACITY: "capacity_reservation_id",
}


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
class Entry:
    """What entering an account gave: the cells to read, and outcomes that are already certain."""

    cells: list[Cell]
    outcomes: list[Outcome]


@dataclass(frozen=True)
class Asker:
    """Makes calls in the name of any account; may be used from many threads at once."""

    clients: Clients
    credentials: RoleCredentials

    def ask(self, account_id: str, call: Call) -> Answer | None:
        """Make a call once; None when it was not answered for want of credentials that hold.

        `sts:AssumeRole` is answered with nothing: the credentials are kept here.

        Raises:
            FaultError: as `answers.ask`, or the role could not be assumed.
        """
        if call.asked.action == ASSUME_ROLE:
            self.credentials.assume(account_id)
            return {}
        credentials = self.credentials.of(account_id)
        if credentials is None:
            return None
        try:
            return ask_as(credentials, self.clients, call)
        except FaultError as error:
            if error.fault.status is not Status.EXPIRED:
                raise
            refusal = error.fault
        self.credentials.put_aside(account_id, credentials, refusal)
        return None

    def enter(self, account_id: str, scope: Scope) -> Reading[Entry]:
        """Assume the account's role, ask for its regions, and lay out its cells.

        Raises:
            ConfigError: a wanted region does not exist.
        """
        if self.credentials.needs_role(account_id):
            yield self.credentials.call(account_id)
        principal = self.credentials.principal(account_id)
        regions = yield from account_regions(self.clients, principal, scope)
        return Entry(
            [Cell(account_id, region, kind) for region in regions.enabled for kind in READERS],
            [
                _not_opted_in(account_id, region, kind)
                for region in regions.not_opted_in
                for kind in READERS
            ],
        )

    def read(self, cell: Cell) -> Reading[list[Row]]:
        """Read one cell whole."""
        return READERS[cell.kind](cell, self.credentials.principal(cell.account_id))


def _not_opted_in(account_id: str, region: str, kind: CellKind) -> Outcome:
    detail = "the account has not enabled this region"
    return Outcome(account_id, region, kind, Status.SKIPPED, "not_opted_in", detail)


def read_instances(cell: Cell, principal: str) -> Reading[list[Row]]:
    """Every running instance of the cell, each once, from all pages or none."""
    asked = Asked(DESCRIBE_INSTANCES, principal)
    return (yield from _paged(cell, asked, RUNNING, "Reservations", instance_rows))


def read_reservations(cell: Cell, principal: str) -> Reading[list[Row]]:
    """Every reservation of the cell, in every state; EC2 answers without pages."""
    asked = Asked(DESCRIBE_RESERVED_INSTANCES, principal)
    return (yield from _whole(cell, asked, "ReservedInstances", reservation_rows))


def read_capacity_reservations(cell: Cell, principal: str) -> Reading[list[Row]]:
    """Every active capacity reservation that the account owns, from all pages or none."""
    asked = Asked(DESCRIBE_CAPACITY_RESERVATIONS, principal)
    return (yield from _paged(cell, asked, ACTIVE, "CapacityReservations", capacity_rows))


def read_zones(cell: Cell, principal: str) -> Reading[list[Row]]:
    """Every zone that the account sees in the region; EC2 answers without pages."""
    asked = Asked(DESCRIBE_AVAILABILITY_ZONES, principal)
    return (yield from _whole(cell, asked, "AvailabilityZones", zone_rows))


READERS: dict[CellKind, Callable[[Cell, str], Reading[list[Row]]]] = {
    CellKind.INSTANCES: read_instances,
    CellKind.RESERVATIONS: read_reservations,
    CellKind.CAPACITY: read_capacity_reservations,
    CellKind.ZONES: read_zones,
}


def _whole(cell: Cell, asked: Asked, name: str, make: MakeRows) -> Reading[list[Row]]:
    reply = yield Call(asked, cell.region, name)
    return _rows(make, part(reply, name, asked), cell, asked)


def _paged(
    cell: Cell, asked: Asked, filters: Filters, name: str, make: MakeRows
) -> Reading[list[Row]]:
    """Read all pages; what stands on two of them is kept once.

    Raises:
        FaultError: so many pages in a row brought nothing new that no end of them is in sight.
    """
    found: dict[str, Row] = {}
    key, barren = KEYS[cell.kind], 0

    def keep(page: Answer) -> None:
        nonlocal barren
        before = len(found)
        for row in _rows(make, part(page, name, asked), cell, asked):
            found.setdefault(row[key], row)
        barren = 0 if len(found) > before else barren + 1
        if barren > MOST_BARREN_PAGES:
            detail = f"{MOST_BARREN_PAGES:,} pages in a row brought nothing new"
            raise malformed(asked, "token_cycle", detail)

    sent = {"Filters": filters, "MaxResults": PAGE_SIZE}
    yield from pages(Call(asked, cell.region, name, sent), keep)
    return list(found.values())


def _rows(make: MakeRows, records: list[Row], cell: Cell, asked: Asked) -> list[Row]:
    try:
        return make(records, cell.account_id, cell.region)
    except MalformedRecordError as error:
        raise malformed(asked, "record", str(error)) from error
    except IntegrityError as error:
        fix = "Check the endpoint and proxy settings: the answer belongs to another account"
        fault = Fault(Status.INTEGRITY, "other_account", f"{asked.action}: {error}", fix)
        raise FaultError(fault) from error
