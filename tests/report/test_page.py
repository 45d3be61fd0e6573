from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from jinja2 import StrictUndefined
from lxml import html

from ri_report.inventory.frames import Column, Frame
from ri_report.report import page, templates
from ri_report.report.marks import MARKS, SHARED
from ri_report.report.naming import ACCOUNT_IDS, name_of
from ri_report.report.page import render
from ri_report.report.sections import shown_columns
from ri_report.rules.basis import MARKED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.report.model import Report
    from ri_report.report.tables import Table

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "breaking out of an attribute": '"><svg onload=alert(1)>',
    "single quotes": "' onmouseover='alert(1)",
    "end of the style": "</style><script>alert(1)</script>",
    "end of the title": "</title><img src=x onerror=alert(1)>",
    "address": "javascript:alert(1)",
    "template": "{{ report.__class__ }}{% raw %}",
    "comment": "<!--",
    "hidden": "a\x00\x1b\u202e\ufffe\ud83db",
    "endless": "x" * 40_000,
}
FIXED = {Frame: {"name", "key"}, Column: {"name", "kind", "ratio_of"}}
"""Names by which rows are looked up: the program's own, never from outside."""
CHOICES = {"level", "kind", "standing", "source", "as_of"}
"""Fields with a closed list of values."""


def with_text(value: Any, text: str) -> Any:  # noqa: ANN401 - walks anything
    """Return the value with this text in every text field below it."""
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(with_text(part, text) for part in value)
    if isinstance(value, dict):
        return {key: with_text(part, text) for key, part in value.items()}
    if isinstance(value, pd.DataFrame):
        names = [str(name) for name, dtype in value.dtypes.items() if dtype == "str"]
        storable = text.encode("utf-8", "replace").decode()  # a frame holds no half characters
        return value.assign(**dict.fromkeys(names, storable))
    if is_dataclass(value) and not isinstance(value, type):
        fixed = FIXED.get(type(value), CHOICES)
        return replace(
            value,
            **{
                field.name: with_text(getattr(value, field.name), text)
                for field in fields(value)
                if field.name not in fixed
            },
        )
    return value


def parsed(text: str) -> html.HtmlElement:
    return html.document_fromstring(text)


def shape(document: html.HtmlElement) -> list[tuple[str, list[str]]]:
    """Return every element and the names of its attributes, in order."""
    return [(str(e.tag), sorted(map(str, e.attrib))) for e in document.iter()]


def with_rows(report: Report, name: str, rows: pd.DataFrame) -> Report:
    table = replace(report.tables[name], rows=rows, in_total=None)
    return replace(report, tables=report.tables | {name: table})


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_text_from_outside_changes_nothing_but_text(small: Report, text: str) -> None:
    hostile = parsed(render(with_text(small, text)))
    harmless = parsed(render(with_text(small, re.sub(r"\S", "y", text))))
    assert shape(hostile) == shape(harmless)
    assert [e.text for e in hostile.iter("script")] == [templates.read("page.js")]
    assert all(str(e.get("href")).startswith("#") for e in hostile.iter("a"))


def test_walk_reaches_every_text_that_the_page_shows(incomplete: Report) -> None:
    shown = " ".join(parsed(render(with_text(incomplete, "Zzz"))).xpath("//body//text()"))
    for own in ("m5.large", "web-prod", "eu-west-1", "2026-11-22T060000Z", "assumed-role"):
        assert own in render(incomplete)
        assert own not in shown


def test_hidden_characters_are_shown_and_long_names_cut(complete: Report) -> None:
    rows = complete.tables["uncovered"].rows
    names = pd.Series(["evil\u202egnp.exe", "n" * 40_000] + ["web"] * (len(rows) - 2))
    text = render(with_rows(complete, "uncovered", rows.assign(name=names.astype("str"))))
    assert "evil\ufffdgnp.exe" in text
    assert "n… (40,000 characters)".replace("…", " …") in text
    assert "n" * 301 not in text


