"""Scripts of faults: which call goes wrong, and how, as text that stands in a test.

One fault a line, `#` comments:

    ACTION ACCOUNT REGION WHEN: MISHAP

    ec2:DescribeInstances 111122223333 us-east-1 call 2-3: error RequestLimitExceeded 503
    sts:AssumeRole 222233334444 * call 1-2: error AccessDenied 403
    * * eu-west-1 always: hang

ACTION, ACCOUNT and REGION are patterns with `*` and `?`. The account is the one that is called; of
sts:AssumeRole it is the account of the role. The Region is that of the signature. WHEN is one of

    always
    call 3        the third call
    call 2-5      from the second to the fifth
    call 4-       from the fourth on
    for 30 s      from the first call on, for 30 seconds of the sandbox's clock

and is counted for each (action, account, Region) by itself, whatever the patterns are. Counted are
the calls that stand in `Endpoint.calls`: authenticated ones, also those that are refused. Where
several lines meet one call, all of them act on it in the order of the script; of several refusals,
and of several wrong pages, the first counts. The mishaps are in `mishaps.FORMS`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ri_report.sandbox.mishaps import mishap_from
from ri_report.sandbox.sts import ROLE_ARN

if TYPE_CHECKING:
    from datetime import datetime

    from ri_report.sandbox.call import Call
    from ri_report.sandbox.mishaps import Mishap

LINE = re.compile(
    r"(?P<action>\S+)\s+(?P<account>\S+)\s+(?P<region>\S+)\s+"
    r"(?P<when>always|call|for)\s*(?P<number>[^:]*):\s*(?P<mishap>.+)"
)
CALLS = re.compile(r"(?P<first>[1-9]\d*)(?P<range>-(?P<last>[1-9]\d*)?)?", re.ASCII)
SECONDS = re.compile(r"(?P<seconds>\d{1,6}(?:\.\d{1,6})?)\s*s", re.ASCII)

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Fault:
    """One line of a script.

    Attributes:
        line: The line as it stands in the script.
        patterns: Of the action, the account and the Region.
        first: The first call that it strikes, counted from 1.
        last: The last one; None is no end.
        lasts: How long from the first call on; None is no end.
        mishap: What happens to the call.
    """

    line: str
    patterns: Key
    first: int
    last: int | None
    lasts: timedelta | None
    mishap: Mishap

    def strikes(self, key: Key, number: int, age: timedelta) -> bool:
        """Whether it strikes a call, the how-many-th of its key and how long after the first."""
        return (
            all(map(fnmatchcase, key, self.patterns))
            and self.first <= number
            and (self.last is None or number <= self.last)
            and (self.lasts is None or age < self.lasts)
        )


class Script:
    """Faults, and what they have done so far.

    Attributes:
        faults: One for each line, in order.
        hits: How many calls each line has struck.
        expired: Access keys that a mishap has made worthless.
    """

    def __init__(self, text: str) -> None:
        """Read a script; see the module's description.

        Raises:
            ValueError: a line is not a fault, naming the line.
        """
        self.faults = [
            _fault(number, line.strip())
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip() and not line.strip().startswith("#")
        ]
        self.hits: Counter[str] = Counter()
        self.expired: set[str] = set()
        self._numbers: Counter[Key] = Counter()
        self._began: dict[Key, datetime] = {}

    def strike(self, call: Call) -> list[Mishap]:
        """What happens to this call; counts it."""
        key = (call.action, _account_of(call), call.region)
        self._numbers[key] += 1
        age = call.now - self._began.setdefault(key, call.now)
        struck = [fault for fault in self.faults if fault.strikes(key, self._numbers[key], age)]
        self.hits.update(fault.line for fault in struck)
        if any(fault.mishap.name == "expire" for fault in struck):
            self.expired |= call.keyring.temporary_keys(key[1])
        return [fault.mishap for fault in struck]


def _account_of(call: Call) -> str:
    role = ROLE_ARN.fullmatch(call.parameters.get("RoleArn", ""))
    return role["account_id"] if role else call.account.account_id


def _fault(number: int, line: str) -> Fault:
    try:
        found = LINE.fullmatch(line)
        if found is None:
            raise ValueError("a fault is ACTION ACCOUNT REGION WHEN: MISHAP")  # noqa: TRY301 - told with the line below
        first, last, lasts = _when(found["when"], found["number"].strip())
        patterns = (found["action"], found["account"], found["region"])
        return Fault(line, patterns, first, last, lasts, mishap_from(found["mishap"]))
    except ValueError as error:
        raise ValueError(f"line {number}, {line!r}: {error}") from error


def _when(word: str, text: str) -> tuple[int, int | None, timedelta | None]:
    """The first and the last call, and how long."""
    calls, seconds = CALLS.fullmatch(text), SECONDS.fullmatch(text)
    if word == "always" and not text:
        return 1, None, None
    if word == "for" and seconds:
        return 1, None, timedelta(seconds=float(seconds["seconds"]))
    if word != "call" or not calls:
        raise ValueError("WHEN is `always`, `call 2`, `call 2-5`, `call 2-` or `for 30 s`")
    first = int(calls["first"])
    last = first if calls["range"] is None else int(calls["last"] or 0) or None
    if last is not None and last < first:
        raise ValueError(f"call {text} ends before it starts")
    return first, last, None
