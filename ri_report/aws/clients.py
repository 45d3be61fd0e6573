"""One client per service and region for the whole process, whichever account is asked."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session

from ri_report import __version__
from ri_report.aws.faults import FOREIGN, base_error, no_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from botocore.client import BaseClient

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 30
# Standard mode waits up to 1, 2, 4, 8 and 16 s between six attempts when AWS says to slow down.
ATTEMPTS = 6

# Regions that are enabled in every account; all later ones are opt-in
# (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html).
DEFAULT_ENABLED: Final = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "cn-north-1",
        "cn-northwest-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-gov-east-1",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    }
)

_at_hand: ContextVar[Credentials] = ContextVar("credentials_at_hand")


@contextmanager
def using(credentials: Credentials) -> Iterator[None]:
    """Sign the calls of this block, in this thread, with these credentials."""
    token = _at_hand.set(credentials)
    try:
        yield
    finally:
        _at_hand.reset(token)


class BoundCredentials(Credentials):
    """The credentials at hand, looked up whenever a request is signed.

    So one client, with its connections, serves every account.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        super().__init__("", "", method="ri-report")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The keys of the block's account; refreshed first when they are about to expire."""
        return _at_hand.get().get_frozen_credentials()


class _BoundProvider:
    """Stands in for botocore's chain of credential providers in the session of the clients."""

    def load_credentials(self) -> Credentials:
        return BoundCredentials()


class Clients:
    """The clients of one run, made when first asked for and closed together.

    Attributes:
        base: The job's own credentials, found as every AWS tool finds them.
        home_region: Where calls go that are about no region: enabled in every account, so that
            tokens and answers hold for all of them.
    """

    def __init__(self, *, profile: str = "", region: str = "", concurrency: int = 16) -> None:
        """Find the job's own credentials; makes no client yet.

        Raises:
            ConfigError: the profile or another part of the AWS configuration is wrong.
            NoReportError: there are no credentials.
        """
        # At DEBUG botocore writes whole answers, those of AssumeRole with their keys.
        logging.getLogger("botocore").setLevel(logging.INFO)
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._lock = Lock()
        self._config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=concurrency,
            user_agent_extra=f"ri-report/{__version__}",
        )
        try:
            self._session = Session(profile=profile or None)
            base = self._session.get_component("credential_provider").load_credentials()
            self.home_region = home_region(self._session, region)
        except FOREIGN as error:
            raise base_error(error) from None
        if base is None:
            raise no_credentials("none found in the environment, profile or instance role")
        self.base: Credentials = base
        self._session.register_component("credential_provider", _BoundProvider())
        # Tokens of the global endpoint are not valid in opt-in regions.
        self._session.set_config_variable("sts_regional_endpoints", "regional")

    def client(self, service: str, region: str) -> BaseClient:
        """The process's only client of this service in this region; safe from any thread."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._session.create_client(
                    service, region_name=region, config=self._config
                )
            return self._clients[service, region]

    @property
    def count(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    @property
    def custom_endpoint(self) -> str:
        """Host that EC2's calls go to if it is not AWS's own (AWS_ENDPOINT_URL), or ""."""
        host = urlsplit(self.client("ec2", self.home_region).meta.endpoint_url).hostname or ""
        return "" if any(host.endswith("." + suffix) for suffix in self._aws_suffixes()) else host

    def _aws_suffixes(self) -> set[str]:
        outputs = [p["outputs"] for p in self._session.get_data("partitions")["partitions"]]
        return {o[name] for o in outputs for name in ("dnsSuffix", "dualStackDnsSuffix")}

    def __enter__(self) -> Self:
        """Use the clients in a block; its end closes their connections."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()


def home_region(session: Session, region: str = "") -> str:
    """The asked or configured region if every account has it enabled, else its partition's first.

    STS and the list of regions are asked there: in an opt-in region a linked account that has
    not opted in would refuse
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html).
    """
    wanted = region or session.get_config_variable("region") or "us-east-1"
    if wanted in DEFAULT_ENABLED:
        return str(wanted)
    firsts = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
    return firsts.get(session.get_partition_for_region(wanted), str(wanted))
