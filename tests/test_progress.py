"""Progress: a bar on a terminal, log lines elsewhere, nothing when not wanted."""

from __future__ import annotations

import io
import logging
import re
import sys

import pytest

from ri_report.progress import Bar, Lines, Quiet, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets: its last number is the time in seconds."""
    times = [0.0]
    monkeypatch.setattr("ri_report.progress.time.monotonic", lambda: times[-1])
    return times


def test_lines_come_first_then_every_few_seconds_and_last(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "ri_report"), Lines() as shown:
        shown.listed(5)
        for second, failed in ((0, False), (1, True), (5.5, False), (6, False), (7, True)):
            clock.append(float(second))
            shown.done("111122223333", failed=failed)
    assert caplog.messages == [
        "1/5 accounts, 0 not read in full",
        "3/5 accounts, 1 not read in full",
        "5/5 accounts, 2 not read in full",
    ]


def test_no_account_gives_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ri_report"), Lines() as shown:
        shown.listed(0)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("terminal", "wanted", "lines", "kind"),
    [
        (True, True, False, Bar),
        (True, True, True, Lines),
        (False, True, False, Lines),
        (True, False, False, Quiet),
        (False, False, False, Quiet),
    ],
)
def test_the_kind_follows_stderr_and_the_options(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, wanted: bool, lines: bool, kind: type
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    assert type(progress(wanted=wanted, lines=lines)) is kind


def test_silence_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "ri_report"), Quiet() as shown:
        shown.listed(1)
        shown.done("111122223333", failed=True)
    assert caplog.messages == []


def test_the_bar_counts_accounts_and_those_not_read_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Bar() as shown:
        shown.listed(2)
        shown.done("111122223333", failed=True)
        shown.done("222233334444", failed=False)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    assert "Reading accounts" in text
    assert "2/2" in text
    assert "1 not read in full" in text
    assert "ETA" in text
