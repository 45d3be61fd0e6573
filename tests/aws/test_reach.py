"""An endpoint that answers nobody is left alone, and taken up again when it answers."""

from __future__ import annotations

from ri_report.aws.faults import Fault
from ri_report.aws.reach import DARK_AFTER, Reach, is_unanswered
from ri_report.inventory.outcomes import Status

SILENCE = Fault(Status.TIMEOUT, "ReadTimeoutError", "ec2:DescribeInstances: no answer", "Check")


def dark(now: float = 0.0) -> Reach:
    reach = Reach()
    for _ in range(DARK_AFTER):
        reach.unheard(SILENCE, now)
    return reach


def test_only_silence_counts_and_not_what_aws_says() -> None:
    assert is_unanswered(SILENCE)
    assert is_unanswered(Fault(Status.NETWORK, "EndpointConnectionError", "", ""))
    assert is_unanswered(Fault(Status.TIMEOUT, "deadline", "", ""))
    assert not is_unanswered(Fault(Status.NETWORK, "InternalError", "", ""))
    assert not is_unanswered(Fault(Status.TIMEOUT, "504", "", ""))
    assert not is_unanswered(Fault(Status.THROTTLED, "RequestLimitExceeded", "", ""))
    assert not is_unanswered(Fault(Status.MALFORMED, "ResponseParserError", "", ""))


def test_a_few_silent_calls_change_nothing_and_an_answer_between_them_counts_from_new() -> None:
    reach = Reach()
    for _ in range(DARK_AFTER - 1):
        reach.unheard(SILENCE, 0.0)
    assert reach.wait(0.0) == 0.0
    reach.heard()
    for _ in range(DARK_AFTER - 1):
        reach.unheard(SILENCE, 0.0)
    assert reach.wait(0.0) == 0.0


def test_a_dark_endpoint_is_tried_by_one_call_while_the_others_wait() -> None:
    reach = dark()
    assert reach.wait(0.5) == 1.0
    assert reach.wait(1.0) == 0.0
    assert [reach.wait(1.0), reach.wait(30.0)] == [1.0, 1.0]
    reach.unheard(SILENCE, 31.0)
    assert reach.wait(31.0) == 0.0


def test_an_answer_lets_everybody_in_again() -> None:
    reach = dark()
    reach.heard()
    assert [reach.wait(0.1), reach.wait(0.1)] == [0.0, 0.0]


def test_after_a_minute_of_darkness_calls_end_and_one_in_half_a_minute_tries() -> None:
    reach = dark()
    assert reach.wait(1.0) == 0.0
    ended = reach.wait(60.0)
    assert isinstance(ended, Fault)
    assert (ended.status, ended.reason) == (Status.TIMEOUT, "ReadTimeoutError")
    assert ended.detail.startswith("not asked: the last 24 calls got no answer")
    reach.unheard(SILENCE, 61.0)
    assert reach.wait(61.0) == 0.0
    assert isinstance(reach.wait(61.0), Fault)
    reach.heard()
    assert reach.wait(62.0) == 0.0
