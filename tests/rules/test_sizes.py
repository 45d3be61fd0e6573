"""Instance types: what their names say, held against AWS's tables and EC2's own list of types."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path

import botocore
import pandas as pd
import pytest

from ri_report.rules.sizes import (
    DOCUMENTED_METAL,
    EXCLUDED_FAMILIES,
    LARGEST_SIZE_METAL,
    describe_type,
    factor_of,
    pool_names,
    quarter_units,
)

AWS_TABLE = """
    nano 0.25     xlarge 8      6xlarge 48     12xlarge 96     32xlarge 256
    micro 0.5     2xlarge 16    8xlarge 64     16xlarge 128    48xlarge 384
    small 1       3xlarge 24    9xlarge 72     18xlarge 144    56xlarge 448
    medium 2      4xlarge 32    10xlarge 80    24xlarge 192    96xlarge 768
    large 4                                                    112xlarge 896
"""
"""The EC2 User Guide's table of normalization factors."""

DIFFERENT_FROM_ITS_LARGEST_SIZE = {"u-18tb1", "u-24tb1"}
"""AWS's table says 448 although their only virtual size, 112xlarge, stands for 896."""


def ec2_types() -> list[str]:
    """Read the types that EC2's API knows, from the model that boto3 ships."""
    model = Path(botocore.__file__).parent / "data/ec2/2016-11-15/service-2.json.gz"
    shapes = json.loads(gzip.decompress(model.read_bytes()))["shapes"]
    return list(shapes["InstanceType"]["enum"])


def sizes_by_family() -> dict[str, list[str]]:
    families = defaultdict(list)
    for name in ec2_types():
        family, _, size = name.partition(".")
        families[family].append(size)
    return families


def largest_virtual(family: str) -> float:
    virtual = [size for size in sizes_by_family()[family] if not size.startswith("metal")]
    return max(factor_of(f"{family}.{size}")[0] for size in virtual)


def test_sizes_have_the_factors_of_the_user_guide() -> None:
    words = AWS_TABLE.split()
    table = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    assert {size: factor_of(f"m5.{size}") for size in table} == {
        size: (factor, "documented") for size, factor in table.items()
    }


@pytest.mark.parametrize(
    ("name", "factor", "basis"),
    [
        ("i3.metal", 128, "documented"),
        ("u-6tb1.metal", 896, "documented"),
        ("u-24tb1.metal", 448, "documented"),
        ("c7g.metal", 128, "largest_size"),
        ("c6a.metal", 384, "largest_size"),
        ("m7i.metal-24xl", 192, "multiple"),
        ("m7i-flex.large", 4, "documented"),
        ("u7in-24tb.224xlarge", 1792, "multiple"),
        ("mac2-m2pro.metal", 1, "none"),
        ("m99.metal", 1, "none"),
        ("m5.enormous", 1, "none"),
        ("m5", 1, "none"),
        ("large", 1, "none"),
        ("m5.odd.large", 1, "none"),
        ("", 1, "none"),
        ("m5.xlarge2", 1, "none"),
        ("m5.0x", 1, "none"),
        ("m5.0xlarge", 1, "none"),
        ("m5.04xlarge", 1, "none"),
        ("m5.metal-0xl", 1, "none"),
        ("m5.1000xlarge", 1, "none"),
        ("m5.99999999999999xlarge", 1, "none"),
    ],
)
def test_a_type_has_a_factor_and_what_it_rests_on(name: str, factor: float, basis: str) -> None:
    assert factor_of(name) == (factor, basis)


def test_every_type_that_ec2_knows_has_a_factor_but_the_macs() -> None:
    unknown = [name for name in ec2_types() if factor_of(name)[1] == "none"]
    assert unknown == [name for name in ec2_types() if name.startswith("mac")]


def test_every_factor_is_a_whole_number_of_quarters() -> None:
    for name in ec2_types():
        assert describe_type(name).quarter_units == factor_of(name)[0] * 4 > 0


def test_undocumented_metal_counts_as_the_largest_virtual_size_of_its_family() -> None:
    for factor, families in LARGEST_SIZE_METAL.items():
        for family in families.split():
            assert (family, largest_virtual(family)) == (family, factor)


def test_documented_metal_counts_as_the_largest_virtual_size_but_for_two() -> None:
    others = {
        family
        for factor, families in DOCUMENTED_METAL.items()
        for family in families.split()
        if largest_virtual(family) != factor
    }
    assert others == DIFFERENT_FROM_ITS_LARGEST_SIZE


def test_every_family_with_plain_metal_is_in_a_table() -> None:
    listed = {
        f
        for table in (DOCUMENTED_METAL, LARGEST_SIZE_METAL)
        for fs in table.values()
        for f in fs.split()
    }
    assert listed == {
        family
        for family, sizes in sizes_by_family().items()
        if "metal" in sizes and not family.startswith("mac")
    }


def test_excluded_families_exist() -> None:
    assert set(sizes_by_family()) >= EXCLUDED_FAMILIES


def test_families_of_an_excluded_kind_are_flexible_but_doubtful() -> None:
    doubtful = {
        family
        for family, sizes in sizes_by_family().items()
        if len(sizes) > 1 and describe_type(f"{family}.{sizes[0]}").flexibility == "assumed"
    }
    assert {"g7e", "trn1", "trn2", "hpc7g", "f2"} <= doubtful
    assert not doubtful & (
        {"m5", "c7g", "r7iz", "i3", "t3", "x2gd", "d3", "h1"} | EXCLUDED_FAMILIES
    )


@pytest.mark.parametrize(
    ("name", "platform", "tenancy", "pool"),
    [
        ("m5.large", "Linux/UNIX", "default", "m5"),
        ("m5d.large", "Linux/UNIX", "default", "m5d"),
        ("m7i-flex.large", "Linux/UNIX", "default", "m7i-flex"),
        ("m5.large", "Linux/UNIX", "dedicated", "m5.large"),
        ("m5.large", "Windows", "default", "m5.large"),
        ("m5.large", "Red Hat Enterprise Linux", "default", "m5.large"),
        ("m5.large", "SUSE Linux", "default", "m5.large"),
        ("m5.large", "Linux with SQL Server Web", "default", "m5.large"),
        ("g4dn.xlarge", "Linux/UNIX", "default", "g4dn.xlarge"),
        ("G4dn.xlarge", "Linux/UNIX", "default", "G4dn.xlarge"),
        ("u7i-6tb.112xlarge", "Linux/UNIX", "default", "u7i-6tb.112xlarge"),
        ("m5.enormous", "Linux/UNIX", "default", "m5.enormous"),
    ],
)
def test_sizes_flex_only_for_linux_on_default_tenancy_in_families_that_may(
    name: str, platform: str, tenancy: str, pool: str
) -> None:
    frame = pd.DataFrame({"instance_type": [name], "platform": [platform], "tenancy": [tenancy]})
    assert pool_names(frame).tolist() == [pool]


def test_no_types_make_empty_columns_of_the_right_kind() -> None:
    names = pd.Series([], dtype="str")
    assert quarter_units(names).dtype == "int64"
    none = pd.DataFrame({"instance_type": names, "platform": names, "tenancy": names})
    assert pool_names(none).dtype == "str"
