"""Platforms: from what AWS says of an instance to the product that reservations are sold for."""

from __future__ import annotations

import botocore.session
import pandas as pd
import pytest

from ri_report.rules.platforms import (
    BY_INSTANCE_PLATFORM,
    PRODUCTS,
    capacity_platforms,
    instance_platforms,
    reservation_platforms,
)

AWS_TABLE = """
-    | Linux/UNIX                                                 | same
00g0 | Red Hat BYOL Linux                                         | Linux/UNIX
0010 | Red Hat Enterprise Linux                                   | same
1010 | Red Hat Enterprise Linux with HA                           | same
1014 | Red Hat Enterprise Linux with SQL Server Standard and HA   | none
1110 | Red Hat Enterprise Linux with SQL Server Enterprise and HA | none
0014 | Red Hat Enterprise Linux with SQL Server Standard          | none
0210 | Red Hat Enterprise Linux with SQL Server Web               | none
0110 | Red Hat Enterprise Linux with SQL Server Enterprise        | none
0100 | SQL Server Enterprise                                      | Linux with SQL Server Enterprise
0004 | SQL Server Standard                                        | Linux with SQL Server Standard
0200 | SQL Server Web                                             | Linux with SQL Server Web
000g | SUSE Linux                                                 | same
0g00 | Ubuntu Pro                                                 | none
0002 | Windows                                                    | same
0800 | Windows BYOL                                               | none
0102 | Windows with SQL Server Enterprise                         | same
0006 | Windows with SQL Server Standard                           | same
0202 | Windows with SQL Server Web                                | same
"""
"""EC2 User Guide, "AMI billing information fields": the code after RunInstances, the platform
details, and the platform of the reservations that cover it."""

ROWS = [[cell.strip() for cell in row.split("|")] for row in AWS_TABLE.strip().splitlines()]


def told(**fields: str) -> tuple[str, str]:
    names = ("usage_operation", "platform_details", "platform", "instance_type")
    row = {name: fields.get(name, "") for name in names}
    found = instance_platforms(pd.DataFrame([row]).astype("str"))
    return found["platform"][0], found["platform_basis"][0]


@pytest.mark.parametrize(("code", "details", "product"), ROWS)
def test_both_fields_tell_the_same_product(code: str, details: str, product: str) -> None:
    operation = "RunInstances" if code == "-" else f"RunInstances:{code}"
    by_code, by_text = told(usage_operation=operation), told(platform_details=details)
    assert by_code[1] == "usage_operation"
    assert by_text[1] == "platform_details"
    assert by_code[0] == by_text[0]
    sold = by_code[0] if by_code[0] in PRODUCTS else "none"
    assert sold == (details if product == "same" else product)


@pytest.mark.parametrize(
    ("fields", "platform", "basis"),
    [
        (
            {"usage_operation": "RunInstances:0010:SV006"},
            "Red Hat Enterprise Linux",
            "usage_operation",
        ),
        ({"usage_operation": "RunInstances:SV007"}, "Linux/UNIX", "usage_operation"),
        (
            {"usage_operation": "RunInstances:0010", "platform_details": "Linux/UNIX"},
            "Red Hat Enterprise Linux",
            "usage_operation",
        ),
        (
            {"usage_operation": "RunInstances:zzzz", "platform_details": "Linux/UNIX"},
            "Linux/UNIX",
            "unrecognized",
        ),
        ({"usage_operation": "RunInstances:zzzz"}, "RunInstances:zzzz", "unrecognized"),
        ({"platform_details": "Plan 9"}, "Plan 9", "unrecognized"),
        ({"platform_details": "Ubuntu Pro Linux"}, "Ubuntu Pro", "platform_details"),
        ({"platform": "windows"}, "Windows", "assumed"),
        ({"platform": "Windows"}, "Windows", "assumed"),
        ({}, "Linux/UNIX", "assumed"),
        (
            {"platform": "windows", "usage_operation": "RunInstances:0800"},
            "Windows BYOL",
            "usage_operation",
        ),
        (
            {"instance_type": "mac2-m2.metal", "usage_operation": "RunInstances"},
            "macOS",
            "instance_type",
        ),
        ({"instance_type": "mac1.metal"}, "macOS", "instance_type"),
        (
            {"instance_type": "machine.large", "usage_operation": "RunInstances"},
            "Linux/UNIX",
            "usage_operation",
        ),
    ],
)
def test_the_code_decides_then_the_text_and_the_field_platform_is_only_assumed(
    fields: dict[str, str], platform: str, basis: str
) -> None:
    assert told(**fields) == (platform, basis)


def test_platforms_stand_beside_their_instances_whatever_their_rows_are_called() -> None:
    names = ["usage_operation", "platform_details", "platform", "instance_type"]
    rows = [["RunInstances:0002", "", "", "m5.large"], ["", "", "", "m5.large"]]
    rows += [["", "", "windows", "m5.large"], ["", "", "", "mac1.metal"]]
    found = instance_platforms(pd.DataFrame(rows, [7, 5, 3, 1], columns=names, dtype="str"))
    assert found["platform"].to_dict() == {7: "Windows", 5: "Linux/UNIX", 3: "Windows", 1: "macOS"}


def test_a_reservation_is_told_without_the_mark_of_ec2_classic() -> None:
    said = [
        "Linux/UNIX (Amazon VPC)",
        "Windows (Amazon VPC) ",
        "SUSE Linux",
        " Windows",
        "",
        "BeOS",
    ]
    assert reservation_platforms(pd.Series(said, dtype="str")).tolist() == [
        "Linux/UNIX",
        "Windows",
        "SUSE Linux",
        "Windows",
        "",
        "BeOS",
    ]


def test_no_instances_have_no_platforms() -> None:
    names = ["usage_operation", "platform_details", "platform", "instance_type"]
    none = instance_platforms(pd.DataFrame({name: pd.Series([], dtype="str") for name in names}))
    assert none.dtypes.astype(str).to_dict() == {"platform": "str", "platform_basis": "str"}


CAPACITY_TABLE = {
    "RHEL with HA": "Red Hat Enterprise Linux with HA",
    "SUSE Linux": "SUSE Linux",
    "Linux with SQL Server Web": "Linux with SQL Server Web",
    "Windows with SQL Server Enterprise": "Windows with SQL Server Enterprise",
    "RHEL with SQL Server Standard": "Red Hat Enterprise Linux with SQL Server Standard",
    "RHEL with HA and SQL Server Enterprise": (
        "Red Hat Enterprise Linux with SQL Server Enterprise and HA"
    ),
}


def test_capacity_reservations_have_spellings_of_their_own() -> None:
    names = [*CAPACITY_TABLE, "Plan 9"]
    held = pd.DataFrame({"platform": names, "instance_type": "m5.large"}, dtype="str")
    found = capacity_platforms(held)
    assert found["platform"].tolist() == [*CAPACITY_TABLE.values(), "Plan 9"]
    assert found["platform_basis"].tolist() == [
        *["instance_platform"] * len(CAPACITY_TABLE),
        "unrecognized",
    ]


def test_every_platform_that_ec2_knows_of_a_capacity_reservation_is_in_the_table() -> None:
    model = botocore.session.get_session().get_service_model("ec2")
    shape = model.shape_for("CapacityReservationInstancePlatform")
    known: list[str] = shape.enum  # type: ignore[attr-defined]  # a StringShape has it
    assert set(known) == set(BY_INSTANCE_PLATFORM)
    assert set(PRODUCTS) <= {BY_INSTANCE_PLATFORM[name] for name in known}
