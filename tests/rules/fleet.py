"""A fleet as text: what runs and what was bought, one line each.

    i-web: A runs 3 m5.large in us-east-1a
    i-db: B runs 1 r5.2xlarge in us-east-1b (use1-az4), Windows, dedicated
    r-one: A bought 2 m5.xlarge in us-east-1a
    r-two: B bought 1 c5.large in us-east-1, SUSE Linux, ends 2027-03-01, 720 hours
    cr-one: A holds 5 m5.large in us-east-1a, idle slots billed to B
    i-in: A runs 2 m5.large in us-east-1a, inside cr-one

A place that ends in a digit is a region, so a reservation there is regional; any other place is a
zone, and its id may follow in parentheses, () where it was not read. What follows the place is the
platform, the tenancy and other marks, in any order; Linux/UNIX on default tenancy is understood.
Instances that run more than once get the ids i-web/1, i-web/2...
Of what a capacity reservation holds, those slots are idle in which no line says that anything runs.
Blank lines and lines that start with # say nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    ZONES,
    Inventory,
)
from ri_report.rules.allocation import allocate
from ri_report.rules.analysis import analyze
from ri_report.rules.capacity import held_capacity, idle_slots, with_slots
from ri_report.rules.coverage import cover
from ri_report.rules.eligibility import active_reservations, eligible_usage
from ri_report.rules.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import pandas as pd

    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Mode, ZonalMatch

AS_OF = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)

LINE = re.compile(
    r"(?P<id>\S+): (?P<account>\S+) (?P<verb>runs|bought|holds) (?P<count>\d+) (?P<type>\S+)"
    r" in (?P<place>[^,\s]+)(?: \((?P<zone_id>\S*)\))?(?:, (?P<marks>.+))?"
)
REGION_CODES = {"us-east-1": "use1", "us-west-2": "usw2", "eu-west-1": "euw1"}
TENANCIES = ("default", "dedicated", "host")
LIFECYCLES = ("spot", "scheduled", "capacity-block", "interruptible-capacity-reservation")
STARTS = {
    "operation ": "usage_operation",
    "inside ": "capacity_reservation_id",
    "idle slots billed to ": "unused_billing_owner_id",
}
STATES = ("payment-pending", "payment-failed", "retired", "queued", "queued-deleted", "stopped")


@dataclass(frozen=True)
class Fleet:
    """Instances and reservations as frames of the inventory, and the hours where a line has some.

    `usage`, `active` and so on are what the rules make of them.
    """

    instances: pd.DataFrame
    reservations: pd.DataFrame
    hours: dict[str, float]
    sharing: Sharing
    capacity: pd.DataFrame = field(default_factory=lambda: CAPACITY_RESERVATIONS.of([]))

    @cached_property
    def usage(self) -> pd.DataFrame:
        usage = eligible_usage(self.instances, ZONES.of([]))[0]
        return self._with_hours(usage, "usage_id")

    @cached_property
    def not_eligible(self) -> pd.DataFrame:
        return eligible_usage(self.instances, ZONES.of([]))[1]

    @cached_property
    def active(self) -> pd.DataFrame:
        active = active_reservations(self.reservations, AS_OF)[0]
        return self._with_hours(active, "reservation_id")

    @cached_property
    def other_states(self) -> pd.DataFrame:
        return active_reservations(self.reservations, AS_OF)[1]

    @cached_property
    def held(self) -> pd.DataFrame:
        return held_capacity(self.capacity, ZONES.of([]))

    @cached_property
    def slots(self) -> pd.DataFrame:
        return idle_slots(self.held)

    @cached_property
    def allocations(self) -> pd.DataFrame:
        return allocate(with_slots(self.usage, self.slots), self.active, self.sharing)

    @cached_property
    def covered(self) -> pd.DataFrame:
        return cover(self.usage, self.allocations)

    @cached_property
    def analysis(self) -> Analysis:
        return analyze(self.inventory, self.sharing)

    @property
    def inventory(self) -> Inventory:
        empty = {"accounts": ACCOUNTS, "zones": ZONES, "outcomes": OUTCOMES}
        return Inventory(
            as_of=AS_OF,
            run="test",
            source="dumps",
            endpoint="",
            caller_account_id="",
            instances=self.instances,
            reservations=self.reservations,
            capacity_reservations=self.capacity,
            **{name: frame.of([]) for name, frame in empty.items()},
        )

    def _with_hours(self, frame: pd.DataFrame, id_column: str) -> pd.DataFrame:
        return frame.assign(hours=frame[id_column].map(self.hours).astype("float64").fillna(1.0))


def fleet(
    text: str,
    *,
    mode: Mode = "open",
    groups: Mapping[str, Collection[str]] | None = None,
    deactivated: Sequence[str] = (),
    zonal_match: ZonalMatch = "az_name",
    zonal_in_capacity_reservations: bool = False,
) -> Fleet:
    """Return the fleet that the text describes, under these sharing preferences."""
    lines = [line.strip() for line in text.splitlines()]
    parsed = [_parse(line) for line in lines if line and not line.startswith("#")]
    running = [row for verb, rows in parsed if verb == "runs" for row in rows]
    bought = [row for verb, rows in parsed if verb == "bought" for row in rows]
    held = [row for verb, rows in parsed if verb == "holds" for row in rows]
    ids = {row.get("instance_id") or row["reservation_id"]: row for row in running + bought}
    inside = Counter(row.get("capacity_reservation_id", "") for row in running)
    for row in held:
        row["available_instances"] = row["total_instances"] - inside[row["capacity_reservation_id"]]
    hours = {name: row["hours"] for name, row in ids.items() if "hours" in row}
    return Fleet(
        INSTANCES.of(running),
        RESERVATIONS.of(bought),
        hours,
        Sharing(
            mode=mode,
            groups=groups or {},
            deactivated_accounts=frozenset(deactivated),
            zonal_match=zonal_match,
            zonal_in_capacity_reservations=zonal_in_capacity_reservations,
        ),
        CAPACITY_RESERVATIONS.of(held),
    )


def region_of(place: str) -> str:
    """Return the region of a zone or region: us-east-1a, us-east-1-nyc-1a or us-east-1."""
    found = re.match(r"[a-z]+(-[a-z]+)+-\d", place)
    if not found:
        raise ValueError(f"no place: {place}")
    return found[0]


def _parse(line: str) -> tuple[str, list[dict[str, Any]]]:
    found = LINE.fullmatch(line)
    if not found:
        raise ValueError(f"nothing that runs, was bought or is held: {line}")
    place, region = found["place"], region_of(found["place"])
    zone = "" if place == region else place
    row = {
        "account_id": found["account"],
        "region": region,
        "instance_type": found["type"],
        "availability_zone": zone,
        "availability_zone_id": _zone_id(region, zone)
        if found["zone_id"] is None
        else found["zone_id"],
        "tenancy": "default",
        "platform_details": "Linux/UNIX",
        **_marks(found["marks"] or ""),
    }
    rows = {"runs": _instances, "bought": _reservation, "holds": _capacity}[found["verb"]]
    return found["verb"], list(rows(row, found["id"], int(found["count"])))


def _zone_id(region: str, zone: str) -> str:
    """Number zones as they are lettered, as in an account whose names are in the ids' order."""
    letter = zone.removeprefix(region)
    code = REGION_CODES.get(region, region)
    return f"{code}-az{ord(letter) - ord('a') + 1}" if len(letter) == 1 else zone


