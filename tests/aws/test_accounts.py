"""Where the accounts come from, and which of them are read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.aws.accounts import AccountList, list_accounts
from ri_report.aws.credentials import Caller, identify
from ri_report.aws.faults import Fault, FaultError
from ri_report.aws.scope import ConfiguredAccount, Scope
from ri_report.errors import ConfigError, NoReportError
from ri_report.inventory.outcomes import Status
from ri_report.sandbox.wire import Response
from tests.aws.conftest import Hasty

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.aws.answers import Answer, Call

    Worlds = Callable[..., Any]
    Listing = Callable[..., AccountList]

MEMBERS = [f"{number:012d}" for number in range(201, 245)]
LARGE = "\n".join(
    ["management 111111111111 payer", *(f"account {m} member-{m[-2:]}" for m in MEMBERS)]
)


@pytest.fixture
def listing(clients: Callable[..., Any]) -> Listing:
    """List the accounts of the environment's organization."""

    def run(**scope: Any) -> AccountList:  # noqa: ANN401 - fields of Scope
        made = clients()
        return list_accounts(made, identify(made), Scope(role_name="R", **scope))

    return run


def changed(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], Response]:
    """Answer what an edit of the true JSON gives."""

    def answer(body: bytes) -> Response:
        value = json.loads(body)
        change(value)
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "r-1"}
        return Response(200, headers, json.dumps(value).encode())

    return answer


def without(*names: str) -> Callable[[bytes], Response]:
    """Answer accounts that lack some fields."""

    def change(value: dict[str, Any]) -> None:
        for account in value["Accounts"]:
            for name in names:
                account.pop(name, None)

    return changed(change)


def test_all_pages_of_the_organization_are_listed(world: Worlds, listing: Listing) -> None:
    there = world(LARGE)
    found = listing()
    assert [row["account_id"] for row in found.rows] == ["111111111111", *MEMBERS]
    assert found.to_read == sorted(["111111111111", *MEMBERS])
    assert there.called("ListAccounts").total() == 3


def test_an_empty_page_with_a_token_is_not_the_end(world: Worlds, listing: Listing) -> None:
    there = world(LARGE)
    true_pages: list[dict[str, Any]] = []

    def one_empty_page(value: dict[str, Any]) -> None:
        true_pages.append(dict(value))
        if len(true_pages) == 1:
            value.update(Accounts=[], NextToken="later")

    def answer(body: bytes) -> Response:
        return changed(one_empty_page)(body)

    there.spoil("ListAccounts", answer, times=1)
    # The sandbox does not know the token "later", so the second question gets the first page.
    there.spoil(
        "ListAccounts",
        lambda _: changed(lambda value: value.update(true_pages[0]))(b"{}"),
        times=1,
    )
    assert len(listing().rows) == 45


def test_too_many_requests_are_answered_with_patience(world: Worlds, listing: Listing) -> None:
    there = world(LARGE)
    there.refuse("ListAccounts", "TooManyRequestsException", times=3)
    assert len(listing().rows) == 45


@dataclass
class Shared:
    """Organizations with its bucket of ten calls and one a second, a share of which others take.

    Attributes:
        others: Their share of the bucket and of what comes back, 0 to 1.
        pages: How many pages the list has.
        clock: What it refills by.
        refused: When it refused a call.
    """

    others: float
    pages: int
    clock: Hasty = field(default_factory=Hasty)
    refused: list[float] = field(default_factory=list)
    _missing: float = 0.0
    _since: float = 0.0

    def answer(self, _credentials: object, _clients: object, call: Call) -> Answer:
        """Answer with the page that the token names, or refuse."""
        now, free = self.clock.now(), 1 - self.others
        self._missing = max(0.0, self._missing - free * (now - self._since))
        self._since = now
        if self._missing > 10 * free - 1 + 1e-6:
            self.refused.append(now)
            raise FaultError(Fault(Status.THROTTLED, "TooManyRequestsException", "No.", "Wait"))
        self._missing += 1
        if call.holds == "Organization":
            return {"Organization": {"MasterAccountId": "111111111111"}}
        page = int(str(call.parameters.get("NextToken", 0)))
        more = {"NextToken": str(page + 1)} if page + 1 < self.pages else {}
        return {"Accounts": [{"Id": f"{page:012d}", "State": "ACTIVE"}], **more}


def listed(there: Shared, monkeypatch: pytest.MonkeyPatch) -> float:
    """List all accounts and return the seconds that it took."""
    monkeypatch.setattr("ri_report.aws.accounts.ask_as", there.answer)
    made: Any = SimpleNamespace(clock=there.clock, base=None, home_region="us-east-1")
    caller = Caller("111111111111", "aws", "arn:aws:iam::111111111111:user/x")
    found = list_accounts(made, caller, Scope(role_name="R"))
    assert len(found.to_read) == there.pages
    return there.clock.now()


def test_a_long_list_that_nobody_else_asks_for_is_never_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = Shared(others=0.0, pages=100)
    assert listed(there, monkeypatch) == pytest.approx(1 + 100 - 10, abs=0.1)
    assert there.refused == []


@pytest.mark.parametrize(("others", "refusals"), [(0.3, 3), (0.6, 5)])
def test_a_list_that_others_ask_for_too_is_refused_only_until_it_has_slowed_down(
    monkeypatch: pytest.MonkeyPatch, others: float, refusals: int
) -> None:
    there = Shared(others=others, pages=250)
    assert listed(there, monkeypatch) < 1.7 * 250 / (1 - others)
    assert 1 <= len(there.refused) <= refusals


