"""The command line: arguments in, exit code out."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from ri_report import __version__
from ri_report.errors import (
    EXIT_COMPLETE,
    EXIT_INCOMPLETE,
    EXIT_INTEGRITY,
    EXIT_THRESHOLD,
    ConfigError,
    RiReportError,
)
from ri_report.inventory.names import run_name
from ri_report.options import AS_OF, CONFIG, MANNERS, OUTPUT, SCOPE, option, options_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ri_report.aws.scope import Scope
    from ri_report.config import Config
    from ri_report.pipeline import Result
    from ri_report.progress import Bar, Lines
    from ri_report.report.model import Finding

log = logging.getLogger("ri_report")

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

DEMO_AS_OF = datetime(2026, 11, 1, 6, tzinfo=UTC)
"""Moment of observation of the demo: fixed, so that every demo gives the same report."""

EXIT_CODES = """
\b
Exit codes:
  0  complete            4  no report possible
  2  usage or config     7  what was read contradicts itself
  3  report written,     8  a --fail-on threshold is breached
     but incomplete      130/143  stopped by a signal
"""


def main() -> NoReturn:
    """Run the command and end the process with the exit code that a scheduler sees."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        sys.exit(ri_report.main(prog_name="ri-report", standalone_mode=False) or EXIT_COMPLETE)
    except _Stopped as stopped:
        _leave(stopped.code)
    except RiReportError as error:
        _end(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context: click.Context | None = getattr(error, "ctx", None)
        name = context.command_path if context else "ri-report"
        said = " ".join(error.format_message().split()).rstrip(".")
        _end(f"{said}; see `{name} --help`", error.exit_code)
    except Exception as error:
        if "--debug" in sys.argv or os.environ.get("RI_REPORT_DEBUG"):
            raise
        kind = type(error).__name__
        _end(f"unexpected {kind}; this is a bug: run again with --debug and report it", 4)


class _Stopped(SystemExit):
    """Raised where a signal arrives, so that everything under way is cleaned up."""

    code: int


def _stop(number: int, _: object) -> NoReturn:
    # What a shell says of a command that a signal ended.
    raise _Stopped(128 + number)


def _leave(code: int) -> NoReturn:
    """End without waiting for the threads of calls that nobody answers."""
    try:
        _say("stopped before the end; every file that is there is whole")
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _end(message: str, code: int) -> NoReturn:
    _say(message)
    sys.exit(code)


def _say(message: str) -> None:
    if not log.handlers:
        # Before the options are read, or because they cannot be.
        as_json = os.environ.get("RI_REPORT_LOG_FORMAT") == "json" or re.search(
            r"\0--log-format[=\0]json\0", "\0".join([*sys.argv, ""])
        )
        _talk(verbose=0, quiet=False, log_format="json" if as_json else "text")
    log.error("%s", message)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, "-V", "--version", prog_name="ri-report")
def ri_report() -> None:
    r"""Show whether the EC2 Reserved Instances of all linked AWS accounts work.

    Assumes a role in every account of the organization, reads running instances and reserved
    instances, applies AWS's discount rules, and writes an HTML page, a workbook and data files.

    \b
    Try it without AWS:     ri-report demo
    What accounts grant:    ri-report iam --application-account 111122223333
    See what it would do:   ri-report run --dry-run
    The monthly job:        ri-report run --no-progress
    Why is this one unused: ri-report explain RESERVATION_ID --snapshot reports/<moment>/snapshot
    """


@ri_report.command()
@options_of(OUTPUT, MANNERS)
def demo(output_dir: str | None, formats: tuple[str, ...], **options: Any) -> int:
    """Run the whole job on an embedded sandbox organization; needs neither AWS nor a network.

    Ends with 0 and says why `run` would end with 3 here: one account of the demo organization
    lacks the role, so the report is incomplete.
    """
    from ri_report.config import load_config
    from ri_report.sandbox.demo import demo_organization
    from ri_report.sandbox.server import serve

    _talk(**options)
    config = load_config(None, {"output.dir": output_dir, "output.formats": formats}, _names())
    with serve(demo_organization(DEMO_AS_OF)) as endpoint, _environment(endpoint.environment):
        result = _run(config, "", DEMO_AS_OF, "demo", options)
    _say_written(result)
    code = _verdict(result, options["fail_on"])
    if code == EXIT_INCOMPLETE:
        log.warning("Here `ri-report run` would exit with 3: the report is written but incomplete.")
    return EXIT_COMPLETE if code == EXIT_INCOMPLETE else code


@ri_report.command(epilog=EXIT_CODES)
@options_of(CONFIG, SCOPE, AS_OF, OUTPUT, MANNERS)
@option("--dry-run", is_flag=True, help="Show which accounts would be read, and write nothing.")
def run(profile: str | None, as_of: datetime | None, *, dry_run: bool, **options: Any) -> int:
    """Collect from every linked account, keep a snapshot, and write the reports."""
    _talk(**options)
    config = _config(options["config"], _overrides(options))
    moment = _moment(as_of)
    if dry_run:
        return _dry_run(config, profile or "")
    result = _run(config, profile or "", moment, run_name(moment), options)
    _say_written(result)
    return _verdict(result, options["fail_on"])


