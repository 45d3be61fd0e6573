"""The tables: their declarations, their totals, and what they make of what was not read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.report.tables import Table, make_tables
from ri_report.rules.analysis import analyze
from ri_report.rules.basis import MARKED
from ri_report.rules.unknown import blind
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    from ri_report.report.model import Report

COVERAGE_MEASURES = [
    "running_instances",
    "covered_instances",
    "uncovered_instances",
    "running_units",
    "covered_units",
    "coverage_ratio",
]
PLACE = [
    "region",
    "availability_zone",
    "availability_zone_id",
    "instance_type",
    "platform",
    "tenancy",
]
PUBLISHED = {
    "coverage": [*PLACE, *COVERAGE_MEASURES],
    "coverage_by_account": ["account_id", *PLACE, *COVERAGE_MEASURES],
    "utilization": [
        "reservation_id",
        "account_id",
        "region",
        "scope",
        "availability_zone",
        "instance_type",
        "platform",
        "tenancy",
        "instance_count",
        "purchased_units",
        "used_units",
        "unused_units",
        "utilization_ratio",
        "idle_slot_units",
        "end",
        "days_left",
        "unused_reason",
    ],
    "allocations": [
        "reservation_id",
        "reservation_account_id",
        "instance_id",
        "instance_account_id",
        "covered_units",
    ],
    "pools": [
        "region",
        "platform",
        "tenancy",
        "account_id",
        "running_units",
        "covered_units",
        "purchased_units",
        "used_units",
        "lent_units",
        "borrowed_units",
        "idle_units",
        "covered_idle_units",
    ],
    "capacity_reservations": [
        "account_id",
        "region",
        "availability_zone",
        "availability_zone_id",
        "capacity_reservation_id",
        "instance_type",
        "platform",
        "tenancy",
        "state",
        "total_instances",
        "available_instances",
        "idle_units",
        "covered_idle_units",
    ],
    "uncovered": ["instance_id", "account_id", "uncovered_units", "reason"],
    "not_eligible": ["instance_id", "account_id", "reason"],
    "reservations_other_states": ["reservation_id", "account_id", "state", "reason"],
    "gaps": ["account_id", "region", "kind", "status", "reason", "detail", "fix"],
    "accounts": ["account_id", "account_name", "state", "reading"],
}
"""Columns that other programs rely on; they keep their names."""

COMPANY = """
    i-a: A runs 2 m5.large in us-east-1a
    i-b: B runs 1 m5.xlarge in us-east-1a
    r-a: A bought 3 m5.large in us-east-1
    r-b: B bought 1 c5.large in us-east-1
