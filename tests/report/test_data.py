from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from ri_report.inventory.frames import Column, Frame
from ri_report.report import data
from ri_report.report.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.report.model import Report

SAMPLE = Frame(
    "sample",
    ("name",),
    (
        Column("name", "text", "Name"),
        Column("count", "count", "Instances", nullable=True),
        Column("part_units", "units", "Units", nullable=True),
        Column("whole_units", "units", "Units", nullable=True),
        Column(
            "share_ratio",
            "ratio",
            "Part / whole",
            nullable=True,
            ratio_of=("part_units", "whole_units"),
        ),
        Column("end", "time", "End", nullable=True),
        Column("flexes", "flag", "Whether sizes flex", nullable=True),
    ),
)


def table(*rows: dict[str, Any]) -> Table:
    return Table("Sample", "A sample.", SAMPLE, SAMPLE.of(rows))


def test_csv_holds_raw_values_under_column_names_and_nothing_for_unknown() -> None:
    sample = table(
        {
            "name": "web",
            "count": 3,
            "part_units": 1.5,
            "whole_units": 12.0,
            "share_ratio": 0.125,
            "end": pd.Timestamp("2026-11-01 06:00:00.250", tz="UTC"),
            "flexes": True,
        },
        {"name": "not read"},
    )
    assert data.table_csv(sample).decode() == (
        "name,count,part_units,whole_units,share_ratio,end,flexes\r\n"
        "web,3,1.5,12.0,0.125,2026-11-01T06:00:00.250000Z,true\r\n"
        "not read,,,,,,\r\n"
    )


def test_csv_of_a_table_without_rows_is_its_header() -> None:
    header = "name,count,part_units,whole_units,share_ratio,end,flexes\r\n"
    assert data.table_csv(table()).decode() == header


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("Größe 東京", "Größe 東京"),
        ("two\r\nlines", "two\ufffd\ufffdlines"),
        ("nul\x00esc\x1b\u202e", "nul\ufffdesc\ufffd\ufffd"),
        ("x" * 40_000, "x" * 40_000),
    ],
)
def test_csv_quotes_what_needs_it_and_shows_what_is_hidden(text: str, written: str) -> None:
    assert data.table_csv(table({"name": text})).decode().splitlines()[1] == f"{written},,,,,,"


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1+1"]
)
def test_text_that_looks_like_a_formula_is_inert_in_csv(text: str) -> None:
    (_, row) = csv.reader(io.StringIO(data.table_csv(table({"name": text})).decode(), newline=""))
    assert row[0][0] == "'"


def test_every_csv_reads_back_as_its_table(incomplete: Report) -> None:
    for one in incomplete.tables.values():
        frame = one.frame
        read = pd.read_csv(
            io.BytesIO(data.table_csv(one)),
            dtype={column.name: "str" for column in frame.columns if column.kind == "text"},
            parse_dates=[column.name for column in frame.columns if column.kind == "time"],
            keep_default_na=False,
            na_values={c.name: "" for c in frame.columns if c.kind != "text"},
        )
        pd.testing.assert_frame_equal(
            read.astype(one.rows.dtypes.to_dict()), one.rows.reset_index(drop=True)
        )


def test_every_parquet_reads_back_as_its_table(incomplete: Report) -> None:
    for one in incomplete.tables.values():
        read = pd.read_parquet(io.BytesIO(data.table_parquet(one)))
        pd.testing.assert_frame_equal(read, one.rows.reset_index(drop=True))


def test_json_totals_and_columns_are_those_of_the_tables(incomplete: Report) -> None:
    document = json.loads(data.report_json(incomplete))
    assert list(document["tables"]) == list(incomplete.tables)
    for name, one in incomplete.tables.items():
        described = document["tables"][name]
        assert described["rows"] == len(one.rows)
        assert described["total"] == one.total()
        assert [column["name"] for column in described["columns"]] == one.frame.names
        assert all(column["description"] for column in described["columns"])


