"""The collection against moto's server: an endpoint that knows nothing of this project."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FLEET = {"us-east-1": [("m5.large", 3), ("c5.xlarge", 2)], "eu-west-1": [("m5.large", 7)]}


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A moto server with nothing in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("werkzeug", "moto"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    # moto keeps its world for as long as the process lives, whatever server is in front of it.
    urlopen(f"{url}/moto-api/reset", data=b"").close()  # noqa: S310 - loopback
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    try:
        yield url
    finally:
        server.stop()


def client(service: str, region: str = "us-east-1", account_id: str = "") -> Any:  # noqa: ANN401 - made at run time
    """A client of the server's default account or, through a role, of another."""
    if not account_id:
        return boto3.client(service, region_name=region)
    with closing(boto3.client("sts", region_name="us-east-1")) as sts:
        role = f"arn:aws:iam::{account_id}:role/setup"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="setup")["Credentials"]
    return boto3.client(
        service,
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def run_instances(region: str, account_id: str) -> None:
    with closing(client("ec2", region, account_id)) as ec2:
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        for instance_type, count in FLEET[region]:
            started = ec2.run_instances(
                ImageId=image, InstanceType=instance_type, MinCount=count, MaxCount=count
            )["Instances"]
        ec2.stop_instances(InstanceIds=[started[0]["InstanceId"]])


def counted(account_id: str) -> Counter[tuple[str, str, str]]:
    """The running instances of an account, by a paginator and a filter of one's own."""
    found: Counter[tuple[str, str, str]] = Counter()
    for region in FLEET:
        with closing(client("ec2", region, account_id)) as ec2:
            for page in ec2.get_paginator("describe_instances").paginate():
                for launch in page["Reservations"]:
                    for instance in launch["Instances"]:
                        if instance["State"]["Name"] == "running":
                            found[account_id, region, instance["InstanceType"]] += 1
    return found


def test_counts_equal_those_of_an_independent_reading(
    moto: str, gather: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(client("organizations")) as organizations:
        organizations.create_organization(FeatureSet="ALL")
        members = [
            organizations.create_account(Email=f"{name}@example.com", AccountName=name)[
                "CreateAccountStatus"
            ]["AccountId"]
            for name in ("web", "data")
        ]
    for member in members:
        for region in FLEET:
            run_instances(region, member)
    monkeypatch.setattr("ri_report.aws.cells.PAGE_SIZE", 5)

    seen = gather(regions=tuple(FLEET))

    expected = counted(members[0]) + counted(members[1])
    running = seen.instances.groupby(["account_id", "region", "instance_type"]).size()
    assert Counter(running.to_dict()) == expected
    assert expected.total() == 2 * (3 + 1 + 6)
    assert set(seen.accounts["account_name"]) == {"master", "web", "data"}
    assert moto.startswith(f"http://{seen.endpoint}:")
    # moto does not implement DescribeReservedInstances: unknown, and not "none".
    reservations = seen.outcomes[seen.outcomes["kind"] == "reservations"]
    assert reservations["is_gap"].all()
    assert not seen.outcomes[seen.outcomes["kind"] == "instances"]["is_gap"].any()
