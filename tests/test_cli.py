"""The command line: what it says, where it says it, and how it ends."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ri_report import __version__, pipeline
from ri_report.cli import ri_report
from ri_report.inventory.records import account_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]
    Serve = Callable[[str], Any]

ROOT = Path(__file__).parents[1]
COMMANDS = ("demo", "run", "collect", "report", "explain", "iam", "sandbox")
HEAVY = (
    "boto3",
    "botocore",
    "jinja2",
    "lxml",
    "numpy",
    "openpyxl",
    "pandas",
    "pyarrow",
    "pydantic",
    "rich",
)
PAYER = "111111111111"
COMPANY = """
management 111111111111 payer
run 1 m5.large us-east-1a
buy 2 m5.large us-east-1
account 222222222222 web
run 3 m5.large us-east-1a
"""
HOSTILE = "evil\\x1b[2J\\x07\\u202e\\r\\nERROR: all is well"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
EXTREME_MOMENTS = (
    "0001-01-01T00:00+14:00",
    "0800-01-01",
    "2005-12-31T23:59Z",
    "2199-12-31T23:59-01:00",
    "9999-12-31",
    "9999-12-31T23:59-14:00",
)
US = ("--region", "us-east-1", "--as-of", "2026-11-22T06:30Z")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_asking_for_help_imports_nothing_heavy() -> None:
    """What is not imported takes no time: --help answers at once."""
    code = (
        "import sys; import ri_report.cli; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert python("-c", code).stdout == "[]\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command: Command, name: str) -> None:
    ended = command(name, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: ri-report {name} [OPTIONS]")
    assert ended.err == ""


def test_help_lists_every_command_and_exit_code(command: Command) -> None:
    ended = command("--help")
    assert ended.code == 0
    assert set(COMMANDS) == set(ri_report.commands)
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +[A-Z]", ended.out, re.MULTILINE)
    for code in ("0", "2", "3", "4", "6", "7", "8", "130/143"):
        assert re.search(rf"\b{code}  ", ended.out)


def test_the_version_is_printed(command: Command) -> None:
    assert command("--version").out == f"ri-report, version {__version__}\n"


def test_the_module_is_the_command() -> None:
    ended = python("-m", "ri_report", "--version")
    assert (ended.returncode, ended.stdout) == (0, f"ri-report, version {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runn",), "No such command 'runn'"),
        (("run", "--rol-name", "x"), "--role-name"),
        (("run", "--as-of", "yesterday"), "'yesterday' is not ISO 8601"),
        *((("run", "--as-of", at), "years 2006 to 2199") for at in EXTREME_MOMENTS),
        (("report", "--from-dumps", "x", "--as-of", "2200-01-01"), "years 2006 to 2199"),
        (("run", "--fail-on", "waste<3"), "'waste<3' is not like 'utilization<0.8'"),
        (("run", "--fail-on", "utilization<80"), "is not like 'utilization<0.8'"),
        (("run", "--log-format", "xml"), "'xml'"),
        (("run", "--format", "htm"), "did you mean html?"),
        (("run", "--account", "12"), "--account: '12' is not an account id: write 12 digits\n"),
        (("run", "--output-dir", ""), "--output-dir: must not be empty\n"),
        (("run", "--format", ""), "--format: '' is not one of html, xlsx, json, csv, parquet\n"),
        (("report", "--snapshot", "x", "--format", "html,"), "--format: '' is not one of html"),
        (("run", "--region", "us-east1"), "--region: 'us-east1'"),
        (("run", "--config", "absent.toml"), "absent.toml: there is no such file"),
        (("run", "--role-name", "a b"), "--role-name"),
        (("report",), "one of --snapshot DIR and --from-dumps DIR"),
        (("report", "--snapshot", "x", "--from-dumps", "y"), "one of --snapshot"),
        (("report", "--snapshot", "x", "--as-of", "2026-01-01"), "a snapshot has its own moment"),
        (("report", "--snapshot", "x"), "x: is not a snapshot"),
        (("report", "--from-dumps", "x"), "x: there is no such folder"),
        (("iam", "--application-account", "12"), "12"),
        (("iam",), "--application-account"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_is_wrong(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    ended = command(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert list(Path().iterdir()) == []


WRONG_CALLS = {
    ("run", "--rol-name", "x"): "see `ri-report run --help`",
    ("run", "--as-of", "yesterday"): "see `ri-report run --help`",
    ("iam",): "see `ri-report iam --help`",
    ("iam", "--application-account", "111122223333", "--format", "x"): "see `ri-report iam --help`",
    ("runn",): "see `ri-report --help`",
}


@pytest.mark.parametrize("arguments", WRONG_CALLS)
def test_a_wrong_call_is_told_in_one_line_of_the_wanted_form(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    (line,) = command(*arguments).err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(WRONG_CALLS[arguments])
    monkeypatch.setenv("RI_REPORT_LOG_FORMAT", "json")
    (line,) = command(*arguments).err.splitlines()
    assert json.loads(line)["message"].endswith(WRONG_CALLS[arguments])


@pytest.mark.parametrize("form", [("--log-format", "json"), ("--log-format=json",)])
def test_a_wrong_call_is_told_as_json_where_that_option_asks_for_it(
    command: Command, form: tuple[str, ...]
) -> None:
    (line,) = command("run", "--rol-name", "x", *form).err.splitlines()
    assert json.loads(line)["level"] == "error"


def test_the_command_alone_shows_its_help(command: Command) -> None:
    ended = command()
    assert ended.code == 2
    assert ended.err.startswith("Usage: ri-report [OPTIONS] COMMAND")


def test_a_value_comes_from_the_flag_before_the_environment_before_the_file(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(COMPANY)
    by_default = command("run", "--dry-run").out
    Path("ri-report.toml").write_text('[organization]\nrole_name = "FromFile"')
    by_file = command("run", "--dry-run").out
    monkeypatch.setenv("RI_REPORT_ROLE_NAME", "FromEnvironment")
    by_environment = command("run", "--dry-run").out
    by_flag = command("run", "--dry-run", "--role-name", "FromFlag").out
    roles = [
        re.findall(r"222222222222:role/(\S+)", out)
        for out in (by_default, by_file, by_environment, by_flag)
    ]
    assert roles == [
        ["CrossAccountInstanceCounter"],
        ["FromFile"],
        ["FromEnvironment"],
        ["FromFlag"],
    ]


def test_a_repeatable_option_is_a_list_in_the_environment(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(COMPANY + "account 333333333333 data\n")
    monkeypatch.setenv("RI_REPORT_EXCLUDE_ACCOUNT", "222222222222 333333333333")
    assert command("run", "--dry-run").out.count("left out by the configuration") == 2


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("RI_REPORT_REGIONS", "; did you mean RI_REPORT_REGION?"),
        ("RI_REPORT_FORMATS", "; did you mean RI_REPORT_FORMAT?"),
        ("RI_REPORT_SHARING_MODE", "; valid are RI_REPORT_ACCOUNT, RI_REPORT_AS_OF, "),
        ("RI_REPORT_", "; valid are RI_REPORT_ACCOUNT, RI_REPORT_AS_OF, "),
    ],
)
@pytest.mark.parametrize("arguments", [("run",), ("iam", "--application-account", PAYER)])
def test_a_variable_that_sets_nothing_is_refused(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    variable: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, "x")
    ended = command(*arguments)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"error: {variable}: no option is set by this variable{said}")
    assert command(arguments[0], "--help").code == 0


def test_a_variable_of_another_command_is_none_that_sets_nothing(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RI_REPORT_FAIL_ON", "utilization<0.8")
    assert command("iam", "--application-account", PAYER).code == 0


def test_help_names_the_variable_of_an_option(command: Command) -> None:
    told = " ".join(command("run", "--help").out.split())
    assert "[env var: RI_REPORT_REGION]" in told
    assert "[env var: RI_REPORT_FAIL_ON]" in told


def test_a_dry_run_says_who_would_be_read_and_writes_nothing(
    command: Command, organization_served: Serve
) -> None:
    endpoint = organization_served(COMPANY + "account 333333333333 old state=SUSPENDED\n")
    ended = command("run", "--dry-run")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("111111111111  read as arn:aws:iam::111111111111:")
    assert lines[1].startswith("222222222222  read as arn:aws:iam::222222222222:role/")
    assert lines[2] == "333333333333  the account is SUSPENDED  old"
    assert list(Path().iterdir()) == []
    assert {call.operation for call in endpoint.calls} <= {
        "GetCallerIdentity",
        "ListAccounts",
        "DescribeOrganization",
    }


def test_paths_go_to_stdout_and_all_else_to_stderr(
    command: Command, organization_served: Serve
) -> None:
    organization_served(COMPANY)
    ended = command("run", *US, "--format", "json,csv")
    assert ended.code == 0
    assert ended.paths[:2] == [
        Path("reports/2026-11-22T063000Z/snapshot"),
        Path("reports/2026-11-22T063000Z/report.json"),
    ]
    assert all(path.exists() for path in ended.paths)
    assert ended.err.splitlines()[-1] == "info: 2/2 accounts, 0 not read in full"


@pytest.mark.parametrize("silence", ["-q", "--no-progress"])
def test_progress_can_be_silenced(
    command: Command, organization_served: Serve, silence: str
) -> None:
    organization_served(COMPANY)
    assert command("run", *US, "--format", "json", silence).err == ""


def test_what_went_wrong_is_said_even_when_quiet(
    command: Command, organization_served: Serve
) -> None:
    organization_served(COMPANY + "account 333333333333 data role=\n")
    ended = command("run", *US, "--format", "json", "-q")
    assert ended.code == 3
    assert ended.err.startswith("warning: Not read: 333333333333 (data): DENIED (role).")
    assert len(ended.err.splitlines()) == 1


def test_collecting_says_what_was_not_read(command: Command, organization_served: Serve) -> None:
    organization_served(COMPANY + "account 333333333333 data role=\n")
    ended = command("collect", *US, "--no-progress")
    assert ended.code == 3
    assert ended.paths == [Path("reports/2026-11-22T063000Z/snapshot")]
    assert "Not read: 333333333333 (data): DENIED (role)." in ended.err
    assert [path.name for path in Path("reports/2026-11-22T063000Z").iterdir()] == ["snapshot"]


def test_collecting_everything_ends_with_0(command: Command, organization_served: Serve) -> None:
    organization_served(COMPANY)
    ended = command("collect", *US, "--no-progress")
    assert (ended.code, ended.err) == (0, "")


def test_more_is_said_when_asked(command: Command, organization_served: Serve) -> None:
    organization_served(COMPANY + "run 1 m5.large us-east-1a lifecycle=spot\n")
    less = command("run", *US, "--format", "json", "--no-progress")
    more = command("run", *US, "--format", "json", "--no-progress", "-v")
    assert less.err == ""
    assert "debug: Instances that no reservation can cover: 1 " in more.err


def test_lines_of_the_json_log_are_json(command: Command, organization_served: Serve) -> None:
    organization_served(COMPANY + f'account 333333333333 "{HOSTILE}" role=\n')
    ended = command("run", *US, "--format", "json", "--log-format", "json")
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert {line["level"] for line in lines} == {"info", "warning"}
    assert all(set(line) == {"time", "level", "message"} for line in lines)
    refused = command("report", "--snapshot", "absent", "--log-format", "json")
    (line,) = refused.err.splitlines()
    assert json.loads(line)["level"] == "error"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_strangers_name_cannot_act_on_the_terminal(
    command: Command,
    organization_served: Serve,
    monkeypatch: pytest.MonkeyPatch,
    log_format: str,
) -> None:
    name = HOSTILE.encode().decode("unicode_escape")
    organization_served(COMPANY + "account 333333333333 hostile role=\n")

    def renamed(records: Any, management: str | None) -> list[dict[str, Any]]:  # noqa: ANN401 - as patched
        return [row | {"account_name": name} for row in account_rows(records, management)]

    monkeypatch.setattr("ri_report.aws.accounts.account_rows", renamed)
    ended = command("run", *US, "--format", "json", "--log-format", log_format)
    assert ended.code == 3
    assert "evil" in ended.err
    assert not CONTROL.search(ended.err)
    planned = command("run", "--dry-run")
    assert "evil" in planned.out
    assert not CONTROL.search(planned.out)
    assert len(planned.out.splitlines()) == 3


def fail(*_: object, **__: object) -> NoReturn:
    raise ZeroDivisionError("canary: aws_secret_access_key")


def test_an_unexpected_error_shows_no_traceback_and_no_text_of_its_own(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(COMPANY)
    monkeypatch.setattr(pipeline, "analyze", fail)
    ended = command("run", *US)
    assert ended.code == 4
    assert "Traceback" not in ended.err
    assert "canary" not in ended.err
    assert ended.err.splitlines()[-1] == (
        "error: unexpected ZeroDivisionError; this is a bug: run again with --debug and report it"
    )


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_an_unexpected_error_shows_its_traceback_when_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    (tmp_path / "dumps").mkdir()
    monkeypatch.setattr(pipeline, "read_dumps", fail)
    arguments = ["report", "--from-dumps", "dumps"]
    if how == "flag":
        arguments.append("--debug")
    else:
        monkeypatch.setenv("RI_REPORT_DEBUG", "1")
    ended = command(*arguments)
    assert ended.code == 4
    lines = ended.err.splitlines()
    assert lines[0] == "error: Traceback (most recent call last):"
    assert lines[-2:] == [
        "error: ZeroDivisionError: canary: aws_secret_access_key",
        "error: unexpected ZeroDivisionError; this is a bug: report it with the lines above",
    ]


@pytest.mark.parametrize("name", ["run", "collect"])
@pytest.mark.parametrize(
    ("as_of", "said"),
    [("2026-11-23T06:30Z", False), ("2026-11-23T06:31Z", True), ("2026-11-21T06:29Z", True)],
)
def test_a_moment_that_is_not_now_is_pointed_out(
    command: Command, organization_served: Serve, name: str, as_of: str, *, said: bool
) -> None:
    organization_served(COMPANY)
    where = ("--region", "us-east-1", "--no-progress")
    ended = command(name, *where, "--as-of", as_of)
    assert ended.code == 0
    assert ended.err.startswith("warning: --as-of ") == said
    assert len(ended.err.splitlines()) == said


def test_a_port_that_is_taken_is_said_in_one_line(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command("sandbox", "--port", port)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert f"--port {port}" in line
    assert ended.out == ""


def test_everything_written_is_private(command: Command, organization_served: Serve) -> None:
    organization_served(COMPANY)
    command("run", *US, "--format", "html,json,csv,parquet,xlsx")
    written = list(Path("reports").rglob("*"))
    folders = [Path("reports"), *(path for path in written if path.is_dir())]
    files = [path for path in written if path.is_file()]
    assert len(files) > 30
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize(
    ("rule", "code"),
    [("utilization<0.9", 0), ("coverage < 0.50", 0), ("coverage<0.51", 8), ("coverage<1", 8)],
)
def test_a_breached_threshold_ends_with_8_after_the_report(
    command: Command, organization_served: Serve, rule: str, code: int
) -> None:
    """Two of four running instances are covered, and both reservations are used."""
    organization_served(COMPANY)
    ended = command("run", *US, "--format", "json", "--fail-on", rule)
    assert ended.code == code
    assert Path("reports/2026-11-22T063000Z/report.json") in ended.paths
    assert ("coverage is 0.5000, below" in ended.err) == (code == 8)


def test_an_incomplete_report_is_never_judged_by_a_threshold(
    command: Command, organization_served: Serve
) -> None:
    organization_served(COMPANY + "account 333333333333 data role=\n")
    rules = ("--fail-on", "coverage<1", "--fail-on", "utilization<0.8")
    ended = command("run", *US, "--format", "json", "-q", *rules)
    assert ended.code == 3
    assert ended.err.splitlines()[1:] == [
        "warning: coverage<1.0, utilization<0.8 not judged, as the report is incomplete"
    ]


def test_a_threshold_on_nothing_is_not_breached(
    command: Command, organization_served: Serve
) -> None:
    organization_served("management 111111111111 payer\n")
    ended = command("run", *US, "--format", "html,json", "--fail-on", "utilization<1")
    assert ended.code == 0


def test_the_demo_ends_with_0_and_says_why_a_run_would_not(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("ri-report.toml").write_text('[organization]\nrole_name = "Mine"\n[sharing]\nnonsense = 1')
    monkeypatch.setenv("AWS_PROFILE", "mine")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(Path.cwd()))
    Path(".aws").mkdir()
    for name in ("config", "credentials"):
        (Path(".aws") / name).write_text("[default\nregion")
    ended = command("demo", "--format", "json", "--no-progress")
    assert ended.code == 0
    assert Path("reports/demo/report.json") in ended.paths
    assert "`ri-report run` would exit with 3" in ended.err
    assert "098765432109 (legacy-erp): DENIED (role)" in ended.err


@pytest.mark.parametrize("form", ["json", "cloudformation", "stackset", "terraform"])
def test_what_accounts_must_grant_is_printed(command: Command, form: str) -> None:
    ended = command("iam", "--application-account", "111122223333", "--format", form)
    assert (ended.code, ended.err) == (0, "")
    assert "ec2:DescribeReservedInstances" in ended.out


def test_what_accounts_must_grant_follows_the_configuration(command: Command) -> None:
    Path("mine.toml").write_text(
        '[organization]\nrole_name = "Counter"\nexternal_id = "k-9"\n'
        '[[account]]\nid = "222222222222"\nrole_name = "Other"\n[[account]]\nid = "333333333333"'
    )
    ended = command("iam", "--application-account", "111122223333", "--config", "mine.toml")
    printed = json.loads(ended.out)
    assert printed["MemberRole"]["RoleName"] == "Counter"
    assert '"sts:ExternalId": "k-9"' in ended.out
    assert "arn:aws:iam::222222222222:role/Other" in ended.out
    assert "333333333333" not in ended.out
    Path("mine.toml").rename("ri-report.toml")
    assert command("iam", "--application-account", "111122223333").out == ended.out
    over = command("iam", "--application-account", "111122223333", "--role-name", "Flag")
    assert json.loads(over.out)["MemberRole"]["RoleName"] == "Flag"
