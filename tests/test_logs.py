"""Log lines are one line an event, and nothing in them acts on a terminal."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from ri_report.logs import LONGEST_LINE, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Write = Callable[..., list[str]]

HOSTILE = "a\x1b]0;title\x07b\r\nERROR: c\x9bd\x7f\u202ee\ud800\0"


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Write]:
    """Write one event of each level and return the lines on stderr."""
    log = logging.getLogger("ri_report")
    before = log.level, log.propagate

    def write(text: str = "%s", *values: object, **settings: object) -> list[str]:
        chosen = {"verbose": 0, "quiet": False, "log_format": "text"} | settings
        configure(**chosen)  # type: ignore[arg-type]  # settings are keyword arguments of three types
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            log.log(level, text, *(values or ("hello",)))
        out, err = capsys.readouterr()
        assert out == ""
        return err.split("\n")[:-1]

    yield write
    log.handlers.clear()
    log.setLevel(before[0])
    log.propagate = before[1]


def levels(lines: list[str]) -> list[str]:
    return [line.partition(":")[0] for line in lines]


def test_a_line_names_its_level(written: Write) -> None:
    assert written() == ["info: hello", "warning: hello", "error: hello"]


def test_levels_follow_the_options(written: Write) -> None:
    assert levels(written(verbose=1)) == ["debug", "info", "warning", "error"]
    assert levels(written(quiet=True)) == ["warning", "error"]
    assert levels(written(quiet=True, verbose=2)) == ["warning", "error"]


def test_configuring_twice_writes_each_event_once(written: Write) -> None:
    written()
    assert len(written()) == 3


def test_text_shows_what_is_hidden_and_stays_on_one_line(written: Write) -> None:
    lines = written("%s", HOSTILE)
    assert (
        lines[0]
        == "info: a\ufffd]0;title\ufffdb\ufffd\ufffdERROR: c\ufffdd\ufffd\ufffde\ufffd\ufffd"
    )
    assert len(lines) == 3


def test_text_is_cut_visibly(written: Write) -> None:
    line = written("%s", "x" * 40_000)[0]
    assert len(line) == len("info: ") + LONGEST_LINE
    assert line.endswith("(40,000 characters)")


def test_json_is_exact_and_harmless(written: Write) -> None:
    lines = written("%s", HOSTILE, log_format="json")
    assert len(lines) == 3
    assert all(line.isascii() and line.isprintable() for line in lines)
    event = json.loads(lines[0])
    assert event["message"] == HOSTILE
    assert event["level"] == "info"
    assert datetime.fromisoformat(event["time"]).tzinfo is not None


def test_the_log_of_the_sdk_is_never_shown(
    written: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """At DEBUG botocore writes the answers of AssumeRole, keys included."""
    written(verbose=2)
    logging.getLogger("botocore.parsers").debug("SecretAccessKey canary")
    assert "canary" not in capsys.readouterr().err
