"""Organizations lists every account, twenty a page, to the management account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

MEMBERS = [f"{number:012d}" for number in range(1, 46)]
WORLD = "management 999988887777 org-management\n" + "\n".join(
    f"account {account_id} member-{account_id}" for account_id in MEMBERS
)


def test_forty_six_accounts_come_in_three_pages(world: Callable[..., Any]) -> None:
    client = world(WORLD).client("organizations")
    pages = [page["Accounts"] for page in client.get_paginator("list_accounts").paginate()]
    assert [len(page) for page in pages] == [20, 20, 6]
    ids = [account["Id"] for page in pages for account in page]
    assert ids == ["999988887777", *MEMBERS]


def test_account_carries_its_state_under_both_names(world: Callable[..., Any]) -> None:
    text = "management 999988887777 org\naccount 012345678901 old state=SUSPENDED"
    account = world(text).client("organizations").list_accounts()["Accounts"][1]
    assert account["Id"] == "012345678901"
    assert (account["Status"], account["State"]) == ("SUSPENDED", "SUSPENDED")
    assert account["JoinedTimestamp"] == datetime(2021, 6, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("parameters", [{"MaxResults": 21}, {"NextToken": "never-given"}])
def test_invalid_page_is_refused(world: Callable[..., Any], parameters: dict[str, Any]) -> None:
    client = world(WORLD).client("organizations")
    with pytest.raises(client.exceptions.InvalidInputException):
        client.list_accounts(**parameters)


def test_member_account_may_not_list_accounts(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    client = running.client("organizations", **running.assume(MEMBERS[0]))
    with pytest.raises(client.exceptions.AccessDeniedException) as caught:
        client.list_accounts()
    message = caught.value.response["Error"]["Message"]
    assert message == "You don't have permissions to access this resource."


def test_every_account_may_describe_its_organization(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    management = running.client("organizations")
    member = running.client("organizations", **running.assume(MEMBERS[0]))
    for client in (management, member):
        answer = client.describe_organization()
        assert answer["Organization"]["MasterAccountId"] == "999988887777"


def test_operation_that_is_not_served_is_unknown(world: Callable[..., Any]) -> None:
    with pytest.raises(ClientError) as caught:
        world(WORLD).client("organizations").list_roots()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