def test_template_engine_escapes_and_refuses_what_is_not_there() -> None:
    environment = page._environment()
    assert environment.autoescape is True
    assert environment.undefined is StrictUndefined
    assert environment.from_string("{{ '<' ~ x }}").render(x="&") == "&lt;&amp;"


def test_policy_allows_exactly_the_one_script(complete: Report) -> None:
    document = parsed(render(complete))
    (policy,) = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (script,) = document.xpath("//script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        f" script-src 'sha256-{digest}'"
    )
    assert len(script.text.encode()) < 2048


def test_page_loads_nothing(complete: Report) -> None:
    text = render(complete)
    document = parsed(text)
    assert not document.xpath("//link | //img | //iframe | //object | //embed | //base | //form")
    assert not document.xpath("//@src | //@srcset | //@style | //@*[starts-with(name(), 'on')]")
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {
        "#chart-families-hatch",
        "#chart-expiries-1-hatch",
        "#chart-expiries-2-hatch",
        "#chart-reservations-hatch",
    }
    assert "@import" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_every_anchor_leads_somewhere_and_no_id_is_used_twice(incomplete: Report) -> None:
    document = parsed(render(incomplete))
    ids = [str(one) for one in document.xpath("//@id")]
    assert len(ids) == len(set(ids))
    assert {str(href)[1:] for href in document.xpath("//a/@href")} <= set(ids)
    assert set(incomplete.tables) - {"allocations"} <= set(ids)


def test_head_says_when_what_and_by_which_program(complete: Report) -> None:
    facts = parsed(render(complete)).xpath("//dl[@class='facts']/div")
    told = {one.findtext("dt"): one.findtext("dd") for one in facts}
    assert told == {
        "As of": "2026-11-22 06:00 UTC",
        "Accounts read": "12 of 12",
        "Regions": "ap-southeast-2, eu-west-1, us-east-1",
        "Run": "2026-11-22T060000Z",
        "Made by": f"ri-report {complete.version}",
    }


def test_custom_endpoint_is_said_in_the_head(complete: Report) -> None:
    text = render(replace(complete, endpoint="127.0.0.1:4566"))
    assert "127.0.0.1:4566 (not AWS itself)" in text


def test_incomplete_report_says_so_above_everything(incomplete: Report) -> None:
    document = parsed(render(incomplete))
    first = document.find("body")[0]
    said = " ".join(first.text_content().split())
    assert said.startswith("Incomplete. 1 of 12 accounts was not read in full.")
    assert "100000013332 archive: everything, DENIED (role)." in said
    (fold,) = first.iter("details")
    assert (fold.findtext("summary"), fold.get("open")) == ("Fix", None)
    assert fold.findtext("p").startswith("Create the role CrossAccountInstanceCounter")
    assert "is not authorized to perform" in fold.text_content()
    assert document.findtext("head/title").startswith("Incomplete")


def test_complete_report_has_no_banner(complete: Report) -> None:
    document = parsed(render(complete))
    assert not document.xpath("//*[@class='banner']")
    assert document.find("body")[0].tag == "header"


def test_no_headline_stands_bare_when_something_was_not_read(incomplete: Report) -> None:
    tiles = parsed(render(incomplete)).xpath("//section[@class='tiles']/div")
    assert len(tiles) == len(incomplete.kpis)
    for tile, kpi in zip(tiles, incomplete.kpis, strict=True):
        assert kpi.caveat in tile.text_content()
        assert kpi.caveat or kpi.name == "accounts_read"


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ("good", "Meets the target of 80.0 %"),
        ("bad", "Below the target of 80.0 %"),
        ("unknown", "Target 80.0 %, not judged"),
    ],
)
def test_standing_is_said_in_words(complete: Report, standing: Any, said: str) -> None:  # noqa: ANN401 - a literal
    kpis = tuple(
        replace(kpi, standing=standing) if kpi.name == "coverage" else kpi for kpi in complete.kpis
    )
    tile = parsed(render(replace(complete, kpis=kpis))).xpath("//section[@class='tiles']/div")[1]
    assert tile.xpath("string(p[contains(@class, 'standing')])") == said


