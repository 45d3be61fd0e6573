"""AWS's wire protocols, read and written after botocore's own service models.

Names, nesting, list and timestamp forms come from the models, so that what the sandbox says is
what AWS says: EC2's and STS's query protocol with XML answers, Organizations' JSON 1.1.
https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html, aws-query-protocol.html,
aws-json-1_1-protocol.html
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from ri_report.sandbox.delivery import AT_ONCE, Delivery
from ri_report.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ri_report.sandbox.organization import Json

SERVICES = ("sts", "organizations", "ec2")
XML = "text/xml;charset=UTF-8"
JSON = "application/x-amz-json-1.1"
CLIENT_ERRORS = range(400, 500)
BODIES_KEPT = 256


@dataclass(frozen=True)
class Request:
    """An HTTP request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """An HTTP answer before the server adds Date and Content-Length."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delivery: Delivery = AT_ONCE


@functools.cache
def service_model(service: str) -> ServiceModel:
    """The botocore model of `sts`, `organizations` or `ec2`."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def read_call(service: str, request: Request) -> tuple[OperationModel, Json]:
    """The operation that a request names and its parameters, checked against the model.

    Equal requests share their parameters, which therefore nobody may change.

    Raises:
        ApiError: the operation or a parameter is unknown, missing or of another type.
    """
    return _read(service, request.headers.get("x-amz-target", ""), request.body)


# Clients ask the same of every account and Region, in the same words.
@functools.lru_cache(maxsize=BODIES_KEPT)
def _read(service: str, target: str, body: bytes) -> tuple[OperationModel, Json]:
    model = service_model(service)
    if model.protocol == "json":
        operation, values = _read_json(model, target, body)
    else:
        operation, values = _read_form(model, body)
    shape = operation.input_shape
    report = ParamValidator().validate(values, shape) if shape is not None else None
    if report is not None and report.has_errors():
        raise ApiError(_invalid(model), report.generate_report())
    return operation, values


def _read_json(model: ServiceModel, target: str, body: bytes) -> tuple[OperationModel, Json]:
    prefix, _, name = target.partition(".")
    if prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
        raise ApiError("UnknownOperationException", "")
    try:
        values = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The body is not JSON.") from error
    return model.operation_model(name), values


def _read_form(model: ServiceModel, body: bytes) -> tuple[OperationModel, Json]:
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    name, version = form.pop("Action", ""), form.pop("Version", "")
    if name not in model.operation_names or version != model.api_version:
        raise ApiError("InvalidAction", f"Could not find operation {name} for version {version}")
    operation = model.operation_model(name)
    values = _Form(model, form).structure(operation.input_shape, "")
    if form and model.protocol == "ec2":
        raise ApiError("UnknownParameter", f"The parameter {min(form)} is not recognized")
    return operation, values


class _Form:
    """Reads the flat names of a query request back into nested values, using up the form."""

    def __init__(self, model: ServiceModel, form: dict[str, str]) -> None:
        self.model = model
        self.form = form

    def structure(self, shape: StructureShape | None, prefix: str) -> Json:
        members = shape.members if shape is not None else {}
        named = {name: prefix + self._name(name, member) for name, member in members.items()}
        return {
            name: self._value(members[name], key) for name, key in named.items() if self._has(key)
        }

    def _value(self, shape: Shape, key: str) -> object:
        if isinstance(shape, StructureShape):
            return self.structure(shape, f"{key}.")
        if isinstance(shape, ListShape):
            return self._list(shape, key)
        return self._scalar(shape.type_name, key)

    def _list(self, shape: ListShape, key: str) -> list[object]:
        # EC2 flattens every list; the query protocol puts the member's name in between.
        flat = self.model.protocol == "ec2" or shape.serialization.get("flattened")
        stem = key if flat else f"{key}.{shape.member.serialization.get('name', 'member')}"
        items: list[object] = []
        while self._has(f"{stem}.{len(items) + 1}"):
            items.append(self._value(shape.member, f"{stem}.{len(items) + 1}"))
        self.form.pop(key, None)
        return items

    def _scalar(self, type_name: str, key: str) -> object:
        text = self.form.pop(key, "")
        try:
            if type_name == "boolean":
                return {"true": True, "false": False}[text.lower()]
            return int(text) if type_name in {"integer", "long"} else text
        except (KeyError, ValueError) as error:
            message = f"Invalid value '{text}' for {key}: not of type {type_name}"
            raise ApiError(_invalid(self.model), message) from error

    def _has(self, key: str) -> bool:
        return any(name == key or name.startswith(f"{key}.") for name in self.form)

    def _name(self, name: str, member: Shape) -> str:
        if self.model.protocol != "ec2":
            return str(member.serialization.get("name", name))
        given = str(member.serialization.get("name", name))
        return str(member.serialization.get("queryName", given[0].upper() + given[1:]))


