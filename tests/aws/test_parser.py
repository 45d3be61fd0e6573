"""The slim parser gives what botocore's gives, of the fields that are kept."""

from __future__ import annotations

import ast
import json
import logging
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name
from botocore.model import ListShape, ServiceModel, StructureShape
from botocore.parsers import EC2QueryParser, ResponseParserError, ResponseParserFactory
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from ri_report.aws import parser
from ri_report.aws.clients import Clients, using
from ri_report.aws.kept import KEPT
from ri_report.aws.parser import SlimParser, SlimParserFactory, install
from ri_report.inventory import records
from ri_report.sandbox import wire
from tests.aws.answers import (
    INSTANCES,
    MOMENTS,
    NAMESPACE,
    NEAT,
    ODD,
    SHAPES,
    answers,
    response,
    restricted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.model import Shape

    from ri_report.aws.kept import Fields

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "api-responses"
STOCK: Any = ResponseParserFactory().create_parser("ec2")
SLIM = SlimParserFactory().create_parser("ec2")
ACCOUNT = "123456789012"


def comparable(value: Any) -> Any:  # noqa: ANN401 - any part of an answer
    """The value with what equality does not tell: types, offsets from UTC, elements."""
    if isinstance(value, dict):
        return {name: comparable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [comparable(one) for one in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None), value.utcoffset()
    # An element twice is a list of elements to the stock parser.
    return getattr(value, "tag", (type(value), value))


def outcome(of: Any, body: bytes, shape: Shape, status: int = 200) -> Any:  # noqa: ANN401 - any answer
    """What a parser gives of the kept fields, or the kind of error that it raises."""
    try:
        parsed = of.parse(response(body, status), shape)
    except Exception as error:  # noqa: BLE001 - whatever botocore's parser raises
        return type(error)
    kept = restricted(parsed, {**KEPT[shape.name], "ResponseMetadata": {}})
    return comparable(kept | {"ResponseMetadata": parsed.get("ResponseMetadata")})


def test_an_answer_as_ec2_sends_it_gives_the_kept_fields() -> None:
    parsed = SLIM.parse(response(INSTANCES.encode()), SHAPES["DescribeInstances"])
    assert parsed == {
        "Reservations": [
            {
                "OwnerId": ACCOUNT,
                "Instances": [
                    {
                        "InstanceId": "i-1234567890abcdef0",
                        "State": {"Name": "running"},
                        "InstanceType": "t2.micro",
                        "LaunchTime": datetime(2018, 5, 8, 16, 46, 19, tzinfo=UTC),
                        "Placement": {
                            "AvailabilityZone": "eu-west-1c",
                            "AvailabilityZoneId": "euw1-az2",
                            "Tenancy": "default",
                        },
                        "PlatformDetails": "Red Hat Enterprise Linux",
                        "UsageOperation": "RunInstances:0010",
                        "Tags": [
                            {"Key": "Name", "Value": "Server_1 <b> R&amp;D \U0001f680 caf\u00e9"},
                            {"Key": "aws:autoscaling:groupName", "Value": "web-1"},
                            {"Key": "empty", "Value": ""},
                        ],
                    }
                ],
            }
        ],
        "NextToken": "t-2",
        "ResponseMetadata": {
            "RequestId": "8f7724cf-496f-496e-8fe3-example",
            "HTTPStatusCode": 200,
            "HTTPHeaders": {
                "content-type": "text/xml;charset=UTF-8",
                "date": "Sat, 23 Feb 2019 11:45:27 GMT",
            },
        },
    }


def moments(value: Any) -> Any:  # noqa: ANN401 - JSON holds any type
    """Read the recording's form of a moment; the sandbox writes whole seconds."""
    if isinstance(value, list):
        return [moments(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "datetime":
        names = ("year", "month", "day", "hour", "minute", "second")
        return datetime(1, 1, 1, tzinfo=UTC).replace(**{name: value[name] for name in names})
    return {name: moments(one) for name, one in value.items()}


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded answers: {RECORDED} is not there")
@pytest.mark.parametrize("operation", ["Instances", "ReservedInstances", "Regions"])
def test_recorded_answers_come_out_as_they_were_recorded(operation: str) -> None:
    model = wire.service_model("ec2").operation_model(f"Describe{operation}")
    paths = sorted(RECORDED.glob(f"*.Describe{operation}_*.json"))
    assert paths
    for path in paths:
        data = moments(json.loads(path.read_bytes())["data"])
        data.pop("ResponseMetadata")
        body = wire.answer(model, data, "r-1").body
        shape = SHAPES[model.name]
        parsed = SLIM.parse(response(body), shape)
        assert parsed.pop("ResponseMetadata")["RequestId"] == "r-1"
        assert parsed == restricted(data, KEPT[shape.name])
        assert outcome(SLIM, body, shape) == outcome(STOCK, body, shape)


ORGANIZATION = """
management 111111111111 payer
run 3 m5.large us-east-1a name=<b>&amp;
run 2 c5.xlarge us-east-1b
buy 3 m5.large us-east-1
buy 3 r5.4xlarge us-east-1 years=3 payment=all ends=90
"""


@pytest.fixture
def client(world: Callable[..., Any]) -> Iterator[Any]:
    """A client of EC2 in a session for which the slim parser is installed."""
    world(ORGANIZATION)
    session = Session()
    install(session)
    made = session.create_client("ec2", region_name="us-east-1")
    yield made
    made.close()


def test_a_client_gives_of_the_sandbox_what_the_stock_parser_gives(client: Any) -> None:  # noqa: ANN401 - botocore's client
    sent: list[dict[str, Any]] = []
    client.meta.events.register(
        "before-parse.ec2", lambda response_dict, **_: sent.append(response_dict)
    )
    for operation, shape in sorted(SHAPES.items()):
        parsed = getattr(client, xform_name(operation))()
        stock = STOCK.parse(sent[-1], shape)
        about = {"RetryAttempts": 0, **stock["ResponseMetadata"]}
        assert parsed == {**restricted(stock, KEPT[shape.name]), "ResponseMetadata": about}
    assert len(sent) == len(SHAPES) == len(KEPT)


@pytest.mark.parametrize(
    "odd",
    [
        "<instanceType> \r\n </instanceType>",
        "<instanceType> <!-- c -->x</instanceType>",
        "<instanceType>x<!-- c -->y</instanceType>",
        "<instanceType> <![CDATA[x & y]]></instanceType>",
        "<instanceType> <?p i?>x</instanceType>",
        "<instanceType>x<?p i?>y</instanceType>",
        "<instanceType>!?! ?> <part/>y</instanceType>",
        "<instanceType>  <part/>  </instanceType>",
        "<instanceType>  </instanceType>",
        "<instanceType>!&#13;?\n</instanceType>",
        "<instanceType xml:space='preserve'>  </instanceType>",
        "<instanceType a='1'/>",
        "<instanceType>caf\u00e9</instanceType>",
        "<instanceType>a</instanceType><instanceType>b</instanceType>",
        "<x:instanceType xmlns:x='urn:x'>a</x:instanceType>",
        "<instanceType xmlns=''>a</instanceType>",
        "<xml:instanceType>a</xml:instanceType>",
        "<new><instanceType>nested</instanceType></new>",
        "<placement>text</placement><tagSet>text<other><key>Name</key></other></tagSet>",
        *(f"<launchTime>{moment}</launchTime>" for moment in MOMENTS),
    ],
)
@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1"])
def test_an_oddity_gives_what_it_gives_with_the_stock_parser(odd: str, encoding: str) -> None:
    """In an otherwise ordinary answer; all are read as UTF-8, whatever they say."""
    body = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<A xmlns="{NAMESPACE}">\n'
        "  <requestId>&lt;&#13;</requestId>\n  <reservationSet>\n    <item><instancesSet><item>\n"
        f"      {odd}\n    </item></instancesSet></item>\n  </reservationSet>\n</A>"
    )
    shape = SHAPES["DescribeInstances"]
    assert outcome(SLIM, body.encode(), shape) == outcome(STOCK, body.encode(), shape)


TWICE = b"""<?xml version="1.0"?><A xmlns="u"><requestId>1</requestId>
<reservedInstancesSet><item><duration/></item></reservedInstancesSet><reservedInstancesSet/></A>"""


def test_a_wrong_value_in_a_list_that_comes_twice_is_judged_by_the_stock_parser() -> None:
    """It takes neither list for what it seems, so no value is read."""
    shape = SHAPES["DescribeReservedInstances"]
    parsed = SLIM.parse(response(TWICE), shape)
    assert parsed == STOCK.parse(response(TWICE), shape)


def test_the_clients_of_the_job_use_it(
    world: Callable[..., Any], clients: Callable[..., Clients]
) -> None:
    world(ORGANIZATION)
    made = clients()
    ec2: Any = made.client("ec2", "us-east-1")
    with using(made.base):
        answer = ec2.describe_regions()
    assert {name for region in answer["Regions"] for name in region} == {
        "RegionName",
        "OptInStatus",
    }


@settings(max_examples=200, deadline=None)
@given(answers(NEAT) | answers(ODD))
def test_any_answer_gives_what_the_stock_parser_gives(answer: tuple[Shape, bytes]) -> None:
    shape, body = answer
    assert outcome(SLIM, body, shape) == outcome(STOCK, body, shape)


@settings(max_examples=200, deadline=None)
@given(answers(NEAT) | answers(ODD), st.data())
def test_any_damage_gives_what_it_gives_with_the_stock_parser(
    answer: tuple[Shape, bytes], data: st.DataObject
) -> None:
    shape, body = answer
    place = data.draw(st.integers(0, len(body) - 1))
    noise = data.draw(
        st.sampled_from([b"", b"<", b">", b"&", b"\xff", b"\x01", b"/", b"x", b"<a>"])
    )
    damaged = body[:place] + noise + body[place + data.draw(st.integers(0, 3)) :]
    assert outcome(SLIM, damaged, shape) == outcome(STOCK, damaged, shape)


def bodies() -> Iterator[Any]:
    """One answer to each operation."""
    yield pytest.param("DescribeInstances", INSTANCES.encode(), id="DescribeInstances")
    for operation in sorted(SHAPES.keys() - {"DescribeInstances"}):
        model = wire.service_model("ec2").operation_model(operation)
        body = wire.answer(model, full(SHAPES[operation]), "r-1").body
        yield pytest.param(operation, body, id=operation)


def full(shape: Shape) -> Any:  # noqa: ANN401 - what the shape says
    """A value of a shape with each of its members, and a list of one."""
    if isinstance(shape, ListShape):
        return [full(shape.member)]
    if isinstance(shape, StructureShape):
        return {name: full(member) for name, member in shape.members.items()}
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    numbers = {"boolean": False, "integer": 3, "long": 3, "float": 0.5, "double": 0.5}
    return {"timestamp": moment, **numbers}.get(shape.type_name, ACCOUNT)


@pytest.mark.parametrize(("operation", "body"), list(bodies()))
def test_an_answer_cut_off_at_any_byte_is_an_error_that_does_not_quote_it(
    operation: str, body: bytes
) -> None:
    whole = body.rstrip()
    for end in range(len(whole)):
        for each in (SLIM, STOCK):
            with pytest.raises(ResponseParserError) as caught:
                each.parse(response(whole[:end]), SHAPES[operation])
            if each is SLIM:
                assert str(caught.value) == f"{operation}Result: the answer is not whole XML"
                assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b'{"reservationSet": []}',
        b"<html><body>Sign in</body></html>",
        b'<?xml version="1.0"?><html><body>Sign in</body></html>',
        b"<!DOCTYPE html><html><body>Sign in</body></html>",
        b"<!doctype html><title>Sign in<br></html>",
        b'<?xml version="1.0"?><A xmlns="u"><requestId>1</requestId></A>',
        b'<?xml version="1.0"?><A xmlns="u"><reservationSet/></A>',
        b"\x1f\x8b\x08\x00",
    ],
)
def test_what_is_no_answer_of_ec2_has_no_reservations_or_no_request_id(body: bytes) -> None:
    shape = SHAPES["DescribeInstances"]
    try:
        parsed = SLIM.parse(response(body), shape)
    except ResponseParserError:
        return
    assert outcome(SLIM, body, shape) == outcome(STOCK, body, shape)
    assert "Reservations" not in parsed or "RequestId" not in parsed["ResponseMetadata"]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
FILE = (Path(__file__)).as_uri()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    "subset",
    [
        f'[<!ENTITY l0 "ha">{LAUGHS}<!ENTITY e "&l11;">]',
        f'[<!ENTITY e SYSTEM "{FILE}">]',
        f'[<!ENTITY % p SYSTEM "{FILE}"> %p; <!ENTITY e "x">]',
        'SYSTEM "http://127.0.0.1:9/x.dtd"',
        '[<!ENTITY e "x">]',
        "",
    ],
)
def test_an_answer_with_a_document_type_is_refused_before_anything_grows(
    subset: str, encoding: str
) -> None:
    text = (
        f'<?xml version="1.0"?><!DOCTYPE A {subset}><A xmlns="u"><requestId>1</requestId>'
        "<reservationSet><item><ownerId>&e;</ownerId></item></reservationSet></A>"
    )
    tracemalloc.start()
    try:
        with pytest.raises(ResponseParserError, match="not whole XML"):
            SLIM.parse(response(text.encode(encoding)), SHAPES["DescribeInstances"])
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


