"""Platforms: which reservation product an instance's license corresponds to.

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
    "RunInstances:0014": "Red Hat Enterprise Linux with SQL Server Standard",
    "RunInstances:0210": "Red Hat Enterprise Linux with SQL Server Web",
    "RunInstances:0110": "Red Hat Enterprise Linux with SQL Server Enterprise",
    "RunInstances:1014": "Red Hat Enterprise Linux with SQL Server Standard and HA",
    "RunInstances:1110": "Red Hat Enterprise Linux with SQL Server Enterprise and HA",
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
"""Values outside `PRODUCTS` name licenses for which AWS sells no reservation."""

BY_PLATFORM_DETAILS: dict[str, str] = {
    "Red Hat BYOL Linux": "Linux/UNIX",
    "SQL Server Standard": "Linux with SQL Server Standard",
    "SQL Server Web": "Linux with SQL Server Web",
    "SQL Server Enterprise": "Linux with SQL Server Enterprise",
    "Ubuntu Pro Linux": "Ubuntu Pro",
    "macOS": "macOS",
    **{name: name for name in BY_USAGE_OPERATION.values()},
}
"""PlatformDetails calls SQL Server on Linux by the name of the database alone."""

BY_INSTANCE_PLATFORM: dict[str, str] = {
    "RHEL with HA": "Red Hat Enterprise Linux with HA",
    "RHEL with SQL Server Standard": "Red Hat Enterprise Linux with SQL Server Standard",
    "RHEL with SQL Server Web": "Red Hat Enterprise Linux with SQL Server Web",
    "RHEL with SQL Server Enterprise": "Red Hat Enterprise Linux with SQL Server Enterprise",
    "RHEL with HA and SQL Server Standard": BY_USAGE_OPERATION["RunInstances:1014"],
    "RHEL with HA and SQL Server Enterprise": BY_USAGE_OPERATION["RunInstances:1110"],
    "Windows with SQL Server": "Windows with SQL Server",
    "Ubuntu Pro": "Ubuntu Pro",
    **{name: name for name in PRODUCTS if name != "Red Hat Enterprise Linux with HA"},
}
"""Capacity reservations spell Red Hat's licenses in their own way (EC2 API Reference,
CapacityReservation). "Windows with SQL Server" names no edition, and none is sold without."""

VPC_SUFFIX = r"\s*\(Amazon VPC\)\s*$"
SPOT_SUFFIX = r":SV\d+$"
MAC_FAMILY = r"mac\d*(-|\.)"


def instance_platforms(instances: pd.DataFrame) -> pd.DataFrame:
    """Return `platform` and `platform_basis`, aligned with the instances.

    UsageOperation decides; where AWS gave none, PlatformDetails; where AWS gave neither, the field
    Platform, which cannot tell Linux licenses apart, so that the basis is `assumed`. A license
    that the tables do not know is named as AWS names it, with basis `unrecognized`: a code that is
    not known is never overruled by a field that says less. macOS is told by the mac families,
    whose UsageOperation is that of Linux.

    Args:
        instances: Frame `schema.INSTANCES`.
    """
    operation, details = _code(instances["usage_operation"]), instances["platform_details"]
    silent = operation == ""
    platform = details.where(details != "", operation)
    basis = pd.Series("unrecognized", index=instances.index, dtype="str")
    for found, source in (
        (_assumed(instances).where(silent & (details == ""), ""), "assumed"),
        (_looked_up(details, BY_PLATFORM_DETAILS).where(silent, ""), "platform_details"),
        (_looked_up(operation, BY_USAGE_OPERATION), "usage_operation"),
        (_macos(instances["instance_type"]), "instance_type"),
    ):
        known = found != ""
        platform, basis = platform.mask(known, found), basis.mask(known, source)
    return pd.DataFrame({"platform": platform, "platform_basis": basis}).astype("str")


def capacity_platforms(capacity: pd.DataFrame) -> pd.DataFrame:
    """Return `platform` and `platform_basis` of capacity reservations, aligned.

    A license that the table does not know is named as AWS names it, with basis `unrecognized`.
    macOS is told by the mac families, as it is of instances.

    Args:
        capacity: Frame `schema.CAPACITY_RESERVATIONS`, whose `platform` is InstancePlatform.
    """
    platform = capacity["platform"]
    basis = pd.Series("unrecognized", index=capacity.index, dtype="str")
    for found, source in (
        (_looked_up(platform, BY_INSTANCE_PLATFORM), "instance_platform"),
        (_macos(capacity["instance_type"]), "instance_type"),
    ):
        known = found != ""
        platform, basis = platform.mask(known, found), basis.mask(known, source)
    return pd.DataFrame({"platform": platform, "platform_basis": basis}).astype("str")


def reservation_platforms(product_descriptions: pd.Series[str]) -> pd.Series[str]:
    """Return the product without "(Amazon VPC)", a mark left over from EC2-Classic."""
    return product_descriptions.str.replace(VPC_SUFFIX, "", regex=True).str.strip()


def _code(usage_operations: pd.Series[str]) -> pd.Series[str]:
    """Drop what is appended to the code of a Spot Instance, as in RunInstances:0010:SV006."""
    return usage_operations.str.replace(SPOT_SUFFIX, "", regex=True)


def _looked_up(texts: pd.Series[str], table: Mapping[str, str]) -> pd.Series[str]:
    return texts.map(dict(table)).astype("str").fillna("")


def _assumed(instances: pd.DataFrame) -> pd.Series[str]:
    windows = instances["platform"].str.lower() == "windows"
    return pd.Series("Linux/UNIX", index=instances.index, dtype="str").mask(windows, "Windows")


def _macos(instance_types: pd.Series[str]) -> pd.Series[str]:
    mac = instance_types.str.match(MAC_FAMILY)
    return pd.Series("macOS", index=instance_types.index, dtype="str").where(mac, "")
