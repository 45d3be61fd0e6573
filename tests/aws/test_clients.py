"""How many clients there are, whose keys sign, and what is logged."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials
from botocore.session import Session

from ri_report import __version__
from ri_report.aws.clients import Clients, home_region, using
from ri_report.aws.clock import Clock
from ri_report.aws.dispatch import FEW
from ri_report.aws.permissions import APPLICATION_ACTIONS, MEMBER_ACTIONS
from ri_report.errors import ConfigError, NoReportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Worlds = Callable[..., Any]
    Make = Callable[..., Clients]

MANY = "\n".join(
    ["management 111111111111 payer", *(f"account {n:012d} member" for n in range(1, 13))]
)


def test_there_is_one_client_per_service_and_region_however_many_accounts(
    world: Worlds, gather: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world(MANY)
    made: list[tuple[str, str]] = []
    create = Session.create_client

    def counted(session: Session, service: str, *rest: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on as it is
        made.append((service, options["region_name"]))
        return create(session, service, *rest, **options)

    monkeypatch.setattr(Session, "create_client", counted)
    seen = gather(regions=("us-east-1", "eu-west-1"))
    assert seen.accounts["account_id"].nunique() == 13
    assert sorted(made) == [
        ("ec2", "eu-west-1"),
        ("ec2", "us-east-1"),
        ("organizations", "us-east-1"),
        ("sts", "us-east-1"),
    ]


NOTING = """
import os
from botocore.session import Session

create = Session.create_client

def noted(session, service, *rest, **options):
    with open(os.environ["CLIENTS_MADE"], "a") as made:
        print(os.getpid(), service, options["region_name"], file=made)
    return create(session, service, *rest, **options)

Session.create_client = noted
"""


def test_each_process_has_one_client_per_service_and_region(
    world: Worlds, gather: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Python runs a `sitecustomize` first of all in every process that it starts."""
    made = tmp_path / "made"
    (tmp_path / "sitecustomize.py").write_text(NOTING, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CLIENTS_MADE", str(made))
    members = (f"account {number:012d} member" for number in range(1, FEW + 12))
    world("\n".join(["management 111111111111 payer", *members]))
    seen = gather(regions=("us-east-1", "eu-west-1"), processes=2)
    assert seen.accounts["account_id"].nunique() == FEW + 12
    clients = made.read_text(encoding="utf-8").splitlines()
    assert str(os.getpid()) not in {line.split()[0] for line in clients}
    assert {line.partition(" ")[2] for line in clients} == {
        "ec2 eu-west-1",
        "ec2 us-east-1",
        "sts us-east-1",
    }
    assert sorted(clients) == sorted(set(clients))


def test_threads_that_ask_at_once_get_the_same_client(world: Worlds, clients: Make) -> None:
    world(MANY)
    shared = clients()
    start = threading.Barrier(8)

    def ask(_: int) -> int:
        start.wait()
        return id(shared.client("ec2", "us-east-1"))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert shared.count == 1


def test_each_thread_signs_with_the_credentials_at_its_hand(clients: Make, world: Worlds) -> None:
    world(MANY)
    client = clients().client("sts", "us-east-1")
    signed: dict[str, str] = {}

    def note(request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's request
        signed[threading.current_thread().name] = request.headers["Authorization"].decode()

    client.meta.events.register("before-send.sts", note)
    start = threading.Barrier(4)

    def ask(key: str) -> None:
        threading.current_thread().name = key
        start.wait()
        with using(Credentials(key, "x")), pytest.raises(Exception, match="InvalidClientTokenId"):
            client.get_caller_identity()  # type: ignore[attr-defined]  # made at run time

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, ["AKIDA", "AKIDB", "AKIDC", "AKIDD"]))
    assert {name: name in header for name, header in signed.items()} == dict.fromkeys(
        ["AKIDA", "AKIDB", "AKIDC", "AKIDD"], True
    )


def test_a_call_without_credentials_at_hand_is_a_mistake_of_the_program(
    world: Worlds, clients: Make
) -> None:
    world(MANY)
    with pytest.raises(LookupError):
        clients().client("sts", "us-east-1").get_caller_identity()  # type: ignore[attr-defined]  # made at run time


def test_clients_wait_five_seconds_for_a_connection_and_thirty_for_an_answer(
    world: Worlds, clients: Make
) -> None:
    world(MANY)
    config: Any = clients(concurrency=7).client("ec2", "us-east-1").meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.max_pool_connections == 7
    assert config.retries["mode"] == "standard"
    assert f"ri-report/{__version__}" in config.user_agent


