from __future__ import annotations

import gc
import io
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd
import pytest
from openpyxl import load_workbook

from ri_report.inventory.frames import Column, Frame
from ri_report.report import workbook
from ri_report.report.contents import GAPS
from ri_report.report.data import looks_like_formula
from ri_report.report.model import Finding, Kpi, Report
from ri_report.report.seen import Seen
from ri_report.report.tables import Table
from ri_report.report.text import visible
from ri_report.report.workbook import document, sheets
from ri_report.report.workbook.sheets import HEAD_ROW, headings
from ri_report.rules.coverage import COVERAGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = {
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1",
    "minus": "-1+1",
    "at": "@SUM(A1)",
    "error value": "#N/A",
    "tab": "\t=1+1",
    "carriage return": "\r=1+1",
    "NUL and ESC": "a\x00b\x1bc",
    "noncharacter": "a\ufffeb",
    "right-to-left override": "a\u202eb",
    "markup": "</t></is></c><script>&amp;",
    "escape of a control character": "_x0007_",
    "40,000 characters": "x" * 40_000,
}
SMALL = Frame(
    "small",
    ("name",),
    (
        Column("name", "text", "Name of the instance"),
        Column("running_units", "units", "Units running", nullable=True),
        Column("covered_units", "units", "Units covered", nullable=True),
        Column(
            "coverage_ratio",
            "ratio",
            "Covered / running",
            "Coverage",
            nullable=True,
            ratio_of=("covered_units", "running_units"),
        ),
        Column("end", "time", "End of the term", nullable=True),
    ),
)
anew = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
"""What LibreOffice writes holds extensions that openpyxl does not read."""


def small(*rows: dict[str, Any], in_total: list[bool] | None = None) -> Report:
    """Return a report of one table."""
    counted = None if in_total is None else pd.Series(in_total, dtype=bool)
    table = Table("Small", "Three rows.", SMALL, SMALL.of(rows), counted)
    return Report(
        run="2026-11-01T060000Z",
        as_of=datetime(2026, 11, 1, 6, 0, tzinfo=UTC),
        version="1.2.3",
        source="aws",
        endpoint="",
        accounts_read=2,
        accounts_total=2,
        regions=("eu-west-1",),
        kpis=(Kpi("coverage", "Coverage", 0.25, "ratio", "what it rests on"),),
        sentences=("One sentence.",),
        findings=(),
        method=(("Coverage", "Covered / running."),),
        tables={"small": table, "gaps": Table("Not read", "Gaps.", GAPS, GAPS.of([]))},
    )


@pytest.fixture(scope="module")
def complete_file(complete: Report) -> bytes:
    return workbook.render(complete)


@pytest.fixture(scope="module")
def incomplete_file(incomplete: Report) -> bytes:
    return workbook.render(incomplete)


def opened(made: Report | bytes, *, values: bool = False) -> Any:  # noqa: ANN401 - openpyxl's own types are unions
    content = made if isinstance(made, bytes) else workbook.render(made)
    return load_workbook(io.BytesIO(content), data_only=values)


def body(sheet: Any, rows: int) -> list[list[Any]]:  # noqa: ANN401 - see opened
    """Return the values of a table's rows."""
    return [
        [cell.value for cell in row]
        for row in sheet.iter_rows(min_row=HEAD_ROW + 1, max_row=HEAD_ROW + rows)
    ]


