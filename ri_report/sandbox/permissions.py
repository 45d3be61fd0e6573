"""What a caller may do: session policies, and the denials of an account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.sandbox.errors import ApiError

if TYPE_CHECKING:
    from ri_report.sandbox.call import Call

WHO_MAY_NOT = {
    "session": "because no session policy allows the {action} action",
    "iam": "because no identity-based policy allows the {action} action",
    "scp": "with an explicit deny in a service control policy",
}


def authorize(call: Call) -> None:
    """Let an allowed call pass.

    Raises:
        ApiError: the session's policy or the account's denials do not allow it, in the words and
            with the code of the service.
    """
    # GetCallerIdentity needs no permission and cannot be denied:
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    reason = _reason(call) if call.operation != "GetCallerIdentity" else None
    if reason is None:
        return
    said = WHO_MAY_NOT[reason].format(action=call.action)
    text = f"User: {call.identity.arn} is not authorized to perform: {call.action} {said}"
    if call.service == "ec2":
        message = f"You are not authorized to perform this operation. {text}"
        raise ApiError("UnauthorizedOperation", message, 403)
    if call.service == "sts":
        raise ApiError("AccessDenied", text, 403)
    raise ApiError("AccessDeniedException", text)


def _reason(call: Call) -> str | None:
    for denial in call.account.denials:
        if denial.action == call.action and denial.region in {"*", call.region}:
            return denial.by
    policy = call.identity.policy
    return "session" if policy is not None and not policy.allows(call.action) else None
