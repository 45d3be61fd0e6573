"""Platforms: which reservation product an instance's licence corresponds to.

Source: EC2 User Guide, "AMI billing information fields" (billing-info-fields) for the codes, and
the filter `product-description` of DescribeReservedInstances for what AWS sells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

PRODUCTS = (
    "Linux/UNIX",
    "Linux with SQL Server Standard",
    "Linux with SQL Server Web",
    "Linux with SQL Server Enterprise",
    "SUSE Linux",
    "Red Hat Enterprise Linux",
    "Red Hat Enterprise Linux with HA",
    "Windows",
    "Windows with SQL Server Standard",
    "Windows with SQL Server Web",
    "Windows with SQL Server Enterprise",
)
"""Every platform for which AWS sells EC2 reservations, without "(Amazon VPC)"."""

BY_USAGE_OPERATION: dict[str, str] = {
    "RunInstances": "Linux/UNIX",
    "RunInstances:00g0": "Linux/UNIX",  # RHEL under one's own subscription is billed as Linux
    "RunInstances:0010": "Red Hat Enterprise Linux",
    "RunInstances:1010": "Red Hat Enterprise Linux with HA",
    "RunInstances:0014": "RHEL with SQL Server Standard",
    "RunInstances:0210": "RHEL with SQL Server Web",
    "RunInstances:0110": "RHEL with SQL Server Enterprise",
    "RunInstances:1014": "RHEL with SQL Server Standard and HA",
    "RunInstances:1110": "RHEL with SQL Server Enterprise and HA",
    "RunInstances:0004": "Linux with SQL Server Standard",
    "RunInstances:0200": "Linux with SQL Server Web",
    "RunInstances:0100": "Linux with SQL Server Enterprise",
    "RunInstances:000g": "SUSE Linux",
    "RunInstances:0g00": "Ubuntu Pro",
    "RunInstances:0002": "Windows",
    "RunInstances:0800": "Windows BYOL",
    "RunInstances:0006": "Windows with SQL Server Standard",
    "RunInstances:0202": "Windows with SQL Server Web",
    "RunInstances:0102": "Windows with SQL Server Enterprise",
}
"""Values outside `PRODUCTS` name licences for which AWS sells no reservation."""

BY_PLATFORM_DETAILS: dict[str, str] = {
    "Red Hat BYOL Linux": "Linux/UNIX",
    "SQL Server Standard": "Linux with SQL Server Standard",
    "SQL Server Web": "Linux with SQL Server Web",
    "SQL Server Enterprise": "Linux with SQL Server Enterprise",
    "Ubuntu Pro Linux": "Ubuntu Pro",
    "macOS": "macOS",
    **{name: name for name in BY_USAGE_OPERATION.values()},
}

VPC_SUFFIX = r"\s*\(Amazon VPC\)\s*$"


def instance_platforms(instances: pd.DataFrame) -> pd.DataFrame:
    """Return `platform` and `platform_basis`, aligned with the instances.

    UsageOperation decides, then PlatformDetails; the field Platform cannot tell Linux licences
    apart, so where only it is left the basis is `assumed`. A licence that neither table knows is
    named as AWS names it, with basis `unrecognized`. macOS is told by PlatformDetails or by the
    mac families, whose UsageOperation is that of Linux.
    """
    operation = instances["usage_operation"].str.split(":").str[:2].str.join(":")
    details = instances["platform_details"]
    named = details.where(details != "", operation)
    platform, basis = named.copy(), pd.Series("unrecognized", index=instances.index)
    for found, source in (
        (_assumed(instances), "assumed"),
        (_looked_up(details, BY_PLATFORM_DETAILS), "platform_details"),
        (_looked_up(operation, BY_USAGE_OPERATION), "usage_operation"),
        (_macos(instances), "instance_type"),
    ):
        known = found != ""
        platform, basis = platform.mask(known, found), basis.mask(known, source)
    return pd.DataFrame({"platform": platform, "platform_basis": basis}).astype("str")


def reservation_platforms(product_descriptions: pd.Series[str]) -> pd.Series[str]:
    """Return the product without "(Amazon VPC)", a mark left over from EC2-Classic."""
    return product_descriptions.str.replace(VPC_SUFFIX, "", regex=True)


def _looked_up(texts: pd.Series[str], table: Mapping[str, str]) -> pd.Series[str]:
    return texts.map(dict(table)).fillna("").astype("str")


def _assumed(instances: pd.DataFrame) -> pd.Series[str]:
    silent = (instances["usage_operation"] == "") & (instances["platform_details"] == "")
    windows = instances["platform"].str.lower() == "windows"
    guess = pd.Series("Linux/UNIX", index=instances.index).mask(windows, "Windows")
    return guess.where(silent, "")


def _macos(instances: pd.DataFrame) -> pd.Series[str]:
    mac = instances["instance_type"].str.match(r"mac\d*(-|\.)")
    return pd.Series("macOS", index=instances.index).where(mac, "")
