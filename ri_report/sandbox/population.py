"""An organization of any size, made up account by account when somebody asks.

Nothing is kept of an account: what it is and holds follows from its place in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, overload

from ri_report.sandbox import machines
from ri_report.sandbox.organization import Account, Organization, Role, Zone
from ri_report.sandbox.regions import EVERY_REGION

if TYPE_CHECKING:
    from datetime import datetime

    from ri_report.sandbox.organization import Json

VARIANTS = 4
"""How many fleets there are: accounts at a distance of so many in the list run the same."""

# Account ids are multiples of a number without a common divisor with 10^12: all differ, and the
# place in the list can be told from the id.
ID_COUNT = 10**12
ID_STEP = 618_033_988_749
ID_START = 111_122_223_333
PLACE_STEP = pow(ID_STEP, -1, ID_COUNT)
MOST_REGIONS = len(EVERY_REGION)
FOUNDED_DAYS_AGO = 2000

BLANK_ID = "@@ACCOUNT@@@"
BLANK_MARK = "@@MARK@@"
"""What stands in a blank account for its id, and for the mark in all other ids."""


@dataclass(frozen=True)
class GeneratedOrganization(Organization):
    """An organization whose accounts are made up on demand."""

    accounts: Population

    def account(self, account_id: str) -> Account | None:
        """The account with this id, or None; takes no longer for many accounts."""
        return self.accounts.find(account_id)


def generated_organization(
    accounts: int, regions: int, instances_per_region: int, as_of: datetime
) -> GeneratedOrganization:
    """Make up an organization; equal input gives an equal organization.

    Args:
        accounts: How many accounts, the management account included; at least 1.
        regions: How many Regions exist, 1 to 34: those enabled by default first, and then those
            that every account has opted in to.
        instances_per_region: How many instances each account has in each Region, in all states.
        as_of: The moment of observation, aware UTC.

    Raises:
        ValueError: a number is out of its bounds.
    """
    if accounts < 1 or instances_per_region < 0 or not 1 <= regions <= MOST_REGIONS:
        raise ValueError(f"1 account or more, 1 to {MOST_REGIONS} Regions, 0 instances or more")
    names = tuple(EVERY_REGION)[:regions]
    return GeneratedOrganization(
        accounts=Population(accounts, names, instances_per_region, as_of),
        management_account_id=id_at(0),
        founded=(as_of - timedelta(days=FOUNDED_DAYS_AGO)).replace(microsecond=0),
    )


def id_at(place: int) -> str:
    """The id of the account at a place in the list."""
    return f"{(ID_START + place * ID_STEP) % ID_COUNT:012d}"


def place_of(account_id: str) -> int:
    """The place in an endless list of the account with an id of 12 digits."""
    return (int(account_id) - ID_START) * PLACE_STEP % ID_COUNT


class Population(Sequence[Account]):
    """The accounts, each made when it is asked for."""

    def __init__(
        self, total: int, regions: tuple[str, ...], instances: int, as_of: datetime
    ) -> None:
        """Describe them; see `generated_organization`."""
        self._total = total
        self._regions = {name: EVERY_REGION[name] for name in regions}
        self._numbers = {name: number for number, name in enumerate(regions, 1)}
        self._instances = instances
        self._as_of = as_of
        self._opted_in = frozenset(n for n, region in self._regions.items() if region.needs_opt_in)
        self._zone_ids = [self._turned(variant) for variant in range(VARIANTS)]

    def __len__(self) -> int:
        """How many accounts there are."""
        return self._total

    @overload
    def __getitem__(self, place: int) -> Account: ...
    @overload
    def __getitem__(self, place: slice) -> list[Account]: ...
    def __getitem__(self, place: int | slice) -> Account | list[Account]:
        """The account at a place, or those of a slice."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._total))]
        if not 0 <= place < self._total:
            raise IndexError(place)
        marks = partial(self.mark, place)
        return self._account(id_at(place), f"account-{place:05d}", place, marks)

    def find(self, account_id: str) -> Account | None:
        """The account with this id, or None."""
        place = place_of(account_id) if account_id.isdecimal() else self._total
        return self[place] if place < self._total else None

    def mark(self, place: int, region: str) -> str:
        """Eight hexadecimal digits, others for every account and Region."""
        return machines.spread(place * MOST_REGIONS + self._numbers[region])

    def blank(self, variant: int) -> Account:
        """An account with blanks for all that tells it from others of its variant."""
        return self._account(BLANK_ID, "blank", variant, lambda _: BLANK_MARK)

    def _account(
        self, account_id: str, name: str, place: int, mark: Callable[[str], str]
    ) -> Account:
        variant = variant_of(place)

        def made(make: Callable[..., tuple[Json, ...]], region: str) -> tuple[Json, ...]:
            zones = self._zones(variant, region)
            owner = machines.Owner(account_id, mark(region), variant, zones)
            return make(owner, self._instances, self._as_of)

        return Account(
            account_id=account_id,
            name=name,
            roles=(Role(),) if place else (),
            opted_in=self._opted_in,
            zone_ids=self._zone_ids[variant],
            instances=OnDemand(self._regions, partial(made, machines.instances)),
            reserved_instances=OnDemand(self._regions, partial(made, machines.reserved_instances)),
            regions=self._regions,
        )

    def _turned(self, variant: int) -> Mapping[str, tuple[str, ...]]:
        """The zone ids behind the names a, b, c: another order in every variant."""
        turns = {name: variant % len(region.zone_ids) for name, region in self._regions.items()}
        ids = {name: region.zone_ids for name, region in self._regions.items()}
        return {name: (*ids[name][turn:], *ids[name][:turn]) for name, turn in turns.items()}

    def _zones(self, variant: int, region: str) -> tuple[Zone, ...]:
        names = self._regions[region].zone_names()
        ids = self._zone_ids[variant][region]
        return tuple(Zone(name, one, region) for name, one in zip(names, ids, strict=True))


def variant_of(place: int) -> int:
    """Which of the fleets the account at a place runs."""
    return place % VARIANTS


class OnDemand(Mapping[str, "tuple[Json, ...]"]):
    """What an account holds by Region, made when it is asked for and not kept."""

    def __init__(
        self, regions: Mapping[str, object], make: Callable[[str], tuple[Json, ...]]
    ) -> None:
        """Hold in each of the Regions what the function makes for it."""
        self._regions = regions
        self._make = make

    def __getitem__(self, region: str) -> tuple[Json, ...]:
        """What is held in a Region."""
        if region not in self._regions:
            raise KeyError(region)
        return self._make(region)

    def __iter__(self) -> Iterator[str]:
        """The Regions."""
        return iter(self._regions)

    def __len__(self) -> int:
        """How many Regions there are."""
        return len(self._regions)
