"""Who the job is, how a role is assumed, and what is never said."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.aws.credentials import (
    MOST_RENEWALS,
    SESSION_SECONDS,
    Caller,
    RoleCredentials,
    identify,
)
from ri_report.aws.faults import Fault, FaultError
from ri_report.aws.patience import CALL_SECONDS
from ri_report.aws.scope import ConfiguredAccount, Scope
from ri_report.errors import ConfigError, NoReportError
from ri_report.inventory.outcomes import Status
from ri_report.sandbox.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import Credentials

    from ri_report.aws.clients import Clients

    Worlds = Callable[..., Any]
    Make = Callable[..., Clients]

WEB = "222222222222"
EXPIRED = Fault(Status.EXPIRED, "ExpiredToken", "ec2:DescribeInstances: ExpiredToken", "Renew")
COMPANY = f"management 111111111111 payer\naccount {WEB} web\naccount 333333333333 data role=Other"


def roles(clients: Clients, **scope: Any) -> RoleCredentials:  # noqa: ANN401 - fields of Scope
    wanted = Scope(role_name="CrossAccountInstanceCounter", **scope)
    return RoleCredentials(clients, identify(clients), wanted)


def test_the_caller_is_known_by_account_partition_and_arn(world: Worlds, clients: Make) -> None:
    world(COMPANY)
    arn = "arn:aws:iam::111111111111:user/ri-report"
    assert identify(clients()) == Caller("111111111111", "aws", arn)


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:iam::111111111111:user/a/b", "arn:aws:iam::111111111111:user/a/b"),
        ("arn:aws:sts::111111111111:assumed-role/Job/i-0abc", "arn:aws:iam::111111111111:role/Job"),
    ],
)
def test_a_trust_policy_names_the_role_behind_a_session(arn: str, principal: str) -> None:
    assert Caller("111111111111", "aws", arn).principal == principal


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_the_role_lies_in_the_partition_of_the_caller(
    partition: str, world: Worlds, clients: Make
) -> None:
    world(COMPANY)
    caller = Caller("111111111111", partition, f"arn:{partition}:iam::111111111111:user/x")
    made = RoleCredentials(clients(), caller, Scope(role_name="R"))
    assert made.principal(WEB) == f"arn:{partition}:iam::{WEB}:role/R"
    assert made.principal("111111111111") == caller.arn


def test_a_role_is_assumed_once_and_kept(world: Worlds, clients: Make) -> None:
    there = world(COMPANY)
    made = roles(clients())
    assert made.assume(WEB) is made.assume(WEB)
    assert len([c for c in there.calls if c.operation == "AssumeRole"]) == 1


def test_an_account_may_have_a_role_of_its_own(world: Worlds, clients: Make) -> None:
    world(COMPANY)
    own = (ConfiguredAccount("333333333333", role_name="Other"),)
    credentials = roles(clients(), configured=own).assume("333333333333")
    assert "ASIA" in str(credentials.get_frozen_credentials().access_key)


def test_a_role_is_assumed_again_before_its_session_ends(world: Worlds, clients: Make) -> None:
    there = world(COMPANY)
    made = clients()
    account = roles(made)
    assert account.of(WEB) is None
    first = account.assume(WEB)
    made.clock.sleep(SESSION_SECONDS - CALL_SECONDS - 60)
    assert account.of(WEB) is first
    made.clock.sleep(60)
    assert account.of(WEB) is None
    assert account.assume(WEB) is account.of(WEB) is not first
    assert len([c for c in there.calls if c.operation == "AssumeRole"]) == 2


def test_a_refused_renewal_is_expired_leaves_what_is_kept_and_logs_no_key(
    world: Worlds, clients: Make, caplog: pytest.LogCaptureFixture
) -> None:
    there = world(COMPANY)
    account = roles(clients())
    first = account.assume(WEB)
    there.refuse("AssumeRole", "AccessDenied", status=403)
    account.put_aside(WEB, first, EXPIRED)
    assert account.assume(WEB) is account.of(WEB) is first
    with pytest.raises(FaultError) as caught:
        account.put_aside(WEB, first, EXPIRED)
    assert (caught.value.fault.status, caught.value.fault.reason) == (Status.EXPIRED, "role")
    assert "could not be assumed again" in caught.value.fault.fix
    assert len([c for c in there.calls if c.operation == "AssumeRole"]) == 2
    assert "ASIA" not in caplog.text


def test_a_role_is_assumed_again_at_most_twice_for_keys_that_aws_refuses(
    world: Worlds, clients: Make
) -> None:
    there = world(COMPANY)
    account = roles(clients())
    for _ in range(MOST_RENEWALS):
        refused = account.assume(WEB)
        account.put_aside(WEB, refused, EXPIRED)
        fresh = account.assume(WEB)
        account.put_aside(WEB, refused, EXPIRED)
        assert account.of(WEB) is fresh
    with pytest.raises(FaultError) as caught:
        account.put_aside(WEB, fresh, EXPIRED)
    assert caught.value.fault is EXPIRED
    assert len([c for c in there.calls if c.operation == "AssumeRole"]) == 1 + MOST_RENEWALS


def test_keys_that_are_refused_while_the_role_is_being_assumed_again_are_put_aside_at_once(
    world: Worlds, clients: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world(COMPANY)
    account = roles(clients())
    old = account.assume(WEB)
    account.put_aside(WEB, old, EXPIRED)
    is_asked, goes_on, truth = Event(), Event(), RoleCredentials._session

    def slow(assumed: RoleCredentials, account_id: str) -> Credentials:
        is_asked.set()
        assert goes_on.wait(10)
        return truth(assumed, account_id)

    monkeypatch.setattr(RoleCredentials, "_session", slow)
    with ThreadPoolExecutor(2) as pool:
        fresh = pool.submit(account.assume, WEB)
        assert is_asked.wait(10)
        aside = pool.submit(account.put_aside, WEB, old, EXPIRED)
        try:
            aside.result(2)
        finally:
            goes_on.set()
    assert fresh.result() is account.of(WEB) is not old


def test_the_own_keys_of_the_job_are_at_hand_and_not_renewed(world: Worlds, clients: Make) -> None:
    world(COMPANY)
    made = clients()
    account = roles(made)
    assert account.of("111111111111") is account.assume("111111111111") is made.base
    with pytest.raises(FaultError):
        account.put_aside("111111111111", made.base, EXPIRED)


def test_a_cut_answer_to_assume_role_tells_no_key(
    world: Worlds, clients: Make, caplog: pytest.LogCaptureFixture
) -> None:
    there = world(COMPANY)
    keys: list[str] = []

    def cut(body: bytes) -> Response:
        text = body.decode()
        keys.append(text.split("<SecretAccessKey>")[1].split("<")[0])
        return Response(200, {}, body[: text.index("<Expiration>")])

    there.spoil("AssumeRole", cut)
    with pytest.raises(FaultError) as caught:
        roles(clients()).assume(WEB)
    error: BaseException | None = caught.value
    while error is not None:
        assert keys[0] not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__
    assert caught.value.fault.status is Status.MALFORMED
    assert keys[0] not in repr(caught.value.fault)
    assert keys[0] not in caplog.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"AccessKeyId", b"OtherKey"),
        (b"SessionToken", b"OtherToken"),
        (b"AssumedRoleUser", b"OtherUser"),
        (b"<Arn>arn", b"<Arn>nra"),
        (b"RequestId", b"OtherId"),
    ],
)
def test_an_answer_without_its_parts_is_malformed(
    old: bytes, new: bytes, world: Worlds, clients: Make
) -> None:
    there = world(COMPANY)
    there.spoil("AssumeRole", lambda b: Response(200, {}, b.replace(old, new)))
    with pytest.raises(FaultError) as caught:
        roles(clients()).assume(WEB)
    assert caught.value.fault.status is Status.MALFORMED


def test_a_session_that_has_ended_already_points_at_the_clock(world: Worlds, clients: Make) -> None:
    there = world(COMPANY)
    there.spoil(
        "AssumeRole",
        lambda b: Response(200, {}, b.replace(b"<Expiration>20", b"<Expiration>19")),
    )
    with pytest.raises(FaultError, match="the new session ended at 19") as caught:
        roles(clients()).assume(WEB)
    assert caught.value.fault.status is Status.EXPIRED
    assert "clock" in caught.value.fault.fix


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDenied"]
)
def test_base_credentials_that_aws_refuses_end_the_run_at_once(
    code: str, world: Worlds, clients: Make
) -> None:
    there = world(COMPANY)
    there.refuse("GetCallerIdentity", code, "canonical x-amz-security-token:canary", status=403)
    began = time.monotonic()
    with pytest.raises(NoReportError, match=f"no usable AWS credentials: .*{code}") as caught:
        identify(clients())
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value)
    assert "sign in again" in str(caught.value)
    assert "canary" not in str(caught.value) or code == "AccessDenied"


def test_an_unreachable_aws_ends_the_run_with_the_cause(
    world: Worlds, clients: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world(COMPANY)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://someone:hidden@127.0.0.1:1")
    with pytest.raises(NoReportError, match=r"does not say who this job is.*Check DNS") as caught:
        identify(clients())
    assert "hidden" not in str(caught.value)


def test_a_page_instead_of_an_identity_ends_the_run(world: Worlds, clients: Make) -> None:
    there = world(COMPANY)
    there.spoil("GetCallerIdentity", lambda _: Response(200, {}, b"<html>Sign in</html>"))
    with pytest.raises(NoReportError, match="who this job is"):
        identify(clients())


def test_no_repr_shows_a_secret(world: Worlds, clients: Make) -> None:
    world(COMPANY)
    made = clients()
    scope = Scope(role_name="R", external_id="canary-external")
    credentials = roles(made).assume(WEB)
    keys = credentials.get_frozen_credentials()
    shown = f"{scope!r} {made!r} {credentials!r} {roles(made)!r} {made.base!r}"
    for secret in (str(keys.secret_key), str(keys.token), "canary-external", "wJalrXUtnFEMI"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"role_name": "arn:aws:iam::1:role/x"}, "role_name"),
        ({"session_name": "a b"}, "session_name"),
        ({"external_id": "canary secret"}, "external_id"),
        ({"accounts": ("12345678901",)}, "12 digits"),
        ({"exclude_accounts": ("x",)}, "12 digits"),
        ({"configured": (ConfiguredAccount("1"),)}, "12 digits"),
        ({"concurrency": 0}, "concurrency"),
    ],
)
def test_a_scope_that_aws_would_refuse_is_refused_before_the_first_call(
    wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Scope(**{"role_name": "R", **wrong})
    assert "canary" not in str(caught.value)
