"""Requests and answers have the forms that botocore's own serializers and parsers know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.wire import Request, answer, read_call, refusal, service_model

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

    from ri_report.sandbox.wire import Response

MOMENT = datetime(2026, 11, 22, 6, 30, 7, tzinfo=UTC)
QUESTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("ec2", "DescribeInstances", {}),
    ("ec2", "DescribeInstances", {"MaxResults": 7, "NextToken": "a+b/c=", "DryRun": False}),
    ("ec2", "DescribeInstances", {"InstanceIds": ["i-1", "i-2"]}),
    (
        "ec2",
        "DescribeInstances",
        {"Filters": [{"Name": "n", "Values": ["1", "2"]}, {"Name": "m", "Values": ["é&"]}]},
    ),
    ("ec2", "DescribeRegions", {"AllRegions": True, "RegionNames": ["us-east-1"]}),
    ("ec2", "DescribeReservedInstances", {"OfferingClass": "standard"}),
    (
        "sts",
        "AssumeRole",
        {
            "RoleArn": "arn:aws:iam::111122223333:role/R",
            "RoleSessionName": "s1",
            "DurationSeconds": 900,
            "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
            "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}],
            "TransitiveTagKeys": ["a", "c"],
        },
    ),
    ("organizations", "ListAccounts", {"MaxResults": 20, "NextToken": "x"}),
]
FIRST_OPERATION = {
    "ec2": "DescribeRegions",
    "sts": "GetCallerIdentity",
    "organizations": "ListAccounts",
}
ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("ec2", "DescribeInstances", {"Reservations": []}),
    (
        "ec2",
        "DescribeInstances",
        {
            "Reservations": [
                {
                    "Instances": [
                        {
                            "LaunchTime": MOMENT,
                            "EbsOptimized": False,
                            "State": {"Code": 16, "Name": "running"},
                            "Tags": [{"Key": "Name", "Value": "<&>\"'\r\n\u202e\N{ROCKET}"}],
                        }
                    ]
                }
            ],
            "NextToken": "t",
        },
    ),
    (
        "ec2",
        "DescribeReservedInstances",
        {"ReservedInstances": [{"FixedPrice": 151.5, "Duration": 31536000, "Start": MOMENT}]},
    ),
    (
        "sts",
        "AssumeRole",
        {"Credentials": {"SessionToken": "t", "Expiration": MOMENT}, "PackedPolicySize": 6},
    ),
    ("organizations", "ListAccounts", {"Accounts": [{"JoinedTimestamp": MOMENT, "Name": "é"}]}),
    ("organizations", "ListAccounts", {"Accounts": []}),
]


def _request(model: ServiceModel, operation: str, parameters: dict[str, Any]) -> Request:
    serializer = create_serializer(model.protocol, include_validation=False)
    wire = serializer.serialize_to_request(parameters, model.operation_model(operation))
    headers = {name.lower(): value for name, value in wire["headers"].items()}
    body = wire["body"]
    if isinstance(body, dict):
        body = urlencode(body).encode()
    return Request("POST", "/", headers, body)


def _parsed(response: Response, operation: OperationModel) -> dict[str, Any]:
    raw = {
        "status_code": response.status,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "body": response.body,
    }
    shape = operation.output_shape
    assert shape is not None
    return dict(create_parser(operation.service_model.protocol).parse(raw, shape))


@pytest.mark.parametrize(("service", "operation", "parameters"), QUESTIONS)
def test_what_botocore_writes_is_read_back(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    request = _request(service_model(service), operation, parameters)
    found, values = read_call(service, request)
    assert found.name == operation
    assert values == parameters


@pytest.mark.parametrize(("service", "operation", "values"), ANSWERS)
def test_what_is_written_botocore_reads_back(
    service: str, operation: str, values: dict[str, Any]
) -> None:
    model = service_model(service).operation_model(operation)
    parsed = _parsed(answer(model, values, "request-1"), model)
    assert parsed.pop("ResponseMetadata")["RequestId"] == "request-1"
    assert parsed == values


@pytest.mark.parametrize("service", FIRST_OPERATION)
def test_refusal_has_the_form_of_its_protocol(service: str) -> None:
    model = service_model(service)
    response = refusal(service, ApiError("Code", "<said>", 403), "request-1")
    parsed = _parsed(response, model.operation_model(FIRST_OPERATION[service]))
    assert parsed["Error"]["Code"] == "Code"
    assert parsed["Error"]["Message"] == "<said>"
    assert parsed["ResponseMetadata"]["RequestId"] == "request-1"


def test_value_that_the_model_does_not_know_is_a_mistake_of_the_sandbox() -> None:
    operation = service_model("ec2").operation_model("DescribeRegions")
    with pytest.raises(KeyError, match="Region has no member Nmae"):
        answer(operation, {"Regions": [{"Nmae": "us-east-1"}]}, "request-1")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"Action=DescribeNothing&Version=2016-11-15", "InvalidAction"),
        (b"Action=DescribeInstances&Version=2006-06-26", "InvalidAction"),
        (b"Action=DescribeInstances&Version=2016-11-15&Colour=red", "UnknownParameter"),
        (b"Action=DescribeInstances&Version=2016-11-15&MaxResults=x", "InvalidParameterValue"),
        (b"Action=DescribeInstances&Version=2016-11-15&DryRun=maybe", "InvalidParameterValue"),
        (b"", "InvalidAction"),
    ],
)
def test_request_that_the_model_does_not_know_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_call("ec2", Request("POST", "/", {}, body))
    assert caught.value.code == code


def test_missing_parameter_is_refused() -> None:
    body = b"Action=AssumeRole&Version=2011-06-15&RoleSessionName=job"
    with pytest.raises(ApiError, match="RoleArn"):
        read_call("sts", Request("POST", "/", {}, body))


def test_json_that_cannot_be_read_is_refused() -> None:
    headers = {"x-amz-target": "AWSOrganizationsV20161128.ListAccounts"}
    with pytest.raises(ApiError) as caught:
        read_call("organizations", Request("POST", "/", headers, b"{"))
    assert caught.value.code == "SerializationException"