def test_a_list_that_is_refused_for_a_while_comes_in_before_the_run_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """10,000 accounts, the most that an organization may have, within the run's 55 minutes."""
    there = Shared(others=0.0, pages=500)
    there._missing = 100.0
    assert listed(there, monkeypatch) < 0.7 * Scope(role_name="R").run_seconds
    assert there.refused


def test_state_or_status_is_read_whichever_is_there(world: Worlds, listing: Listing) -> None:
    there = world("management 111111111111 payer\naccount 222222222222 old state=SUSPENDED")
    for absent in (("State",), ("Status",)):
        there.faults.clear()
        there.spoil("ListAccounts", without(*absent))
        found = listing()
        assert [row["state"] for row in found.rows] == ["ACTIVE", "SUSPENDED"]
        assert found.to_read == ["111111111111"]


def test_neither_state_nor_status_is_no_account_list(world: Worlds, listing: Listing) -> None:
    there = world(LARGE)
    there.spoil("ListAccounts", without("State", "Status"))
    with pytest.raises(NoReportError, match=r"no account list: .*neither State nor Status"):
        listing()


def test_an_answer_without_accounts_is_no_account_list(world: Worlds, listing: Listing) -> None:
    there = world(LARGE)
    there.spoil("ListAccounts", changed(lambda value: value.pop("Accounts")))
    with pytest.raises(NoReportError, match=r"no account list: .*no Accounts"):
        listing()


@pytest.mark.parametrize("code", ["AccessDeniedException", "AWSOrganizationsNotInUseException"])
def test_a_refused_list_says_where_to_run_what_to_grant_and_what_to_configure(
    code: str, world: Worlds, listing: Listing
) -> None:
    there = world(LARGE)
    there.refuse("ListAccounts", code)
    with pytest.raises(NoReportError, match=f"no account list: .*{code}") as caught:
        listing()
    said = str(caught.value)
    assert "management account or a delegated administrator account" in said
    assert "organizations:ListAccounts" in said
    assert "[[account]]" in said
    assert "\n" not in said


def test_the_management_account_is_known_or_unknown_but_never_guessed(
    world: Worlds, listing: Listing
) -> None:
    there = world("management 111111111111 payer\naccount 222222222222 web")
    assert [row["is_management"] for row in listing().rows] == [True, False]
    there.refuse("DescribeOrganization", "AccessDeniedException")
    assert [row["is_management"] for row in listing().rows] == [None, None]


def test_a_configured_list_asks_organizations_nothing(world: Worlds, listing: Listing) -> None:
    there = world(LARGE)
    found = listing(
        discover="list",
        configured=(ConfiguredAccount("999999999999", "far"), ConfiguredAccount(MEMBERS[0])),
    )
    assert [(r["account_id"], r["account_name"], r["state"]) for r in found.rows] == [
        ("999999999999", "far", "ACTIVE"),
        (MEMBERS[0], "", "ACTIVE"),
        ("111111111111", "", "ACTIVE"),
    ]
    assert found.to_read == sorted(["999999999999", MEMBERS[0], "111111111111"])
    assert not [call for call in there.calls if call.service == "organizations"]


@pytest.mark.parametrize(
    ("chosen", "read"),
    [
        ({}, {"222222222222", "111111111111"}),
        ({"exclude_accounts": ("111111111111",)}, {"222222222222"}),
        ({"accounts": ("222222222222",)}, {"222222222222"}),
        ({"accounts": ("111111111111",)}, {"111111111111"}),
    ],
)
def test_the_jobs_own_account_belongs_to_a_configured_list_unless_it_is_left_out(
    chosen: dict[str, Any], read: set[str], world: Worlds, listing: Listing
) -> None:
    world("management 111111111111 payer\naccount 222222222222 web")
    for own in ((), (ConfiguredAccount("111111111111", "own"),)):
        found = listing(
            discover="list", configured=(ConfiguredAccount("222222222222"), *own), **chosen
        )
        assert set(found.to_read) == read
        assert [row["account_id"] for row in found.rows] == ["222222222222", "111111111111"]
        assert found.rows[1]["account_name"] == ("own" if own else "")


def test_a_configured_name_wins_over_that_of_the_organization(
    world: Worlds, listing: Listing
) -> None:
    world("management 111111111111 payer\naccount 222222222222 web")
    found = listing(configured=(ConfiguredAccount("222222222222", "shop"),))
    assert [row["account_name"] for row in found.rows] == ["payer", "shop"]


@pytest.mark.parametrize(
    ("scope", "where"),
    [
        ({"discover": "organizations"}, "45 listed"),
        ({"discover": "list", "configured": (ConfiguredAccount("000000000201"),)}, "2 listed"),
    ],
)
def test_an_account_that_is_not_listed_is_refused_with_its_place_and_the_nearest(
    scope: dict[str, Any], where: str, world: Worlds, listing: Listing
) -> None:
    world(LARGE)
    named = {"--account": ("000000000201",), "a key": ("000000000201", "900000000201")}
    said = rf"^a key: 900000000201 is not among the {where} accounts; the nearest is 000000000201$"
    with pytest.raises(ConfigError, match=said):
        listing(**scope, named=named)


def test_a_list_of_which_nothing_is_to_be_read_ends_the_run(
    world: Worlds, listing: Listing
) -> None:
    world("management 111111111111 payer\naccount 222222222222 old state=SUSPENDED")
    with pytest.raises(NoReportError, match="none of the 2 listed accounts is to be read"):
        listing(exclude_accounts=("111111111111",))
