"""Instance types: family, size, normalization factor, and whether the size may flex.

Factors as of 2026-11-22, from the EC2 User Guide, "How Reserved Instance discounts are applied"
(apply_ri) and "Modify Reserved Instances" (ri-modifying). Where AWS documents no factor, the
`factor_basis` of a type says which convention stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

QUARTERS = 4
"""Quarter units in one normalized unit; nano, the smallest size, is one quarter unit."""

FACTORS: dict[str, float] = {
    "nano": 0.25,
    "micro": 0.5,
    "small": 1,
    "medium": 2,
    "large": 4,
    "xlarge": 8,
}
XLARGE_FACTOR = 8
DOCUMENTED_XLARGES = frozenset({2, 3, 4, 6, 8, 9, 10, 12, 16, 18, 24, 32, 48, 56, 96, 112})
"""Multiples of xlarge in AWS's table; all are 8 x N, so other multiples are taken as 8 x N."""

DOCUMENTED_METAL: dict[float, str] = {
    32: "a1",
    96: "m5zn x2iezn z1d",
    128: "c6g c6gd i3 m6g m6gd r6g r6gd x2gd",
    144: "c5n",
    192: "c5 c5d i3en m5 m5d m5dn m5n r5 r5b r5d r5dn r5n",
    256: "c6i c6id m6i m6id r6i r6id",  # AWS's table prints r6d, a family that does not exist
    448: "u-18tb1 u-24tb1",
    896: "u-6tb1 u-9tb1 u-12tb1",
}
LARGEST_SIZE_METAL: dict[float, str] = {
    128: "c7g c7gd c7gn g4dn g5g m7g m7gd r7g r7gd",
    256: "c6in i4i m6idn m6in r6idn r6in x2idn x2iedn",
    384: "c6a m6a r6a",
}
"""Metal sizes without a documented factor: that of the family's largest virtual size, which is
what AWS says metal is "generally" equal to. g4dn and g5g do not flex, whatever their factor."""

EXCLUDED_FAMILIES = frozenset(
    [
        "g4ad",
        "g4dn",
        "g5",
        "g5g",
        "g6",
        "g6e",
        "g6f",
        "gr6",
        "gr6f",
        "hpc7a",
        "p5",
        "inf1",
        "inf2",
        "u7i-6tb",
        "u7i-8tb",
    ]
)
"""Families to which size flexibility does not apply (EC2 User Guide, apply_ri, limitations)."""

ACCELERATED = re.compile(r"(g|gr|p|inf|trn|hpc|dl)\d|f2|vt1|u7|u-", re.IGNORECASE)
"""Families of the kind of which AWS excludes many: those that it does not exclude are doubtful."""

FLEXIBLE_PLATFORM = "Linux/UNIX"
FLEXIBLE_TENANCY = "default"

TYPE_NAME = r"[^.]+\.[^.]+"
"""A family, a dot and a size; anything else cannot be told from the name of a family."""

_METAL = {
    f"{family}.metal": (factor, basis)
    for basis, table in (("documented", DOCUMENTED_METAL), ("largest_size", LARGEST_SIZE_METAL))
    for factor, families in table.items()
    for family in families.split()
}
_XLARGES = re.compile(r"([1-9][0-9]{0,2})xlarge|metal-([1-9][0-9]{0,2})xl")
"""Of none, or of more xlarges than three digits tell, AWS has nothing: it is no size."""


def factor_of(instance_type: str) -> tuple[float, str]:
    """Return the normalization factor of a type and what it rests on.

    The basis is `documented` (AWS's tables), `multiple` (8 x N for an Nxlarge or metal-Nxl that
    AWS's table omits), `largest_size` (metal, see `LARGEST_SIZE_METAL`) or `none`: an unknown
    type counts 1.0 for each instance and matches nothing but itself.

    Args:
        instance_type: As EC2 names it: `m5.large`, `m7i-flex.xlarge`, `u-6tb1.metal`.
    """
    size = instance_type.partition(".")[2]
    if size in FACTORS:
        return FACTORS[size], "documented"
    if instance_type in _METAL:
        return _METAL[instance_type]
    if found := _XLARGES.fullmatch(size):
        multiple = int(found[1] or found[2])
        documented = bool(found[1]) and multiple in DOCUMENTED_XLARGES
        return XLARGE_FACTOR * multiple, "documented" if documented else "multiple"
    return 1.0, "none"


@dataclass(frozen=True)
class InstanceType:
    """What the name of an instance type says.

    Attributes:
        name: The instance type.
        family: All before the dot: generation and attributes included.
        quarter_units: Normalization factor x 4; 4 where there is no factor.
        factor_basis: What the factor rests on, see `factor_of`.
        flexibility: `flexible`, `exact` (an excluded family, or a type without a factor) or
            `assumed`: flexible as every family that AWS does not exclude, but of a kind of which
            AWS excludes many.
    """

    name: str
    family: str
    quarter_units: int
    factor_basis: str
    flexibility: str


@cache
def describe_type(name: str) -> InstanceType:
    """Return what the name of an instance type says; an unknown one is exact."""
    family = name.partition(".")[0]
    factor, basis = factor_of(name)
    flexibility = "assumed" if ACCELERATED.match(family) else "flexible"
    if basis == "none" or family.lower() in EXCLUDED_FAMILIES:
        flexibility = "exact"
    return InstanceType(name, family, int(factor * QUARTERS), basis, flexibility)


def pool_names(frame: pd.DataFrame) -> pd.Series[str]:
    """Return the family where sizes flex, else the exact type: the unit in which totals are firm.

    Sizes flex only for Linux/UNIX on default tenancy in a family that is not excluded (EC2 User
    Guide, apply_ri).

    Args:
        frame: instance_type, platform and tenancy.
    """
    flexible = (
        (size_flexibility(frame["instance_type"]) != "exact")
        & (frame["platform"] == FLEXIBLE_PLATFORM)
        & (frame["tenancy"] == FLEXIBLE_TENANCY)
    )
    return families(frame["instance_type"]).where(flexible, frame["instance_type"])


def families(instance_types: pd.Series[str]) -> pd.Series[str]:
    """Return the family of each type, aligned with the input."""
    return _each(instance_types, "family").astype("str")


def quarter_units(instance_types: pd.Series[str]) -> pd.Series[int]:
    """Return the quarter units of one instance of each type, aligned with the input."""
    return _each(instance_types, "quarter_units").astype("int64")


def factor_bases(instance_types: pd.Series[str]) -> pd.Series[str]:
    """Return what the factor of each type rests on (see `factor_of`), aligned with the input."""
    return _each(instance_types, "factor_basis").astype("str")


def size_flexibility(instance_types: pd.Series[str]) -> pd.Series[str]:
    """Return the `flexibility` of each type (see `InstanceType`), aligned with the input."""
    return _each(instance_types, "flexibility").astype("str")


def _each(instance_types: pd.Series[str], attribute: str) -> pd.Series[Any]:
    types = {name: getattr(describe_type(name), attribute) for name in instance_types.unique()}
    return instance_types.map(types)