def test_json_holds_every_headline_raw(complete: Report) -> None:
    document = json.loads(data.report_json(complete))
    assert document["schema_version"] == 1
    assert document["as_of"] == "2026-11-22T06:00:00Z"
    assert document["completeness"] == {
        "complete": True,
        "accounts_read": 12,
        "accounts_total": 12,
        "accounts_left_out": 0,
        "gaps": [],
    }
    for kpi in complete.kpis:
        assert document["kpis"][kpi.name]["value"] == kpi.value
        assert document["kpis"][kpi.name]["target"] == kpi.target
    coverage = complete.tables["coverage"].rows
    assert document["kpis"]["coverage"]["value"] == pytest.approx(
        coverage["covered_units"].sum() / coverage["running_units"].sum()
    )


def test_json_of_an_incomplete_run_ties_its_headlines_to_the_tables(
    incomplete: Report, complete: Report
) -> None:
    document = json.loads(data.report_json(incomplete))
    for name, part, whole, headline in (
        ("coverage", "covered_units", "running_units", "coverage"),
        ("accounts", "covered_units", "running_units", "coverage"),
        ("accounts", "used_units", "purchased_units", "utilization"),
        ("utilization", "used_units", "purchased_units", "utilization"),
    ):
        told = document["tables"][name]
        sums = told["of_what_was_read"]
        assert sums[part] / sums[whole] == pytest.approx(document["kpis"][headline]["value"])
        assert told["total"][part] is None
        assert told["of_what_was_read_basis"][part] == document["kpis"][headline]["basis"]
    whole = json.loads(data.report_json(complete))["tables"]
    assert all(told["of_what_was_read"] == {} for told in whole.values())


def test_json_of_an_incomplete_run_names_each_gap_and_its_fix(incomplete: Report) -> None:
    document = json.loads(data.report_json(incomplete))
    assert document["completeness"]["complete"] is False
    assert document["completeness"]["accounts_read"] == 11
    (gap,) = document["completeness"]["gaps"]
    assert (gap["status"], gap["reason"]) == ("DENIED", "role")
    assert gap["fix"].startswith("Create the role")
    assert document["kpis"]["coverage"]["caveat"] == "Of what was read: 11 of 12 accounts"


def test_unknown_is_null_in_json_and_never_zero(incomplete: Report) -> None:
    document = json.loads(data.report_json(incomplete))
    assert document["tables"]["accounts"]["total"]["running_units"] is None
    assert b"NaN" not in data.report_json(incomplete)


def test_text_in_json_is_exact_and_harmless_to_a_terminal(complete: Report) -> None:
    hostile = "nul\x00 esc\x1b c1\x9b bidi\u202e lone\ud800 end \u6771\u4eac"
    written = data.report_json(replace(complete, sentences=(hostile,)))
    assert json.loads(written)["sentences"] == [hostile]
    shown = written.decode("utf-8")
    assert "\u6771\u4eac" in shown
    assert not any(hidden in shown for hidden in "\x00\x1b\x9b\u202e")


def test_equal_reports_give_equal_files(organization: Callable[..., Report]) -> None:
    first, second = organization(refused=1), organization(refused=1)
    assert data.report_json(first) == data.report_json(second)
    for name, one in first.tables.items():
        assert data.table_csv(one) == data.table_csv(second.tables[name])
        assert data.table_parquet(one) == data.table_parquet(second.tables[name])


def test_report_json_says_of_headlines_and_totals_whether_they_are_firm(complete: Report) -> None:
    document = json.loads(data.report_json(complete))
    assert {kpi["basis"] for kpi in document["kpis"].values()} == {"firm"}
    basis = document["tables"]["coverage"]["total_basis"]
    assert basis["covered_units"] == basis["running_units"] == "firm"
    assert basis["covered_instances"] == "convention"
    assert document["tables"]["running"]["total_basis"] == {}
