"""Organizations written as text: the demo's, and the small ones of tests.

One statement a line, quotes around what contains spaces, `#` comments. Statements below an
account are about that account, and `enable`, `zones` and `hold` stand before what uses them:

    management ID NAME                the account that the sandbox's long-lived keys belong to
    account ID NAME [state=STATE] [role=NAME] [external-id=TEXT]
                                      `role=` without a name: no role can be assumed there
    enable PLACE ...                  opts in to Regions or Local Zones
    zones REGION ID ...               the zone IDs behind this account's names a, b, c
    deny ACTION [region=] [by=]       for example: deny ec2:DescribeReservedInstances by=scp
    hold COUNT TYPE ZONE name=NAME [...]
                                      a capacity reservation; the options are the fields of
                                      `capacity.Hold`
    run COUNT TYPE ZONE [...]         instances; the options are the fields of `fleet.Launch`;
                                      `capacity_reservation=` is the name of what is held
    buy COUNT TYPE PLACE [...]        reservations; the options are the fields of `fleet.Purchase`
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ri_report.sandbox.capacity import Hold, described_capacity_reservation
from ri_report.sandbox.fleet import (
    USAGE_OPERATIONS,
    Launch,
    Purchase,
    described_instances,
    described_reserved_instances,
)
from ri_report.sandbox.organization import Account, Denial, Organization, Role, Zone
from ri_report.sandbox.regions import LOCAL_ZONES, REGIONS, region_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ri_report.sandbox.organization import Json

FOUNDED_DAYS_AGO = 2000
CONVERTERS: dict[object, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "bool": lambda text: text == "yes",
}


@dataclass
class _Draft:
    account: Account
    launches: list[Launch] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)


def organization_from(text: str, as_of: datetime) -> Organization:
    """Build the organization that a text declares; equal input gives an equal organization.

    Args:
        text: The statements; see the module's description.
        as_of: The moment of observation, aware UTC, that every day in the text counts from.

    Raises:
        ValueError: a line is not a statement, naming the line.
    """
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            reader.read(line)
        except (ValueError, TypeError, LookupError) as error:
            raise ValueError(f"line {number}, {line.strip()!r}: {error}") from error
    if not reader.management_account_id:
        raise ValueError("no management account: start with `management ID NAME`")
    return Organization(
        accounts=tuple(
            replace(_account(draft, as_of), capacity_reservations=reader.held(draft.account, as_of))
            for draft in reader.drafts
        ),
        management_account_id=reader.management_account_id,
        founded=(as_of - timedelta(days=FOUNDED_DAYS_AGO)).replace(microsecond=0),
    )


class _Reader:
    def __init__(self) -> None:
        self.drafts: list[_Draft] = []
        self.management_account_id = ""
        self.holds: dict[str, Hold] = {}
        self.used = Counter[str]()

    def read(self, line: str) -> None:
        words = shlex.split(line, comments=True)
        if words:
            options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            arguments = [word for word in words[1:] if "=" not in word]
            self._statement(words[0])(*arguments, **options)

    def _statement(self, name: str) -> Callable[..., None]:
        statements: dict[str, Callable[..., None]] = {
            "management": self._management,
            "account": self._account,
            "enable": self._enable,
            "zones": self._zones,
            "deny": self._deny,
            "hold": self._hold,
            "run": self._run,
            "buy": self._buy,
        }
        if name not in statements:
            raise ValueError(f"a statement starts with one of {', '.join(statements)}")
        return statements[name]

    @property
    def _draft(self) -> _Draft:
        return self.drafts[-1]

    def _management(self, account_id: str, name: str) -> None:
        self.management_account_id = account_id
        self.drafts.append(_Draft(Account(account_id, name, roles=())))

    def _account(self, account_id: str, name: str, **options: str) -> None:
        named = {"name": options["role"]} if "role" in options else {}
        role = Role(**named, external_id=options.get("external-id", ""))
        state = options.get("state", "ACTIVE")
        self.drafts.append(
            _Draft(Account(account_id, name, state, roles=(role,) if role.name else ()))
        )

    def _enable(self, *places: str) -> None:
        unknown = set(places) - REGIONS.keys() - LOCAL_ZONES.keys()
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        self._change(opted_in=self._draft.account.opted_in | set(places))

    def _zones(self, region: str, *zone_ids: str) -> None:
        if sorted(zone_ids) != sorted(REGIONS[region].zone_ids):
            raise ValueError(f"give each of {', '.join(REGIONS[region].zone_ids)} once")
        self._change(zone_ids={**self._draft.account.zone_ids, region: zone_ids})

    def _deny(self, action: str, **options: Any) -> None:  # noqa: ANN401 - fields of Denial
        self._change(denials=(*self._draft.account.denials, Denial(action, **options)))

    def _hold(self, count: str, instance_type: str, zone: str, **options: str) -> None:
        hold = Hold(
            account_id=self._draft.account.account_id,
            number=len(self.holds) + 1,
            zone=self._zone(zone),
            count=int(count),
            instance_type=instance_type,
            **_converted(Hold, options),
        )
        if hold.name in self.holds:
            raise ValueError(f"{hold.name} is held already")
        self.holds[hold.name] = hold

    def _fill(self, name: str, launch: Launch) -> Launch:
        """The launch in the capacity reservation of this name."""
        hold = self.holds.get(name)
        if hold is None or not hold.takes(launch):
            raise ValueError(f"nothing named {name!r} is held for such instances")
        if launch.state == "running":
            self.used[name] += launch.count
        if self.used[name] > hold.count:
            raise ValueError(f"{name} has room for {hold.count}")
        return replace(launch, capacity_reservation=hold.capacity_reservation_id)

    def held(self, account: Account, as_of: datetime) -> dict[str, tuple[Json, ...]]:
        """By Region, the capacity reservations that the account owns or may use."""
        seen: dict[str, tuple[Json, ...]] = defaultdict(tuple)
        for name, hold in self.holds.items():
            if account.account_id in {hold.account_id, *hold.consumers}:
                region = hold.zone.region
                names = {zone.zone_id: zone.name for zone in account.zones(region)}
                zone_name = names.get(hold.zone.zone_id, hold.zone.name)
                told = described_capacity_reservation(hold, self.used[name], zone_name, as_of)
                seen[region] += (told,)
        return dict(seen)

    def _run(self, count: str, instance_type: str, zone: str, **options: str) -> None:
        draft = self._draft
        held = options.pop("capacity_reservation", "")
        launch = Launch(
            account_id=draft.account.account_id,
            number=len(draft.launches) + 1,
            zone=self._zone(zone),
            count=int(count),
            instance_type=instance_type,
            **_converted(Launch, options),
        )
        if launch.platform not in USAGE_OPERATIONS:
            raise ValueError(f"platform is one of {', '.join(USAGE_OPERATIONS)}")
        draft.launches.append(self._fill(held, launch) if held else launch)

    def _buy(self, count: str, instance_type: str, place: str, **options: str) -> None:
        draft = self._draft
        purchase = Purchase(
            account_id=draft.account.account_id,
            number=len(draft.purchases) + 1,
            place=place if place in REGIONS else self._zone(place),
            count=int(count),
            instance_type=instance_type,
            **_converted(Purchase, options),
        )
        draft.purchases.append(purchase)

    def _zone(self, name: str) -> Zone:
        zones = {zone.name: zone for zone in self._draft.account.zones(region_of(name))}
        if name not in zones:
            raise ValueError(f"{name}: the account has the zones {', '.join(zones)}")
        return zones[name]

    def _change(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Account
        self._draft.account = replace(self._draft.account, **changes)


def _converted(record: type[Hold | Launch | Purchase], options: dict[str, str]) -> dict[str, Any]:
    kinds = {one.name: one.type for one in fields(record)}
    unknown = options.keys() - kinds.keys()
    if unknown:
        raise ValueError(f"unknown option {', '.join(sorted(unknown))}")
    return {name: CONVERTERS[kinds[name]](text) for name, text in options.items()}


def _account(draft: _Draft, as_of: datetime) -> Account:
    instances: dict[str, list[Json]] = defaultdict(list)
    reserved_instances: dict[str, list[Json]] = defaultdict(list)
    for launch in draft.launches:
        instances[launch.zone.region] += described_instances(launch, as_of)
    for purchase in draft.purchases:
        place = purchase.place
        region = place if isinstance(place, str) else place.region
        reserved_instances[region].append(described_reserved_instances(purchase, as_of))
    return replace(
        draft.account,
        instances={region: tuple(rows) for region, rows in instances.items()},
        reserved_instances={region: tuple(rows) for region, rows in reserved_instances.items()},
    )