def computed(content: bytes) -> dict[tuple[str, str], Any]:
    """Return the value of every cell that has a formula, by sheet and coordinate."""
    formulas = load_workbook(io.BytesIO(content))
    values = load_workbook(io.BytesIO(content), data_only=True)
    return {
        (sheet.title, cell.coordinate): values[sheet.title][cell.coordinate].value
        for sheet in formulas.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def converted(soffice: str, folder: Path, content: bytes, kind: str) -> Path:
    """Return the workbook as LibreOffice makes it anew."""
    (folder / "in.xlsx").write_bytes(content)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    out = folder / "out"
    command = [soffice, profile, "--headless", "--convert-to", kind, "--outdir", str(out)]
    subprocess.run(
        [*command, str(folder / "in.xlsx")], check=True, capture_output=True, timeout=180
    )
    return out / f"in.{kind}"


def test_small_table_reads_back_cell_by_cell() -> None:
    report = small(
        {
            "name": "web",
            "running_units": 8.0,
            "covered_units": 2.0,
            "coverage_ratio": 0.25,
            "end": pd.Timestamp("2027-03-01 12:30", tz="UTC"),
        },
        {"name": "idle", "running_units": 0.0, "covered_units": 0.0},
    )
    shown = [[c.value for c in row] for row in opened(report, values=True)["Small"].iter_rows()]
    assert [row[:5] for row in shown] == [
        ["Small", None, None, None, None],
        ["Three rows.", None, None, None, None],
        ["As of 2026-11-01 06:00 UTC · 2 of 2 accounts read in full", None, None, None, None],
        ["Name", "Running units", "Covered units", "Coverage", "End (UTC)"],
        ["web", 8, 2, 0.25, datetime(2027, 3, 1, 12, 30)],  # noqa: DTZ001 - Excel has no zones
        ["idle", 0, 0, "n/a", "unknown"],
        ["Total", 8, 2, 0.25, None],
    ]
    formulas = [cell.value for cell in opened(report)["Small"][7]]
    units = "tbl_small[[#Totals],[Running units]]", "tbl_small[[#Totals],[Covered units]]"
    assert formulas[1:3] == [
        "=SUBTOTAL(109,tbl_small[Running units])",
        "=SUBTOTAL(109,tbl_small[Covered units])",
    ]
    assert formulas[3].endswith(f"{units[1]}/{units[0]}))")


def test_every_cell_of_every_table_is_the_raw_row(
    incomplete: Report, incomplete_file: bytes
) -> None:
    book = opened(incomplete_file, values=True)
    for table in incomplete.tables.values():
        if table.rows.empty:
            continue
        shown = body(book[table.title], len(table.rows))
        for place, column in enumerate(table.frame.columns):
            for read, raw in zip(shown, table.rows[column.name], strict=True):
                value = read[place]
                if column.kind == "text":
                    assert value == (raw or None)
                elif pd.isna(raw) and column.is_sparse:
                    assert value is None
                elif pd.isna(raw):
                    assert value in ("unknown", "n/a")
                elif column.kind == "time":
                    assert pd.Timestamp(value, tz="UTC") == raw.round("ms")
                else:
                    assert value == pytest.approx(raw)


def test_totals_are_sums_and_ratios_of_sums(complete: Report, complete_file: bytes) -> None:
    book = opened(complete_file, values=True)
    for table in complete.tables.values():
        names = table.frame.names
        for name, value in table.total().items():
            row = HEAD_ROW + len(table.rows) + 1
            shown = book[table.title].cell(row, names.index(name) + 1).value
            assert shown == ("unknown" if value is None else pytest.approx(value)), table.title


def test_headlines_of_an_incomplete_workbook_are_made_of_the_lines_of_what_was_read(
    incomplete: Report, incomplete_file: bytes
) -> None:
    formulas, values = opened(incomplete_file), opened(incomplete_file, values=True)
    headlines = {kpi.name: kpi.value for kpi in incomplete.kpis}
    for name, column, headline in (
        ("coverage", "coverage_ratio", "coverage"),
        ("coverage_by_family", "coverage_ratio", "coverage"),
        ("coverage_by_account", "coverage_ratio", "coverage"),
        ("accounts", "coverage_ratio", "coverage"),
        ("accounts", "utilization_ratio", "utilization"),
        ("utilization", "utilization_ratio", "utilization"),
        ("utilization", "unused_units", "unused_units"),
        ("unused_reasons", "unused_units", "unused_units"),
        ("uncovered", "uncovered_units", "uncovered_units"),
    ):
        table = incomplete.tables[name]
        row = HEAD_ROW + len(table.rows) + 2
        place = table.frame.names.index(column) + 1
        assert values[table.title].cell(row, 1).value == "Of what was read"
        assert values[table.title].cell(row, place).value == pytest.approx(headlines[headline])
        assert formulas[table.title].cell(row, place).data_type == "f"
        assert values[table.title].cell(row - 1, place).value == "unknown"
        of_headline = formulas.defined_names[headline].attr_text.split("!")[1].replace("$", "")
        assert formulas["Summary"][of_headline].data_type == "f"
        assert values["Summary"][of_headline].value == pytest.approx(headlines[headline])


def test_sums_of_what_was_read_leave_out_what_stands_beside_an_unknown(
    incomplete: Report,
) -> None:
    """Bought units are known where use is not; the headline counts neither."""
    table = incomplete.tables["utilization"]
    rows = table.rows.copy()
    rows.loc[0, ["used_units", "unused_units", "utilization_ratio"]] = float("nan")
    used, bought = rows["used_units"].sum(), rows["purchased_units"][1:].sum()
    sums = Seen({"purchased_units": bought, "used_units": used})
    made = replace(table, rows=rows, seen=sums)
    kpi = replace(incomplete.kpis[0], value=used / bought)
    report = replace(
        incomplete,
        tables=incomplete.tables | {"utilization": made},
        kpis=(kpi, *incomplete.kpis[1:]),
    )
    book = opened(report)
    place = table.frame.names.index("purchased_units") + 1
    formula = book["Utilization"].cell(HEAD_ROW + len(rows) + 2, place).value
    bought_cells, used_cells = (f"tbl_utilization[{n} units]" for n in ("Purchased", "Used"))
    assert formula == f'=SUMIFS({bought_cells},{used_cells},">=0")'
    headline = book.defined_names["utilization"].attr_text.split("!")[1].replace("$", "")
    assert formula[1:] in book["Summary"][headline].value


def test_unknown_stays_unknown_in_rows_and_totals() -> None:
    known = {"name": "web", "running_units": 8.0, "covered_units": 2.0, "coverage_ratio": 0.25}
    report = small(known, {"name": "not read"})
    rows = body(opened(report, values=True)["Small"], 3)
    assert rows[1][1:4] == ["unknown"] * 3
    assert rows[2][1:4] == ["unknown"] * 3


def test_row_that_is_in_no_total_leaves_it_known() -> None:
    known = {"name": "web", "running_units": 8.0, "covered_units": 2.0, "coverage_ratio": 0.25}
    report = small(known, {"name": "not queried"}, in_total=[True, False])
    rows = body(opened(report, values=True)["Small"], 3)
    assert rows[1][1:4] == ["unknown"] * 3
    assert rows[2][1:4] == [8, 2, 0.25]


def test_ratio_over_nothing_is_not_applicable() -> None:
    report = small({"name": "idle", "running_units": 0.0, "covered_units": 0.0})
    rows = body(opened(report, values=True)["Small"], 2)
    assert [row[3] for row in rows] == ["n/a", "n/a"]


@anew
@pytest.mark.parametrize("kind", ["complete", "incomplete", "hostile names on split sheets"])
def test_recalculation_by_another_program_gives_every_value_that_stands_in_the_file(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_program: Callable[[str], str],
    organization: Callable[..., Report],
) -> None:
    report = organization(refused=int(kind == "incomplete"))
    if kind == "hostile names on split sheets":
        report = with_names(report, HOSTILE.values())
        monkeypatch.setattr(sheets, "MAX_ROWS", 25)
    saved, _ = document.save(report)
    recalculated = converted(require_program("soffice"), tmp_path, saved, "xlsx")
    ours, theirs = computed(workbook.render(report)), computed(recalculated.read_bytes())
    assert len(ours) > 50
    assert ours.keys() == theirs.keys()
    for place, value in ours.items():
        expected = value if isinstance(value, str) else pytest.approx(value, abs=1e-9)
        assert theirs[place] == expected, place


def with_names(report: Report, names: Any) -> Report:  # noqa: ANN401 - any iterable of text
    """Return the report with hostile names of instances, a hostile run and hostile findings."""
    table = report.tables["uncovered"]
    rows = table.rows.copy()
    texts = list(names)
    rows["name"] = [texts[number % len(texts)] for number in range(len(rows))]
    findings = tuple(Finding("warning", text, text) for text in texts)
    hostile = report.tables | {"uncovered": replace(table, rows=table.frame.check(rows))}
    return replace(report, tables=hostile, findings=findings, run="&R=run&&\x00")


@pytest.mark.parametrize("text", [*HOSTILE.values(), "lone \ud800"], ids=[*HOSTILE, "surrogate"])
def test_hostile_text_stays_text_and_shows_what_it_hides(complete: Report, text: str) -> None:
    finding = Finding("warning", text, text)
    book = opened(replace(complete, findings=(finding,), sentences=(text,)))
    for sheet, coordinate in (("Read me", r"[BC]\d+"), ("Summary", r"A3")):
        shown = [
            cell
            for row in book[sheet].iter_rows()
            for cell in row
            if re.fullmatch(coordinate, cell.coordinate) and cell.value == visible(text, 1500)
        ]
        assert shown
        assert {cell.data_type for cell in shown} == {"s"}
        if looks_like_formula(text):
            assert all(cell.quotePrefix for cell in shown)


def test_hostile_names_in_tables_are_no_formulas(complete: Report) -> None:
    report = with_names(complete, HOSTILE.values())
    sheet = opened(report)["Uncovered"]
    place = report.tables["uncovered"].frame.names.index("name") + 1
    column = [row[place - 1] for row in sheet.iter_rows(min_row=HEAD_ROW + 1)][: len(HOSTILE)]
    assert [cell.data_type for cell in column] == ["s"] * len(HOSTILE)
    assert [cell.value for cell in column] == [visible(t, 1500) for t in HOSTILE.values()]
    assert column[-1].value.endswith("… (40,000 characters)")


@anew
def test_file_with_hostile_text_opens_in_libreoffice(
    complete: Report, tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    report = with_names(complete, HOSTILE.values())
    content = workbook.render(report)
    anew = load_workbook(converted(require_program("soffice"), tmp_path, content, "xlsx"))
    assert anew.sheetnames == opened(report).sheetnames
    assert anew["Uncovered"].max_row >= len(report.tables["uncovered"].rows)


def test_equal_reports_give_equal_bytes(organization: Callable[..., Report]) -> None:
    first, second = (workbook.render(organization(refused=1)) for _ in range(2))
    assert first == second


def test_nothing_in_the_file_tells_when_it_was_written(complete_file: bytes) -> None:
    content = complete_file
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert package.namelist() == sorted(package.namelist())
        core = package.read("docProps/core.xml").decode()
        calculation = package.read("xl/workbook.xml").decode()
    assert re.findall(r"<dcterms:\w+ [^>]*>([^<]*)", core) == ["2026-11-22T06:00:00Z"] * 2
    assert 'fullCalcOnLoad="1"' in calculation


def test_properties_tell_title_moment_and_version(complete: Report, complete_file: bytes) -> None:
    properties = opened(complete_file).properties
    assert properties.title == "Reserved Instance report"
    assert properties.subject.endswith("as of 2026-11-22 06:00 UTC")
    assert properties.creator == f"ri-report {complete.version}"


def test_sheets_stand_in_reading_order(complete: Report, complete_file: bytes) -> None:
    titles = [table.title for table in complete.tables.values()]
    assert opened(complete_file).sheetnames == ["Read me", "Summary", *titles, "Data dictionary"]


def test_every_table_is_a_real_one_with_unique_names_and_its_own_headings(
    complete: Report, complete_file: bytes
) -> None:
    book = opened(complete_file)
    names = list(book.defined_names)
    for sheet in book.worksheets:
        for table in sheet.tables.values():
            names.append(table.displayName)
            top = sheet[table.ref][0]
            heads = [cell.value for cell in top]
            assert heads == [column.name for column in table.tableColumns]
            assert len({head.lower() for head in heads}) == len(heads)
            assert all(cell.data_type == "s" and cell.font.bold for cell in top)
            assert table.autoFilter.ref
    assert len({name.lower() for name in names}) == len(names)
    assert len(names) > len(complete.tables)


def test_two_columns_of_one_label_get_different_headings() -> None:
    frame = Frame("twice", (), (Column("a", "text", "", "Zone"), Column("b", "text", "", "ZONE")))
    assert headings(frame) == {"a": "Zone", "b": "ZONE (b)"}


def test_headings_of_summed_columns_need_no_escape_in_formulas(complete: Report) -> None:
    for table in complete.tables.values():
        for name in table.total():
            assert re.fullmatch(r"[A-Za-z ]+", headings(table.frame)[name])


def test_every_sheet_prints_on_pages_of_full_width(
    incomplete: Report, incomplete_file: bytes
) -> None:
    for sheet in opened(incomplete_file).worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.print_title_rows
        assert sheet.oddFooter.left.text == incomplete.run
        assert sheet.oddFooter.right.text == "Page &P of &N"


def test_heads_of_tables_stay_in_sight(complete: Report, complete_file: bytes) -> None:
    book = opened(complete_file)
    for table in complete.tables.values():
        if len(table.rows):
            assert book[table.title].freeze_panes == f"B{HEAD_ROW + 1}"


def test_account_ids_are_text_and_keep_their_zeros() -> None:
    report = small({"name": "012345678901", "running_units": 1.0, "covered_units": 0.0})
    cell = opened(report)["Small"]["A5"]
    assert (cell.value, cell.data_type, cell.number_format) == ("012345678901", "s", "@")


@pytest.mark.parametrize("name", [HOSTILE["formula"], "data-platform"])
def test_names_of_accounts_stand_beside_their_ids_as_text(
    organization: Callable[..., Report], name: str
) -> None:
    report = organization(accounts=4, instances=40, reservations=20, name=name)
    book = opened(report)
    for title, place in (
        ("Coverage by account", "Account (name)"),
        ("Utilization", "Owner (name)"),
        ("Uncovered", "Account (name)"),
        ("Pools", "Account (name)"),
        ("Allocations", "Owner (name)"),
        ("Allocations", "Runs in (name)"),
    ):
        heads = [cell.value for cell in book[title][HEAD_ROW]]
        column = heads.index(place)
        cells = [
            row[column]
            for row in book[title].iter_rows(min_row=HEAD_ROW + 1)
            if row[column - 1].value == "100000001111"
        ]
        assert cells
        assert {(cell.value, cell.data_type) for cell in cells} == {(name, "s")}
        assert {bool(cell.quotePrefix) for cell in cells} == {looks_like_formula(name)}


def test_numbers_are_numbers_with_a_format_by_kind(complete_file: bytes) -> None:
    book = opened(complete_file)
    row = dict(zip(COVERAGE.names, book["Coverage"][HEAD_ROW + 1], strict=False))
    formats = {name: row[name].number_format for name in COVERAGE.names}
    assert formats["running_instances"] == "#,##0"
    assert formats["running_units"] == "#,##0.00"
    assert formats["coverage_ratio"] == "0.0%"
    assert row["coverage_ratio"].alignment.horizontal == "right"


def test_each_headline_has_a_name_and_is_computed_from_the_tables(
    complete: Report, complete_file: bytes
) -> None:
    formulas, values = opened(complete_file), opened(complete_file, values=True)
    for kpi in complete.kpis:
        sheet, place = formulas.defined_names[kpi.name].attr_text.split("!")
        assert sheet == "'Summary'"
        coordinate = place.replace("$", "")
        assert values["Summary"][coordinate].value == pytest.approx(kpi.value)
        assert formulas["Summary"][coordinate].data_type == "f", kpi.name


def test_headline_that_the_tables_do_not_say_is_a_plain_number() -> None:
    report = small({"name": "web", "running_units": 8.0, "covered_units": 2.0})
    book = opened(report)
    place = book.defined_names["coverage"].attr_text.split("!")[1].replace("$", "")
    assert (book["Summary"][place].value, book["Summary"][place].data_type) == (0.25, "n")


def checks(report: Report) -> dict[str, str]:
    rows = list(opened(report, values=True)["Summary"].iter_rows(values_only=True))
    start = next(number for number, row in enumerate(rows) if row[0] == "Check")
    return {row[0]: row[4] for row in rows[start + 1 :] if row[0]}


def test_checks_of_the_sums_are_all_right(complete: Report, incomplete: Report) -> None:
    for report in (complete, incomplete):
        results = checks(report)
        assert len(results) == 9
        assert set(results.values()) == {"OK"}


def test_check_of_sums_that_differ_says_so(complete: Report) -> None:
    table = complete.tables["coverage"]
    rows = table.rows.assign(covered_units=table.rows["covered_units"] + 1)
    broken = replace(complete, tables=complete.tables | {"coverage": replace(table, rows=rows)})
    assert checks(broken)["Covered = used"] == "CHECK"


def test_incomplete_run_says_so_at_the_top_of_every_sheet(
    complete: Report, incomplete: Report
) -> None:
    for report, words in ((incomplete, "INCOMPLETE: 11 of 12 accounts"), (complete, None)):
        book = opened(report)
        for sheet in book.worksheets:
            top = [str(row[0].value) for row in sheet.iter_rows(max_row=3)]
            assert any(text.startswith("INCOMPLETE") for text in top) == bool(words)
            assert not words or any(text.startswith(words) for text in top)


def test_read_me_tells_scope_findings_sheets_and_definitions(
    incomplete: Report, incomplete_file: bytes
) -> None:
    rows = list(opened(incomplete_file)["Read me"].iter_rows(values_only=True))
    first = [row[0] for row in rows]
    assert [text for text in first if text in ("Scope", "Data quality", "Sheets", "Definitions")]
    assert ("Accounts read in full", "11 of 12") in [row[:2] for row in rows]
    for finding in incomplete.findings:
        assert (finding.text, finding.fix or None) in [row[1:3] for row in rows]
    for table in incomplete.tables.values():
        assert (table.title, table.note, len(table.rows)) in [row[:3] for row in rows]
    for term in incomplete.method:
        assert term in [row[:2] for row in rows]


def test_dictionary_explains_every_column(complete: Report, complete_file: bytes) -> None:
    sheet = opened(complete_file)["Data dictionary"]
    rows = {(row[4], row[5]): row[3] for row in sheet.iter_rows(HEAD_ROW + 1, values_only=True)}
    for table in complete.tables.values():
        for column in table.frame.columns:
            assert rows[table.name, column.name] == column.description


def test_table_without_rows_is_a_sentence_and_no_excel_table(complete_file: bytes) -> None:
    sheet = opened(complete_file)["Not read"]
    assert not sheet.tables
    assert sheet["A4"].value == "Everything in scope was read."


def test_report_without_any_row_makes_a_workbook(complete: Report) -> None:
    tables = {n: replace(t, rows=t.rows.iloc[:0]) for n, t in complete.tables.items()}
    kpis = tuple(replace(kpi, value=None) for kpi in complete.kpis)
    report = replace(complete, tables=tables, kpis=kpis, sentences=(), findings=())
    book = opened(report, values=True)
    assert book["Coverage"]["A4"].value == "No eligible instance was seen running."
    assert set(checks(report).values()) == {"OK"}
    place = book.defined_names["coverage"].attr_text.split("!")[1].replace("$", "")
    assert book["Summary"][place].value == "n/a"


def test_long_table_goes_on_on_further_sheets(
    complete: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = len(complete.tables["uncovered"].rows)
    monkeypatch.setattr(sheets, "MAX_ROWS", count - 3)
    book = opened(complete, values=True)
    read = body(book["Uncovered"], count - 3) + body(book["Uncovered (2)"], 3)
    assert [row[0] for row in read] == list(complete.tables["uncovered"].rows["instance_id"])
    assert set(checks(complete).values()) == {"OK"}
    assert list(book["Uncovered (2)"].tables) == ["tbl_uncovered_2"]


def test_charts_are_drawn_from_known_values_with_both_axes(complete_file: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(complete_file)) as package:
        charts = [name for name in package.namelist() if name.startswith("xl/charts/")]
        texts = [package.read(name).decode() for name in charts]
    assert len(charts) == 2
    for text in texts:
        assert text.count('<delete val="0"') == 2
        assert "numCache" in text


def test_hundred_thousand_rows_are_written_in_little_memory(tmp_path: Path) -> None:
    """The sheet's XML alone has about 50 MB; rows must stream through, not pile up."""
    code = f"""
import resource
import numpy as np, pandas as pd
from dataclasses import replace
from ri_report.report import workbook
from ri_report.report.data import looks_like_formula
from ri_report.report.contents import ALLOCATED, GAPS
from ri_report.report.tables import Table
from ri_report.report.model import Report
from datetime import datetime, UTC
n = 100_000
rows = ALLOCATED.check(pd.DataFrame({{
    "reservation_id": [f"r-{{i // 10}}" for i in range(n)],
    "reservation_account_id": "111122223333",
    "instance_id": [f"i-{{i:017x}}" for i in range(n)],
    "instance_account_id": "444455556666",
    "tier": "owner",
    "covered_units": np.full(n, 4.0),
    "zone_match_other": np.nan,
    "basis": "firm",
    "completeness": "complete",
}}))
tables = {{
    "allocations": Table("Allocations", "Long.", ALLOCATED, rows),
    "gaps": Table("Not read", "None.", GAPS, GAPS.of([])),
}}
report = Report("run", datetime(2026, 11, 1, tzinfo=UTC), "1", "aws", "", 1, 1, (), (), (), (), (),
                tables)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open({str(tmp_path / "long.xlsx")!r}, "wb") as file:
    file.write(workbook.render(report))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    grown_mib = int(done.stdout)
    with zipfile.ZipFile(tmp_path / "long.xlsx") as package:
        rows = package.read("xl/worksheets/sheet3.xml").count(b"<row ")
    assert rows == HEAD_ROW + 100_001
    assert grown_mib < 200


@pytest.mark.parametrize(
    "where", ["write_read_me", "write_summary", "write_table", "dictionary_of"]
)
def test_an_error_in_the_middle_leaves_no_noise_and_no_file(
    complete: Report,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    where: str,
) -> None:
    real = getattr(document, where)

    def fail(*arguments: Any) -> NoReturn:  # noqa: ANN401 - passed on as they are
        real(*arguments)
        raise ZeroDivisionError

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(document, where, fail)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with pytest.raises(ZeroDivisionError):
        workbook.render(complete)
    gc.collect()
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_the_workbook_says_what_the_words_on_basis_and_completeness_mean(complete: Report) -> None:
    book = load_workbook(io.BytesIO(workbook.render(complete)))
    lines = list(book["Read me"].iter_rows(values_only=True))
    meanings = {row[0]: row for row in lines}
    assert "what was not read could change" in str(meanings["partial"][1])
    assert "AWS's rules" in str(meanings["firm"][1])
    assert "Pools" in str(meanings["convention"][2])
    dictionary = list(book["Data dictionary"].iter_rows(values_only=True))
    told = {row[4] for row in dictionary if row[5] == "basis"}
    assert {"coverage", "utilization", "uncovered", "pools", "allocations"} <= told


def test_numbers_that_a_split_could_change_bear_a_sign(complete: Report) -> None:
    """It is part of the number's format, so that the cell holds a number all the same."""
    headline = replace(complete.kpis[0], basis="convention")
    report = replace(complete, kpis=(headline, *complete.kpis[1:]))
    book = load_workbook(io.BytesIO(workbook.render(report)))
    (place,) = book.defined_names["utilization"].attr_text.replace("$", "").split("!")[1:]
    assert book["Summary"][place].number_format == '"\u2248 "0.0%'
    (place,) = book.defined_names["coverage"].attr_text.replace("$", "").split("!")[1:]
    assert book["Summary"][place].number_format == "0.0%"
    names = complete.tables["coverage"].frame.names
    *_, total = book["Coverage"].iter_rows()
    signed = {
        name
        for name, cell in zip(names, total, strict=False)
        if cell.number_format.startswith('"\u2248 "')
    }
    assert signed == {"covered_instances", "uncovered_instances"}