REFUSAL = b"<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>"


@pytest.mark.parametrize("status", [204, 300, 301, 400, 403, 500, 503])
@pytest.mark.parametrize("body", [REFUSAL, b"", b"<html>"])
def test_errors_are_parsed_by_the_stock_parser(status: int, body: bytes) -> None:
    shape = SHAPES["DescribeInstances"]

    def said(of: Any) -> Any:  # noqa: ANN401 - any answer
        try:
            return of.parse(response(body, status), shape)
        except ResponseParserError as error:
            return str(error)

    assert said(SLIM) == said(STOCK)


def test_other_operations_and_protocols_are_parsed_by_the_stock_parser() -> None:
    operation = wire.service_model("ec2").operation_model("DescribeVpcs")
    body = wire.answer(operation, {"Vpcs": [{"VpcId": "vpc-1"}]}, "r-1").body
    parsed = SLIM.parse(response(body), operation.output_shape)
    assert parsed["Vpcs"] == [{"VpcId": "vpc-1"}]
    for protocol in ("query", "json", "rest-xml"):
        made = SlimParserFactory().create_parser(protocol)
        assert type(made) is type(ResponseParserFactory().create_parser(protocol))


def test_threads_parse_at_the_same_time() -> None:
    shape = SHAPES["DescribeInstances"]
    texts = [INSTANCES.replace("1234567890abcdef0", f"{n:017x}") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        parsed = list(pool.map(lambda text: SLIM.parse(response(text.encode()), shape), texts))
    ids = [answer["Reservations"][0]["Instances"][0]["InstanceId"] for answer in parsed]
    assert ids == [f"i-{n:017x}" for n in range(40)]


def changed_model(*_: object) -> None:
    raise KeyError


def changed_parser(*_: object) -> dict[str, Any]:
    return {"Regions": []}


@pytest.mark.parametrize(
    ("place", "name", "change"),
    [
        (ServiceModel, "shape_for", changed_model),
        (ResponseParserFactory, "create_parser", changed_model),
        (EC2QueryParser, "parse", changed_parser),
        (parser, "ServiceModel", None),
    ],
)
def test_another_botocore_keeps_its_own_parser(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    place: object,
    name: str,
    change: object,
) -> None:
    caplog.set_level(logging.DEBUG, "ri_report")
    monkeypatch.setattr(place, name, change)
    session = Session()
    install(session)
    assert type(session.get_component("response_parser_factory")) is ResponseParserFactory
    assert "does not fit" in caplog.text


def test_this_botocore_gets_the_slim_parser() -> None:
    session = Session()
    install(session)
    factory = session.get_component("response_parser_factory")
    assert isinstance(factory.create_parser("ec2"), SlimParser)


def test_every_kept_field_is_in_the_service_model() -> None:
    assert {shape.name for shape in SHAPES.values()} == KEPT.keys()

    def check(shape: Shape, fields: Fields) -> None:
        shape = shape.member if isinstance(shape, ListShape) else shape
        assert bool(fields) == isinstance(shape, StructureShape), shape
        for name, inside in fields.items():
            assert isinstance(shape, StructureShape)
            check(shape.members[name], inside)

    for shape in SHAPES.values():
        check(shape, KEPT[shape.name])


class Noted(dict[str, Any]):
    """A record that notes which of its fields are read, by their path."""

    def __init__(self, values: dict[str, Any], read: set[str], path: str = "") -> None:
        self.read, self.path = read, path
        super().__init__({name: self._noted(name, value) for name, value in values.items()})

    def _noted(self, name: str, value: Any) -> Any:  # noqa: ANN401 - any field
        path = f"{self.path}{name}."
        if isinstance(value, dict):
            return Noted(value, self.read, path)
        if isinstance(value, list):
            return [Noted(one, self.read, path) if isinstance(one, dict) else one for one in value]
        return value

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any field
        self.read.add(self.path + name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - any field
        self.read.add(self.path + name)
        return super().get(name, default)


MAKERS: dict[str, Callable[..., Any]] = {
    "Reservations": records.instance_rows,
    "ReservedInstances": records.reservation_rows,
    "CapacityReservations": records.capacity_rows,
    "AvailabilityZones": records.zone_rows,
}


NAMED = [{"Key": "Name", "Value": "web"}]


def paths(fields: Fields, start: str = "") -> Iterator[str]:
    for name, inside in fields.items():
        yield start + name
        yield from paths(inside, f"{start}{name}.")


@pytest.mark.parametrize("operation", sorted(SHAPES.keys() - {"DescribeRegions"}))
def test_exactly_what_the_inventory_reads_is_kept(operation: str) -> None:
    """Regions make no rows."""
    shape = SHAPES[operation]
    (name,) = KEPT[shape.name].keys() - {"NextToken"}
    (record,) = full(shape)[name]
    record = {**record, **{key: "active" for key in ("State",) if key in record}}
    for one in record.get("Instances", ()):
        one["State"]["Name"] = "running"
    charged = {"RecurringCharges": [{"Frequency": "Hourly", "Amount": 0.5}]}
    tagged = {"Instances": [{**one, "Tags": NAMED} for one in record.get("Instances", ())]}
    read: set[str] = set()
    for other in ({}, {"Scope": "Region"}, {"Scope": "Availability Zone"}, charged, tagged):
        changed = {key: value for key, value in other.items() if key in record}
        MAKERS[name]([Noted(record | changed, read)], ACCOUNT, "us-east-1")
    assert read == set(paths(KEPT[shape.name][name]))


def test_every_field_that_the_inventory_names_is_kept() -> None:
    """Also one that is read only where another has a certain value."""
    tree = ast.parse(Path(records.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {
        argument.value
        for call in calls
        for argument in call.args[:2]
        if isinstance(argument, ast.Constant) and str(argument.value)[:1].isupper()
    }
    kept = {path.rpartition(".")[2] for fields in KEPT.values() for path in paths(fields)}
    assert "ReservationType" in named
    of_accounts = {"Id", "Status"}
    assert named - of_accounts - set(MAKERS) <= kept
