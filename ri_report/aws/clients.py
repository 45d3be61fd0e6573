"""One client per service and region for the whole process, whichever account is asked."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from getpass import GetPassWarning
from threading import Lock
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import botocore
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session

from ri_report import __version__
from ri_report.aws.clock import Clock
from ri_report.aws.faults import FOREIGN, FaultError, base_error, no_credentials
from ri_report.aws.models import SERVICES, Models
from ri_report.aws.parser import install
from ri_report.aws.patience import in_time
from ri_report.aws.transport import bound
from ri_report.errors import ConfigError
from ri_report.inventory.names import DEFAULT_REGIONS, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from botocore.client import BaseClient

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 30
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
        """The keys of the block's account; the job's own refresh themselves before they end."""
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
        clock: What waits between calls are measured by.
    """

    def __init__(
        self,
        *,
        profile: str = "",
        region: str = "",
        concurrency: int = 16,
        clock: Clock | None = None,
    ) -> None:
        """Find the job's own credentials; makes no client yet.

        Raises:
            ConfigError: the profile or another part of the AWS configuration is wrong.
            NoReportError: there are no credentials.
        """
        # At DEBUG botocore writes whole answers, those of AssumeRole with their keys.
        logging.getLogger("botocore").setLevel(logging.INFO)
        # Without a terminal botocore would still ask for an MFA code, and wait.
        warnings.simplefilter("error", GetPassWarning)
        self.clock = clock or Clock()
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._lock = Lock()
        self._config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            # A client's quota of retries is one for all accounts; `patience` keeps one for each.
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=concurrency,
            # Whole and fixed: botocore would put its own together anew for every call.
            user_agent=f"ri-report/{__version__} Botocore/{botocore.__version__}",
            parameter_validation=False,
        )
        try:
            self._session = Session(profile=profile or None)
            self.home_region = home_region(self._session, region)
            self.base = self._own_credentials()
        except FOREIGN as error:
            raise base_error(error) from None
        self._session.register_component("credential_provider", _BoundProvider())
        install(self._session)
        loader = self._session.get_component("data_loader")
        self._session.register_component("data_loader", Models(loader))
        # Tokens of the global endpoint are not valid in opt-in regions.
        self._session.set_config_variable("sts_regional_endpoints", "regional")

    def _own_credentials(self) -> Credentials:
        """Ask whatever the environment names; a process that a profile names may hang or be gone.

        Raises:
            NoReportError: there are no credentials.
        """
        find = self._session.get_component("credential_provider").load_credentials
        source = f"AWS profile {self._session.profile or 'default'} or the process that it names"
        try:
            found: Credentials | None = in_time(find, self.clock, source)
        except FaultError as error:
            raise no_credentials(error.fault.detail) from None
        except OSError as error:
            raise no_credentials(f"{source}: {error.strerror}") from None
        if found is None:
            raise no_credentials("none found in the environment, profile or instance role")
        return found

    def client(self, service: str, region: str) -> BaseClient:
        """The process's only client of this service in this region; safe from any thread."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._made(service, region)
            return self._clients[service, region]

    def _made(self, service: str, region: str) -> BaseClient:
        try:
            made = self._session.create_client(service, region_name=region, config=self._config)
            address = urlsplit(made.meta.endpoint_url)
        except ValueError:
            address = None
        if address is None or address.scheme not in {"http", "https"} or not address.hostname:
            # Not repeated, and not chained: it may hold a password.
            raise ConfigError(
                f"{self._endpoint_setting(service)}: is not the address of an endpoint; write it"
                " with its scheme, such as https://vpce-1.ec2.us-east-1.vpce.amazonaws.com"
            )
        bound(made)
        return made

    def _endpoint_setting(self, service: str) -> str:
        variables = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
        in_file = f"endpoint_url of the AWS profile {self._session.profile or 'default'}"
        return next((name for name in variables if os.environ.get(name)), in_file)

    def region_to_ask(self, wanted: Sequence[str]) -> str:
        """Where to ask about regions: at home, unless only others are wanted.

        A service control policy may deny all but these. One that an account might not have
        enabled, or of another partition, is not asked.
        """
        partition = self._session.get_partition_for_region(self.home_region)
        there = self._session.get_available_regions("ec2", partition)
        able = [region for region in wanted if region in DEFAULT_REGIONS and region in there]
        return self.home_region if self.home_region in able or not able else able[0]

    @property
    def count(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    def endpoint(self, service: str) -> str:
        """Where calls to a service at home go, without what may be a password."""
        address = urlsplit(str(self.client(service, self.home_region).meta.endpoint_url))
        return f"{address.hostname}:{address.port or ''}"

    @property
    def custom_endpoint(self) -> str:
        """Hosts that calls go to if they are not AWS's own (AWS_ENDPOINT_URL), or "".

        One that serves all stands alone, else each behind its service.
        """
        addresses = {s: self.client(s, self.home_region).meta.endpoint_url for s in SERVICES}
        hosts = {
            service: urlsplit(address).hostname or "" for service, address in addresses.items()
        }
        suffixes = tuple(f".{suffix}" for suffix in self._aws_suffixes())
        own = {service: host for service, host in hosts.items() if not host.endswith(suffixes)}
        if len(own) == len(SERVICES) and len(set(own.values())) == 1:
            return hosts[SERVICES[0]]
        return ", ".join(f"{service}: {host}" for service, host in own.items())

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

    Args:
        session: Where the region is configured.
        region: What AWS_REGION says, which botocore does not read; "" for nothing.

    Raises:
        ConfigError: the SDK knows no such region.
    """
    wanted = str(region or session.get_config_variable("region") or "us-east-1")
    if wanted in DEFAULT_REGIONS:
        return wanted
    partitions = {
        name: partition
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("ec2", partition)
    }
    if wanted not in partitions:
        raise ConfigError(
            f"{_region_setting(session, region)}: the AWS SDK knows no region {wanted!r}; the"
            f" nearest is {nearest(wanted, partitions)}"
        )
    firsts = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
    return firsts.get(partitions[wanted], wanted)


def _region_setting(session: Session, region: str) -> str:
    if region:
        return "AWS_REGION"
    in_file = f"region of the AWS profile {session.profile or 'default'}"
    return "AWS_DEFAULT_REGION" if os.environ.get("AWS_DEFAULT_REGION") else in_file