"""


def tables_of(text: str, *outcomes: Outcome, accounts: str = "AB") -> dict[str, Table]:
    """The tables of a fleet whose accounts are letters; what no outcome is about was read."""
    read = [
        Outcome(account, "us-east-1", kind, Status.OK)
        for account in accounts
        for kind in (CellKind.INSTANCES, CellKind.RESERVATIONS, CellKind.CAPACITY)
    ]
    cells = {(o.account_id, o.region, o.kind): o for o in (*read, *outcomes)}
    world = fleet(text)
    inventory = replace(
        world.inventory,
        accounts=ACCOUNTS.of({"account_id": name, "state": "ACTIVE"} for name in accounts),
        outcomes=OUTCOMES.of(outcome.row() for outcome in cells.values()),
    )
    return make_tables(
        inventory, blind(analyze(inventory, world.sharing), inventory, world.sharing)
    )


def denied(account: str, kind: CellKind, region: str = "us-east-1") -> Outcome:
    return Outcome(account, region, kind, Status.DENIED, "iam")


def row_of(table: Table, **where: str) -> dict[str, Any]:
    rows = table.rows
    for name, value in where.items():
        rows = rows[rows[name] == value]
    (found,) = rows.to_dict("records")
    return {str(name): None if pd.isna(value) else value for name, value in found.items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_columns_keep_their_names(complete: Report, name: str) -> None:
    assert [c for c in PUBLISHED[name] if c not in complete.tables[name].frame.names] == []


def test_every_table_names_each_account_behind_its_id(complete: Report) -> None:
    accounts = complete.tables["accounts"].rows
    names = dict(zip(accounts["account_id"], accounts["account_name"], strict=True))
    checked = 0
    for table in complete.tables.values():
        columns = table.frame.names
        for place, column in enumerate(columns):
            if column.endswith("account_id"):
                beside = columns[place + 1]
                assert beside == column.replace("_id", "_name")
                assert list(table.rows[beside]) == [names.get(i, "") for i in table.rows[column]]
                checked += 1
    assert checked == 15  # of 13 tables, two of which have two


def test_the_tables_of_a_complete_report_fit_every_output(complete: Report) -> None:
    titles = [table.title for table in complete.tables.values()]
    assert len({title.casefold() for title in titles}) == len(titles)
    assert max(len(title) for title in titles) <= 31
    for name, table in complete.tables.items():
        assert table.name == name
        headings = [column.heading.casefold() for column in table.frame.columns]
        assert len(set(headings)) == len(headings), name
        assert not any(heading.isdecimal() for heading in headings)
        assert all(column.description for column in table.frame.columns), name
        assert table.note.endswith(".")


def test_a_ratio_names_two_columns_that_have_sums(complete: Report) -> None:
    for name, table in complete.tables.items():
        kinds = {column.name: column.kind for column in table.frame.columns}
        for column in table.frame.columns:
            assert (column.kind == "ratio") == (column.ratio_of is not None), name
            assert {kinds[part] for part in column.ratio_of or ()} <= {"units", "count"}


def test_a_ratio_in_every_row_is_the_quotient_that_it_names(complete: Report) -> None:
    for table in complete.tables.values():
        for column in table.frame.columns:
            if column.ratio_of:
                part, whole = (table.rows[name].astype("float64") for name in column.ratio_of)
                expected = part / whole.where(whole != 0)
                pd.testing.assert_series_equal(
                    table.rows[column.name].astype("float64"), expected, check_names=False
                )


SUMS = Frame(
    "sums",
    (),
    (
        Column("name", "text", "Name"),
        Column("used", "units", "Used", nullable=True),
        Column("bought", "units", "Bought", nullable=True),
        Column("count", "count", "Count", nullable=True),
        Column("days", "days", "Days", nullable=True),
        Column("price", "cost", "Price of one", nullable=True),
        Column("share", "ratio", "Share", nullable=True, ratio_of=("used", "bought")),
    ),
)


def total(*rows: tuple[float | None, float | None, int | None], **options: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of Table
    names = ("used", "bought", "count")
    made = SUMS.of(dict(zip(names, row, strict=True)) | {"days": 1, "price": 2.0} for row in rows)
    return Table("Sums", "Sums.", SUMS, made, **options).total()


def test_a_total_is_of_counts_and_units_and_its_ratio_is_of_the_sums() -> None:
    """The mean of the ratios 1/1 and 1/3 would be 67 %."""
    assert total((1, 1, 1), (1, 3, 1)) == {"used": 2, "bought": 4, "count": 2, "share": 0.5}


def test_a_sum_over_an_unknown_value_is_unknown_and_so_is_its_ratio() -> None:
    assert total((1, 1, None), (None, 3, 1)) == {
        "used": None,
        "bought": 4,
        "count": None,
        "share": None,
    }


def test_a_ratio_of_sums_over_nothing_is_unknown() -> None:
    assert total((0, 0, 0)) == {"used": 0, "bought": 0, "count": 0, "share": None}


def test_a_total_is_of_the_rows_that_it_covers() -> None:
    chosen = pd.Series([True, False, True])
    assert total((1, 2, 1), (None, None, None), (1, 2, 1), in_total=chosen) == {
        "used": 2,
        "bought": 4,
        "count": 2,
        "share": 0.5,
    }


def test_no_rows_have_no_total() -> None:
    assert total() == {}


def test_everything_that_was_read_is_known() -> None:
    tables = tables_of(COMPANY)
    accounts = {name: row_of(tables["accounts"], account_id=name) for name in "AB"}
    assert accounts["A"] == {
        "account_id": "A",
        "account_name": "",
        "state": "ACTIVE",
        "reading": "read",
        "running_instances": 2,
        "running_units": 8,
        "covered_units": 8,
        "coverage_ratio": 1,
        "purchased_units": 12,
        "used_units": 12,
        "utilization_ratio": 1,
        "borrowed_units": 0,
        "lent_units": 4,
        "basis": "firm",
        "completeness": "complete",
    }
    assert accounts["B"]["borrowed_units"] == 4
    assert accounts["B"]["utilization_ratio"] == 0
    assert tables["accounts"].total()["covered_units"] == 12


def test_an_account_with_nothing_has_zeros_and_no_ratios() -> None:
    account = row_of(tables_of(COMPANY, accounts="ABC")["accounts"], account_id="C")
    assert (account["reading"], account["running_instances"], account["used_units"]) == (
        "read",
        0,
        0,
    )
    assert account["coverage_ratio"] is None
    assert account["utilization_ratio"] is None


KNOWN = {
    CellKind.ACCOUNT: set(),
    CellKind.REGIONS: set(),
    CellKind.INSTANCES: {"purchased_units"},
    CellKind.RESERVATIONS: {"running_instances", "running_units"},
}


@pytest.mark.parametrize("kind", KNOWN)
def test_what_was_not_read_of_an_account_is_unknown(kind: CellKind) -> None:
    region = "" if kind in (CellKind.ACCOUNT, CellKind.REGIONS) else "us-east-1"
    text = "i-a: A runs 1 m5.large in us-east-1a" if kind != CellKind.RESERVATIONS else COMPANY
    tables = tables_of(text, denied("B", kind, region))
    account = row_of(tables["accounts"], account_id="B")
    measures = set(tables["accounts"].frame.names[4:-2])
    assert {name for name in measures if account[name] is not None} == KNOWN[kind]
    assert account["reading"] == ("partly read" if region else "not read")
    assert all(
        (tables["accounts"].total()[name] is None) == (name not in KNOWN[kind]) for name in measures
    )


@pytest.mark.parametrize("kind", [CellKind.ACCOUNT, CellKind.REGIONS, CellKind.INSTANCES])
def test_unread_instances_are_a_row_of_unknowns(kind: CellKind) -> None:
    region = "us-east-1" if kind == CellKind.INSTANCES else ""
    tables = tables_of("i-a: A runs 1 m5.large in us-east-1a", denied("B", kind, region))
    for name in ("coverage_by_account", "running"):
        row, place = row_of(tables[name], account_id="B"), {"account_id": "B", "region": region}
        known = {n: value for n, value in row.items() if value not in ("", None)}
        assert known.pop("completeness", "unknown") == "unknown"
        assert known == {name: value for name, value in place.items() if value}
        assert tables[name].total()["running_instances"] is None
    assert row_of(tables["running"], account_id="A")["running_instances"] == 1


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_coverage_is_unknown_where_the_reservations_of_the_account_were_not_read(
    region: str,
) -> None:
    tables = tables_of(COMPANY, denied("B", CellKind.RESERVATIONS, region))
    row = row_of(tables["coverage_by_account"], account_id="B")
    assert row["running_instances"] == 1
    assert (row["coverage_ratio"] is None) == (region == "us-east-1")
    other = row_of(tables["coverage_by_account"], account_id="A")
    assert other["coverage_ratio"] == 1


def test_what_is_unknown_is_neither_firm_nor_a_convention() -> None:
    tables = tables_of(COMPANY, denied("B", CellKind.RESERVATIONS))
    assert row_of(tables["coverage_by_account"], account_id="A")["basis"] == "firm"
    assert row_of(tables["coverage_by_account"], account_id="B")["basis"] == ""


SPLIT = (*MARKED, "coverage_by_family", "accounts")


def test_tables_that_split_pools_say_of_each_row_whether_it_is_firm(complete: Report) -> None:
    """And no other table does, so that no reader looks for it in vain."""
    named = [name for name, table in complete.tables.items() if "basis" in table.frame.names]
    assert sorted(named) == sorted(SPLIT)
    for name in SPLIT:
        assert set(complete.tables[name].rows["basis"]) <= {"firm", "convention"}, name
    assert set(complete.tables["coverage"].rows["basis"]) == {"firm", "convention"}


def test_unread_zones_leave_the_counts_known() -> None:
    tables = tables_of(COMPANY, denied("B", CellKind.ZONES))
    account = row_of(tables["accounts"], account_id="B")
    assert (account["reading"], account["running_instances"]) == ("partly read", 1)


def test_accounts_that_were_not_queried_are_in_no_total() -> None:
    closed = Outcome("C", "", CellKind.ACCOUNT, Status.SKIPPED, "account_state")
    world = fleet(COMPANY)
    read = [Outcome(name, "us-east-1", CellKind.INSTANCES, Status.OK) for name in "AB"]
    inventory = replace(
        world.inventory,
        accounts=ACCOUNTS.of({"account_id": name} for name in "ABC"),
        outcomes=OUTCOMES.of(outcome.row() for outcome in (*read, closed)),
    )
    table = make_tables(inventory, analyze(inventory, world.sharing))["accounts"]
    assert row_of(table, account_id="C")["running_instances"] is None
    assert row_of(table, account_id="C")["reading"] == "not queried"
    assert table.total()["running_instances"] == 3


def test_an_allocation_names_both_accounts() -> None:
    rows = tables_of(COMPANY)["allocations"].rows
    (lent,) = rows[rows["instance_id"] == "i-b"].to_dict("records")
    assert (lent["reservation_account_id"], lent["instance_account_id"]) == ("A", "B")
    assert (lent["covered_units"], lent["tier"]) == (4, "organization")


HELD = """
    cr-a: A holds 2 m5.large in us-east-1a
    cr-b: B holds 1 m5.large in us-east-1a
    r-more: A bought 1 m5.2xlarge in us-east-1
