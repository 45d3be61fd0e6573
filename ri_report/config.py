"""Configuration: the TOML file, `RI_REPORT_*` and the options, checked before anything is read."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)

from ri_report.errors import ConfigError
from ri_report.inventory.names import (
    checked_account_id,
    checked_external_id,
    checked_region,
    checked_role_name,
    checked_session_name,
)
from ri_report.mistakes import mistakes
from ri_report.rules.sharing import (
    Mode,
    ZonalMatch,
    check_groups,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_FILE = "ri-report.toml"


def _group_name(value: str) -> str:
    if not value.strip():
        raise ValueError("a group needs a name")
    return value


def _external_id(value: SecretStr) -> SecretStr:
    checked_external_id(value.get_secret_value())
    return value


def _unique(values: list[str]) -> list[str]:
    if twice := _twice(values):
        raise ValueError(f"{twice} stands more than once")
    return values


def _twice(values: list[str]) -> str:
    return ", ".join(sorted(value for value, count in Counter(values).items() if count > 1))


AccountId = Annotated[str, AfterValidator(checked_account_id)]
Region = Annotated[str, AfterValidator(checked_region)]
RoleName = Annotated[str, AfterValidator(checked_role_name)]
SessionName = Annotated[str, AfterValidator(checked_session_name)]
GroupName = Annotated[str, AfterValidator(_group_name)]
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
    external_id: Annotated[SecretStr, AfterValidator(_external_id)] = SecretStr("")
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

    mode: Mode = "open"
    groups: dict[GroupName, Accounts] = {}
    deactivated_accounts: Accounts = []
    zonal_match: ZonalMatch = "az_name"
    zonal_in_capacity_reservations: bool = False

    @model_validator(mode="after")
    def _groups_agree(self) -> SharingSection:
        check_groups(self.groups)
        return self


class Targets(Section):
    """What the headline ratios are held against; 0..1."""

    utilization: Ratio = 0.95
    coverage: Ratio = 0.80


class Output(Section):
    """Where the outputs go, and which are made."""

    dir: Annotated[str, Field(min_length=1)] = "reports"
    formats: Annotated[
        list[Literal["html", "xlsx", "json", "csv", "parquet"]],
        Field(min_length=1),
        AfterValidator(_unique),
    ] = ["html", "xlsx", "json", "csv"]


class Config(Section):
    """The whole configuration."""

    organization: Organization = Organization()
    account: list[Account] = []
    sharing: SharingSection = SharingSection()
    targets: Targets = Targets()
    output: Output = Output()

    _path: str = PrivateAttr("")
    _given: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, source: tuple[str, Mapping[str, str]] | None, /) -> None:
        """Keep where the values come from: the file, and options by the key that they set."""
        self._path, self._given = source or ("", {})

    @property
    def path(self) -> str:
        """The file that was read; "" without one."""
        return self._path

    def place(self, key: str) -> str:
        """Return where the user wrote the value of a key."""
        return self._given.get(key) or f"{self._path}: {key}"

    def named_accounts(self, section: str = "") -> dict[str, tuple[str, ...]]:
        """Return the account ids that the keys of one section, or all, name, by their place."""
        sharing = self.sharing
        named = {
            "organization.include_accounts": self.organization.include_accounts,
            "organization.exclude_accounts": self.organization.exclude_accounts,
            "account": [account.id for account in self.account],
            "sharing.deactivated_accounts": sharing.deactivated_accounts,
        } | {f"sharing.groups.{name}": members for name, members in sharing.groups.items()}
        return {
            self.place(key): tuple(ids)
            for key, ids in named.items()
            if ids and key.startswith(section)
        }

    @model_validator(mode="after")
    def _accounts_agree(self) -> Config:
        twice = _twice([account.id for account in self.account])
        if twice:
            raise ValueError(f"account: {twice} stands more than once")
        if self.organization.discover == "list" and not self.account:
            raise ValueError('organization.discover is "list" but no [[account]] is given')
        return self


def load_config(
    path: Path | None,
    overrides: Mapping[str, Any] | None = None,
    names: Mapping[str, str] | None = None,
) -> Config:
    """Read the file, lay options over it and check the whole.

    Args:
        path: The TOML file; None for defaults only.
        overrides: Values by dotted key ("organization.role_name") that win over the file; None
            values are ignored.
        names: What sets these values, an option or a variable, by the same keys.

    Raises:
        ConfigError: the file cannot be read, or a key or value is wrong; the message names the
            file, the key and, for an unknown key or choice, the nearest valid one.
    """
    given = {name: value for name, value in (overrides or {}).items() if value not in (None, ())}
    values = {} if path is None else _read(path)
    for dotted, value in given.items():
        _lay_over(values, dotted, list(value) if isinstance(value, tuple) else value)
    options = {dotted: (names or {}).get(dotted, dotted) for dotted in given}
    try:
        return Config.model_validate(values, context=(str(path or ""), options))
    except ValidationError as error:
        raise ConfigError(mistakes(error.errors(), str(path), options, Config)) from None


def kept_config(values: Mapping[str, Any], folder: Path) -> Config:
    """Return the configuration that was kept with a snapshot.

    Args:
        values: The tables of the configuration by name.
        folder: The snapshot.

    Raises:
        ConfigError: a later version kept settings that this one does not know.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            f"{folder}: was kept with settings that this ri-report does not know; use the version"
            " that wrote it, or name settings with --config"
        ) from error


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
