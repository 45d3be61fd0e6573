"""A slow allocator, written from AWS's pages and not from the engine: loops over whole numbers.

It knows a few instance types only, and says of each by hand what the engine works out. Amounts are
quarter units x minutes, so nothing is rounded.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ri_report.rules.sharing import Mode

MINUTES = 60
PARTS = 4 * MINUTES
QUARTERS = {
    "t3.nano": 1,
    "t3.small": 4,
    "m5.large": 16,
    "m5.xlarge": 32,
    "m5.2xlarge": 64,
    "m5d.large": 16,
    "i3.16xlarge": 512,
    "i3.metal": 512,
    "g4dn.xlarge": 32,
    "g4dn.2xlarge": 64,
}
FLEXIBLE = {"t3", "m5", "m5d", "i3"}


class Machine(NamedTuple):
    name: str
    account: str
    zone: str
    zone_id: str
    type: str
    platform: str
    tenancy: str
    minutes: int = MINUTES
    inside: str = ""
    slots: int = 0
    """How many idle slots it is; 0 for an instance."""

    @property
    def region(self) -> str:
        return self.zone[:-1]

    @property
    def line(self) -> str:
        place = f"{self.type} in {self.zone} ({self.zone_id}), {self.platform}, {self.tenancy}"
        if self.slots:
            return f"{self.name}: {self.account} holds {self.slots} {place}"
        inside = f", inside {self.inside}" if self.inside else ""
        hours = self.minutes / MINUTES
        return f"{self.name}: {self.account} runs 1 {place}, {hours} hours{inside}"


class Purchase(NamedTuple):
    name: str
    account: str
    region: str
    zone: str
    zone_id: str
    type: str
    platform: str
    tenancy: str
    bought: int
    end: str

    @property
    def line(self) -> str:
        place = f"{self.zone} ({self.zone_id})" if self.zone else self.region
        return (
            f"{self.name}: {self.account} bought {self.bought} {self.type} in {place},"
            f" {self.platform}, {self.tenancy}, ends {self.end}"
        )


class Organization(NamedTuple):
    machines: tuple[Machine, ...]
    purchases: tuple[Purchase, ...]
    deactivated: frozenset[str] = frozenset()
    by_id: bool = False
    mode: Mode = "open"
    group_of: tuple[tuple[str, str], ...] = ()
    """Pairs of an account and its group; an account that is in none has no pair."""
    zonal_inside: bool = False
    """Whether zonal reservations serve instances inside a capacity reservation."""

    @property
    def text(self) -> str:
        machines = [machine.line for machine in self.machines]
        return "\n".join([*machines, *(purchase.line for purchase in self.purchases)])


def flexes(one: Machine | Purchase) -> bool:
    family = one.type.split(".")[0]
    return family in FLEXIBLE and one.platform == "Linux/UNIX" and one.tenancy == "default"


def pool(one: Machine | Purchase) -> tuple[str, str, str, str]:
    what = one.type.split(".")[0] if flexes(one) else one.type
    return one.region, what, one.platform, one.tenancy


def need(machine: Machine) -> float:
    """Return the units that would cover the machine; the count below is 240 times as large."""
    return count_need(machine) / PARTS


def offer(purchase: Purchase) -> float:
    return count_offer(purchase) / PARTS


def count_need(machine: Machine) -> int:
    return QUARTERS[machine.type] * machine.minutes * (machine.slots or 1)


def count_offer(purchase: Purchase) -> int:
    return QUARTERS[purchase.type] * purchase.bought * MINUTES


def reaches(org: Organization, purchase: Purchase, machine: Machine, tier: str) -> bool:
    if purchase.account == machine.account:
        return True
    if tier == "owner" or {purchase.account, machine.account} & org.deactivated:
        return False
    if tier == "organization":
        return True
    groups = [group for account, group in org.group_of if account == purchase.account]
    return any((machine.account, group) in org.group_of for group in groups)


def fits(org: Organization, purchase: Purchase, machine: Machine) -> bool:
    if pool(purchase) != pool(machine):
        return False
    if not purchase.zone:
        return True
    if purchase.type != machine.type or machine.slots:
        return False
    if machine.inside and not org.zonal_inside:
        return False
    if org.by_id and purchase.account != machine.account:
        return purchase.zone_id == machine.zone_id != ""
    return purchase.zone == machine.zone


def alike(org: Organization, one: Machine, other: Machine, scope: str) -> bool:
    if one.account != other.account or pool(one) != pool(other):
        return False
    if bool(one.slots) != bool(other.slots):
        return False
    if scope == "regional":
        return True
    if not org.zonal_inside and bool(one.inside) != bool(other.inside):
        return False
    return (one.zone, one.type) == (other.zone, other.type)


def allocate_slowly(org: Organization) -> dict[tuple[str, str, str], float]:
    """Return the units that each reservation gives to each machine, and in which tier."""
    wanted = {machine.name: count_need(machine) for machine in org.machines}
    left = {purchase.name: count_offer(purchase) for purchase in org.purchases}
    given: dict[tuple[str, str, str], float] = {}
    for scope, tier, idle in steps(org):
        turn = [machine for machine in org.machines if bool(machine.slots) == idle]
        for machine in queue(org, turn, dict(wanted), scope):
            for purchase in sorted(org.purchases, key=lambda p: (p.end, p.name)):
                if (scope == "zonal") != bool(purchase.zone):
                    continue
                if not fits(org, purchase, machine) or not reaches(org, purchase, machine, tier):
                    continue
                amount = min(wanted[machine.name], left[purchase.name])
                wanted[machine.name] -= amount
                left[purchase.name] -= amount
                if amount:
                    given[machine.name, purchase.name, tier] = amount / PARTS
    return given


def tiers(org: Organization) -> list[str]:
    """Return owner, then group, then everybody, as far as the mode of sharing goes."""
    return {
        "open": ["owner", "organization"],
        "prioritized": ["owner", "group", "organization"],
        "restricted": ["owner", "group"],
    }[org.mode]


def steps(org: Organization) -> Iterator[tuple[str, str, bool]]:
    """Yield scope, tier and whether it is the turn of idle slots."""
    for scope, idle in (("zonal", False), ("regional", False), ("regional", True)):
        for tier in tiers(org):
            yield scope, tier, idle


def queue(
    org: Organization, machines: Sequence[Machine], wanted: dict[str, int], scope: str
) -> list[Machine]:
    """Smallest size first; of one size, those of the account that lacks most, then by name."""

    def place(machine: Machine) -> tuple[int, int, str, str]:
        lacking = sum(wanted[other.name] for other in machines if alike(org, machine, other, scope))
        return QUARTERS[machine.type], -lacking, machine.account, machine.name

    return sorted(machines, key=place)


def most(org: Organization, where: tuple[str, str, str, str]) -> float:
    """Return the most units that any allocation could cover in a pool: a maximum flow."""
    machines = [machine for machine in org.machines if pool(machine) == where]
    purchases = [purchase for purchase in org.purchases if pool(purchase) == where]
    room: dict[tuple[str, str], int] = {}
    for machine in machines:
        room[machine.name, "sink"] = count_need(machine)
    for purchase in purchases:
        room["source", purchase.name] = count_offer(purchase)
        for machine in machines:
            if fits(org, purchase, machine) and reaches(org, purchase, machine, tiers(org)[-1]):
                room[purchase.name, machine.name] = count_offer(purchase)
    return max_flow(room) / PARTS


def max_flow(room: dict[tuple[str, str], int]) -> int:
    """Edmonds and Karp: widen by the shortest path until there is none."""
    room = {**{(b, a): 0 for a, b in room}, **room}
    nodes = {node for edge in room for node in edge}
    total = 0
    while path := shortest(room, nodes):
        amount = min(room[edge] for edge in path)
        for a, b in path:
            room[a, b] -= amount
            room[b, a] += amount
        total += amount
    return total


def shortest(room: dict[tuple[str, str], int], nodes: Collection[str]) -> list[tuple[str, str]]:
    came: dict[str, str] = {"source": ""}
    waiting = deque(["source"])
    while waiting:
        here = waiting.popleft()
        for node in nodes:
            if node not in came and room.get((here, node), 0) > 0:
                came[node] = here
                waiting.append(node)
    path, node = [], "sink"
    while came.get(node):
        path.append((came[node], node))
        node = came[node]
    return path
