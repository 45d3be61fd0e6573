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


def _region(name: str, stem: str, numbers: str = "123", *, needs_opt_in: bool = False) -> Region:
    return Region(name, tuple(f"{stem}-az{number}" for number in numbers), needs_opt_in)


ENABLED_BY_DEFAULT = (
    _region("us-east-1", "use1", "123456"),
    _region("us-east-2", "use2"),
    _region("us-west-1", "usw1", "13"),
    _region("us-west-2", "usw2", "1234"),
    _region("ca-central-1", "cac1", "124"),
    _region("eu-central-1", "euc1"),
    _region("eu-west-1", "euw1"),
    _region("eu-west-2", "euw2"),
    _region("eu-west-3", "euw3"),
    _region("eu-north-1", "eun1"),
    _region("ap-south-1", "aps1"),
    _region("ap-northeast-1", "apne1", "124"),
    _region("ap-northeast-2", "apne2", "1234"),
    _region("ap-northeast-3", "apne3"),
    _region("ap-southeast-1", "apse1"),
    _region("ap-southeast-2", "apse2"),
    _region("sa-east-1", "sae1"),
)
OPT_IN = tuple(
    _region(name, stem, needs_opt_in=True)
    for name, stem in (
        ("af-south-1", "afs1"),
        ("ap-east-1", "ape1"),
        ("ap-east-2", "ape2"),
        ("ap-south-2", "aps2"),
        ("ap-southeast-3", "apse3"),
        ("ap-southeast-4", "apse4"),
        ("ap-southeast-5", "apse5"),
        ("ap-southeast-6", "apse6"),
        ("ap-southeast-7", "apse7"),
        ("ca-west-1", "caw1"),
        ("eu-central-2", "euc2"),
        ("eu-south-1", "eus1"),
        ("eu-south-2", "eus2"),
        ("il-central-1", "ilc1"),
        ("me-central-1", "mec1"),
        ("me-south-1", "mes1"),
        ("mx-central-1", "mxc1"),
    )
)
EVERY_REGION = {region.name: region for region in (*ENABLED_BY_DEFAULT, *OPT_IN)}
"""The commercial partition, the Regions that are enabled by default first."""


def region_of(place: str) -> str:
    """The Region of a Region's or zone's name.

    Raises:
        ValueError: no Region of the sandbox has such a name.
    """
    for name in REGIONS:
        if place.startswith(name):
            return name
    raise ValueError(f"{place}: not a Region or zone of the sandbox ({', '.join(REGIONS)})")
