"""A running sandbox for an organization that stands as text in the test."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.server import Endpoint, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ri_report.sandbox.organization import Organization

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, proxies={})
ROLE = "CrossAccountInstanceCounter"


@dataclass
class World:
    """One running sandbox and real AWS clients for it."""

    endpoint: Endpoint
    stack: ExitStack
    session: boto3.session.Session

    def client(self, service: str, region: str = "us-east-1", **keys: str) -> Any:  # noqa: ANN401 - clients are made at run time
        """A client with the management account's keys, or with others."""
        environment = self.endpoint.environment
        chosen: dict[str, Any] = {
            "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        } | keys
        client = self.session.client(
            service, region, endpoint_url=self.endpoint.url, config=ONCE, **chosen
        )
        self.stack.callback(client.close)
        return client

    def assume(self, account_id: str, role: str = ROLE, **options: Any) -> dict[str, str]:  # noqa: ANN401 - parameters of AssumeRole
        """The keys of a role, in the form in which `client` takes them."""
        arn = f"arn:aws:iam::{account_id}:role/{role}"
        answer = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="ri-report", **options)
        keys = answer["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    """Share one session, which reads EC2's large model once."""
    return boto3.session.Session()


@pytest.fixture
def world(
    monkeypatch: pytest.MonkeyPatch, session: boto3.session.Session
) -> Iterator[Callable[..., World]]:
    """Start a sandbox for a text, or for an organization that exists already."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    with ExitStack() as stack:

        def start(text: str | Organization, **options: Any) -> World:  # noqa: ANN401 - options of serve
            organization = organization_from(text, AS_OF) if isinstance(text, str) else text
            return World(stack.enter_context(serve(organization, **options)), stack, session)

        yield start
