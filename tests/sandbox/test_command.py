"""`ri-report sandbox` serves organizations of any size, and says at the end what was called."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "ri_report", "sandbox")


@contextmanager
def _serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The running command, and the environment that it prints."""
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            assert process.stderr.readline().startswith("Serving ")
            os.set_blocking(process.stdout.fileno(), False)
            lines = process.stdout.read().splitlines()
            words = (line.removeprefix("export ").partition("=") for line in lines)
            yield process, {name: value for name, _, value in words}
        finally:
            process.kill()


def _client(environment: dict[str, str], service: str) -> object:
    return boto3.session.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    ).client(service, "us-east-1", endpoint_url=environment["AWS_ENDPOINT_URL"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_at_the_end_it_says_what_was_called(number: signal.Signals, code: int) -> None:
    options = ("--accounts", "45", "--regions", "2", "--instances-per-region", "7")
    with _serving(*options, "--latency-ms", "30") as (process, environment):
        client = _client(environment, "organizations")
        start = time.monotonic()
        pages = client.get_paginator("list_accounts").paginate()  # type: ignore[attr-defined] # clients are made at run time
        assert [len(page["Accounts"]) for page in pages] == [20, 20, 5]
        assert time.monotonic() - start > 3 * 0.03
        client.close()  # type: ignore[attr-defined] # the same
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "3 calls, 0 refused for their rate\n  3 organizations:ListAccounts, 0 refused\n" in err


def test_without_a_number_of_accounts_it_is_the_demo() -> None:
    with _serving() as (process, environment):
        client = _client(environment, "organizations")
        accounts = client.list_accounts()["Accounts"]  # type: ignore[attr-defined] # clients are made at run time
        client.close()  # type: ignore[attr-defined] # the same
        process.terminate()
        process.communicate(timeout=10)
    assert accounts[0]["Name"] == "org-management"
    assert len(accounts) == 14


@pytest.mark.parametrize("option", ["--regions", "--instances-per-region"])
def test_a_size_without_accounts_is_refused(option: str) -> None:
    ended = subprocess.run([*COMMAND, option, "3"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "need --accounts" in ended.stderr
