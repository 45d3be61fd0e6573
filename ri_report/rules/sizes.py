"""Instance types: family, size, normalization factor, and whether the size may flex.

Factors as of 2026-11-22, from the EC2 User Guide, "How Reserved Instance discounts are applied"
(apply_ri) and "Modify Reserved Instances" (ri-modifying). Where AWS documents no factor, the
`factor_basis` of a type says which convention stands in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ri_report.inventory.frames import Column, Frame

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

FLEXIBLE_PLATFORM = "Linux/UNIX"
FLEXIBLE_TENANCY = "default"

TYPE_NAME = r"[^.]+\.[^.]+"
"""A family, a dot and a size; anything else cannot be told from the name of a family."""

TYPES = Frame(
    "types",
    ("instance_type",),
    (
        Column("instance_type", "text", "Instance type"),
        Column("family", "text", "All before the dot: generation and attributes included"),
        Column("size", "text", "All after the dot"),
        Column("quarter_units", "count", "Normalization factor x 4; 4 where there is no factor"),
        Column("factor_basis", "text", "documented, multiple, largest_size or none"),
        Column("is_flexible_family", "flag", "Whether AWS lets the sizes of the family flex"),
    ),
)

_METAL = {
    f"{family}.metal": (factor, basis)
    for basis, table in (("documented", DOCUMENTED_METAL), ("largest_size", LARGEST_SIZE_METAL))
    for factor, families in table.items()
    for family in families.split()
}
_XLARGES = re.compile(r"(\d+)xlarge|metal-(\d+)xl")


def factor_of(instance_type: str) -> tuple[float, str]:
    """Return the normalization factor of a type and what it rests on.

    The basis is `documented` (AWS's tables), `multiple` (8 x N for an Nxlarge or metal-Nxl that
    AWS's table omits), `largest_size` (metal, see `LARGEST_SIZE_METAL`) or `none`: an unknown
    type counts 1.0 for each instance and matches nothing but itself.
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


def describe_types(instance_types: pd.Series[str]) -> pd.DataFrame:
    """Return frame `TYPES`, one row for each distinct type, in alphabetical order."""
    return TYPES.of(_describe(name) for name in sorted(instance_types.unique()))


def _describe(instance_type: str) -> dict[str, object]:
    family, _, size = instance_type.partition(".")
    factor, basis = factor_of(instance_type)
    return {
        "instance_type": instance_type,
        "family": family,
        "size": size,
        "quarter_units": int(factor * QUARTERS),
        "factor_basis": basis,
        "is_flexible_family": basis != "none" and family.lower() not in EXCLUDED_FAMILIES,
    }


def pool_names(frame: pd.DataFrame) -> pd.Series[str]:
    """Return the family where sizes flex, else the exact type: the unit in which totals are firm.

    Sizes flex only for Linux/UNIX on default tenancy in a family that is not excluded (EC2 User
    Guide, apply_ri).

    Args:
        frame: instance_type, platform and tenancy.
    """
    flexible = (
        _each(frame["instance_type"], "is_flexible_family").astype("bool")
        & (frame["platform"] == FLEXIBLE_PLATFORM)
        & (frame["tenancy"] == FLEXIBLE_TENANCY)
    )
    family = _each(frame["instance_type"], "family")
    return family.where(flexible, frame["instance_type"]).astype("str")


def quarter_units(instance_types: pd.Series[str]) -> pd.Series[int]:
    """Return the quarter units of one instance of each type, aligned with the input."""
    return _each(instance_types, "quarter_units").astype("int64")


def factor_bases(instance_types: pd.Series[str]) -> pd.Series[str]:
    """Return what the factor of each type rests on (see `factor_of`), aligned with the input."""
    return _each(instance_types, "factor_basis").astype("str")


def _each(instance_types: pd.Series[str], column: str) -> pd.Series[Any]:
    types = describe_types(instance_types).set_index("instance_type")
    return instance_types.map(types[column])
