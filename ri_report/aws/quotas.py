"""How fast one account may be asked in one region: half of what AWS refills, less after a refusal.

EC2 gives every account and region token buckets of its own: 100 tokens and 20 a second for calls
that page or filter, 50 tokens and 10 a second for calls that do neither
(https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html). The other half is left
to whatever else the account runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ri_report.aws.permissions import DESCRIBE_CAPACITY_RESERVATIONS, DESCRIBE_INSTANCES

PAGED = frozenset({DESCRIBE_INSTANCES, DESCRIBE_CAPACITY_RESERVATIONS})
OUR_SHARE = 0.5
ROUNDING = 1e-9
"""Less than this misses nothing: whoever waits as long as told finds a token."""
ASSUME_ROLE_PER_SECOND = 100.0
"""A sixth of the 600 a second that STS grants a caller's account and region
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""
ASSUME_ROLE_AT_ONCE = 20.0
ORGANIZATIONS_PER_SECOND = 1.0
"""AWS states no rate for Organizations; callers that stay near one a second are not refused."""
ORGANIZATIONS_AT_ONCE = 10.0
SLOWER = 0.7
"""What is left of a refill after a refusal: others take from the same bucket of AWS's."""
SLOWEST_SHARE = 0.25
"""The least that is left of it: a list of 10,000 accounts still comes in before the run ends."""


@dataclass
class Bucket:
    """Tokens that come back with time; one is spent for each call.

    Attributes:
        capacity: The most tokens that it holds; it begins full.
        refill: Tokens a second; fewer after each refusal.
    """

    capacity: float
    refill: float
    _slowest: float = field(init=False)
    _tokens: float = field(init=False)
    _at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Fill it."""
        self._tokens = self.capacity
        self._slowest = self.refill * SLOWEST_SHARE

    def wait(self, now: float) -> float:
        """Take a token and return 0.0, or return the seconds until there is one."""
        since = 0.0 if self._at is None else max(0.0, now - self._at)
        self._tokens = min(self.capacity, self._tokens + since * self.refill)
        self._at = now
        if self._tokens < 1.0 - ROUNDING:
            return (1.0 - self._tokens) / self.refill
        self._tokens -= 1.0
        return 0.0

    def refused(self) -> None:
        """Note that AWS refused a call for its rate: its bucket is empty, as others use it too."""
        self._tokens = 0.0
        self.refill = max(self._slowest, self.refill * SLOWER)


@dataclass
class Place:
    """One account in one region: its buckets, and until when it is left alone.

    Attributes:
        not_before: No call is made there before this moment.
    """

    paged: Bucket = field(default_factory=lambda: Bucket(100 * OUR_SHARE, 20 * OUR_SHARE))
    plain: Bucket = field(default_factory=lambda: Bucket(50 * OUR_SHARE, 10 * OUR_SHARE))
    not_before: float = 0.0

    def wait(self, action: str, now: float) -> float:
        """Return 0.0 when the call may be made now, else the seconds until it should be tried."""
        if now < self.not_before:
            return self.not_before - now
        return (self.paged if action in PAGED else self.plain).wait(now)
