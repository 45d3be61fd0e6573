"""The page as a browser sees it: phone width, keyboard tools, print, and an accessibility audit."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from html import escape, unescape
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.report.page import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ri_report.report.model import Report

AUDIT = """
axe.run(document).then((result) => answer(result.violations.map(
  (one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))])));
"""
ANSWER = """
const answer = (value) => {
  const place = document.createElement("pre");
  place.id = "answer";
  place.textContent = JSON.stringify(value);
  document.body.append(place);
};
"""
DARK = "--blink-settings=preferredColorScheme=0"


class Browser:
    """A headless Chromium that opens files of one folder and reaches nothing else."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder

    def run(self, text: str, *options: str) -> str:
        """Open the text as a page, with these options, and return what Chromium prints."""
        page = self.folder / "page.html"
        page.write_text(text, encoding="utf-8")
        command = [
            self.program,
            "--headless=new",
            "--no-sandbox",  # the tests may run as root, where Chromium's own sandbox cannot
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={self.folder / 'profile'}",
            "--window-size=1280,1000",
            *options,
            page.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        return done.stdout

    def ask(self, text: str, script: str, *options: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what the script gives to `answer` after the text and itself were loaded."""
        whole = text.replace("</body>", f"<script>{ANSWER}{script}</script></body>")
        dom = self.run(whole, "--virtual-time-budget=20000", "--dump-dom", *options)
        found = re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)
        assert found, "the script gave no answer"
        return json.loads(unescape(found[1]))

    def ask_in_frame(self, text: str, width: int, script: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what the script answers about the page, shown unchanged in a frame as `page`."""
        frame = (
            f'<iframe id="frame" style="width:{width}px;height:900px;border:0"'
            f' srcdoc="{escape(text)}"></iframe>'
        )
        wait = f"frame.onload = () => {{ const page = frame.contentDocument; {script} }};"
        return self.ask(f"<!doctype html><body>{frame}</body>", wait)


@pytest.fixture
def browser(require_program: Callable[[str], str], tmp_path: Path) -> Browser:
    return Browser(require_program("chromium"), tmp_path)


@pytest.fixture
def axe() -> str:
    """Return the source of axe-core, or skip the test; in CI fail instead."""
    if find_spec("axe_core_python") is None:
        if os.environ.get("CI"):
            pytest.fail("axe-core-python is not installed")
        pytest.skip("axe-core-python is not installed (test dependency)")
    return (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [390, 320])
def test_page_does_not_scroll_sideways_on_a_phone(
    browser: Browser, incomplete: Report, width: int
) -> None:
    script = "answer([page.documentElement.scrollWidth, page.documentElement.clientWidth]);"
    assert browser.ask_in_frame(render(incomplete), width, script) == [width, width]


def test_endless_names_do_not_push_the_page_wider_than_a_phone(
    browser: Browser, incomplete: Report
) -> None:
    text = render(incomplete).replace("eu-west-1", "w" * 300).replace("m5.large", "m" * 300)
    script = "answer(page.documentElement.scrollWidth);"
    assert browser.ask_in_frame(text, 390, script) == 390


def test_script_sorts_numbers_as_numbers_and_unknown_last(
    browser: Browser, incomplete: Report
) -> None:
    script = """
      const table = page.querySelector("#accounts").parentNode.querySelector("table");
      const head = [...table.querySelectorAll("thead th")].find((th) => th.innerText === "Running");
      const place = head.cellIndex;
      const column = () => [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
      head.querySelector("button").click();
      const up = [column(), head.getAttribute("aria-sort")];
      head.querySelector("button").click();
      answer([...up, column(), head.getAttribute("aria-sort")]);
    """
    up, said_up, down, said_down = browser.ask_in_frame(render(incomplete), 1280, script)
    running = incomplete.tables["accounts"].rows["running_instances"].dropna()
    assert up == [str(count) for count in sorted(running)] + ["unknown"]
    assert down == [str(count) for count in sorted(running, reverse=True)] + ["unknown"]
    assert (said_up, said_down) == ("ascending", "descending")


def test_script_sorts_numbers_by_what_they_are_and_not_by_what_stands_beside_them(
    browser: Browser, complete: Report
) -> None:
    table = complete.tables["utilization"]
    others = [float(place) for place in range(len(table.rows))]
    told = replace(table, rows=table.rows.assign(zone_match_other=others))
    report = replace(complete, tables=complete.tables | {"utilization": told})
    script = """
      const table = page.querySelector("#utilization").parentNode.querySelector("table");
      const heads = [...table.querySelectorAll("thead th")];
      const head = heads.find((th) => th.innerText === "Used units");
      head.querySelector("button").click();
      answer([...table.tBodies[0].rows].map((row) => row.cells[head.cellIndex].textContent));
    """
    sorted_texts = browser.ask_in_frame(render(report), 1280, script)
    used = [float(re.findall(r"[\d.,]+", text)[0].replace(",", "")) for text in sorted_texts]
    assert all("by other zones" in text for text in sorted_texts)
    assert used == sorted(table.rows["used_units"])


def test_script_filters_rows_and_says_how_many_are_left(browser: Browser, complete: Report) -> None:
    script = """
      const section = page.querySelector("#uncovered").parentNode;
      const input = section.querySelector("input");
      input.value = " Windows ";
      input.dispatchEvent(new Event("input"));
      const left = [...section.querySelectorAll("tbody tr")].filter((row) => !row.hidden).length;
      answer([left, section.querySelector("[role=status]").textContent, input.ariaLabel]);
    """
    left, said, label = browser.ask_in_frame(render(complete), 1280, script)
    rows = complete.tables["uncovered"].rows
    windows = int((rows["platform"] == "Windows").sum())
    assert 0 < windows < len(rows)
    assert (left, said) == (windows, f"{windows} of {len(rows)} rows")
    assert label == "Filter Table: Uncovered"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_audit_finds_nothing(
    browser: Browser, axe: str, small: Report, scheme: str
) -> None:
    text = re.sub(r"<meta http-equiv=[^>]*>", "", render(small))  # lets the audit itself run
    options = [DARK] if scheme == "dark" else []
    dark = "answer(matchMedia('(prefers-color-scheme: dark)').matches);"
    assert browser.ask(text, dark, *options) is (scheme == "dark")
    assert browser.ask(text, f"{axe}\n{AUDIT}", *options) == []


def printed(
    browser: Browser, require_program: Callable[[str], str], report: Report
) -> tuple[str, str]:
    """The text of the page on paper, and what pdfinfo says of the paper."""
    paper = str(browser.folder / "page.pdf")
    browser.run(render(report), "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    asked = (["pdftotext", "-layout", paper, "-"], ["pdfinfo", paper])
    told, sized = (
        subprocess.run([require_program(name), *rest], capture_output=True, text=True, check=True)
        for name, *rest in asked
    )
    return told.stdout, sized.stdout


def test_print_is_a4_landscape_and_repeats_the_heads(
    browser: Browser, require_program: Callable[[str], str], complete: Report
) -> None:
    told, sized = printed(browser, require_program, complete)
    pages = told.split("\f")
    of_table = [
        page
        for page in pages
        if "running" not in page and re.search(r"^i-0000", page, re.MULTILINE)
    ]
    assert re.search(r"Page size:\s+84\d(\.\d+)? x 59\d", sized)
    assert len(of_table) > 2
    assert all(re.search(r"^Instance .*Platform", page, re.MULTILINE) for page in of_table)
    assert "Utilization" in pages[0]
    assert "Accounts read" in pages[0]
    count = len(pages) - 1
    for number, page in enumerate(pages[:-1], 1):
        assert f"Page {number} of {count}" in page.splitlines()[-1]


def test_ids_are_printed_in_one_piece(
    browser: Browser, require_program: Callable[[str], str], complete: Report
) -> None:
    told, _ = printed(browser, require_program, complete)
    for name, column in (
        ("utilization", "reservation_id"),
        ("utilization", "account_id"),
        ("uncovered", "instance_id"),
    ):
        assert all(one in told for one in complete.tables[name].rows[column])
