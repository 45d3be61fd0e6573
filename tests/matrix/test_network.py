"""Row 27: the ways to AWS that are slow, dead, unknown, or lead to somebody else."""

from __future__ import annotations

import re
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ri_report.aws.clock import Clock
from ri_report.errors import NoReportError
from tests.matrix.stage import HOME, PAYER, WEB, cells, staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.matrix.stage import Seen, Stage

ELSEWHERE = "eu-west-1"
SMALL = f"""
management {PAYER} payer
run 2 m5.large us-east-1a
run 1 m5.large eu-west-1a
account {WEB} web
run 3 c5.xlarge us-east-1a
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Serve a small company to a job whose every limit of time is a fraction of a second."""
    for module in ("patience", "schedule"):
        monkeypatch.setattr(f"ri_report.aws.{module}.CALL_SECONDS", 0.6)
    monkeypatch.setattr("ri_report.aws.clients.READ_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr("ri_report.aws.clients.CONNECT_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr("ri_report.aws.patience.WAITS", (0.01,))
    with staged(SMALL, tmp_path) as there:
        yield there


def assert_only_one_region_is_missing(seen: Seen, status: str) -> None:
    """The cells of one region are gaps of one kind, and all others were read."""
    missing = {cell for cell in cells((PAYER, WEB)) if cell[1] == ELSEWHERE}
    assert seen.gaps == missing
    assert {each for each, _ in seen.outcomes(region=ELSEWHERE)} == {status}
    assert {each for each, _ in seen.outcomes(region=HOME)} <= {"OK", "EMPTY"}
    assert seen.rows("instances") == 5
    assert seen.rows("instances", region=ELSEWHERE) == 0


def test_an_answer_that_drips_is_given_up_when_its_time_is_over(here: Stage) -> None:
    began = time.monotonic()
    seen = here.read(f"ec2:DescribeInstances {WEB} {HOME} always: drip 20", clock=Clock())
    assert time.monotonic() - began < 20
    assert seen.gaps == {(WEB, HOME, "instances")}
    assert seen.outcomes(account_id=WEB, region=HOME, kind="instances") == [("TIMEOUT", "deadline")]
    assert seen.rows("instances") == 3


def test_an_answer_that_drips_once_is_asked_for_again(here: Stage) -> None:
    clean = here.read()
    seen = here.read(f"ec2:DescribeInstances {WEB} {HOME} call 1: drip 20", clock=Clock())
    assert seen.files == clean.files


def test_a_call_that_hangs_is_a_timeout(here: Stage) -> None:
    seen = here.read(f"ec2:DescribeReservedInstances {WEB} * always: hang", clock=Clock())
    assert seen.gaps == {(WEB, region, "reservations") for region in (HOME, ELSEWHERE)}
    assert {status for status, _ in seen.outcomes(account_id=WEB, kind="reservations")} == {
        "TIMEOUT"
    }


def test_calls_that_hang_once_are_made_again(here: Stage) -> None:
    clean = here.read()
    assert here.read("ec2:* * * call 1: hang", clock=Clock()).files == clean.files


@pytest.mark.parametrize("mishap", ["hang", "drip 10"])
@pytest.mark.parametrize("action", ["sts:GetCallerIdentity", "organizations:ListAccounts"])
def test_no_report_is_waited_for_for_ever(here: Stage, action: str, mishap: str) -> None:
    began = time.monotonic()
    with pytest.raises(NoReportError):
        here.read(f"{action} * * always: {mishap}", clock=Clock(), run_seconds=5.0)
    assert time.monotonic() - began < 20


def send_elsewhere(here: Stage, address: str) -> None:
    """Send calls to EC2 in one region to another address, all others where they went."""
    with here.surroundings():
        made = here.clients(clock=here.clock)
        client = made._session.create_client(
            "ec2", region_name=ELSEWHERE, config=made._config, endpoint_url=address
        )
    made._clients["ec2", ELSEWHERE] = client


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let no name be found but that of this machine; return those that were looked for."""
    truth, asked = socket.getaddrinfo, list[str]()

    def look_up(host: str, *more: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        if host == "127.0.0.1":
            return truth(host, *more, **options)
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_region_whose_name_is_not_found_is_a_gap_and_the_others_are_read(
    here: Stage, no_names: list[str]
) -> None:
    send_elsewhere(here, "https://ec2.eu-west-1.amazonaws.com")
    assert_only_one_region_is_missing(here.read(), "NETWORK")
    assert set(no_names) == {"ec2.eu-west-1.amazonaws.com"}


def test_without_any_name_that_is_found_there_is_no_report(
    here: Stage, no_names: list[str]
) -> None:
    del here.environment["AWS_ENDPOINT_URL"]
    began = time.monotonic()
    with pytest.raises(NoReportError, match="AWS does not say who this job is") as caught:
        here.read()
    assert "DNS" in str(caught.value)
    assert time.monotonic() - began < 5
    assert set(no_names) == {"sts.us-east-1.amazonaws.com"}


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Take no connection: the queue of those that wait is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)  # noqa: FBT003 - as the standard library has it
            each.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for each in waiting:
            each.close()


def test_a_region_that_takes_no_connection_is_a_timeout(here: Stage, black_hole: str) -> None:
    send_elsewhere(here, black_hole)
    assert_only_one_region_is_missing(here.read(clock=Clock()), "TIMEOUT")


def test_a_region_where_nobody_listens_is_a_gap(here: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    send_elsewhere(here, address)
    assert_only_one_region_is_missing(here.read(), "NETWORK")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key and a certificate that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(key.private_bytes(*plain) + made.public_bytes(plain[0]))
    return path


@dataclass
class Stranger:
    """A server that is not AWS, and what it was told.

    Attributes:
        address: Where it listens.
        told: Everything that clients have sent it once the connection was trusted.
    """

    address: str
    told: bytearray = field(default_factory=bytearray)


@contextmanager
def stranger(scheme: str, wrap: Callable[[socket.socket], socket.socket]) -> Iterator[Stranger]:
    """Answer every request with the page of a proxy."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        there = Stranger(f"{scheme}://localhost:{listening.getsockname()[1]}")

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    with suppress(OSError), wrap(client) as talk:
                        there.told += request_from(talk)
                        talk.sendall(PAGE)

        thread = Thread(target=serve)
        thread.start()
        yield there
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def request_from(talk: socket.socket) -> bytes:
    """Read a request whole: to close on the rest of one resets the connection."""
    with talk.makefile("rb") as told:
        head = b"".join(takewhile(b"\r\n".__ne__, told))
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
        return head + told.read(int(length[1]) if length else 0)


PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    b"<html><body>Sign in to the network</body></html>"
)