@ri_report.command(epilog=EXIT_CODES)
@options_of(CONFIG, SCOPE, AS_OF, MANNERS)
@option("--output-dir", metavar="DIR", help="Where the folder of each run goes [reports].")
def collect(profile: str | None, as_of: datetime | None, **options: Any) -> int:
    """Collect from every linked account and keep a snapshot, without a report."""
    from ri_report.pipeline import collect_snapshot
    from ri_report.report.findings import gaps

    _talk(**options)
    config = _config(options["config"], _overrides(options))
    moment = _moment(as_of)
    with _progress(options) as shown:
        inventory, folder = collect_snapshot(
            config,
            _scope(config, profile),
            as_of=moment,
            name=run_name(moment),
            progress=shown,
        )
    click.echo(folder)
    _say_found(gaps(inventory))
    return _incomplete(inventory.outcomes.loc[inventory.outcomes["is_gap"], "status"])


@ri_report.command(epilog=EXIT_CODES)
@options_of(CONFIG, AS_OF, OUTPUT, MANNERS)
@option("--snapshot", type=click.Path(path_type=Path), metavar="DIR", help="A kept snapshot.")
@option(
    "--from-dumps",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Saved AWS CLI answers: DIR/<account id>/<region>/instances.json, ...",
)
def report(
    snapshot: Path | None, from_dumps: Path | None, as_of: datetime | None, **options: Any
) -> int:
    """Make the outputs again from what is stored; asks AWS nothing.

    With --snapshot, sharing and targets are those of the run, unless --config names a file.
    """
    from ri_report.pipeline import report_dumps, report_snapshot

    _talk(**options)
    if (snapshot is None) == (from_dumps is None):
        raise ConfigError("report needs one of --snapshot DIR and --from-dumps DIR")
    config = _config(options["config"], _overrides(options))
    if from_dumps is not None:
        result = report_dumps(from_dumps, config, as_of)
    else:
        if as_of is not None:
            raise ConfigError("--as-of goes with --from-dumps; a snapshot has its own moment")
        given = config if options["config"] else None
        result = report_snapshot(snapshot or Path(), given, config.output.model_dump())
    _say_written(result)
    return _verdict(result, options["fail_on"])


@ri_report.command()
@click.argument("identifier", metavar="RESERVATION_ID|INSTANCE_ID")
@option(
    "--snapshot",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="A kept snapshot: reports/<moment>/snapshot.",
)
@options_of(CONFIG)
def explain(identifier: str, snapshot: Path, config: Path | None) -> int:
    r"""Tell the story of one reservation or one instance of a kept snapshot.

    For a reservation: what it could cover, by scope and tier of sharing; what it covers; why the
    rest is unused, and what would match but for one rule. For an instance the same the other way
    round. The numbers are those of the report of that run, as are the sharing settings, unless
    --config names a file. Asks AWS nothing and writes no file.

    \b
    ids of reservations:  tables/utilization.csv, reservations_other_states.csv
    ids of instances:     tables/uncovered.csv, allocations.csv, not_eligible.csv
    """
    from ri_report.logs import LONGEST_LINE
    from ri_report.pipeline import explain_snapshot
    from ri_report.report.text import visible

    given = _config(config, {}) if config else None
    for line in explain_snapshot(snapshot, given, identifier):
        click.echo(visible(line, LONGEST_LINE))
    return EXIT_COMPLETE


@ri_report.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "cloudformation", "stackset", "terraform"]),
    default="json",
    help="What to print [json].",
)
@click.option(
    "--application-account", required=True, metavar="ID", help="Account that the job runs in."
)
@click.option(
    "--application-role",
    default="",
    metavar="NAME",
    help="Role that the job runs as; otherwise the whole application account is trusted.",
)
@options_of(CONFIG)
@option(
    "--role-name", metavar="NAME", help="Name of the member role [CrossAccountInstanceCounter]."
)
@option("--external-id", metavar="ID", help="Demand this external id.")
@click.option(
    "--organization-id",
    default="",
    metavar="o-ID",
    help="Trust only principals of this organization.",
)
@click.option(
    "--partition",
    type=click.Choice(["aws", "aws-cn", "aws-us-gov"]),
    default="aws",
    help="AWS partition of the accounts [aws].",
)
def iam(form: str, **options: Any) -> int:
    r"""Print what the accounts must grant: the member role and the application's policy.

    Role names and the external id are those of the configuration, where there is one.

    \b
    1. Roll the member role out to every account (StackSet, or your own tooling).
    2. Attach the application's policy to the role that runs the job.
    3. ri-report run
    """
    from ri_report.aws.grants import grants

    config = _config(options["config"], _overrides(options))
    click.echo(
        grants(
            form,
            role_name=config.organization.role_name,
            application_account_id=options["application_account"],
            application_role_name=options["application_role"],
            external_id=config.organization.external_id.get_secret_value(),
            organization_id=options["organization_id"],
            partition=options["partition"],
            other_roles=tuple(
                (each.id, each.role_name) for each in config.account if each.role_name
            ),
        ),
        nl=False,
    )
    return EXIT_COMPLETE


