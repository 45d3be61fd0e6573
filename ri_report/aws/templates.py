"""The member role and the application's policy as CloudFormation, StackSet and Terraform."""

from __future__ import annotations

import json
import re
from textwrap import indent
from typing import Any, Final

from ri_report.aws.policies import (
    APPLICATION_POLICY,
    Names,
    application_policy,
    read_policy,
    trust_policy,
)

Document = dict[str, Any]
READ_POLICY = "ri-report-read"
DESCRIPTION = "Lets ri-report read running instances and reserved instances"
STACKSET_STEPS = (
    (
        "Save this template as ri-report-stackset.json. In the organization's management account, "
        "or as delegated administrator with --call-as DELEGATED_ADMIN:"
    ),
    (
        "aws cloudformation create-stack-set --stack-set-name ri-report "
        "--template-body file://ri-report-stackset.json --capabilities CAPABILITY_NAMED_IAM "
        "--permission-model SERVICE_MANAGED "
        "--auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false"
    ),
    (
        "aws cloudformation create-stack-instances --stack-set-name ri-report "
        "--deployment-targets OrganizationalUnitIds=ROOT_OR_OU_ID --regions ONE_REGION"
    ),
    (
        "IAM is global, so one region is enough. Service-managed stack sets leave out the "
        "management account: where the job runs there, deploy this same template in it as a plain "
        "stack with `aws cloudformation deploy --capabilities CAPABILITY_NAMED_IAM`."
    ),
)
PARAMETERS: Final = {
    "RoleName": "Role that the job assumes in every linked account",
    "ApplicationAccountId": "Account that the job runs in",
    "ApplicationRoleName": "Role that the job runs as",
    "ExternalId": "External id that the job sends",
    "OrganizationId": "Organization whose members alone are trusted",
}
TERRAFORM: Final = """\
data "aws_partition" "current" {{}}

data "aws_caller_identity" "current" {{}}

locals {{
  is_application_account = data.aws_caller_identity.current.account_id == var.application_account_id
}}

# In every linked account.
resource "aws_iam_role" "member" {{
  count       = local.is_application_account ? 0 : 1
  name        = var.role_name
  description = "{about}"

  assume_role_policy = jsonencode({trust})
}}

resource "aws_iam_role_policy" "member" {{
  count = local.is_application_account ? 0 : 1
  name  = "{read_name}"
  role  = aws_iam_role.member[0].id

  policy = jsonencode({read})
}}

# In the account that the job runs in: attach it to the job's role.
resource "aws_iam_policy" "application" {{
  count = local.is_application_account ? 1 : 0
  name  = "{application_name}"

  policy = jsonencode({application})
}}
"""


def cloudformation(names: Names) -> str:
    """One template for every account: the role in linked ones, the policy in the job's own."""
    return _text(_template(names))


def stackset(names: Names) -> str:
    """The same template with the commands that deploy it as a stack set."""
    template = _template(names)
    return _text({**template, "Metadata": {"HowToDeploy": list(STACKSET_STEPS)}})


def _template(names: Names) -> Document:
    parameters = _parameters(names)
    references = Names(
        "${AWS::Partition}",
        *(f"${{{name}}}" if name in parameters else "" for name in PARAMETERS),
        other_roles=names.other_roles,
    )
    role = {
        "RoleName": {"Ref": "RoleName"},
        "Description": DESCRIPTION,
        "AssumeRolePolicyDocument": _substituted(trust_policy(references)),
        "Policies": [{"PolicyName": READ_POLICY, "PolicyDocument": read_policy()}],
    }
    policy = {
        "ManagedPolicyName": APPLICATION_POLICY,
        "Description": "Attach to the role or user that ri-report runs as",
        "PolicyDocument": _substituted(application_policy(references)),
    }
    here = {"Fn::Equals": [{"Ref": "AWS::AccountId"}, {"Ref": "ApplicationAccountId"}]}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": DESCRIPTION,
        "Parameters": parameters,
        "Conditions": {
            "IsApplicationAccount": here,
            "IsMemberAccount": {"Fn::Not": [{"Condition": "IsApplicationAccount"}]},
        },
        "Resources": {
            "MemberRole": {
                "Type": "AWS::IAM::Role",
                "Condition": "IsMemberAccount",
                "Properties": role,
            },
            "ApplicationPolicy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Condition": "IsApplicationAccount",
                "Properties": policy,
            },
        },
    }


def _given(names: Names) -> dict[str, str]:
    """The names that are given, by template parameter, in the order of `Names`."""
    values = (
        names.role_name,
        names.application_account_id,
        names.application_role_name,
        names.external_id,
        names.organization_id,
    )
    return {name: value for name, value in zip(PARAMETERS, values, strict=True) if value}


def _parameters(names: Names) -> Document:
    return {
        name: {"Type": "String", "Default": value, "Description": PARAMETERS[name]}
        | ({"NoEcho": True} if name == "ExternalId" else {})
        for name, value in _given(names).items()
    }


def _substituted(part: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    if isinstance(part, dict):
        return {key: _substituted(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_substituted(value) for value in part]
    return {"Fn::Sub": part} if "${" in part else part


def terraform(names: Names) -> str:
    """One module for every account: the role in linked ones, the policy in the job's own."""
    given = _given(names)
    references = Names(
        "${data.aws_partition.current.partition}",
        *(f"${{var.{_variable(name)}}}" if name in given else "" for name in PARAMETERS),
        other_roles=names.other_roles,
    )
    variables = "".join(_terraform_variable(name, value) for name, value in given.items())
    documents = {
        "trust": trust_policy(references),
        "read": read_policy(),
        "application": application_policy(references),
    }
    texts = {name: indent(_hcl(document), "  ").strip() for name, document in documents.items()}
    return variables + TERRAFORM.format(
        **texts, read_name=READ_POLICY, application_name=APPLICATION_POLICY, about=DESCRIPTION
    )


def _variable(parameter: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).lower()


def _terraform_variable(name: str, value: str) -> str:
    lines = [
        f'variable "{_variable(name)}" {{',
        "  type        = string",
        f'  description = "{PARAMETERS[name]}"',
        f'  default     = "{value}"',
        *(["  sensitive   = true"] if name == "ExternalId" else []),
        "}",
    ]
    return "\n".join(lines) + "\n\n"


def _hcl(document: Document) -> str:
    """A JSON object is HCL too, with ${...} as references; spaced as `terraform fmt` has it."""
    return json.dumps(document, indent=2, separators=(",", " : "))


def _text(document: Document) -> str:
    return json.dumps(document, indent=2) + "\n"
