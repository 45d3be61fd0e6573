"""Which regions an account has enabled, and which of the wanted ones it has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ri_report.aws.answers import answer, malformed, part
from ri_report.aws.faults import Asked
from ri_report.aws.permissions import DESCRIBE_REGIONS
from ri_report.errors import ConfigError
from ri_report.inventory.names import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ri_report.aws.clients import Clients

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Region.html, optInStatus
NOT_ENABLED = "not-opted-in"


@dataclass(frozen=True)
class Regions:
    """The regions of one account: those to read, and the wanted ones that are not enabled."""

    enabled: list[str]
    not_opted_in: list[str]


def account_regions(clients: Clients, principal: str, wanted: Sequence[str]) -> Regions:
    """Ask which regions the account at hand has enabled; `wanted` empty means all of them.

    Raises:
        FaultError: AWS did not answer, or not in a usable way.
        ConfigError: a wanted region does not exist.
    """
    asked = Asked(DESCRIBE_REGIONS, principal)
    reply = answer(clients, asked, clients.home_region, AllRegions=True)
    opt_in = {r.get("RegionName"): r.get("OptInStatus") for r in part(reply, "Regions", asked)}
    if not opt_in or None in opt_in:
        raise malformed(asked, "no_RegionName", "the answer names no regions")
    for region in wanted:
        if region not in opt_in:
            raise _unknown(region, list(opt_in))
    chosen = sorted(set(wanted) or set(opt_in))
    # A status that is missing or new is tried: a refusal shows, an unread region would not.
    enabled = [region for region in chosen if opt_in[region] != NOT_ENABLED]
    return Regions(enabled, sorted(set(wanted) - set(enabled)))


def _unknown(region: str, known: list[str]) -> ConfigError:
    near = nearest(region, known)
    return ConfigError(f"region {region!r}: AWS has no such region; the nearest is {near!r}")
