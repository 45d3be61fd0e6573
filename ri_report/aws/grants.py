"""What the accounts must grant, as `ri-report iam` prints it: the policies in four forms."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ri_report.aws.policies import (
    APPLICATION_POLICY,
    Names,
    application_policy,
    read_policy,
    trust_policy,
)
from ri_report.aws.scope import check
from ri_report.aws.templates import cloudformation, stackset, terraform
from ri_report.errors import ConfigError
from ri_report.inventory.names import (
    checked_account_id,
    checked_external_id,
    checked_role_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PARTITION = re.compile(r"aws(-[a-z]+)*")
# https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")


def grants(  # noqa: PLR0913 - one keyword for each name that the policies hold
    form: str,
    *,
    role_name: str,
    application_account_id: str,
    application_role_name: str = "",
    external_id: str = "",
    organization_id: str = "",
    partition: str = "aws",
    other_roles: tuple[tuple[str, str], ...] = (),
) -> str:
    """Print the member role and the application's own policy; needs no AWS access.

    Args:
        form: `json`, `cloudformation`, `stackset` or `terraform`.
        role_name: As the other arguments, see `policies.Names`.
        application_account_id: The account that the job runs in.
        application_role_name: The job's role there, "" for any.
        external_id: External id of the trust policy, "" for none.
        organization_id: Organization whose members alone are trusted, "" for any.
        partition: For `json`; a template finds its partition where it is deployed.
        other_roles: As in `policies.Names`.

    Raises:
        ConfigError: a value that AWS would refuse, or an unknown form.
    """
    names = Names(
        partition,
        role_name,
        application_account_id,
        application_role_name,
        external_id,
        organization_id,
        other_roles=other_roles,
    )
    if form not in FORMS:
        raise ConfigError(f"--format {form!r}: use one of {', '.join(FORMS)}")
    _check(names)
    return FORMS[form](names).rstrip() + "\n"


def _check(names: Names) -> None:
    check("--role-name", checked_role_name, names.role_name)
    check("role_name", checked_role_name, *(name for _, name in names.other_roles))
    check("--application-account", checked_account_id, names.application_account_id)
    if names.application_role_name:
        check("--application-role", checked_role_name, names.application_role_name)
    check("--external-id", checked_external_id, names.external_id)
    if names.organization_id and not ORGANIZATION_ID.fullmatch(names.organization_id):
        raise ConfigError(
            f"organization {names.organization_id!r}: use its id, such as o-a1b2c3d4e5"
        )
    if not PARTITION.fullmatch(names.partition):
        raise ConfigError(f"partition {names.partition!r}: use aws, aws-cn or aws-us-gov")


def _json(names: Names) -> str:
    return json.dumps(
        {
            "MemberRole": {
                "RoleName": names.role_name,
                "AssumeRolePolicyDocument": trust_policy(names),
                "PolicyDocument": read_policy(),
            },
            "ApplicationPolicy": {
                "PolicyName": APPLICATION_POLICY,
                "PolicyDocument": application_policy(names),
            },
        },
        indent=2,
    )


FORMS: Final[dict[str, Callable[[Names], str]]] = {
    "json": _json,
    "cloudformation": cloudformation,
    "stackset": stackset,
    "terraform": terraform,
}