@pytest.mark.parametrize(
    ("configured", "home"),
    [
        ("", "us-east-1"),
        ("eu-central-1", "eu-central-1"),
        ("eu-south-2", "us-east-1"),
        ("cn-northwest-1", "cn-northwest-1"),
        ("us-gov-east-1", "us-gov-east-1"),
        ("eusc-de-east-1", "eusc-de-east-1"),
    ],
)
def test_the_home_region_is_one_that_every_account_has_enabled(configured: str, home: str) -> None:
    assert home_region(Session(), configured) == home


def test_sts_is_asked_at_its_regional_endpoint(
    clients: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    made = clients()
    address = made.client("sts", made.home_region).meta.endpoint_url
    assert address == "https://sts.us-east-1.amazonaws.com"
    assert made.custom_endpoint == ""


def test_an_endpoint_of_ones_own_is_named_without_its_password(
    clients: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://someone:hidden@aws.example.com:8443/x")
    assert clients().custom_endpoint == "aws.example.com"


OWN_ENDPOINTS = {
    ("STS",): "sts: sts.example.com",
    ("EC2", "ORGANIZATIONS"): "ec2: ec2.example.com, organizations: organizations.example.com",
}


@pytest.mark.parametrize("services", OWN_ENDPOINTS)
def test_each_service_that_goes_elsewhere_is_named(
    clients: Make, monkeypatch: pytest.MonkeyPatch, services: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    for service in services:
        address = f"https://{service.lower()}.example.com"
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", address)
    assert clients().custom_endpoint == OWN_ENDPOINTS[services]


def test_a_profile_that_does_not_exist_is_a_configuration_error(clients: Make) -> None:
    with pytest.raises(ConfigError, match=r"profile \(nowhere\) could not be found"):
        clients(profile="nowhere")


def test_no_credentials_at_all_end_the_run_in_one_line(clients: Make) -> None:
    with pytest.raises(NoReportError, match="no usable AWS credentials: none found") as caught:
        clients()
    assert "\n" not in str(caught.value)


def test_half_of_a_key_pair_ends_the_run_in_one_line(
    clients: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    with pytest.raises(NoReportError, match=r"Partial credentials.*AWS_SECRET_ACCESS_KEY"):
        clients()


PROFILE_WITH_A_CODE = """
[profile job]
region = us-east-1
role_arn = arn:aws:iam::111111111111:role/Job
source_profile = user
mfa_serial = arn:aws:iam::111111111111:mfa/someone
[profile user]
aws_access_key_id = AKIDUSER
aws_secret_access_key = canary
"""


def test_credentials_that_a_process_never_gives_end_the_run_with_the_profile_and_the_time(
    clients: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "keys")
    (tmp_path / "config").write_text(
        f"[profile job]\ncredential_process = cat {tmp_path / 'keys'}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr("ri_report.aws.patience.CALL_SECONDS", 0.3)
    said = r"no usable AWS credentials: .*AWS profile job.* within 0 seconds\. Give the job a role"
    try:
        with pytest.raises(NoReportError, match=said) as caught:
            clients(profile="job", clock=Clock())
    finally:
        (tmp_path / "keys").write_text("{}")
    assert "\n" not in str(caught.value)


def test_a_process_for_credentials_that_is_not_there_ends_the_run_with_the_profile(
    clients: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile job]\ncredential_process = /nonexistent\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    said = r"no usable AWS credentials: .*AWS profile job.*: No such file or directory\. Give"
    with pytest.raises(NoReportError, match=said):
        clients(profile="job")


def test_a_code_that_nobody_is_there_to_type_ends_the_run_in_one_line(
    world: Worlds, tmp_path: Path
) -> None:
    """As from cron: without a terminal, and with nothing to read."""
    there = world(MANY)
    (tmp_path / "config").write_text(PROFILE_WITH_A_CODE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ended = subprocess.run(
        [sys.executable, "-m", "ri_report", "run", "--profile", "job", "--no-progress"],
        cwd=tmp_path,
        env=kept | {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_ENDPOINT_URL": there.url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert ended.returncode == 4
    assert "canary" not in ended.stderr
    (said,) = ended.stderr.splitlines()
    assert said.startswith("error: no usable AWS credentials: ")
    assert "asks for an MFA code (mfa_serial), and nobody typed it" in said
    assert "Give the job a role" in said


def test_a_broken_configuration_file_is_a_configuration_error(
    clients: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default\nregion\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(ConfigError, match="Unable to parse config file"):
        clients()


def test_debug_logging_writes_no_key_and_no_external_id(
    world: Worlds, gather: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    there = world(
        "management 111111111111 payer\naccount 222222222222 web external-id=canary-external"
    )
    secrets: list[str] = []
    truth = there.spoiled

    def noted(request: Any, answer: Any) -> Any:  # noqa: ANN401 - passed on as they are
        text = answer.body.decode()
        for name in ("SecretAccessKey", "SessionToken", "AccessKeyId"):
            secrets.extend(p.split("<")[0] for p in text.split(f"<{name}>")[1:])
        return truth(request, answer)

    there.spoiled = noted
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("botocore").setLevel(logging.DEBUG)
        gather(regions=("us-east-1",), external_id="canary-external")
    assert len(secrets) == 3
    for secret in (*secrets, "canary-external", "wJalrXUtnFEMI"):
        assert secret not in caplog.text


@pytest.fixture
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


@pytest.mark.usefixtures("_keys")
@pytest.mark.parametrize(
    ("wrong", "near"),
    [("us_east_1", "us-east-1"), ("us-esat-1", "us-east-1"), ("eu-wset-2", "eu-west-2")],
)
@pytest.mark.parametrize("where", ["AWS_REGION", "AWS_DEFAULT_REGION", "region of a profile"])
def test_a_home_region_that_does_not_exist_is_refused_with_its_place_and_the_nearest(
    clients: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    where: str,
    wrong: str,
    near: str,
) -> None:
    if where == "AWS_DEFAULT_REGION":
        monkeypatch.setenv(where, wrong)
    elif where == "region of a profile":
        (tmp_path / "config").write_text(f"[profile job]\nregion = {wrong}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_PROFILE", "job")
        where = "region of the AWS profile job"
    with pytest.raises(ConfigError, match=f"^{where}: .*'{wrong}'.* nearest is {near}"):
        clients(region=wrong if where == "AWS_REGION" else "")


@pytest.mark.usefixtures("_keys")
@pytest.mark.parametrize("value", ["localhost:99", "http://", "ftp://localhost", "//canary@x"])
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"])
def test_an_endpoint_that_is_no_address_is_refused_with_its_variable(
    clients: Make, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"^{name}: .*http") as caught:
        clients().client("ec2", "us-east-1")
    assert "canary" not in str(caught.value)


@pytest.mark.usefixtures("_keys")
def test_an_endpoint_of_the_configuration_file_that_is_no_address_is_refused(
    clients: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = localhost:99\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(ConfigError, match=r"^endpoint_url of the AWS profile default: "):
        clients().client("sts", "us-east-1")


ADDRESSES = {
    "eu-west-1": ("sts.eu-west-1.amazonaws.com", "organizations.us-east-1.amazonaws.com"),
    "us-east-1": ("sts.us-east-1.amazonaws.com", "organizations.us-east-1.amazonaws.com"),
    "cn-north-1": (
        "sts.cn-north-1.amazonaws.com.cn",
        "organizations.cn-northwest-1.amazonaws.com.cn",
    ),
    "us-gov-east-1": (
        "sts.us-gov-east-1.amazonaws.com",
        "organizations.us-gov-west-1.amazonaws.com",
    ),
}


@pytest.mark.usefixtures("_keys")
@pytest.mark.parametrize("region", ADDRESSES)
def test_each_partition_is_asked_at_its_own_addresses(clients: Make, region: str) -> None:
    """STS in the region; Organizations where each partition has its one endpoint, as listed in
    https://docs.aws.amazon.com/general/latest/gr/ao.html and .../sts.html.
    """
    made = clients(region=region)
    sent = {}

    def note(request: Any, **_: object) -> NoReturn:  # noqa: ANN401 - botocore's request
        host = urlsplit(request.url).hostname
        sent[host.split(".")[0]] = host, request.headers["Authorization"].decode()
        raise InterruptedError

    for service, operation in (("sts", "get_caller_identity"), ("organizations", "list_accounts")):
        client = made.client(service, made.home_region)
        client.meta.events.register(f"before-send.{service}", note)
        with using(made.base), pytest.raises(InterruptedError):
            getattr(client, operation)()
    sts, organizations = ADDRESSES[region]
    assert (sent["sts"][0], sent["organizations"][0]) == (sts, organizations)
    assert f"/{region}/sts/" in sent["sts"][1]
    assert f"/{organizations.split('.')[1]}/organizations/" in sent["organizations"][1]
    ec2 = made.client("ec2", region).meta.endpoint_url
    assert ec2 == f"https://ec2.{region}.{sts.split('.', 2)[2]}"
    assert made.custom_endpoint == ""


def test_a_client_can_do_nothing_but_what_the_job_calls(
    clients: Callable[..., Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    made = clients()
    can = {
        f"{service}:{operation}"
        for service in ("ec2", "sts", "organizations")
        for operation in made.client(service, "us-east-1").meta.service_model.operation_names
    }
    own = {"sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"}
    assert can == {*MEMBER_ACTIONS, *APPLICATION_ACTIONS, *own}
    assert not hasattr(made.client("ec2", "us-east-1"), "terminate_instances")
