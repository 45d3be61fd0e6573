"""Which regions an account has enabled, and which of the wanted ones it has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ri_report.aws.answers import Call, Reading, malformed, part
from ri_report.aws.faults import Asked
from ri_report.aws.permissions import DESCRIBE_REGIONS
from ri_report.errors import ConfigError
from ri_report.inventory.names import nearest

if TYPE_CHECKING:
    from ri_report.aws.answers import Answer
    from ri_report.aws.clients import Clients
    from ri_report.aws.scope import Scope

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Region.html, optInStatus
NOT_ENABLED = "not-opted-in"


@dataclass(frozen=True)
class Regions:
    """The regions of one account: those to read, and the wanted ones that are not enabled."""

    enabled: list[str]
    not_opted_in: list[str]


def account_regions(clients: Clients, principal: str, scope: Scope) -> Reading[Regions]:
    """Read which regions an account has enabled, and which of those are in scope.

    Raises:
        FaultError: the answer cannot be the regions of an account.
        ConfigError: a wanted region does not exist.
    """
    asked = Asked(DESCRIBE_REGIONS, principal)
    reply = yield Call(asked, clients.region_to_ask(scope.regions), "Regions", {"AllRegions": True})
    opt_in = _opt_in(part(reply, "Regions", asked), asked)
    for region in scope.regions:
        if region not in opt_in:
            raise ConfigError(
                f"{scope.regions_from}: {region!r} is no region of AWS's; the nearest is"
                f" {nearest(region, opt_in)}"
            )
    chosen = sorted(set(scope.regions) or set(opt_in))
    # A status that is missing or new is tried: a refusal shows, an unread region would not.
    enabled = [region for region in chosen if opt_in[region] != NOT_ENABLED]
    return Regions(enabled, sorted(set(scope.regions) - set(enabled)))


def _opt_in(regions: list[Answer], asked: Asked) -> dict[str, str | None]:
    """Return the status of each region by its name.

    Every account has regions that cannot be turned off
    (https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html), so an answer
    without any that is enabled would be an account without anything to read.
    """
    names = [str(region.get("RegionName") or "") for region in regions]
    if not names or not all(names):
        raise malformed(asked, "no_RegionName", "the answer names no regions")
    if len(set(names)) < len(names):
        raise malformed(asked, "region_twice", "the answer names a region twice")
    statuses = [region.get("OptInStatus") for region in regions]
    if set(statuses) == {NOT_ENABLED}:
        raise malformed(asked, "no_region_enabled", "the answer has no region that is enabled")
    return dict(zip(names, statuses, strict=True))
