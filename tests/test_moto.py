"""`run` against moto's server: an endpoint that knows nothing of this project."""

from __future__ import annotations

import csv
import json
import logging
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANAGEMENT = "123456789012"
ROLE = "CrossAccountInstanceCounter"
REGIONS = ("us-east-1", "eu-west-1")
FLEETS = {
    "management": {"us-east-1": {"t3.nano": 1}},
    "web": {"us-east-1": {"m5.large": 3, "c5.xlarge": 2}, "eu-west-1": {"m5.large": 4}},
    "data": {"eu-west-1": {"r5.2xlarge": 2}},
    "empty": {},
}
IMAGE = "ami-03cf127a"
"""One of the images that moto knows; asking it for the list takes a second each time."""
RUN = Path("reports/2026-11-22T063000Z")


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch, own_environment: None) -> Iterator[None]:  # noqa: ARG001 - comes on top of it
    """A moto server with nothing in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    quiet = [logging.getLogger(name) for name in ("werkzeug", "moto")]
    levels = [logger.level for logger in quiet]
    for logger in quiet:
        logger.setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    # moto keeps its world for as long as the process lives, whatever server is in front of it.
    urlopen(f"{url}/moto-api/reset", data=b"").close()  # noqa: S310 - loopback
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    try:
        with closing(boto3.client("sts", "us-east-1")) as sts:
            assert sts.get_caller_identity()["Account"] == MANAGEMENT
        yield
    finally:
        server.stop()
        for logger, level in zip(quiet, levels, strict=True):
            logger.setLevel(level)


def sessions() -> dict[str, boto3.session.Session]:
    """Make the accounts; return a session in each, by account id."""
    with ExitStack() as stack:
        organizations = stack.enter_context(closing(boto3.client("organizations", "us-east-1")))
        sts = stack.enter_context(closing(boto3.client("sts", "us-east-1")))
        organizations.create_organization(FeatureSet="ALL")
        found = {MANAGEMENT: boto3.session.Session()}
        for name in list(FLEETS)[1:]:
            made = organizations.create_account(Email=f"{name}@example.com", AccountName=name)
            account_id = made["CreateAccountStatus"]["AccountId"]
            keys = sts.assume_role(
                RoleArn=f"arn:aws:iam::{account_id}:role/{ROLE}", RoleSessionName="setup"
            )["Credentials"]
            found[account_id] = boto3.session.Session(
                keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
            )
        return found


def launch(session: boto3.session.Session, fleet: dict[str, dict[str, int]]) -> None:
    """Start the fleet, and beside it one instance a region that is stopped again."""
    for region, kinds in fleet.items():
        with closing(session.client("ec2", region)) as ec2:
            for kind, count in (kinds | {"m4.large": 1}).items():
                started: Any = ec2.run_instances(
                    ImageId=IMAGE,
                    InstanceType=kind,
                    MinCount=count,
                    MaxCount=count,
                )
            ec2.stop_instances(InstanceIds=[started["Instances"][0]["InstanceId"]])


def counted(account_id: str, session: boto3.session.Session) -> Counter[tuple[str, str, str]]:
    """Count the running instances of an account, by paginators of boto3's own."""
    found: Counter[tuple[str, str, str]] = Counter()
    for region in REGIONS:
        with closing(session.client("ec2", region)) as ec2:
            for page in ec2.get_paginator("describe_instances").paginate():
                for reservation in page["Reservations"]:
                    for instance in reservation["Instances"]:
                        if instance["State"]["Name"] == "running":
                            found[account_id, region, instance["InstanceType"]] += 1
    return found


def rows(table: str) -> list[dict[str, str]]:
    with (RUN / "tables" / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_counts_by_account_and_type_equal_those_of_an_independent_reading(
    moto: None,  # noqa: ARG001 - serves the calls
    command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = sessions()
    for session, fleet in zip(accounts.values(), FLEETS.values(), strict=True):
        launch(session, fleet)
    monkeypatch.setattr("ri_report.aws.cells.PAGE_SIZE", 5)
    regions = [word for region in REGIONS for word in ("--region", region)]

    ended = command("run", *regions, "--as-of", "2026-11-22T06:30Z", "--no-progress")

    expected: Counter[tuple[str, str, str]] = Counter()
    for account_id, session in accounts.items():
        expected += counted(account_id, session)
    assert expected.total() == sum(
        count for fleet in FLEETS.values() for kinds in fleet.values() for count in kinds.values()
    )
    shown = {
        (row["account_id"], row["region"], row["instance_type"]): int(row["running_instances"])
        for row in rows("running")
    }
    assert shown == dict(expected)

    # moto does not implement DescribeReservedInstances: what was bought is unknown, not nothing.
    assert ended.code == 3
    assert "Reservations not read: " in ended.err
    unread = {(r["account_id"], r["region"]) for r in rows("gaps") if r["kind"] == "reservations"}
    assert unread == {(account_id, region) for account_id in accounts for region in REGIONS}
    for row in rows("accounts"):
        assert row["reading"] == "partly read"
        assert {row[n] for n in ("covered_units", "coverage_ratio", "purchased_units")} == {""}
    for row in rows("coverage_by_account"):
        assert {row[n] for n in ("covered_units", "uncovered_instances", "coverage_ratio")} == {""}
    facts = json.loads((RUN / "report.json").read_bytes())
    assert facts["completeness"]["accounts_read"] == 0
    assert facts["kpis"]["utilization"]["value"] is None
    assert facts["kpis"]["coverage"]["standing"] == "unknown"
    assert facts["kpis"]["coverage"]["value"] is None
