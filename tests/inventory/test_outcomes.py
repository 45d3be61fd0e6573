"""Which outcomes are gaps: everything that should have been read and was not."""

from __future__ import annotations

import pytest

from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status, accounts_read

GAPS = [
    (Status.DENIED, "role"),
    (Status.DENIED, "iam"),
    (Status.DENIED, "scp"),
    (Status.SKIPPED, "no_file"),
    (Status.SKIPPED, ""),
    (Status.SKIPPED, "a reason of a later version"),
    (Status.THROTTLED, "RequestLimitExceeded"),
    (Status.TIMEOUT, "ReadTimeoutError"),
    (Status.NETWORK, "EndpointConnectionError"),
    (Status.MALFORMED, ""),
    (Status.EXPIRED, "ExpiredToken"),
    (Status.INTEGRITY, "other_account"),
]
NO_GAPS = [
    (Status.OK, ""),
    (Status.EMPTY, ""),
    (Status.SKIPPED, "account_state"),
    (Status.SKIPPED, "excluded"),
    (Status.SKIPPED, "not_opted_in"),
]


def outcome(status: Status, reason: str) -> Outcome:
    return Outcome("111122223333", "us-east-1", CellKind.INSTANCES, status, reason)


@pytest.mark.parametrize(("status", "reason"), GAPS)
def test_what_was_not_read_is_a_gap(status: Status, reason: str) -> None:
    assert outcome(status, reason).is_gap


@pytest.mark.parametrize(("status", "reason"), NO_GAPS)
def test_what_was_read_or_is_not_to_be_read_is_no_gap(status: Status, reason: str) -> None:
    assert not outcome(status, reason).is_gap


def test_every_status_is_decided_above() -> None:
    assert {status for status, _ in GAPS + NO_GAPS} == set(Status)


def test_a_row_of_the_frame_says_whether_it_is_a_gap() -> None:
    frame = OUTCOMES.of([outcome(Status.DENIED, "role").row()])
    assert frame["is_gap"].tolist() == [True]
    assert frame["kind"].tolist() == ["instances"]
    assert frame["status"].tolist() == ["DENIED"]
    assert frame["detail"].tolist() == [""]


def test_one_list_even_an_empty_one_makes_an_account_read() -> None:
    def of(account_id: str, kind: CellKind, status: Status) -> Outcome:
        return Outcome(account_id, "us-east-1", kind, status)

    outcomes = [
        of("111111111111", CellKind.INSTANCES, Status.EMPTY),
        of("111111111111", CellKind.RESERVATIONS, Status.DENIED),
        of("222222222222", CellKind.ZONES, Status.OK),
        of("222222222222", CellKind.CAPACITY, Status.OK),
        of("333333333333", CellKind.RESERVATIONS, Status.OK),
        of("444444444444", CellKind.INSTANCES, Status.SKIPPED),
    ]
    assert accounts_read(outcomes) == {"111111111111", "333333333333"}
