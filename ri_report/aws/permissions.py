"""What the job asks of AWS: the one list of actions that every policy is generated from."""

from __future__ import annotations

import json

DESCRIBE_REGIONS = "ec2:DescribeRegions"
DESCRIBE_AVAILABILITY_ZONES = "ec2:DescribeAvailabilityZones"
DESCRIBE_CAPACITY_RESERVATIONS = "ec2:DescribeCapacityReservations"
DESCRIBE_INSTANCES = "ec2:DescribeInstances"
DESCRIBE_RESERVED_INSTANCES = "ec2:DescribeReservedInstances"
LIST_ACCOUNTS = "organizations:ListAccounts"
DESCRIBE_ORGANIZATION = "organizations:DescribeOrganization"
ASSUME_ROLE = "sts:AssumeRole"
# Needs no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
GET_CALLER_IDENTITY = "sts:GetCallerIdentity"

MEMBER_ACTIONS = (
    DESCRIBE_AVAILABILITY_ZONES,
    DESCRIBE_CAPACITY_RESERVATIONS,
    DESCRIBE_INSTANCES,
    DESCRIBE_REGIONS,
    DESCRIBE_RESERVED_INSTANCES,
)
ORGANIZATION_ACTIONS = (DESCRIBE_ORGANIZATION, LIST_ACCOUNTS)
APPLICATION_ACTIONS = (*ORGANIZATION_ACTIONS, ASSUME_ROLE)

POLICY_VERSION = "2012-10-17"
SESSION_POLICY_LIMIT = 2048


def read_statement() -> dict[str, object]:
    """The statement that lets an account be read.

    EC2's Describe actions know no resources, so the resource is `*`
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html).
    """
    return {
        "Sid": "ReadInstancesAndReservations",
        "Effect": "Allow",
        "Action": list(MEMBER_ACTIONS),
        "Resource": "*",
    }


def session_policy() -> str:
    """The policy of every assumed session, as compact JSON of at most 2,048 characters.

    A session may do what both this policy and the role allow, so a role that grants too much
    is used for reading only
    (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, Policy).
    """
    document = {"Version": POLICY_VERSION, "Statement": [read_statement()]}
    return json.dumps(document, separators=(",", ":"))
