"""Faults that a run gets over, and faults that it cannot, as lines of scripts drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.matrix.stage import ACCOUNTS, DATA, HOME, KINDS, PAYER, REGIONS, WEB

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

LARGEST_ANSWER = 9000
"""Bytes; more than any answer of the stage holds, so that a cut may also leave it whole."""
SETS = {
    "ec2:DescribeInstances": "reservationSet",
    "ec2:DescribeReservedInstances": "reservedInstancesSet",
    "ec2:DescribeCapacityReservations": "capacityReservationSet",
    "ec2:DescribeAvailabilityZones": "availabilityZoneInfo",
    "ec2:DescribeRegions": "regionInfo",
    "sts:AssumeRole": "AssumedRoleUser",
}
PAGED = ("ec2:DescribeInstances", "ec2:DescribeCapacityReservations", "organizations:ListAccounts")
RATE = {
    "ec2": "RequestLimitExceeded 503",
    "sts": "Throttling 400",
    "organizations": "TooManyRequestsException 400",
}


@dataclass(frozen=True)
class Key:
    """What a script counts calls by: an action, of an account, in a region."""

    action: str
    account_id: str
    region: str

    def line(self, when: str, mishap: str) -> str:
        """Return the line of a script that strikes calls of this key."""
        return f"{self.action} {self.account_id} {self.region} {when}: {mishap}"

    @property
    def cell(self) -> tuple[str, str, str]:
        """The (account id, region, kind) that is unread when a call of this key fails for good."""
        doors = {"sts:AssumeRole": "account", "ec2:DescribeRegions": "regions"}
        if self.action in doors:
            return (self.account_id, "", doors[self.action])
        return (self.account_id, self.region, KINDS[self.action])


RUN_KEYS = [
    Key("sts:GetCallerIdentity", PAYER, HOME),
    Key("organizations:ListAccounts", PAYER, HOME),
    Key("organizations:DescribeOrganization", PAYER, HOME),
]
"""Without their answers there is no report at all, but for the last."""
DOOR_KEYS = [
    *(Key("sts:AssumeRole", account_id, HOME) for account_id in (WEB, DATA)),
    *(Key("ec2:DescribeRegions", account_id, HOME) for account_id in ACCOUNTS),
]
CELL_KEYS = [
    Key(action, account_id, region)
    for action in KINDS
    for account_id in ACCOUNTS
    for region in REGIONS
]

_bytes = st.integers(0, LARGEST_ANSWER)
_spoilt = st.one_of(
    st.sampled_from(
        [
            "error InternalError 500",
            "error ServiceUnavailable 503",
            *(f"status {status}" for status in (407, 500, 502, 503, 504)),
            *(f"body {page}" for page in ("html", "empty", "json", "other-xml")),
            "entities",
        ]
    ),
    _bytes.map("truncate {}".format),
    _bytes.map("truncate {} clean".format),
    _bytes.map("reset {}".format),
)
_harmless = st.sampled_from(["delay 0.002", "date +3m", "date -3m"])
_pages = st.sampled_from(["duplicate page", "empty page", "ignore MaxResults"])


def _calls(first: int, count: int) -> str:
    return f"call {first}-{first + count - 1}"


@st.composite
def _failures(draw: st.DrawFn, key: Key) -> list[str]:
    """One or two calls in a row that fail, perhaps each otherwise; later perhaps two more."""
    lines, first = [], draw(st.integers(1, 3))
    for _ in range(draw(st.integers(1, 2))):
        count = draw(st.integers(1, 2))
        lines += [key.line(f"call {first + number}", draw(_spoilt)) for number in range(count)]
        first += count + draw(st.integers(1, 3))
    return lines


@st.composite
def _restarts(draw: st.DrawFn, key: Key) -> list[str]:
    """At most two calls whose answers have the reading begin from its first page."""
    when = _calls(draw(st.integers(1, 3)), draw(st.integers(1, 2)))
    mishaps = ["invalid token", *(f"drop {name}" for name in (SETS.get(key.action),) if name)]
    return [key.line(when, draw(st.sampled_from(mishaps)))]


@st.composite
def _odd_pages(draw: st.DrawFn, key: Key) -> list[str]:
    when = _calls(draw(st.integers(1, 4)), draw(st.integers(1, 6)))
    return [key.line(when, draw(_pages if key.action in PAGED else _harmless))]


@st.composite
def _throttles(draw: st.DrawFn, key: Key) -> list[str]:
    seconds = draw(st.sampled_from([1, 10, 30, 60]))
    return [key.line(f"for {seconds} s", f"error {RATE[key.action.partition(':')[0]]}")]


def _denials(key: Key) -> st.SearchStrategy[list[str]]:
    """A role whose trust is not yet known everywhere."""
    when = st.sampled_from(["call 1", "call 1-2"])
    return when.map(lambda when: [key.line(when, "error AccessDenied 403")])


def _troubles(key: Key) -> st.SearchStrategy[list[str]]:
    kinds = [_failures(key), _odd_pages(key), _throttles(key)]
    kinds += [_restarts(key)] if key not in RUN_KEYS else []
    kinds += [_denials(key)] if key.action == "sts:AssumeRole" else []
    return st.one_of(kinds)


def _expiry(keys: Iterable[Key], unsure: Collection[str]) -> st.SearchStrategy[list[str]]:
    """At most once, the keys of one account end in the middle."""
    able = [key for key in keys if key.account_id not in {PAYER, *unsure} and key in CELL_KEYS]
    if not able:
        return st.just([])
    expired = st.builds(
        lambda key, number: [key.line(f"call {number}", "expire")],
        st.sampled_from(able),
        st.integers(1, 3),
    )
    return st.one_of(st.just([]), expired)


def _lines_about(keys: list[Key], unsure: Collection[str] = ()) -> st.SearchStrategy[list[str]]:
    struck = st.lists(st.sampled_from(keys), unique=True, max_size=6)
    troubles = struck.flatmap(lambda chosen: st.tuples(*map(_troubles, chosen)))
    parts = st.tuples(troubles, _expiry(keys, unsure))
    return parts.map(lambda drawn: [line for each in (*drawn[0], drawn[1]) for line in each])


RECOVERABLE = _lines_about([*RUN_KEYS, *DOOR_KEYS, *CELL_KEYS]).map("\n".join)
"""Scripts after which everything was read: each call is answered in the end."""

LASTING = {
    "error InternalError 500": {"NETWORK"},
    "status 502": {"NETWORK"},
    "status 504": {"TIMEOUT"},
    "body html": {"MALFORMED"},
    "body empty": {"MALFORMED"},
    "body json": {"MALFORMED"},
    "entities": {"MALFORMED"},
    "truncate 60": {"MALFORMED", "NETWORK"},
    "truncate 60 clean": {"MALFORMED"},
    "reset 60": {"NETWORK"},
}
"""What fails for good when it goes on for ever, and the outcomes that it may have."""
AT_ONCE = {
    "error UnauthorizedOperation 403": {"DENIED"},
    "error UnauthorizedOperation 403 'explicit deny in a service control policy'": {"DENIED"},
    "error InvalidParameterValue 400": {"MALFORMED"},
    "error NobodyKnowsThis 400": {"MALFORMED"},
}


@dataclass(frozen=True)
class Blow:
    """A line that keeps a cell from being read, if it strikes at all.

    Attributes:
        line: The line of the script.
        cell: The (account id, region, kind) that it is about.
        statuses: The outcomes that the cell may have.
    """

    line: str
    cell: tuple[str, str, str]
    statuses: frozenset[str]


def _lasting(key: Key) -> dict[str, set[str]]:
    """What fails for good at this key when it goes on for ever."""
    found = {**LASTING, f"error {RATE[key.action.partition(':')[0]]}": {"THROTTLED"}}
    found[f"drop {SETS[key.action]}"] = {"MALFORMED"}
    if key.action == "sts:AssumeRole":
        return found | {"error AccessDenied 403": {"DENIED"}}
    found |= {f"drop {name}": {"MALFORMED"} for name in ("requestId",)}
    if key.action in PAGED:
        found |= {"token cycle": {"MALFORMED"}, "same token": {"MALFORMED"}}
    return found


def _at_once(key: Key) -> dict[str, set[str]]:
    """What fails for good at this key when it happens once."""
    other = next(account_id for account_id in ACCOUNTS if account_id != key.account_id)
    if key.action == "sts:AssumeRole":
        return {f"foreign role {other}": {"INTEGRITY"}}
    denied = {mishap: AT_ONCE[mishap] for mishap in AT_ONCE if AT_ONCE[mishap] == {"DENIED"}}
    if key.action == "ec2:DescribeInstances":
        return denied | {f"foreign owner {other}": {"INTEGRITY"}}
    return denied


@st.composite
def _blow(draw: st.DrawFn, key: Key) -> Blow:
    lasting, at_once = _lasting(key), _at_once(key)
    mishap = draw(st.sampled_from([*lasting, *at_once]))
    first = draw(st.integers(1, 3))
    if mishap in at_once:
        # Of the first page it is certain that something stands on it.
        when = "call 1" if mishap.startswith("foreign") else f"call {first}"
    else:
        when = draw(st.sampled_from(["always", f"call {first}-"]))
    statuses = frozenset({**lasting, **at_once}[mishap])
    return Blow(key.line(when, mishap), key.cell, statuses)


@st.composite
def _blows_and_troubles(draw: st.DrawFn) -> tuple[list[Blow], str]:
    keys = draw(
        st.lists(st.sampled_from([*DOOR_KEYS, *CELL_KEYS]), unique=True, min_size=1, max_size=8)
    )
    blows = [draw(_blow(key)) for key in keys]
    others = [key for key in [*DOOR_KEYS, *CELL_KEYS] if key not in keys]
    # A blow to the role would strike its renewal instead of the door.
    unsure = {key.account_id for key in keys if key.action == "sts:AssumeRole"}
    troubles = draw(_lines_about([*RUN_KEYS, *others], unsure))
    return blows, "\n".join(troubles)


UNRECOVERABLE = _blows_and_troubles()
"""Blows, and a recoverable script besides that may strike any other call, of any account."""
