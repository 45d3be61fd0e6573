"""What the sandbox serves: an organization, its accounts, and what each account holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ri_report.sandbox.regions import LOCAL_ZONES, REGIONS, Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Json = dict[str, Any]

DEFAULT_ROLE = "CrossAccountInstanceCounter"


@dataclass(frozen=True)
class Role:
    """A role that the organization's management account is trusted to assume.

    Attributes:
        name: The role's name.
        external_id: What the trust policy demands as `sts:ExternalId`; "" demands nothing.
    """

    name: str = DEFAULT_ROLE
    external_id: str = ""


@dataclass(frozen=True)
class Denial:
    """An action that is refused to everybody in an account.

    Attributes:
        action: For example `ec2:DescribeReservedInstances`.
        region: The Region in which it is refused; "*" is all of them.
        by: `iam`: no policy allows it; `scp`: a service control policy denies it.
    """

    action: str
    region: str = "*"
    by: Literal["iam", "scp"] = "iam"


@dataclass(frozen=True)
class Zone:
    """A zone as one account sees it: the name is the account's, the ID is the place's."""

    name: str
    zone_id: str
    region: str
    zone_type: Literal["availability-zone", "local-zone"] = "availability-zone"


@dataclass(frozen=True)
class Account:
    """One account.

    Attributes:
        account_id: 12 digits.
        name: Its name in Organizations.
        state: Its state in Organizations; only roles of ACTIVE accounts can be assumed.
        roles: The roles that can be assumed.
        opted_in: Regions and Local Zones, not enabled by default, that it has enabled.
        zone_ids: By Region, the zone IDs behind the account's zone names a, b, c; a Region that
            is not named has the usual order.
        denials: What is refused in it.
        instances: By Region, instances in the form of DescribeInstances, each with the extra key
            `ReservationId` of the launch that it came from.
        reserved_instances: By Region, in the form of DescribeReservedInstances.
        capacity_reservations: By Region, in the form of DescribeCapacityReservations: its own and
            those that other accounts share with it.
        regions: The Regions that exist for it, enabled or not.
    """

    account_id: str
    name: str
    state: str = "ACTIVE"
    roles: tuple[Role, ...] = (Role(),)
    opted_in: frozenset[str] = frozenset()
    zone_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    denials: tuple[Denial, ...] = ()
    instances: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    reserved_instances: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    capacity_reservations: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    regions: Mapping[str, Region] = field(default_factory=lambda: REGIONS)

    def has_enabled(self, region: str) -> bool:
        """Whether calls into the Region are answered for this account."""
        known = self.regions.get(region)
        return known is not None and (not known.needs_opt_in or region in self.opted_in)

    def zones(self, region: str) -> tuple[Zone, ...]:
        """The zones of a Region under the names that this account has for them."""
        zone_ids = self.zone_ids.get(region, self.regions[region].zone_ids)
        own = zip(self.regions[region].zone_names(), zone_ids, strict=True)
        local = (LOCAL_ZONES[name] for name in sorted(self.opted_in & LOCAL_ZONES.keys()))
        return (
            *(Zone(name, zone_id, region) for name, zone_id in own),
            *(Zone(z.name, z.zone_id, region, "local-zone") for z in local if z.region == region),
        )


@dataclass(frozen=True)
class Organization:
    """An organization whose management account is the one that the job runs in.

    Attributes:
        accounts: Every account, the management account included, in the order of ListAccounts.
        management_account_id: The account that the sandbox's long-lived keys belong to.
        founded: When the accounts joined, aware UTC.
        organization_id: Its id in Organizations.
    """

    accounts: Sequence[Account]
    management_account_id: str
    founded: datetime
    organization_id: str = "o-exampleorgid"

    def account(self, account_id: str) -> Account | None:
        """The account with this id, or None."""
        return next((a for a in self.accounts if a.account_id == account_id), None)
