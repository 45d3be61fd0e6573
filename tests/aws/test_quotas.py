"""How fast a place is asked, by AWS's token buckets and half of what they refill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ri_report.aws.permissions import DESCRIBE_INSTANCES, DESCRIBE_RESERVED_INSTANCES
from ri_report.aws.quotas import Bucket, Place


def taken(bucket: Bucket, seconds: float) -> int:
    """How many calls somebody makes who asks again as soon as they may, until a moment."""
    now, calls = 0.0, 0
    while now <= seconds:
        wait = bucket.wait(now)
        calls += not wait
        now += wait
    return calls


def test_a_full_bucket_gives_its_capacity_at_once_and_then_as_much_as_comes_back() -> None:
    assert taken(Bucket(50, 10), 0.0) == 50
    assert taken(Bucket(50, 10), 60.0) == 50 + 600


@given(
    st.lists(st.floats(0, 5), max_size=60),
    st.integers(1, 100),
    st.floats(0.5, 50),
)
def test_no_pattern_of_asking_gets_more_than_capacity_and_refill(
    pauses: list[float], capacity: int, refill: float
) -> None:
    bucket, now, calls = Bucket(capacity, refill), 0.0, 0
    for pause in pauses:
        now += pause
        calls += bucket.wait(now) == 0.0
    assert calls <= capacity + refill * now + 1e-6


def test_whoever_waits_as_long_as_told_is_let_through() -> None:
    bucket = Bucket(1, 4)
    assert bucket.wait(10.0) == 0.0
    assert bucket.wait(10.0) == 0.25
    assert bucket.wait(10.25) == 0.0


def test_a_bucket_is_empty_after_a_refusal_and_refills_more_slowly_down_to_a_quarter() -> None:
    bucket, waits = Bucket(10, 1), []
    for _ in range(6):
        bucket.refused()
        waits.append(bucket.wait(0.0))
    assert waits == pytest.approx([1 / 0.7, 1 / 0.7**2, 1 / 0.7**3, 4, 4, 4])
    assert bucket.wait(4.0) == 0.0
    assert bucket.wait(4.0) == pytest.approx(4.0)


def test_a_place_is_asked_at_half_of_what_ec2_refills() -> None:
    # 100 tokens and 20 a second for calls that page, 50 and 10 a second for those that do not:
    # https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
    for action, capacity, refill in (
        (DESCRIBE_INSTANCES, 100, 20),
        (DESCRIBE_RESERVED_INSTANCES, 50, 10),
    ):
        place, now, calls = Place(), 0.0, 0
        while now <= 100:
            wait = place.wait(action, now)
            calls += not wait
            now += wait
        assert calls == (capacity + refill * 100) / 2


def test_a_place_that_backs_off_makes_no_call_and_spends_no_token() -> None:
    place = Place()
    place.not_before = 7.0
    assert place.wait(DESCRIBE_INSTANCES, 4.0) == 3.0
    assert place.wait(DESCRIBE_INSTANCES, 7.0) == 0.0
