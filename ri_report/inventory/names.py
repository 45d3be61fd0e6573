"""Names as AWS writes them: of accounts, regions, roles and sessions; and the name of a run."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

ACCOUNT_ID = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+")
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (request parameters)
ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""The name of a run is that of the folder that its reports are written to."""

DEFAULT_REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "ap-south-1",
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
    "us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1",
)  # fmt: skip
"""Regions that are enabled in every account; all later ones are opt-in
(https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html)."""


def checked_account_id(value: str) -> str:
    """Return what is text of 12 digits.

    Raises:
        ValueError: it is not; as the other functions here, saying what to write instead.
    """
    if not ACCOUNT_ID.fullmatch(value):
        raise ValueError(f"{value!r} is not an account id: write 12 digits")
    return value


def checked_region(value: str) -> str:
    """Return what looks like a region; which regions there are, AWS says when it is asked."""
    if not REGION.fullmatch(value):
        near = nearest(value.lower(), DEFAULT_REGIONS)
        raise ValueError(f"{value!r} is not the name of a region; did you mean {near}?")
    return value


def checked_role_name(value: str) -> str:
    """Return what can be the name of an IAM role: no path and no ARN."""
    if not ROLE_NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not the name of a role: 1-64 letters, digits and +=,.@_- only"
        )
    return value


def checked_session_name(value: str) -> str:
    """Return what can be a RoleSessionName."""
    if not SESSION_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a session name: 2-64 letters, digits and +=,.@_- only")
    return value


def checked_external_id(value: str) -> str:
    """Return what can be an external id, or "" for none; the error does not repeat it."""
    if value and not EXTERNAL_ID.fullmatch(value):
        raise ValueError("must be 2 to 1224 letters, digits or _+=,.@:/-")
    return value


def nearest(wrong: str, known: Iterable[str]) -> str:
    """Return the known name that is most like the wrong one, "none" of none.

    Of two as like it, the one of the same characters: swapping two is the commonest slip.
    """

    def likeness(name: str) -> tuple[float, bool]:
        return SequenceMatcher(None, wrong, name).ratio(), sorted(name) == sorted(wrong)

    return max(sorted(known), key=likeness, default="none")


def check_listed(named: Mapping[str, Iterable[str]], listed: Collection[str]) -> None:
    """Refuse account ids that are not listed.

    Args:
        named: Account ids by where they are written.
        listed: The ids of all accounts.

    Raises:
        ConfigError: with the place, the id and the nearest one that is listed.
    """
    for place, account_ids in named.items():
        for account_id in account_ids:
            if account_id not in listed:
                raise ConfigError(
                    f"{place}: {account_id} is not among the {len(listed):,} listed accounts; the"
                    f" nearest is {nearest(account_id, listed)}"
                )


def run_name(as_of: datetime) -> str:
    """Return the name of a run: its moment, fit for a folder on every system."""
    return f"{as_of:%Y-%m-%dT%H%M%SZ}"
