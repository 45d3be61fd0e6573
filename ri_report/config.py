"""Configuration: the TOML file, `RI_REPORT_*` and the options, checked before anything is read."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_FILE = "ri-report.toml"
FORMATS = ("html", "xlsx", "json", "csv", "parquet")


def _account_id(value: str) -> str:
    if not re.fullmatch(r"\d{12}", value):
        raise ValueError(f"{value!r} is not an account id: write 12 digits in quotes")
    return value


def _region(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", value):
        raise ValueError(f"{value!r} is not the name of a region, such as eu-west-1")
    return value


def _role_name(value: str) -> str:
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", value, flags=re.ASCII):
        raise ValueError(f"{value!r} is not the name of a role: letters, digits and +=,.@_- only")
    return value


def _session_name(value: str) -> str:
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", value, flags=re.ASCII):
        raise ValueError(f"{value!r} is not a session name: 2-64 letters, digits and +=,.@_- only")
    return value


def _unique(values: list[str]) -> list[str]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands more than once")
    return values


AccountId = Annotated[str, AfterValidator(_account_id)]
Region = Annotated[str, AfterValidator(_region)]
RoleName = Annotated[str, AfterValidator(_role_name)]
SessionName = Annotated[str, AfterValidator(_session_name)]
Accounts = Annotated[list[AccountId], AfterValidator(_unique)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A table of the file: frozen, and strict about keys and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Organization(Section):
    """Which accounts and regions are read, and through which role."""

    discover: Literal["organizations", "list"] = "organizations"
    role_name: RoleName = "CrossAccountInstanceCounter"
    session_name: SessionName = "ri-report"
    external_id: SecretStr = SecretStr("")
    regions: Annotated[list[Region], AfterValidator(_unique)] = []
    include_accounts: Accounts = []
    exclude_accounts: Accounts = []


class Account(Section):
    """One configured account."""

    id: AccountId
    name: str = ""
    role_name: RoleName | None = None


class SharingSection(Section):
    """The organization's sharing preferences, which no API of AWS tells."""

    mode: Literal["open"] = "open"
    deactivated_accounts: Accounts = []
    zonal_match: Literal["az_name", "az_id"] = "az_name"


class Targets(Section):
    """What the headline ratios are held against; 0..1."""

    utilization: Ratio = 0.95
    coverage: Ratio = 0.80


class Output(Section):
    """Where the outputs go, and which are made."""

    dir: str = "reports"
    formats: Annotated[
        list[Literal["html", "xlsx", "json", "csv", "parquet"]], AfterValidator(_unique)
    ] = ["html", "xlsx", "json", "csv"]


class Config(Section):
    """The whole configuration."""

    organization: Organization = Organization()
    account: list[Account] = []
    sharing: SharingSection = SharingSection()
    targets: Targets = Targets()
    output: Output = Output()

    @model_validator(mode="after")
    def _accounts_agree(self) -> Config:
        _unique([account.id for account in self.account])
        if self.organization.discover == "list" and not self.account:
            raise ValueError('organization.discover is "list" but no [[account]] is given')
        return self


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read the file, lay options over it and check the whole.

    Args:
        path: The TOML file; None for defaults only.
        overrides: Values by dotted key ("organization.role_name") that win over the file; None
            values are ignored.

    Raises:
        ConfigError: the file cannot be read, or a key or value is wrong; the message names the
            file, the key and, for an unknown key or choice, the nearest valid one.
    """
    values = {} if path is None else _read(path)
    for dotted, value in (overrides or {}).items():
        if value is not None and value != ():
            _lay_over(values, dotted, list(value) if isinstance(value, tuple) else value)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        where = "the options" if path is None else str(path)
        lines = [_explain(issue) for issue in error.errors()]
        raise ConfigError(f"{where}: " + "; ".join(lines)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; name one with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        hint = "; a value such as an account id must be in quotes"
        raise ConfigError(f"{path}: is not valid TOML: {error}{hint}") from error


def _lay_over(values: dict[str, Any], dotted: str, value: object) -> None:
    section, _, key = dotted.partition(".")
    table = values.setdefault(section, {})
    if isinstance(table, dict):
        table[key] = value


def _explain(issue: Mapping[str, Any]) -> str:
    """Say one mistake as key, problem and the nearest valid value."""
    location = [str(part) for part in issue["loc"]]
    key = re.sub(r"\.(\d+)", r"[\1]", ".".join(location))
    if issue["type"] == "extra_forbidden":
        return f"unknown key {key}{_nearest(location[-1], _siblings(location))}"
    if issue["type"] == "literal_error":
        choices = re.findall(r"'([^']+)'", issue["ctx"]["expected"])
        return f"{key} = {issue['input']!r} is not one of {', '.join(choices)}" + _nearest(
            str(issue["input"]), choices
        )
    if issue["type"] == "string_type":
        return f"{key} must be text: put it in quotes"
    return f"{key}: {issue['msg'].removeprefix('Value error, ')}".removeprefix(": ")


def _siblings(location: list[str]) -> list[str]:
    model: Any = Config
    for part in location[:-1]:
        field = {} if part.isdigit() else model.model_fields
        if part in field:
            annotation = field[part].annotation
            model = Account if part == "account" else annotation
    return list(model.model_fields)


def _nearest(wrong: str, valid: list[str]) -> str:
    close = difflib.get_close_matches(wrong, valid, n=1, cutoff=0.4)
    return f"; did you mean {close[0]}?" if close else f"; valid are {', '.join(valid)}"
