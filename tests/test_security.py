"""No secret comes out of a run, and no text of a stranger does anything, whatever is made of it."""

from __future__ import annotations

import copy
import csv
import io
import json
import logging
import os
import re
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import openpyxl
import pandas as pd
import pytest
from lxml import html

from ri_report import pipeline
from ri_report.aws import patience
from ri_report.aws.dispatch import FEW
from ri_report.report import templates
from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.dispatch import Sandbox
from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.wire import Request, Response, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[..., Any]
    Serve = Callable[..., Any]
    Json = dict[str, Any]
    Answer = Callable[[str, Request, Response], Response]

US = ("--region", "us-east-1", "--as-of", "2026-11-22T06:30Z", "--no-progress")
EVERY = ("--format", "html,xlsx,json,csv,parquet")
AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
RUN = Path("reports/2026-11-22T063000Z")
EXTERNAL_ID = "canary-external-4711"
SECRET_PARTS = ("AccessKeyId", "SecretAccessKey", "SessionToken")
FIRST = 222_222_222_222
MARK = "zq9"
HOSTILE = {
    "script": "<script>zq9</script>",
    "attribute": '"><svg onload=zq9>',
    "style": "</style><img src=zq9>",
    "address": "javascript:zq9",
    "command": "=cmd|' /C zq9'!A0",
    "plus": "+1zq9",
    "minus": "-1zq9",
    "at": "@SUM(zq9)",
    "tab": "\t=zq9",
    "carriage return": "\r=zq9",
    "nul": "\x00zq9",
    "escape": "zq9\x1b[2J\x1b]0;x\x07\x7f\x9b",
    "noncharacter": "zq9\ufffe",
    "lone surrogate": "zq9\ud800",
    "override": "zq9\u202egnp",
    "endless": "zq9" + "x" * 40_000,
    "path": "../../zq9",
    "device": "CON",
    "long": "zq9" + "y" * 197,
    "line break": "zq9\nerror: all is well\r\nBcc: x",
    "log format": "zq9 %s %(message)s {0} {x!r}",
}
# What a terminal or a reader's program acts on; the line feed ends lines of our own.
ACTING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for waits in ("WAITS", "TRUST_WAITS"):
        monkeypatch.setattr(patience, waits, (0.01,))


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Return a function that has a sandbox's answers pass through another one."""
    truth = Sandbox.answer

    def start(answer: Answer) -> None:
        def spoiled(sandbox: Sandbox, request: Request) -> Response:
            found = re.search(rb"Action=(\w+)", request.body)
            target = request.headers.get("x-amz-target", "").partition(".")[2]
            operation = found[1].decode() if found else target
            return answer(operation, request, truth(sandbox, request))

        monkeypatch.setattr(Sandbox, "answer", spoiled)

    return start


def secrets_in(body: bytes) -> set[str]:
    """The keys that an answer to AssumeRole gives out."""
    text = body.decode()
    return {m for name in SECRET_PARTS for m in re.findall(f"<{name}>([^<]+)</{name}>", text)}


def account_of(request: Request) -> int:
    """The account whose role is asked for."""
    return int(re.findall(rb"%3Aiam%3A%3A(\d{12})%3A", request.body)[0])


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder as text, what is packed unpacked, with the raw bytes beside it."""
    found = {}
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        found[f"{path} (raw)"] = content.decode("latin-1")
        if path.suffix == ".parquet":
            found[str(path)] = pd.read_parquet(io.BytesIO(content)).to_csv()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                for name in packed.namelist():
                    found[f"{path}/{name}"] = packed.read(name).decode()
    return found


def company(accounts: int) -> str:
    lines = ["management 111111111111 payer", "run 2 m5.large us-east-1a"]
    for number in range(accounts):
        lines += [
            f"account {FIRST + number} web-{number} external-id={EXTERNAL_ID}",
            "run 1 m5.large us-east-1a",
            "buy 1 m5.large us-east-1",
        ]
    return "\n".join(lines)


@pytest.fixture
def _every_logger_at_debug(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    own_environment: None,  # noqa: ARG001 - this comes on top of it
) -> None:
    monkeypatch.setenv("RI_REPORT_DEBUG", "1")
    monkeypatch.setenv("RI_REPORT_EXTERNAL_ID", EXTERNAL_ID)
    for name in ("", "botocore", "urllib3", "boto3"):
        caplog.set_level(logging.DEBUG, logger=name)


def outside(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, with the external id set."""
    package = {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | package | {"RI_REPORT_EXTERNAL_ID": EXTERNAL_ID} | environment,
    )


