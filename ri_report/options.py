"""The options of the commands; what `option` makes is also set by RI_REPORT_<NAME>."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEYS = {
    "organization.role_name": "role_name",
    "organization.external_id": "external_id",
    "organization.regions": "regions",
    "organization.include_accounts": "accounts",
    "organization.exclude_accounts": "excluded",
    "output.dir": "output_dir",
    "output.formats": "formats",
}
"""The keys of the configuration that options set, with the name under which click has them."""

FIRST, LAST = datetime(2006, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""No moment before EC2 or far after every term; the outputs hold those in between."""


def _as_of(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not ISO 8601, such as 2026-11-01T06:00Z") from None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    if not FIRST <= moment < LAST:
        raise click.BadParameter(f"{value!r} is not in the years 2006 to 2199, UTC")
    return moment.astimezone(UTC)


def _formats(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(part.strip() for part in value.split(","))


def _thresholds(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, float], ...]:
    found = []
    for value in values:
        match = re.fullmatch(r"\s*(utilization|coverage)\s*<\s*(0?\.\d+|[01](?:\.0*)?)\s*", value)
        if not match:
            raise click.BadParameter(f"{value!r} is not like 'utilization<0.8' or 'coverage<0.6'")
        found.append((match[1], float(match[2])))
    return tuple(found)


def option(*names: str, **settings: Any) -> Callable[[Any], Any]:
    """An option that RI_REPORT_<NAME> sets as well."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "RI_REPORT_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **settings)


def options_of(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in this order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


RESUME = option(
    "--resume",
    metavar="RUN",
    help="Go on with a run that was stopped or incomplete, within an hour of its beginning.",
)
CONFIG = option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Configuration in TOML; ri-report.toml where there is one.",
)
OUTPUT_DIR = option(
    "--output-dir", metavar="DIR", help="Where the folder of each run goes [reports]."
)
OUTPUT = options_of(
    OUTPUT_DIR,
    option(
        "--format",
        "formats",
        callback=_formats,
        metavar="LIST",
        help="html,xlsx,json,csv,parquet: which outputs are made [html,xlsx,json,csv].",
    ),
    option(
        "--fail-on",
        multiple=True,
        callback=_thresholds,
        metavar="RULE",
        help="Exit with 8 when this holds, e.g. 'utilization<0.8'. Repeatable.",
    ),
)
AS_OF = option(
    "--as-of",
    callback=_as_of,
    metavar="ISO8601",
    help="Moment of observation; decides which reservations are active.",
)
SCOPE = options_of(
    option("--profile", metavar="NAME", help="AWS profile of the application account."),
    option(
        "--region",
        "regions",
        multiple=True,
        metavar="REGION",
        help="Read only this region. Repeatable; otherwise every region enabled in each account.",
    ),
    option("--role-name", metavar="NAME", help="Role to assume [CrossAccountInstanceCounter]."),
    option("--external-id", metavar="ID", help="External id of the role's trust policy, if any."),
    option(
        "--account",
        "accounts",
        multiple=True,
        metavar="ID",
        help="Read only this account. Repeatable.",
    ),
    option(
        "--exclude-account",
        "excluded",
        multiple=True,
        metavar="ID",
        help="List this account but do not read it. Repeatable.",
    ),
)
STORED = options_of(
    option("--snapshot", type=click.Path(path_type=Path), metavar="DIR", help="A kept snapshot."),
    option(
        "--from-dumps",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Saved AWS CLI answers: DIR/<account id>/<region>/instances.json, ...",
    ),
)
KEPT = option(
    "--snapshot",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="A kept snapshot: reports/<moment>/snapshot.",
)
GRANTS = options_of(
    click.option(
        "--format",
        "form",
        type=click.Choice(["json", "cloudformation", "stackset", "terraform"]),
        default="json",
        help="What to print [json].",
    ),
    click.option(
        "--application-account", required=True, metavar="ID", help="Account that the job runs in."
    ),
    click.option(
        "--application-role",
        default="",
        metavar="NAME",
        help="Role that the job runs as; otherwise the whole application account is trusted.",
    ),
    CONFIG,
    option(
        "--role-name", metavar="NAME", help="Name of the member role [CrossAccountInstanceCounter]."
    ),
    option("--external-id", metavar="ID", help="Demand this external id."),
    click.option(
        "--organization-id",
        default="",
        metavar="o-ID",
        help="Trust only principals of this organization.",
    ),
    click.option(
        "--partition",
        type=click.Choice(["aws", "aws-cn", "aws-us-gov"]),
        default="aws",
        help="AWS partition of the accounts [aws].",
    ),
)
SANDBOX = options_of(
    click.option(
        "--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 takes a free one."
    ),
    click.option(
        "--accounts",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help="Serve a made-up organization of N accounts, with AWS's throttles, instead of the"
        " demo.",
    ),
    click.option(
        "--regions", type=click.IntRange(1, 34), metavar="R", help="Regions of each account [17]."
    ),
    click.option(
        "--instances-per-region",
        type=click.IntRange(0, 100_000),
        metavar="K",
        help="Instances of each account in each Region [60].",
    ),
    click.option(
        "--latency-ms",
        type=click.FloatRange(0, 60_000),
        metavar="L",
        default=0.0,
        help="Wait before each answer [0].",
    ),
)
MANNERS = options_of(
    option("--no-progress", is_flag=True, help="Show no progress."),
    option("-v", "--verbose", count=True, help="Say more on stderr."),
    option("-q", "--quiet", is_flag=True, help="Say only what went wrong."),
    option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        help="How lines on stderr look [text].",
    ),
    option("--debug", is_flag=True, help="Show tracebacks of unexpected errors."),
)


def variables(commands: Iterable[click.Command]) -> set[str]:
    """Return the names of the variables that set options of these commands."""
    return {str(each.envvar) for command in commands for each in command.params if each.envvar}


def values_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the values of options by the key of the configuration that they set."""
    return {key: options.get(name) for key, name in KEYS.items()}


def set_by() -> dict[str, str]:
    """Return what set each key of the running command: the option, or its variable."""
    context = click.get_current_context()
    parameters = {each.name or "": each for each in context.command.params}
    names = {}
    for key, name in KEYS.items():
        if name in parameters:
            from_variable = context.get_parameter_source(name) is ParameterSource.ENVIRONMENT
            each = parameters[name]
            names[key] = str(each.envvar if from_variable else each.opts[0])
    return names