def _instances(row: dict[str, Any], name: str, count: int) -> Iterator[dict[str, Any]]:
    row = {"state": "running"} | row
    for number in range(1, count + 1):
        yield row | {"instance_id": name if count == 1 else f"{name}/{number}"}


def _reservation(row: dict[str, Any], name: str, count: int) -> Iterator[dict[str, Any]]:
    yield {
        "state": "active",
        "scope": "zonal" if row["availability_zone"] else "regional",
        "product_description": row["platform_details"],
        "start": START,
        "end": END,
        **row,
        "reservation_id": name,
        "instance_count": count,
    }


def _capacity(row: dict[str, Any], name: str, count: int) -> Iterator[dict[str, Any]]:
    yield {
        "state": "active",
        "reservation_type": row.get("lifecycle", "default"),
        "platform": row["platform_details"],
        "start": START,
        **row,
        "capacity_reservation_id": name,
        "total_instances": count,
    }


def _marks(text: str) -> dict[str, Any]:
    return {name: value for mark in text.split(", ") if mark for name, value in [_mark(mark)]}


def _mark(mark: str) -> tuple[str, Any]:
    word, _, rest = mark.partition(" ")
    if word in ("starts", "ends"):
        return word.removesuffix("s"), datetime.fromisoformat(rest).replace(tzinfo=UTC)
    if rest == "hours":
        return "hours", float(word)
    for start, name in STARTS.items():
        if mark.startswith(start):
            return name, mark.removeprefix(start)
    for name, values in (("tenancy", TENANCIES), ("lifecycle", LIFECYCLES), ("state", STATES)):
        if mark in values:
            return name, mark
    return "platform_details", mark


def table(frame: pd.DataFrame, columns: Sequence[str]) -> str:
    """Return these columns of a frame as text: a line of names, then a line for each row."""
    rows = [list(columns), *([_cell(value) for value in row] for row in _values(frame, columns))]
    return "\n".join(" | ".join(row) for row in rows)


def _values(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[column] for column in columns), strict=True)


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def lines(text: str) -> str:
    """Return a table written in a test as `table` writes it: without indents and alignment."""
    rows = [line for line in text.splitlines() if line.strip()]
    return "\n".join(" | ".join(cell.strip() for cell in row.split("|")) for row in rows)