def test_order_is_headlines_then_data_quality_then_charts_then_tables(complete: Report) -> None:
    text = render(complete)
    places = [
        text.index(mark)
        for mark in ('class="tiles"', 'id="news"', 'id="quality"', 'id="chart-families"',
                     'id="chart-zones"', 'id="coverage"', 'id="method"')
    ]  # fmt: skip
    assert places == sorted(places)


def test_every_finding_sentence_and_term_is_on_the_page(complete: Report) -> None:
    said = " ".join(parsed(render(complete)).text_content().split())
    for text in (
        *complete.sentences,
        *(finding.text for finding in complete.findings),
        *(part for pair in complete.method for part in pair),
        *(table.note for table in complete.tables.values() if table.name != "allocations"),
    ):
        assert " ".join(text.split()) in said


def test_unknown_is_the_word_and_never_a_zero(incomplete: Report) -> None:
    document = parsed(render(incomplete))
    (row,) = document.xpath(
        "//h2[@id='accounts']/following::table[1]/tbody/tr[th[starts-with(., '100000013332')]]"
    )
    numbers = [cell.text for cell in row.xpath("td[contains(@class, 'n')]")]
    assert set(numbers) == {"unknown"}


def table_rows(document: html.HtmlElement, name: str) -> list[html.HtmlElement]:
    return list(document.xpath(f"//h2[@id='{name}']/../div//tbody/tr"))


def read_total(document: html.HtmlElement, table: Table) -> dict[str, str]:
    """Return the texts of the total row by column name."""
    return read_sums(document, table, 1)


def read_sums(document: html.HtmlElement, table: Table, row: int) -> dict[str, str]:
    """Return the texts of a row of sums by column name."""
    cells = document.xpath(f"//h2[@id='{table.name}']/..//tfoot/tr[{row}]/*")
    texts = [""] * int(cells[0].get("colspan")) + [cell.text_content() for cell in cells[1:]]
    names = [column.name for column in shown_columns(table)]
    return {name: text for name, text in zip(names, texts, strict=True) if text}


def test_totals_read_back_from_the_page_are_those_of_the_tables(complete: Report) -> None:
    document = parsed(render(complete))
    checked = 0
    for table in complete.tables.values():
        total = table.total()
        if not total or table.name == "allocations":
            continue
        told = read_total(document, table)
        assert set(told) == set(total)
        for name, text in told.items():
            scale = 100 if text.endswith("%") else 1
            digits = float(text.removeprefix("\u2248 convention: ").replace(",", "").rstrip(" %"))
            assert digits == pytest.approx(total[name] * scale, abs=0.051 if scale > 1 else 0.0051)
            checked += 1
    assert checked > 20


def test_headlines_of_an_incomplete_page_are_made_of_the_lines_of_what_was_read(
    incomplete: Report,
) -> None:
    document = parsed(render(incomplete))
    tiles = document.xpath("//section[@class='tiles']/div")
    headlines = {tile.findtext("h2"): tile.find("p").text_content() for tile in tiles}
    for name, column, headline in (
        ("coverage", "coverage_ratio", "Coverage"),
        ("coverage_by_family", "coverage_ratio", "Coverage"),
        ("coverage_by_account", "coverage_ratio", "Coverage"),
        ("accounts", "coverage_ratio", "Coverage"),
        ("accounts", "utilization_ratio", "Utilization"),
        ("utilization", "utilization_ratio", "Utilization"),
        ("utilization", "unused_units", "Unused units"),
        ("unused_reasons", "unused_units", "Unused units"),
        ("uncovered", "uncovered_units", "Uncovered units"),
    ):
        table = incomplete.tables[name]
        label = document.xpath(f"string(//h2[@id='{name}']/..//tfoot/tr[2]/th)")
        assert label == "Of what was read, as in the headlines"
        assert read_sums(document, table, 2)[column] == headlines[headline]
        assert read_total(document, table)[column] == "unknown"


