"""Organizations: the accounts under the management account.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.paging import page

if TYPE_CHECKING:
    from ri_report.sandbox.call import Call, Operation
    from ri_report.sandbox.organization import Account, Json, Organization

PAGE_SIZE = 20


def list_accounts(call: Call) -> Json:
    """List the organization's accounts, at most 20 a page, to the management account alone."""
    organization = call.organization
    if call.account.account_id != organization.management_account_id:
        message = "You don't have permissions to access this resource."
        raise ApiError("AccessDeniedException", message)
    size = call.parameters.get("MaxResults", PAGE_SIZE)
    if size > PAGE_SIZE:
        raise ApiError("InvalidInputException", "You specified an invalid value: MaxResults <= 20")
    token = call.parameters.get("NextToken", "")
    try:
        accounts, following = page(
            organization.accounts, size, token, call.action, twist=call.twist
        )
    except ValueError as error:
        message = "You specified an invalid value: NextToken"
        raise ApiError("InvalidInputException", message) from error
    return {"Accounts": [_described(organization, a) for a in accounts], **following}


def describe_organization(call: Call) -> Json:
    """Describe the organization of the caller's account; AWS answers this to every member."""
    organization = call.organization
    management = organization.management_account_id
    return {
        "Organization": {
            "Id": organization.organization_id,
            "Arn": _arn(organization, "organization", organization.organization_id),
            "FeatureSet": "ALL",
            "MasterAccountArn": _account_arn(organization, management),
            "MasterAccountId": management,
            "MasterAccountEmail": f"aws+{management}@example.com",
            "AvailablePolicyTypes": [],
        }
    }


def _described(organization: Organization, account: Account) -> Json:
    is_management = account.account_id == organization.management_account_id
    return {
        "Id": account.account_id,
        "Arn": _account_arn(organization, account.account_id),
        "Email": f"aws+{account.account_id}@example.com",
        "Name": account.name,
        # `Status` gives way to `State`; both are answered.
        "Status": account.state,
        "State": account.state,
        "JoinedMethod": "INVITED" if is_management else "CREATED",
        "JoinedTimestamp": organization.founded,
    }


def _account_arn(organization: Organization, account_id: str) -> str:
    return _arn(organization, "account", f"{organization.organization_id}/{account_id}")


def _arn(organization: Organization, kind: str, name: str) -> str:
    return f"arn:aws:organizations::{organization.management_account_id}:{kind}/{name}"


OPERATIONS: dict[str, Operation] = {
    "ListAccounts": list_accounts,
    "DescribeOrganization": describe_organization,
}
