"""The three policy documents that the job needs: read, trust, and the application's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ri_report.aws.permissions import (
    ASSUME_ROLE,
    ORGANIZATION_ACTIONS,
    POLICY_VERSION,
    read_statement,
)

Document = dict[str, Any]
APPLICATION_POLICY = "ri-report-application"


@dataclass(frozen=True)
class Names:
    """What the policies name. In a template they are references instead of values.

    Attributes:
        partition: `aws`, `aws-cn`, `aws-us-gov`, ...
        role_name: The role in every linked account.
        application_account_id: The account that the job runs in.
        application_role_name: The job's role there; "" trusts whomever that account lets assume.
        external_id: What the trust policy demands as external id; "" demands none.
        organization_id: Trust only members of this organization; "" does not ask.
        other_roles: Accounts whose role has a name of its own: account id and role name.
    """

    partition: str
    role_name: str
    application_account_id: str
    application_role_name: str = ""
    external_id: str = ""
    organization_id: str = ""
    other_roles: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)


def read_policy() -> Document:
    """What the member role may do."""
    return _document([read_statement()])


def trust_policy(names: Names) -> Document:
    """Who may assume the member role.

    The principal is the application account, narrowed by conditions: a role named as the
    principal would have to exist first, and would lose its trust when it is made anew
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
    """
    account = f"arn:{names.partition}:iam::{names.application_account_id}"
    statement: Document = {
        "Sid": "LetTheJobReadThisAccount",
        "Effect": "Allow",
        "Principal": {"AWS": f"{account}:root"},
        "Action": ASSUME_ROLE,
    }
    conditions: Document = {}
    if names.application_role_name:
        role = f"{account}:role/{names.application_role_name}"
        conditions["ArnEquals"] = {"aws:PrincipalArn": role}
    equal = {
        "sts:ExternalId": names.external_id,
        "aws:PrincipalOrgID": names.organization_id,
    }
    if any(equal.values()):
        conditions["StringEquals"] = {key: value for key, value in equal.items() if value}
    return _document([statement | ({"Condition": conditions} if conditions else {})])


def application_policy(names: Names) -> Document:
    """What the job itself may do: list accounts, assume the member role, read its own account."""
    list_accounts = {
        "Sid": "ListAccounts",
        "Effect": "Allow",
        "Action": list(ORGANIZATION_ACTIONS),
        "Resource": "*",
    }
    assume = {
        "Sid": "AssumeMemberRole",
        "Effect": "Allow",
        "Action": ASSUME_ROLE,
        "Resource": _member_roles(names),
    }
    return _document([list_accounts, assume, read_statement()])


def _member_roles(names: Names) -> str | list[str]:
    """The one role name in any account, and beside it the accounts that have another."""
    roles = (("*", names.role_name), *names.other_roles)
    arns = [f"arn:{names.partition}:iam::{account}:role/{name}" for account, name in roles]
    return arns if names.other_roles else arns[0]


def _document(statements: list[Document]) -> Document:
    return {"Version": POLICY_VERSION, "Statement": statements}