@pytest.fixture
def impostor(certificate: Path) -> Iterator[Stranger]:
    """Serve pages over TLS with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with stranger("https", lambda client: context.wrap_socket(client, server_side=True)) as there:
        yield there


@pytest.fixture
def proxy() -> Iterator[Stranger]:
    """Serve pages without TLS, as a proxy does that wants one to sign in."""
    with stranger("http", lambda client: client) as there:
        yield there


def test_a_region_with_an_unknown_certificate_is_a_gap_and_is_told_nothing(
    here: Stage, impostor: Stranger
) -> None:
    send_elsewhere(here, impostor.address)
    seen = here.read()
    assert_only_one_region_is_missing(seen, "NETWORK")
    assert seen.inventory.outcomes.query("region == @ELSEWHERE")["detail"].str.contains("SSL").all()
    assert not impostor.told


def test_an_unknown_certificate_everywhere_ends_the_run_and_nothing_is_told(
    here: Stage, impostor: Stranger
) -> None:
    here.environment["AWS_ENDPOINT_URL"] = impostor.address
    with pytest.raises(NoReportError, match="certificate verify failed"):
        here.read()
    assert not impostor.told


def test_a_region_behind_the_page_of_a_proxy_is_a_gap(here: Stage, proxy: Stranger) -> None:
    send_elsewhere(here, proxy.address)
    assert_only_one_region_is_missing(here.read(), "MALFORMED")
    assert b"DescribeInstances" in proxy.told


def test_the_page_of_a_proxy_everywhere_ends_the_run(here: Stage, proxy: Stranger) -> None:
    here.environment["AWS_ENDPOINT_URL"] = proxy.address
    with pytest.raises(NoReportError, match="check what stands between"):
        here.read()