@ri_report.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 takes a free one.")
@options_of(AS_OF)
def sandbox(port: int, as_of: datetime | None) -> int:
    """Serve the demo organization on a loopback port until stopped, to try `run` by hand.

    Prints the environment variables that point any AWS tool at it.
    """
    from threading import Event

    from ri_report.sandbox.demo import demo_organization
    from ri_report.sandbox.server import serve

    moment = as_of or _now().replace(minute=0, second=0)
    with ExitStack() as stack:
        try:
            endpoint = stack.enter_context(serve(demo_organization(moment), port=port))
        except OSError as error:
            raise ConfigError(
                f"--port {port}: cannot be served ({error.strerror}); name another, or leave it out"
            ) from error
        for name, value in endpoint.environment.items():
            click.echo(f"export {name}={value}")
        click.echo("Serving the demo organization; stop with Ctrl-C.", err=True)
        Event().wait()
    return EXIT_COMPLETE


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _moment(as_of: datetime | None) -> datetime:
    """Return the moment of observation; one that is not about now is pointed out."""
    now = _now()
    if as_of is not None and abs(as_of - now) > timedelta(days=1):
        log.warning(
            "--as-of %s is not now, %s: what runs is read now, but reservations and their ends are"
            " judged at that other moment",
            as_of.isoformat(),
            now.isoformat(),
        )
    return as_of or now


def _talk(*, verbose: int, quiet: bool, log_format: str, **_: object) -> None:
    from ri_report.logs import configure

    configure(verbose=verbose, quiet=quiet, log_format=log_format)


def _overrides(options: dict[str, Any]) -> dict[str, Any]:
    return {key: options.get(name) for key, name in KEYS.items()}


def _names() -> dict[str, str]:
    """Return what set each key: the option, or the variable of the same meaning."""
    context = click.get_current_context()
    parameters = {each.name or "": each for each in context.command.params}
    names = {}
    for key, name in KEYS.items():
        if name in parameters:
            from_variable = context.get_parameter_source(name) is ParameterSource.ENVIRONMENT
            each = parameters[name]
            names[key] = str(each.envvar if from_variable else each.opts[0])
    return names


def _config(path: Path | None, overrides: dict[str, Any]) -> Config:
    from ri_report.config import DEFAULT_FILE, load_config

    default = Path(DEFAULT_FILE)
    return load_config(path or (default if default.exists() else None), overrides, _names())


def _scope(config: Config, profile: str | None) -> Scope:
    """Honor AWS_REGION, which the AWS CLI reads and botocore does not."""
    from ri_report.pipeline import scope_of

    return scope_of(config, profile or "", os.environ.get("AWS_REGION", ""))


def _run(
    config: Config, profile: str, as_of: datetime, name: str, options: dict[str, Any]
) -> Result:
    from ri_report.pipeline import run as run_pipeline

    with _progress(options) as shown:
        return run_pipeline(config, _scope(config, profile), as_of=as_of, name=name, progress=shown)


def _progress(options: dict[str, Any]) -> Lines | Bar:
    from ri_report.progress import progress

    wanted = not options["no_progress"] and not options["quiet"]
    return progress(wanted=wanted, lines=options["log_format"] == "json")


def _dry_run(config: Config, profile: str) -> int:
    from ri_report.aws.plan import plan
    from ri_report.logs import LONGEST_LINE
    from ri_report.report.text import visible

    for line in plan(_scope(config, profile)):
        click.echo(visible(line, LONGEST_LINE))
    return EXIT_COMPLETE


def _say_written(result: Result) -> None:
    for path in result.written:
        click.echo(path)


def _verdict(result: Result, thresholds: tuple[tuple[str, float], ...]) -> int:
    """Say what the report lacks or breaches, and return the exit code."""
    made = result.report
    _say_found(made.findings)
    if code := _incomplete(made.tables["gaps"].rows["status"]):
        return code
    values = {kpi.name: kpi.value for kpi in made.kpis}
    code = EXIT_COMPLETE
    for name, bound in thresholds:
        value = values[name]
        if value is not None and value < bound:
            log.warning("%s is %.4f, below %s", name, value, bound)
            code = EXIT_THRESHOLD
    return code


def _incomplete(gaps: Iterable[str]) -> int:
    """Return the exit code that the statuses of what was not read call for; 0 for none."""
    statuses = set(gaps)
    if "INTEGRITY" in statuses:
        return EXIT_INTEGRITY
    return EXIT_INCOMPLETE if statuses else EXIT_COMPLETE


def _say_found(findings: Iterable[Finding]) -> None:
    for finding in findings:
        level = logging.WARNING if finding.level == "gap" else logging.DEBUG
        log.log(level, "%s", f"{finding.text}. {finding.fix}".removesuffix(". "))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Point this process at other AWS credentials and endpoints for a while."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    # Nor is the user's own configuration of AWS read, which may lead elsewhere or be broken.
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    os.environ.update(variables | files)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