LOUD = {
    "text": ("-vv", "--debug", "--log-format", "text"),
    "json": ("-vv", "--debug", "--log-format", "json"),
}


@pytest.mark.usefixtures("_every_logger_at_debug")
@pytest.mark.parametrize("log_format", LOUD)
@pytest.mark.parametrize("wrong", ["nothing", "cut", "refused", "other names"])
def test_no_key_token_or_external_id_is_in_any_output_or_log(
    command: Command,
    organization_served: Serve,
    answering: Callable[[Answer], None],
    caplog: pytest.LogCaptureFixture,
    log_format: str,
    wrong: str,
) -> None:
    """Each of 20 accounts has the answer to its AssumeRole spoiled at another place."""
    accounts = 20
    given: set[str] = set()
    sent: list[str] = []

    def spoiled(operation: str, request: Request, truth: Response) -> Response:
        if operation != "AssumeRole":
            return truth
        given.update(secrets_in(truth.body))
        sent.append(request.headers["x-amz-security-token"])
        part = (account_of(request) - FIRST + 1) / (accounts + 1)
        if wrong == "cut":
            return Response(200, {}, truth.body[: int(len(truth.body) * part)])
        if wrong == "refused":
            # AWS quotes the canonical request, token included; a proxy might quote more.
            said = f"{EXTERNAL_ID} x-amz-security-token:{sent[-1]} {request.body.decode()}"
            return refusal("sts", ApiError("SignatureDoesNotMatch", said, 403), "r-1")
        if wrong == "other names":
            return Response(200, {}, truth.body.replace(b"Expiration>", b"Expired>"))
        return truth

    endpoint = organization_served(company(accounts), job_role="ri-report-job")
    answering(spoiled)
    ended = command("run", *US, *EVERY, *LOUD[log_format])
    assert ended.code == (0 if wrong == "nothing" else 3)
    assert len(sent) >= accounts
    assert len(given) == 3 * len(sent)
    own = [endpoint.environment[f"AWS_{n}"] for n in ("SECRET_ACCESS_KEY", "SESSION_TOKEN")]
    secrets = {*given, *own, endpoint.environment["AWS_ACCESS_KEY_ID"], EXTERNAL_ID}
    shown = contents(Path()) | {"stdout": ended.out, "stderr": ended.err, "log": caplog.text}
    # A piece of a secret is no better than the whole: nothing that begins one may stand anywhere.
    begun = {secret[:12] for secret in secrets}
    assert [name for name, text in shown.items() if any(each in text for each in begun)] == []


def test_processes_of_the_collection_tell_no_secret_either(
    organization_served: Serve, answering: Callable[[Answer], None]
) -> None:
    """More accounts than one process reads; what the others write goes to the same stderr."""
    given: set[str] = set()

    def cut(operation: str, request: Request, truth: Response) -> Response:
        if operation != "AssumeRole":
            return truth
        given.update(secrets_in(truth.body))
        last = account_of(request) - FIRST
        return Response(200, {}, truth.body[: -20 * last] if last > FEW else truth.body)

    organization_served(company(FEW + 4), job_role="ri-report-job")
    answering(cut)
    ended = outside("-m", "ri_report", "run", *US, "--format", "json", *LOUD["text"])
    assert ended.returncode == 3
    assert given
    shown = contents(Path()) | {"stdout": ended.stdout, "stderr": ended.stderr}
    begun = {secret[:12] for secret in {*given, EXTERNAL_ID}}
    assert [name for name, text in shown.items() if any(each in text for each in begun)] == []
    assert_lines_are_inert(ended.stderr)


BROKEN_BESIDE_THE_KEYS = """
import sys
from ri_report import cli
from ri_report.aws import credentials

def mistaken(keys, asked):
    held = dict(keys)
    try:
        raise ValueError("while reading")
    except ValueError as error:
        raise RuntimeError("a mistake beside the keys") from error

credentials._credentials = mistaken
cli.main()
"""