"""


def test_idle_slots_are_in_tables_of_their_own_columns() -> None:
    tables = tables_of(COMPANY + HELD)
    held = tables["capacity_reservations"]
    assert held.total() == {
        "total_instances": 3,
        "available_instances": 3,
        "idle_units": 12,
        "covered_idle_units": 12,
    }
    assert tables["pools"].total()["idle_units"] == 12
    assert tables["utilization"].total()["used_units"] == 16 + 12
    assert "cr-a" not in set(tables["allocations"].rows["instance_id"])
    assert tables["coverage"].total()["running_instances"] == 3


@pytest.mark.parametrize("region", ["us-east-1", ""])
def test_idle_slots_that_were_not_read_are_unknown_and_not_zero(region: str) -> None:
    kind = CellKind.CAPACITY if region else CellKind.ACCOUNT
    tables = tables_of(COMPANY, denied("B", kind, region))
    row = row_of(tables["capacity_reservations"], account_id="B")
    assert (row["region"], row["idle_units"], row["covered_idle_units"]) == (region, None, None)
    assert tables["capacity_reservations"].total()["idle_units"] is None
    pools = tables["pools"].rows
    assert pools.loc[pools["account_id"] == "B", "idle_units"].isna().all()
    assert pools.loc[pools["account_id"] == "A", "idle_units"].tolist() == [0]
    assert tables["pools"].total()["idle_units"] is None
    assert (tables["pools"].total()["covered_units"] == 12) == bool(region)


def test_families_come_by_size() -> None:
    rows = tables_of("i-s: A runs 1 c5.large in us-east-1a" + COMPANY)["coverage_by_family"].rows
    assert rows["family"].tolist() == ["m5", "c5"]
    assert rows["running_units"].tolist() == [16, 4]


def test_nothing_at_all_gives_every_table_without_rows() -> None:
    tables = tables_of("", accounts="")
    assert set(tables) >= set(PUBLISHED)
    assert {len(table.rows) for table in tables.values()} == {0}
    assert all(table.total() == {} for table in tables.values())


def test_a_total_is_open_where_the_rows_that_say_so_are_unknown() -> None:
    """In another split A's instance is covered by half and B's, of which nothing is known, more."""
    text = """
        i-a: A runs 1 m5.large in us-east-1a
        i-b: B runs 1 m5.xlarge in us-east-1a
        i-c: A runs 1 c5.large in us-east-1a
        r-c: C bought 1 m5.large in us-east-1
        """
    table = tables_of(text, denied("B", CellKind.RESERVATIONS))["uncovered"]
    assert dict(zip(table.rows["instance_id"], table.rows["basis"], strict=True)) == {
        "i-c": "firm",
        "i-b": "",
    }
    assert table.total_basis()["running_units"] == "convention"