def test_a_complete_page_has_totals_alone(complete: Report) -> None:
    document = parsed(render(complete))
    assert not document.xpath("//tfoot/tr[2]")
    assert document.xpath("//tfoot/tr[1]")


def test_all_rows_of_a_short_table_are_there_in_their_order(complete: Report) -> None:
    document = parsed(render(complete))
    table = complete.tables["utilization"]
    heads = [row.find("th").text for row in table_rows(document, "utilization")]
    assert heads == list(table.rows["reservation_id"])


def many(report: Report, name: str, count: int) -> Report:
    """Return the report with a table of so many rows."""
    rows = report.tables[name].rows
    return with_rows(report, name, pd.concat([rows] * (count // len(rows) + 1)).head(count))


def test_long_table_is_capped_and_names_the_sheet_with_the_rest(complete: Report) -> None:
    document = parsed(render(many(complete, "uncovered", 1234)))
    assert len(table_rows(document, "uncovered")) == 500
    (cap,) = document.xpath("//h2[@id='uncovered']/../p[@class='cap']/text()")
    assert cap.startswith("The first 500 of 1,234 rows. The other 734 are in ri-report.xlsx, sheet")
    assert complete.tables["uncovered"].title in cap
    assert document.xpath("string(//h2[@id='uncovered']/..//tfoot/tr/th)") == "Total of 1,234 rows"


def test_page_of_very_long_tables_stays_under_five_megabytes(complete: Report) -> None:
    report = complete
    for name, table in complete.tables.items():
        if len(table.rows):
            report = many(report, name, 5000)
    assert len(render(report).encode()) < 5_000_000


def test_allocations_are_named_and_left_to_workbook_and_csv(complete: Report) -> None:
    text = render(complete)
    count = f"{len(complete.tables['allocations'].rows):,}"
    assert f"({count} rows) is in the workbook, sheet Allocations" in text
    assert 'id="allocations"' not in text


def test_report_of_nothing_has_sentences_and_no_empty_boxes(complete: Report) -> None:
    report = complete
    for name, table in complete.tables.items():
        report = with_rows(report, name, table.rows.head(0))
    document = parsed(render(report))
    assert not document.xpath("//table | //svg[@class='bars']")
    assert document.xpath("string(//h2[@id='gaps']/../p)") == "Everything in scope was read."
    for name in set(report.tables) - {"allocations"}:
        assert document.xpath(f"string(//h2[@id='{name}']/../p[@class='nothing'])")


def test_absence_is_not_claimed_when_something_was_not_read(incomplete: Report) -> None:
    report = with_rows(incomplete, "uncovered", incomplete.tables["uncovered"].rows.head(0))
    assert (
        "No instance was seen that is left uncovered. What was not read may hold some."
        in render(report)
    )


def test_tables_have_headings_with_scope_and_can_be_scrolled_by_keyboard(complete: Report) -> None:
    document = parsed(render(complete))
    for table in document.iter("table"):
        assert {th.get("scope") for th in table.iter("th")} <= {"col", "row"}
        around = table.getparent()
        assert (around.get("role"), around.get("tabindex")) == ("region", "0")
        assert around.get("aria-label")


def test_nothing_to_click_is_there_without_the_script(complete: Report) -> None:
    assert not parsed(render(complete)).xpath("//button | //input | //select")


def test_equal_reports_give_equal_pages(organization: Callable[..., Report]) -> None:
    assert render(organization(refused=1)) == render(organization(refused=1))


def test_every_field_of_the_report_is_walked(complete: Report) -> None:
    walked = with_text(complete, "Zzz")
    for field in dataclasses.fields(complete):
        if field.name not in CHOICES and isinstance(getattr(complete, field.name), str):
            assert getattr(walked, field.name) == "Zzz"


PALETTE = re.compile(r"--(\w[\w-]*): (#[0-9a-f]{3,6})")
PAIRS = [
    *((text, "paper") for text in ("ink", "soft", "link", "idle", "solid")),
    *((text, "banner") for text in ("ink", "soft", "link", "idle")),
    *(("ink", ground) for ground in ("raised", "full", "most", "some")),
    *((text, "raised") for text in ("soft", "idle")),
]


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2.2 of `#rrggbb` or `#rgb`."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_contrast_is_at_least_that_of_wcag_aa_in_light_dark_and_print() -> None:
    palettes = [
        dict(PALETTE.findall(block))
        for block in re.findall(r":root \{(.*?)\}", templates.read("page.css"), re.DOTALL)
    ]
    assert len(palettes) == 3
    for palette in palettes:
        for text, ground in PAIRS:
            light, dark = sorted((luminance(palette[text]), luminance(palette[ground])))[::-1]
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_conventions_are_marked_and_explained_below_the_table(complete: Report) -> None:
    """It is a sign to see and a word to hear, and needs neither color nor a pointer."""
    tree = parsed(render(complete))
    for name in ("coverage", "utilization", "pools"):
        (section,) = tree.xpath(f"//section[h2[@id='{name}']]")
        rows = complete.tables[name].rows
        marked = section.xpath(".//tbody/tr[td/i[@class='k']]")
        assert len(marked) == (rows["basis"] == "convention").sum() > 0
        assert {i.text_content() for i in section.xpath(".//td/i")} == {"\u2248 convention: "}
        (meaning,) = section.xpath(".//dt[contains(., 'convention')]/following-sibling::dd")
        assert "AWS leaves open" in meaning.text_content()
        assert SIGNED[name] in meaning.text_content()
    (definition,) = tree.xpath("//dt[.='Firm and convention']/following-sibling::dd")
    assert "total is firm" in definition.text_content()


SIGNED = {
    "coverage": "The sign beside Covered instances stands for Uncovered instances, Covered units"
    " and Coverage of its row too",
    "utilization": "The sign beside Used units stands for Unused units, Utilization, Idle slot"
    " units and Lent units of its row too",
    "pools": "The sign beside Covered units stands for Used units, Lent units, Borrowed units and"
    " Covered idle units of its row too",
}


def test_the_sign_speaks_for_every_number_that_can_differ_between_splits(complete: Report) -> None:
    """What is bought, what runs and how many it is are facts; all else follows from the split."""
    facts = {
        "running_instances", "running_units", "purchased_units", "instance_count", "idle_units",
        "total_instances", "available_instances", "ending_reservations", "ending_instances",
        "ending_units", "starting_instances",
    }  # fmt: skip
    for name, first in MARKS.items():
        columns = complete.tables[name].frame.columns
        told = {c.name for c in columns if c.kind in ("count", "units", "ratio")} - facts
        assert told == {first, *SHARED.get(name, ())}, name


def test_a_table_all_of_whose_rows_could_change_says_so_once(incomplete: Report) -> None:
    tree = parsed(render(incomplete))
    for name in ("coverage", "utilization", "coverage_by_family"):
        (section,) = tree.xpath(f"//section[h2[@id='{name}']]")
        assert not [small for small in section.xpath(".//small") if "partial" in small.text]
        (meaning,) = section.xpath(".//dt[.='of what was read']/following-sibling::dd")
        assert "what was not read could change" in meaning.text_content()


def test_rows_that_could_change_say_so_beside_others_that_could_not(incomplete: Report) -> None:
    table = incomplete.tables["utilization"]
    is_partial = table.rows.index.to_series() % 3 == 0
    told = is_partial.map({True: "partial", False: "complete"}).astype("str")
    mixed = replace(table, rows=table.rows.assign(completeness=told))
    tree = parsed(render(replace(incomplete, tables=incomplete.tables | {"utilization": mixed})))
    (section,) = tree.xpath("//section[h2[@id='utilization']]")
    marked = section.xpath(".//tbody/tr[td[small[contains(., 'partial')]]]/th/text()")
    assert [text.strip() for text in marked] == list(table.rows["reservation_id"][is_partial])
    (meaning,) = section.xpath(".//dt[.='partial']/following-sibling::dd")
    assert "what was not read could change" in meaning.text_content()


def test_the_numbers_of_wide_tables_stand_before_where_things_are(complete: Report) -> None:
    for name, last, first in (
        ("utilization", "unused_reason", "scope"),
        ("uncovered", "uncovered_units", "availability_zone"),
    ):
        names = [column.name for column in shown_columns(complete.tables[name])]
        assert names.index(last) < names.index(first)
        assert names[0] == complete.tables[name].frame.names[0]
    coverage = complete.tables["coverage"]
    assert shown_columns(coverage)[: len(coverage.frame.key)] == list(coverage.frame.columns)[:6]


def test_a_complete_page_speaks_of_no_partial_row(complete: Report) -> None:
    assert not parsed(render(complete)).xpath("//dt[contains(., 'partial')]")


def test_the_page_shows_every_column_but_those_that_a_mark_or_a_note_tells(
    complete: Report,
) -> None:
    left_out = {
        name: {c.name for c in table.frame.columns} - {c.name for c in shown_columns(table)}
        for name, table in complete.tables.items()
    }
    told = {"basis", "completeness"}
    names = {name for columns in left_out.values() for name in columns if name.endswith("_name")}
    assert names <= {name_of(column) for column in ACCOUNT_IDS}
    left_out = {name: columns - names for name, columns in left_out.items()}
    assert {name: columns for name, columns in left_out.items() if columns} == {
        **{name: {*told, "zone_match_other"} for name in MARKED},
        "coverage": {*told, "factor_basis", "zone_match_other"},
        "coverage_by_account": {*told, "factor_basis", "zone_match_other"},
        "pools": {*told, "zone_match_other", "zone_match_other_use"},
        "zone_match": told,
        "coverage_by_family": told,
        "accounts": told,
        "running": {"completeness"},
    }


def test_coverage_says_beside_a_type_that_its_factor_is_not_documented(complete: Report) -> None:
    coverage = complete.tables["coverage"]
    rows = coverage.rows.head(3).assign(factor_basis=["none", "multiple", "documented"])
    tables = complete.tables | {"coverage": replace(coverage, rows=rows)}
    tree = parsed(render(replace(complete, tables=tables)))
    notes = tree.xpath("//section[h2[@id='coverage']]//tbody//small/text()")
    assert notes == ["no factor", "8 \u00d7 N"]


def test_rows_that_depend_on_the_reading_of_zones_show_both_results(complete: Report) -> None:
    """The other result stands beside the number, and what it means below the table."""
    told = ("coverage", "utilization", "uncovered", "unused_reasons", "pools")
    tables = dict(complete.tables)
    for name in told:
        rows = tables[name].rows
        first = pd.Series(7.25, rows.index).where(rows.index == rows.index[0])
        tables[name] = replace(tables[name], rows=rows.assign(zone_match_other=first))
    tree = parsed(render(replace(complete, tables=tables)))
    for name in told:
        (section,) = tree.xpath(f"//section[h2[@id='{name}']]")
        assert section.xpath(".//tbody/tr[1]/td[@class='n']/small/text()") == [
            "7.25 by other zones"
        ]
        assert section.xpath(".//tbody/tr[2]/td[@class='n']/small/text()") == []
        (meaning,) = section.xpath(".//dt[.='by other zones']/following-sibling::dd[1]")
        assert "the zones of other accounts the other way" in meaning.text_content()


def test_totals_and_headlines_that_a_split_could_change_are_marked(complete: Report) -> None:
    headline = replace(complete.kpis[0], basis="convention")
    tree = parsed(render(replace(complete, kpis=(headline, *complete.kpis[1:]))))
    figures = [p.text_content().split()[0] for p in tree.xpath("//p[@class='figure']")]
    assert figures.count("\u2248") == 1
    names = [c.name for c in shown_columns(complete.tables["coverage"])]
    total = read_total(tree, complete.tables["coverage"])
    marked = {name for name in names if total.get(name, "").startswith("\u2248")}
    assert marked == {"covered_instances", "uncovered_instances"}