def answer(operation: OperationModel, values: Json, request_id: str) -> Response:
    """The HTTP answer that carries an operation's result.

    Raises:
        KeyError: the result has a key that the model does not know.
    """
    model = operation.service_model
    shape = operation.output_shape
    if model.protocol == "json":
        body = json.dumps(_json(shape, values)) if shape is not None else "{}"
        return Response(200, {"Content-Type": JSON, "x-amzn-RequestId": request_id}, body.encode())
    inner = _members(shape, values) if shape is not None else ""
    if model.protocol == "ec2":
        inner = f"<requestId>{request_id}</requestId>{inner}"
    else:
        result = f"{operation.name}Result"
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        inner = f"<{result}>{inner}</{result}>{metadata}"
    # AWS ends the namespace in a slash also where the model does not.
    namespace = model.metadata["xmlNamespace"].rstrip("/") + "/"
    name = f"{operation.name}Response"
    return _xml_response(200, f'<{name} xmlns="{namespace}">{inner}</{name}>', request_id)


def refusal(service: str, error: ApiError, request_id: str) -> Response:
    """The HTTP answer that carries an error, in the form of the service's protocol."""
    model = service_model(service)
    if model.protocol == "json":
        body = json.dumps({"__type": error.code, "Message": error.message}).encode()
        headers = {"Content-Type": JSON, "x-amzn-RequestId": request_id}
        return Response(error.status, headers, body)
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if model.protocol == "ec2":
        inner = f"<Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID>"
        return _xml_response(error.status, f"<Response>{inner}</Response>", request_id)
    sender = "Sender" if error.status in CLIENT_ERRORS else "Receiver"
    inner = f"<Error><Type>{sender}</Type>{inner}</Error><RequestId>{request_id}</RequestId>"
    namespace = model.metadata["xmlNamespace"]
    text = f'<ErrorResponse xmlns="{namespace}">{inner}</ErrorResponse>'
    return _xml_response(error.status, text, request_id)


def _xml_response(status: int, text: str, request_id: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Response(status, {"Content-Type": XML, "x-amzn-RequestId": request_id}, body)


def _members(shape: StructureShape, values: Json) -> str:
    unknown = values.keys() - shape.members.keys()
    if unknown:
        raise KeyError(f"{shape.name} has no member {', '.join(sorted(unknown))}")
    return "".join(
        _element(member, member.serialization.get("name", name), values[name])
        for name, member in shape.members.items()
        if name in values
    )


def _element(shape: Shape, tag: str, value: Any) -> str:  # noqa: ANN401 - what the shape says
    if isinstance(shape, ListShape):
        item = shape.member.serialization.get("name", "member")
        flat = shape.serialization.get("flattened")
        inner = "".join(_element(shape.member, tag if flat else item, one) for one in value)
        if flat:
            return inner
    else:
        inner = _members(shape, value) if isinstance(shape, StructureShape) else _text(value)
    return f"<{tag}>{inner}</{tag}>" if inner else f"<{tag}/>"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return escape(str(value), quote=False).replace("\r", "&#13;")


def _json(shape: Shape, value: Any) -> object:  # noqa: ANN401 - what the shape says
    if isinstance(shape, StructureShape):
        return {
            shape.members[name].serialization.get("name", name): _json(shape.members[name], one)
            for name, one in value.items()
        }
    if isinstance(shape, ListShape):
        return [_json(shape.member, one) for one in value]
    return value.timestamp() if isinstance(value, datetime) else value


def _invalid(model: ServiceModel) -> str:
    return {
        "ec2": "InvalidParameterValue",
        "query": "ValidationError",
        "json": "InvalidInputException",
    }[str(model.protocol)]
