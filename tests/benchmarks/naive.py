"""The collection as a first script does it: a loop over accounts and regions, one call at a time.

A session for each account, a client for each account and region, and boto3 as it comes. It asks
what the job asks, and what it prints is compared with what the job has read.

    python -m tests.benchmarks.naive ROLE_NAME ACCOUNT_ID...
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from boto3.session import Session


def collect(account_ids: list[str], role_name: str) -> dict[str, dict[str, int]]:
    """Return how many instances and reservations each account holds."""
    found = {}
    for account_id in account_ids:
        session = assumed(account_id, role_name)
        ec2 = session.client("ec2", region_name="us-east-1")
        regions = [region["RegionName"] for region in ec2.describe_regions()["Regions"]]
        instances: list[Any] = []
        reservations: list[Any] = []
        capacity: list[Any] = []
        zones: list[Any] = []
        for region in regions:
            ec2 = session.client("ec2", region_name=region)
            running = [{"Name": "instance-state-name", "Values": ["running"]}]
            for page in ec2.get_paginator("describe_instances").paginate(Filters=running):
                for launch in page["Reservations"]:
                    instances += launch["Instances"]
            reservations += ec2.describe_reserved_instances()["ReservedInstances"]
            active = [{"Name": "state", "Values": ["active"]}]
            for owned in ec2.get_paginator("describe_capacity_reservations").paginate(
                Filters=active
            ):
                capacity += owned["CapacityReservations"]
            zones += ec2.describe_availability_zones()["AvailabilityZones"]
        found[account_id] = {
            "instances": len(instances),
            "reservations": len(reservations),
            "capacity_reservations": len(capacity),
            "zones": len(zones),
        }
    return found


def assumed(account_id: str, role_name: str) -> Session:
    """Return a session with a role of an account."""
    keys = boto3.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account_id}:role/{role_name}", RoleSessionName="naive"
    )["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


if __name__ == "__main__":
    print(json.dumps(collect(sys.argv[2:], sys.argv[1])))