@pytest.mark.parametrize("how", ["--debug", "RI_REPORT_DEBUG"])
def test_the_traceback_of_a_mistake_beside_the_keys_shows_none(
    organization_served: Serve, answering: Callable[[Answer], None], how: str
) -> None:
    given: set[str] = set()

    def noted(operation: str, _: Request, truth: Response) -> Response:
        given.update(secrets_in(truth.body) if operation == "AssumeRole" else ())
        return truth

    endpoint = organization_served(company(2), job_role="ri-report-job")
    answering(noted)
    flags = ("--debug",) if how == "--debug" else ()
    debug = {} if flags else {"RI_REPORT_DEBUG": "1"}
    ended = outside("-c", BROKEN_BESIDE_THE_KEYS, "run", *US, *flags, "-vv", **debug)
    assert ended.returncode == 4
    assert "Traceback" in ended.stderr
    assert "a mistake beside the keys" in ended.stderr
    assert given
    environment = endpoint.environment
    own = {environment[f"AWS_{n}"] for n in ("SECRET_ACCESS_KEY", "SESSION_TOKEN")}
    for secret in {*given, *own, EXTERNAL_ID}:
        assert secret not in ended.stdout + ended.stderr


@pytest.mark.parametrize("log_format", LOUD)
def test_the_traceback_of_a_mistake_quotes_a_stranger_harmlessly(
    command: Command, monkeypatch: pytest.MonkeyPatch, log_format: str
) -> None:
    def mistaken(*_: object) -> NoReturn:
        raise KeyError("\n".join(HOSTILE.values())) from ValueError("".join(HOSTILE.values()))

    monkeypatch.setattr(pipeline, "read_dumps", mistaken)
    ended = command("report", "--from-dumps", "dumps", *LOUD[log_format])
    assert ended.code == 4
    assert "Traceback" in ended.err
    assert MARK in ended.err
    assert_lines_are_inert(ended.err, log_format)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    """The paths of all that is neither an object nor a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def with_leaf(record: Json, path: tuple[Any, ...], text: object) -> Json:
    changed: Any = copy.deepcopy(record)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    return dict(changed)


SMALL = """
management 111111111111 payer
hold 4 m5.large us-east-1a name=held
run 1 m5.large us-east-1a name=web lifecycle=spot
run 1 m5.large us-east-1a name=web platform=Windows
buy 1 m5.large us-east-1
buy 1 m5.large us-east-1a
"""
IDS = {"InstanceId", "ReservedInstancesId", "CapacityReservationId", "ZoneName"}
BOUND_TO_THE_REGION = {"AvailabilityZone", "ZoneName"}
"""What must begin with the name of the region; anything else there ends the run, see below."""


def records(account_id: str) -> dict[str, list[Json]]:
    """The records of a small account, by the file that they are saved in."""
    text = SMALL.replace("111111111111", account_id)
    account = organization_from(text, AS_OF).accounts[0]
    found = {
        "instances": account.instances["us-east-1"],
        "reserved-instances": account.reserved_instances["us-east-1"],
        "capacity-reservations": account.capacity_reservations["us-east-1"],
        "availability-zones": (
            {"ZoneName": "us-east-1a", "ZoneId": "use1-az4", "ZoneType": "availability-zone"},
        ),
    }
    plain = json.dumps(found, default=lambda moment: moment.isoformat())
    loaded: dict[str, list[Json]] = json.loads(plain)
    return loaded


def save(folder: Path, file: str, found: list[Json], owner: str) -> None:
    key = {
        "instances": "Reservations",
        "reserved-instances": "ReservedInstances",
        "capacity-reservations": "CapacityReservations",
        "availability-zones": "AvailabilityZones",
    }[file]
    if file == "instances":
        found = [{"ReservationId": "r-1", "OwnerId": owner, "Instances": found}]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{file}.json").write_text(json.dumps({key: found}))


def poisoned(example: Json, path: tuple[Any, ...], text: str, ending: str) -> Json:
    """A record with another text in one field, and an id that no other record has."""
    (own,) = IDS & example.keys()
    start = "us-east-1" if path[-1] in BOUND_TO_THE_REGION else ""
    changed = with_leaf(example, path, f"{start}{text}{ending if path == (own,) else ''}")
    return changed if path == (own,) else changed | {own: f"{example[own]}{ending}"}


def poisoned_dumps(texts: list[str]) -> int:
    """Save answers in which each field of each record is, in an account of its own, these texts.

    Returns:
        How many accounts there are.
    """
    accounts: list[Json] = []
    for file, examples in records("111111111111").items():
        for index, paths in enumerate(map(leaves, examples)):
            for path in paths:
                account_id = str(100_000_000_000 + len(accounts))
                accounts.append({"Id": account_id, "Name": "", "State": "ACTIVE"})
                folder = Path("dumps", account_id, "us-east-1")
                for other, whole in records(account_id).items():
                    save(folder, other, whole, account_id)
                example = records(account_id)[file][index]
                spoiled = [
                    poisoned(example, path, text, f"-{account_id}-{number}")
                    for number, text in enumerate(texts)
                ]
                save(folder, file, spoiled, account_id)
    for number, account in enumerate(accounts):
        account["Name"] = texts[number % len(texts)]
    for number, text in enumerate(texts):
        accounts.append({"Id": str(200_000_000_000 + number), "Name": text, "State": text})
    Path("dumps/accounts.json").write_text(json.dumps({"Accounts": accounts}))
    return len(accounts)


def assert_lines_are_inert(text: str, log_format: str = "text") -> None:
    assert not ACTING.search(text)
    for line in text.splitlines():
        if log_format == "json":
            assert set(json.loads(line)) == {"time", "level", "message"}
        else:
            assert re.match(r"(debug|info|warning|error): ", line)
            assert len(line) <= 2100


def marked(text: object) -> bool:
    return isinstance(text, str) and MARK in text


def assert_page_is_inert(path: Path, harmless: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not ACTING.search(text)
    page, other = html.document_fromstring(text), html.document_fromstring(harmless.read_text())
    kinds = {(str(e.tag), str(name)) for e in page.iter() for name in ["", *e.attrib]}
    assert kinds <= {(str(e.tag), str(name)) for e in other.iter() for name in ["", *e.attrib]}
    assert [e.text for e in page.iter("script")] == [templates.read("page.js")]
    assert not any(marked(e.text) for e in page.iter("style"))
    assert all(str(e.get("href")).startswith("#") for e in page.iter("a"))
    names = [str(e.get(name)) for e in page.iter() for name in ("id", "class", "href", "style")]
    assert not any(map(marked, names))


def assert_workbook_is_inert(path: Path) -> int:
    found = 0
    with closing(openpyxl.load_workbook(path)) as book:
        assert not any(map(marked, [*book.sheetnames, *book.defined_names]))
        for row in (row for sheet in book for row in sheet.iter_rows()):
            for cell in row:
                assert cell.hyperlink is None or not marked(cell.hyperlink.target)
                if cell.data_type == "f":
                    assert not marked(str(cell.value))
                elif marked(cell.value):
                    found += 1
                    text = str(cell.value)
                    assert cell.data_type == "s"
                    assert not ACTING.search(text)
                    assert cell.quotePrefix or text.lstrip()[:1] not in set("=+-@")
    return found


def assert_csv_is_inert(path: Path) -> int:
    found = 0
    text = path.read_bytes().decode()
    assert not ACTING.search(text)
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in rows:
        assert len(row) == len(header)
        for field in filter(marked, row):
            found += 1
            assert field[0] not in "=+-@\t\r"
    return found


OWN_NAME = re.compile(r"snapshot|tables|ri-report\.(html|xlsx)|[a-z_]+\.(csv|parquet|json)")


def test_whatever_stands_in_any_field_of_an_answer_does_nothing(command: Command) -> None:
    report = ("report", "--from-dumps", "dumps", "--as-of", "2026-11-22T06:30Z")
    assert poisoned_dumps(["yy"] * len(HOSTILE)) > 80
    assert command(*report, "--format", "html", "--output-dir", "harmless").code == 3
    poisoned_dumps([*HOSTILE.values()])
    made = command(*report, *EVERY, *LOUD["text"], "--output-dir", "hostile")
    assert made.code == 3
    assert_lines_are_inert(made.err)
    assert not ACTING.search(made.out)
    hostile = Path("hostile", RUN.name)
    assert {path.name for path in Path().iterdir()} == {"dumps", "harmless", "hostile"}
    assert all(OWN_NAME.fullmatch(path.name) for path in hostile.rglob("*"))
    assert_page_is_inert(hostile / "ri-report.html", Path("harmless", RUN.name, "ri-report.html"))
    assert assert_workbook_is_inert(hostile / "ri-report.xlsx") > 100
    for path in (hostile / "report.json", hostile / "snapshot" / "manifest.json"):
        text = path.read_text(encoding="utf-8")
        assert not ACTING.search(text)
        json.loads(text)
    again = ("report", "--snapshot", hostile / "snapshot", "--format", "csv,json")
    ended = command(*again, *LOUD["json"], "--output-dir", "again")
    assert ended.code == 3
    assert_lines_are_inert(ended.err, "json")
    same = Path("again", RUN.name, "report.json")
    assert same.read_bytes() == (hostile / "report.json").read_bytes()
    assert sum(map(assert_csv_is_inert, same.parent.glob("tables/*.csv"))) > 100
    instances = pd.read_parquet(hostile / "snapshot" / "instances.parquet")
    acting = instances.loc[instances["instance_type"].str.contains(ACTING), "instance_id"]
    assert len(acting) > 5
    for identifier in acting[:3]:
        told = command("explain", identifier, "--snapshot", hostile / "snapshot")
        assert told.code == 0
        assert not ACTING.search(told.out + told.err)


def small_dumps() -> None:
    for file, found in records("111111111111").items():
        save(Path("dumps/111111111111/us-east-1"), file, found, "111111111111")


def spoil(file: str, *path: str | int, text: str) -> None:
    place = Path("dumps", file)
    place.write_text(json.dumps(with_leaf(json.loads(place.read_text()), path, text)))


WHERE_IT_ENDS_THE_RUN: dict[str, Callable[[str], object]] = {
    "owner of instances": lambda text: spoil(
        "111111111111/us-east-1/instances.json", "Reservations", 0, "OwnerId", text=text
    ),
    "zone of a reservation": lambda text: spoil(
        "111111111111/us-east-1/reserved-instances.json",
        "ReservedInstances",
        1,
        "AvailabilityZone",
        text=text,
    ),
    "account id": lambda text: (
        Path("dumps/accounts.json").write_text(
            json.dumps({"Accounts": [{"Id": text, "State": "ACTIVE"}]})
        )
        and None
    ),
    "management account": lambda text: (
        Path("dumps/organization.json").write_text(
            json.dumps({"Organization": {"MasterAccountId": text}})
        )
        and None
    ),
}


@pytest.mark.parametrize("where", WHERE_IT_ENDS_THE_RUN)
@pytest.mark.parametrize("log_format", LOUD)
def test_what_ends_the_run_is_told_in_one_harmless_line(
    command: Command, where: str, log_format: str
) -> None:
    for text in HOSTILE.values():
        small_dumps()
        WHERE_IT_ENDS_THE_RUN[where](text)
        ended = command("report", "--from-dumps", "dumps", "--log-format", log_format)
        assert ended.code in {2, 7}
        assert ended.out == ""
        assert len(ended.err.splitlines()) == 1
        assert_lines_are_inert(ended.err, log_format)
    assert {path.name for path in Path().iterdir()} == {"dumps"}


def test_what_aws_says_in_refusals_and_names_does_nothing(
    command: Command, organization_served: Serve, answering: Callable[[Answer], None]
) -> None:
    said: list[str] = []
    refused: list[str] = []

    def spoiled(operation: str, request: Request, truth: Response) -> Response:
        if operation == "ListAccounts":
            listed = json.loads(truth.body)
            for account, text in zip(listed["Accounts"], said, strict=False):
                account["Name"] = text
            return Response(200, truth.headers, json.dumps(listed).encode())
        text = said[len(refused) % len(said)].encode(errors="replace").decode()
        if operation == "AssumeRole" and account_of(request) % 2:
            refused.append(operation)
            return refusal("sts", ApiError("AccessDenied", text, 403), "r-1")
        if operation == "DescribeReservedInstances":
            refused.append(operation)
            return refusal("ec2", ApiError(text, text, 403), "r-1")
        return truth

    organization_served(company(len(HOSTILE)))
    answering(spoiled)
    pages = {}
    for kind, texts in (("harmless", ["yy"] * len(HOSTILE)), ("hostile", [*HOSTILE.values()])):
        said[:] = texts
        refused.clear()
        where = ("--external-id", EXTERNAL_ID, "--output-dir", kind)
        ended = command("run", *US, *EVERY, *LOUD["text"], *where)
        assert ended.code == 3
        assert len(refused) > len(HOSTILE)
        pages[kind] = Path(kind, RUN.name, "ri-report.html")
    assert_lines_are_inert(ended.err)
    assert_page_is_inert(pages["hostile"], pages["harmless"])
    found = pages["hostile"].parent
    assert assert_workbook_is_inert(found / "ri-report.xlsx") > 10
    assert sum(map(assert_csv_is_inert, found.glob("tables/*.csv"))) > 10
    planned = command("run", *US, "--dry-run")
    assert MARK in planned.out
    assert len(planned.out.splitlines()) == len(HOSTILE) + 1
    assert not ACTING.search(planned.out)
