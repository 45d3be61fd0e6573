"""The Regions that the sandbox knows, with their real zone IDs.

Zone IDs and the Regions that must be opted in to:
https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html and
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One Region: its zone IDs in the usual order of the names a, b, c, and how it is enabled."""

    name: str
    zone_ids: tuple[str, ...]
    needs_opt_in: bool = False

    def zone_names(self) -> tuple[str, ...]:
        """The names under which every account sees the zones, in order."""
        return tuple(
            f"{self.name}{letter}" for letter, _ in zip("abcdef", self.zone_ids, strict=False)
        )


@dataclass(frozen=True)
class LocalZone:
    """A zone outside its Region's data centers, which an account has to opt in to."""

    name: str
    zone_id: str
    region: str


REGIONS = {
    region.name: region
    for region in (
        Region("us-east-1", tuple(f"use1-az{number}" for number in range(1, 7))),
        Region("us-east-2", ("use2-az1", "use2-az2", "use2-az3")),
        Region("us-west-2", ("usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4")),
        Region("eu-west-1", ("euw1-az1", "euw1-az2", "euw1-az3")),
        Region("eu-central-1", ("euc1-az2", "euc1-az3", "euc1-az1")),
        Region("ap-southeast-1", ("apse1-az1", "apse1-az2", "apse1-az3")),
        Region("ap-east-1", ("ape1-az1", "ape1-az2", "ape1-az3"), needs_opt_in=True),
        Region("me-south-1", ("mes1-az1", "mes1-az2", "mes1-az3"), needs_opt_in=True),
    )
}
LOCAL_ZONES = {
    zone.name: zone for zone in (LocalZone("us-east-1-bos-1a", "use1-bos1-az1", "us-east-1"),)
}


def region_of(place: str) -> str:
    """The Region of a Region's or zone's name.

    Raises:
        ValueError: no Region of the sandbox has such a name.
    """
    for name in REGIONS:
        if place.startswith(name):
            return name
    raise ValueError(f"{place}: not a Region or zone of the sandbox ({', '.join(REGIONS)})")
