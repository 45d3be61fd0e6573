"""The rates that AWS allows, as token buckets that refuse what exceeds them.

EC2: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
STS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
AWS tells no rates for Organizations; one call a second is what callers report.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ri_report.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.sandbox.call import Call


class Rate(NamedTuple):
    """A bucket's size [tokens] and its refill [tokens/s]."""

    size: float
    refill: float


DESCRIBE = Rate(100, 20)
DESCRIBE_EVERYTHING = Rate(50, 10)
STS = Rate(600, 600)
ORGANIZATIONS = Rate(10, 1)

# A call that has none of these is unfiltered and unpaginated in EC2's words.
NARROWING = frozenset(
    {
        "CapacityReservationIds",
        "Filters",
        "InstanceIds",
        "MaxResults",
        "NextToken",
        "RegionNames",
        "ReservedInstancesIds",
        "ZoneIds",
        "ZoneNames",
    }
)
REFUSALS = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "sts": ("Throttling", "Rate exceeded", 400),
    "organizations": (
        "TooManyRequestsException",
        "You have sent too many requests in too short a period of time. Try again later.",
        400,
    ),
}


class Throttles:
    """Buckets of every account and Region, each full at its first call.

    EC2 counts each action of an account and Region by itself; here all actions of an account and
    Region share a bucket, which is stricter.

    Attributes:
        refused: How many calls of each action were refused.
    """

    def __init__(
        self, others: float = 0.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with full buckets.

        Args:
            others: The share of every bucket and refill that somebody else uses up, 0 to 1.
            monotonic: Seconds that never run backwards.
        """
        self.refused: Counter[str] = Counter()
        self._share = 1.0 - others
        self._monotonic = monotonic
        self._buckets: dict[tuple[Rate, str, str], tuple[float, float]] = {}

    def take(self, call: Call) -> None:
        """Take the token of a call.

        Raises:
            ApiError: there is none, in the words of the service.
        """
        rate = rate_of(call)
        key = (rate, call.account.account_id, call.region)
        now = self._monotonic()
        tokens, since = self._buckets.get(key, (rate.size * self._share, now))
        grown = tokens + (now - since) * rate.refill * self._share
        tokens = min(rate.size * self._share, grown)
        has_one = tokens >= 1
        self._buckets[key] = (tokens - has_one, now)
        if not has_one:
            self.refused[call.action] += 1
            raise ApiError(*REFUSALS[call.service])


def rate_of(call: Call) -> Rate:
    """The rate that bounds a call."""
    if call.service == "organizations":
        return ORGANIZATIONS
    if call.service == "sts":
        return STS
    return DESCRIBE if NARROWING & call.parameters.keys() else DESCRIBE_EVERYTHING
