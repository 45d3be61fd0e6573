"""AWS's service models, less what the job never calls: its clients can do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ri_report.aws.permissions import APPLICATION_ACTIONS, GET_CALLER_IDENTITY, MEMBER_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICES = ("ec2", "sts", "organizations")
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
"""How botocore makes the job's own credentials of the token of a cluster or of a pipeline; it needs
no permission (STS API Reference, "AssumeRoleWithWebIdentity")."""
CALLED = {
    service: {
        action.partition(":")[2]
        for action in (*MEMBER_ACTIONS, *APPLICATION_ACTIONS, GET_CALLER_IDENTITY, WEB_IDENTITY)
        if action.startswith(f"{service}:")
    }
    for service in SERVICES
}
"""The operations of each service that a client can be asked for."""


class Models:
    """Stands in for botocore's loader of service models, and leaves in them only what is called.

    A client is a class of its own with a method for every operation of its model; EC2 has hundreds.
    """

    def __init__(self, loader: Any) -> None:  # noqa: ANN401 - botocore's, which has no types
        """Stand in for this loader."""
        self._loader = loader

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Mapping[str, Any]:
        """Return what the loader has, of services with only the operations that are called.

        Other services, as IAM Identity Center, only botocore asks, for the job's own credentials.
        """
        model: Mapping[str, Any] = self._loader.load_service_model(
            service_name, type_name, api_version
        )
        if type_name != "service-2" or service_name not in CALLED:
            return model
        called = sorted(CALLED[service_name])
        return {**model, "operations": {name: model["operations"][name] for name in called}}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the loader has
        """Return what else the loader has."""
        return getattr(self._loader, name)
