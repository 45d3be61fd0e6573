"""Row 26: a machine whose clock is wrong, or jumps."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ri_report.aws.clock import Clock
from ri_report.errors import NoReportError
from tests.matrix.stage import HOME, WEB

if TYPE_CHECKING:
    from tests.matrix.stage import Seen, Stage

FIRST = "sts:GetCallerIdentity * * always"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the job has warned of."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "ri_report" and record.levelno >= logging.WARNING
    ]


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("+20m", "clock is 20 minutes behind AWS's"),
        ("-20m", "clock is 20 minutes ahead of AWS's"),
        ("+6m", "clock is 6 minutes behind AWS's"),
    ],
)
def test_a_clock_that_is_off_is_said_at_the_first_answer(
    stage: Stage, clean: Seen, caplog: pytest.LogCaptureFixture, date: str, said: str
) -> None:
    seen = stage.read(f"{FIRST}: date {date}")
    (line,) = warnings(caplog)
    assert said in line
    assert seen.files == clean.files


@pytest.mark.parametrize("date", ["+4m", "-4m", "+0s"])
def test_a_clock_that_aws_tolerates_is_not_spoken_of(
    stage: Stage, caplog: pytest.LogCaptureFixture, date: str
) -> None:
    stage.read(f"{FIRST}: date {date}")
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    ("minutes", "said"), [(20, "20 minutes behind AWS's"), (-20, "20 minutes ahead of AWS's")]
)
def test_a_clock_that_aws_does_not_accept_ends_the_run_and_is_named_as_the_cause(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, minutes: int, said: str
) -> None:
    monkeypatch.setattr(stage, "ahead", timedelta(minutes=minutes))
    with pytest.raises(NoReportError) as caught:
        stage.read()
    assert f"this machine's clock is {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_clock_that_jumps_back_stretches_no_wait(
    stage: Stage, clean: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of day goes back by an hour at each look; what is waited for does not."""
    truth, looks = time.time, iter(range(1_000_000))
    monkeypatch.setattr(time, "time", lambda: truth() - 3600 * next(looks))
    began = time.monotonic()
    seen = stage.read(f"ec2:* {WEB} {HOME} call 1: status 503", clock=Clock())
    assert seen.files == clean.files
    assert time.monotonic() - began < 10
