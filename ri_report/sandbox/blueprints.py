"""Answers of generated accounts, written once for each variant and filled in for each account.

Writing a page of instances costs milliseconds, filling in the ids of an account a fraction of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ri_report.sandbox import wire
from ri_report.sandbox.ec2 import question
from ri_report.sandbox.paging import read_token, write_token
from ri_report.sandbox.population import BLANK_ID, BLANK_MARK, place_of, variant_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel

    from ri_report.sandbox.call import Call, Operation
    from ri_report.sandbox.population import GeneratedOrganization

BLANK_REQUEST = "@@REQUEST@@"
BLANK_TOKEN = "@@TOKEN@@"  # noqa: S105 - a blank
BLANKS = re.compile(rb"(@@(?:REQUEST|TOKEN|ACCOUNT@|MARK)@@)")
NAMING = frozenset({"InstanceIds", "ReservedInstancesIds", "CapacityReservationIds"})
NAMING_FILTERS = frozenset({"instance-id", "reserved-instances-id", "owner-id"})
"""Parameters and filters whose values are of one account only."""
MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class Blueprint:
    """An answer with blanks.

    Attributes:
        parts: The body in parts; every second one is a blank.
        size: The length of the body.
        end: The offset that the NextToken leads to, 0 where there is none.
    """

    parts: list[bytes]
    size: int
    end: int

    def filled(self, texts: Mapping[bytes, bytes]) -> bytes:
        """The body with a text in each blank."""
        parts = self.parts.copy()
        parts[1::2] = map(texts.__getitem__, self.parts[1::2])
        return b"".join(parts)


class Blueprints:
    """The answers of one organization's variants, kept as long as they take little room."""

    def __init__(self, organization: GeneratedOrganization) -> None:
        """Write answers of an organization."""
        self._accounts = organization.accounts
        self._kept: dict[object, Blueprint] = {}
        self._bytes = 0

    def answer(
        self, operation: OperationModel, call: Call, perform: Operation, request_id: str
    ) -> wire.Response | None:
        """The answer to a permitted call of EC2; None where it does not come from a blueprint.

        Raises:
            ApiError: as the operation does.
        """
        token = call.parameters.get("NextToken", "")
        try:
            offset = read_token(token, question(call))[0] if token else 0
        except ValueError:
            return None
        if call.twist or _names_something(call):
            return None
        place = place_of(call.account.account_id)
        blueprint = self._blueprint(operation, call, offset, perform)
        token = write_token(blueprint.end, question(call)) if blueprint.end else ""
        texts = {
            BLANK_REQUEST: request_id,
            BLANK_TOKEN: token,
            BLANK_MARK: self._accounts.mark(place, call.region),
            BLANK_ID: call.account.account_id,
        }
        body = blueprint.filled({name.encode(): text.encode() for name, text in texts.items()})
        headers = {"Content-Type": wire.XML, "x-amzn-RequestId": request_id}
        return wire.Response(200, headers, body)

    def _blueprint(
        self, operation: OperationModel, call: Call, offset: int, perform: Operation
    ) -> Blueprint:
        variant = variant_of(place_of(call.account.account_id))
        asked = {key: call.parameters[key] for key in call.parameters if key != "NextToken"}
        key = (operation.name, variant, call.region, repr(asked), offset)
        if key not in self._kept:
            blank = replace(call, account=self._accounts.blank(variant), parameters=asked)
            if offset:
                asked["NextToken"] = write_token(offset, question(blank))
            self._keep(key, _written(operation, blank, perform))
        return self._kept[key]

    def _keep(self, key: object, blueprint: Blueprint) -> None:
        while self._kept and self._bytes + blueprint.size > MOST_BYTES:
            self._bytes -= self._kept.pop(next(iter(self._kept))).size
        self._kept[key] = blueprint
        self._bytes += blueprint.size


def _written(operation: OperationModel, blank: Call, perform: Operation) -> Blueprint:
    result = perform(blank)
    end = 0
    if "NextToken" in result:
        end = read_token(result["NextToken"], question(blank))[0]
        result["NextToken"] = BLANK_TOKEN
    body = wire.answer(operation, result, BLANK_REQUEST).body
    return Blueprint(BLANKS.split(body), len(body), end)


def _names_something(call: Call) -> bool:
    filters = {one.get("Name") for one in call.parameters.get("Filters", [])}
    return bool(NAMING & call.parameters.keys() or NAMING_FILTERS & filters)
