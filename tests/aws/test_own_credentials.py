"""Where the job's own credentials may come from: what botocore asks AWS for by itself."""

from __future__ import annotations

import json
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider

from ri_report.aws.credentials import identify
from ri_report.errors import NoReportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ri_report.aws.clients import Clients

    Make = Callable[..., Clients]

START = "https://corp.awsapps.example/start"
WHO = "sso_account_id = 111122223333\nsso_role_name = Job\n"
PROFILES = {
    START: f"[profile job]\nsso_start_url = {START}\nsso_region = us-east-1\n{WHO}",
    "corp": f"[sso-session corp]\nsso_start_url = {START}\nsso_region = us-east-1\n"
    f"[profile job]\nsso_session = corp\n{WHO}",
}
"""A profile of IAM Identity Center as it was written first and as it is now, by what its token is
kept under (SDKs and Tools Reference Guide, "IAM Identity Center credential provider")."""
KEYS = {"accessKeyId": "ASIASSO", "secretAccessKey": "hidden", "sessionToken": "token"}
ROLE_CREDENTIALS = json.dumps({"roleCredentials": KEYS | {"expiration": 4_070_908_800_000}})
WITH_WEB_IDENTITY = """
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>hidden</SecretAccessKey>
    <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>
"""


class _Answers(BaseHTTPRequestHandler):
    """GetRoleCredentials of IAM Identity Center, and AssumeRoleWithWebIdentity of STS."""

    def do_GET(self) -> None:
        assert self.path.startswith("/federation/credentials?")
        self._answer(ROLE_CREDENTIALS)

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        assert "Action=AssumeRoleWithWebIdentity" in asked
        assert "WebIdentityToken=from-the-cluster" in asked
        self._answer(WITH_WEB_IDENTITY)

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _answering() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An AWS configuration of one's own, and somebody who answers all that is asked."""
    (tmp_path / "cache").mkdir()
    for provider in (SSOProvider, SSOTokenProvider):
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with _answering() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield tmp_path


def _keys(made: Clients) -> tuple[str | None, str | None]:
    keys = made.base.get_frozen_credentials()
    return keys.access_key, keys.token


@pytest.mark.parametrize("kept_under", PROFILES)
def test_who_is_signed_in_at_the_identity_center_is_known(
    environment: Path, clients: Make, kept_under: str
) -> None:
    (environment / "config").write_text(PROFILES[kept_under])
    token = {"startUrl": START, "region": "us-east-1", "accessToken": "signed-in"}
    name = sha1(kept_under.encode(), usedforsecurity=False).hexdigest()
    kept = json.dumps(token | {"expiresAt": "2099-01-01T00:00:00Z"})
    (environment / "cache" / f"{name}.json").write_text(kept)
    assert _keys(clients(profile="job")) == ("ASIASSO", "token")


@pytest.mark.parametrize("kept_under", PROFILES)
def test_who_is_not_signed_in_at_the_identity_center_is_told_to_do_so(
    environment: Path, clients: Make, kept_under: str
) -> None:
    (environment / "config").write_text(PROFILES[kept_under])
    with pytest.raises(NoReportError, match=r"no usable AWS credentials: .*aws sso login"):
        identify(clients(profile="job"))


def test_the_token_of_a_cluster_or_of_a_pipeline_is_exchanged_for_credentials(
    environment: Path, clients: Make
) -> None:
    (environment / "token").write_text("from-the-cluster")
    (environment / "config").write_text(
        "[profile job]\nrole_arn = arn:aws:iam::111122223333:role/Job\n"
        f"web_identity_token_file = {environment / 'token'}\nregion = us-east-1\n"
    )
    assert _keys(clients(profile="job")) == ("ASIAWEB", "token")
