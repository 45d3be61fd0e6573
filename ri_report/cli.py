"""The command line: arguments in, exit code out."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ri_report import __version__
from ri_report.ending import end_with
from ri_report.environment import only_aws, refuse_unknown
from ri_report.errors import EXIT_COMPLETE, EXIT_INCOMPLETE, ConfigError
from ri_report.options import (
    AS_OF,
    CONFIG,
    GRANTS,
    KEPT,
    MANNERS,
    OUTPUT,
    OUTPUT_DIR,
    RESUME,
    SANDBOX,
    SCOPE,
    STORED,
    option,
    options_of,
    set_by,
    values_of,
    variables,
)
from ri_report.verdict import incomplete, say_found, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from ri_report.aws.scope import Scope
    from ri_report.collection import Run
    from ri_report.config import Config
    from ri_report.pipeline import Result
    from ri_report.progress import Bar, Lines
    from ri_report.sandbox.server import Endpoint

log = logging.getLogger("ri_report")

DEMO_AS_OF = datetime(2026, 11, 1, 6, tzinfo=UTC)
"""Moment of observation of the demo: fixed, so that every demo gives the same report."""

EXIT_CODES = """
\b
Exit codes:
  0  complete            6  another run writes into the same folder
  2  usage or config     7  what was read contradicts itself
  3  report written,     8  a --fail-on threshold is breached
     but incomplete      130/143  stopped by a signal
  4  no report possible
"""


def main() -> NoReturn:
    """Run the command and end the process with the exit code that a scheduler sees."""
    end_with(lambda: ri_report.main(prog_name="ri-report", standalone_mode=False))


class _Command(click.Command):
    """A command that runs only where every variable of this program's sets something."""

    def invoke(self, ctx: click.Context) -> Any:
        refuse_unknown(variables(ri_report.commands.values()))
        return super().invoke(ctx)


class _Group(click.Group):
    command_class = _Command


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, "-V", "--version", prog_name="ri-report")
def ri_report() -> None:
    """Show whether the EC2 Reserved Instances of all linked AWS accounts work.

    Assumes a role in every account of the organization, reads running instances and reserved
    instances, applies AWS's discount rules, and writes an HTML page, a workbook and data files.

    \b
    Try it without AWS:     ri-report demo
    What accounts grant:    ri-report iam --application-account 111122223333
    See what it would do:   ri-report run --dry-run
    The monthly job:        ri-report run --no-progress
    Why is this one unused: ri-report explain RESERVATION_ID --snapshot reports/<moment>/snapshot
    """  # noqa: D301 - click takes the character for: keep these lines


@ri_report.command()
@options_of(OUTPUT, MANNERS)
def demo(output_dir: str | None, formats: tuple[str, ...] | None, **options: Any) -> int:
    """Run the whole job on an embedded sandbox organization; needs neither AWS nor a network.

    Ends with 0 and says why `run` would end with 3 here: one account of the demo organization
    lacks the role, so the report is incomplete.
    """
    from ri_report.collection import Run
    from ri_report.config import load_config
    from ri_report.sandbox.demo import demo_organization
    from ri_report.sandbox.server import serve

    _talk(**options)
    config = load_config(None, {"output.dir": output_dir, "output.formats": formats}, set_by())
    with serve(demo_organization(DEMO_AS_OF)) as endpoint, only_aws(endpoint.environment):
        the_run = Run("demo", DEMO_AS_OF, _now(), is_resumable=False)
        result = _run(config, "", the_run, options)
    _say_written(result)
    code = verdict(result.report, options["fail_on"])
    if code == EXIT_INCOMPLETE:
        log.warning("Here `ri-report run` would exit with 3: the report is written but incomplete.")
    return EXIT_COMPLETE if code == EXIT_INCOMPLETE else code


@ri_report.command(epilog=EXIT_CODES)
@options_of(CONFIG, SCOPE, AS_OF, OUTPUT, MANNERS, RESUME)
@option("--dry-run", is_flag=True, help="Show which accounts would be read, and write nothing.")
def run(
    profile: str | None,
    as_of: datetime | None,
    resume: str | None,
    *,
    dry_run: bool,
    **options: Any,
) -> int:
    """Collect from every linked account, keep a snapshot, and write the reports."""
    _talk(**options)
    config = _config(options)
    if dry_run:
        return _dry_run(config, profile or "")
    result = _run(config, profile or "", _the_run(config, profile, as_of, resume), options)
    _say_written(result)
    return verdict(result.report, options["fail_on"])


@ri_report.command(epilog=EXIT_CODES)
@options_of(CONFIG, SCOPE, AS_OF, MANNERS, OUTPUT_DIR, RESUME)
def collect(profile: str | None, as_of: datetime | None, resume: str | None, **options: Any) -> int:
    """Collect from every linked account and keep a snapshot, without a report."""
    from ri_report.inventory.snapshot import read_gaps
    from ri_report.pipeline import collect_snapshot
    from ri_report.report.findings import gaps

    _talk(**options)
    config = _config(options)
    the_run = _the_run(config, profile, as_of, resume)
    with _progress(options) as shown:
        folder = collect_snapshot(config, _scope(config, profile), the_run, progress=shown)
    click.echo(folder)
    accounts, not_read = read_gaps(folder)
    say_found(gaps(accounts, not_read))
    return incomplete(not_read["status"])


@ri_report.command(epilog=EXIT_CODES)
@options_of(CONFIG, AS_OF, OUTPUT, MANNERS, STORED)
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
    config = _config(options)
    if from_dumps is not None:
        result = report_dumps(from_dumps, config, as_of)
    else:
        if as_of is not None:
            raise ConfigError("--as-of goes with --from-dumps; a snapshot has its own moment")
        given = config if options["config"] else None
        result = report_snapshot(snapshot or Path(), given, config.output.model_dump())
    _say_written(result)
    return verdict(result.report, options["fail_on"])


@ri_report.command()
@click.argument("identifier", metavar="RESERVATION_ID|INSTANCE_ID|CAPACITY_RESERVATION_ID")
@options_of(KEPT, CONFIG)
def explain(identifier: str, snapshot: Path, config: Path | None) -> int:
    """Tell the story of one reservation, instance or capacity reservation of a kept snapshot.

    For a reservation: what it could cover, by scope and tier of sharing; what it covers; why the
    rest is unused, and what would match but for one rule. For an instance the same the other way
    round. For a capacity reservation: who pays for its idle slots and what covers them. The numbers
    are those of the report of that run, as are the sharing settings, unless --config names a file.
    Asks AWS nothing and writes no file.

    \b
    ids of reservations:            tables/utilization.csv, reservations_other_states.csv
    ids of instances:               tables/uncovered.csv, allocations.csv, not_eligible.csv
    ids of capacity reservations:   tables/capacity_reservations.csv
    """  # noqa: D301 - click takes the character for: keep these lines
    from ri_report.pipeline import explain_snapshot

    given = _config({"config": config}) if config else None
    _say_lines(explain_snapshot(snapshot, given, identifier))
    return EXIT_COMPLETE


@ri_report.command()
@options_of(GRANTS)
def iam(form: str, **options: Any) -> int:
    """Print what the accounts must grant: the member role and the application's policy.

    Role names and the external id are those of the configuration, where there is one.

    \b
    1. Roll the member role out to every account (StackSet, or your own tooling).
    2. Attach the application's policy to the role that runs the job.
    3. ri-report run
    """  # noqa: D301 - click takes the character for: keep these lines
    from ri_report.aws.grants import grants

    config = _config(options)
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
@options_of(SANDBOX, AS_OF)
def sandbox(
    port: int, accounts: int | None, latency_ms: float, as_of: datetime | None, **size: int | None
) -> int:
    """Serve an organization on a loopback port until stopped, to try `run` by hand.

    It is the demo organization, or with --accounts a made-up one of any size, on which the job can
    be measured. Prints the environment variables that point any AWS tool at it, and at the end
    how many calls were made and refused.
    """
    from ri_report.sandbox.command import serving

    given = {name: value for name, value in size.items() if value is not None}
    if accounts is None and given:
        raise click.UsageError("--regions and --instances-per-region need --accounts")
    moment = as_of or _now().replace(minute=0, second=0)
    offer = serving(moment, accounts, **given, port=port, latency_seconds=latency_ms / 1000)
    served = "the demo organization" if accounts is None else f"{accounts} accounts"
    _until_stopped(offer, served, port)
    return EXIT_COMPLETE


def _until_stopped(serving: AbstractContextManager[Endpoint], served: str, port: int) -> None:
    from threading import Event

    with ExitStack() as stack:
        try:
            endpoint = stack.enter_context(serving)
        except OSError as error:
            raise ConfigError(
                f"--port {port}: cannot be served ({error.strerror}); name another, or leave it out"
            ) from error
        stack.callback(lambda: click.echo("\n".join(endpoint.summary()), err=True))
        for name, value in endpoint.environment.items():
            click.echo(f"export {name}={value}")
        click.echo(f"Serving {served}; stop with Ctrl-C.", err=True)
        Event().wait()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _talk(*, verbose: int, quiet: bool, log_format: str, **_: object) -> None:
    from ri_report.logs import configure

    configure(verbose=verbose, quiet=quiet, log_format=log_format)


def _config(options: dict[str, Any]) -> Config:
    from ri_report.config import DEFAULT_FILE, load_config

    default = Path(DEFAULT_FILE)
    path = options["config"] or (default if default.exists() else None)
    return load_config(path, values_of(options), set_by())


def _scope(config: Config, profile: str | None) -> Scope:
    """Honor AWS_REGION, which the AWS CLI reads and botocore does not."""
    from ri_report.pipeline import scope_of

    return scope_of(config, profile or "", os.environ.get("AWS_REGION", ""))


def _the_run(
    config: Config, profile: str | None, as_of: datetime | None, resume: str | None
) -> Run:
    """Return the run to make: a new one, or the one to resume."""
    from ri_report.collection import begun, resumed

    if resume is None:
        return begun(as_of, _now())
    if as_of is not None:
        raise ConfigError("--as-of does not go with --resume: the run has its own moment")
    return resumed(Path(config.output.dir), resume, _scope(config, profile), _now())


def _run(config: Config, profile: str, the_run: Run, options: dict[str, Any]) -> Result:
    from ri_report.pipeline import run as run_pipeline

    with _progress(options) as shown:
        return run_pipeline(config, _scope(config, profile), the_run, progress=shown)


def _progress(options: dict[str, Any]) -> Lines | Bar:
    from ri_report.progress import progress

    wanted = not options["no_progress"] and not options["quiet"]
    return progress(wanted=wanted, lines=options["log_format"] == "json")


def _dry_run(config: Config, profile: str) -> int:
    from ri_report.pipeline import planned

    _say_lines(planned(config, _scope(config, profile)))
    return EXIT_COMPLETE


def _say_lines(lines: Iterable[str]) -> None:
    """Print what quotes strangers."""
    from ri_report.logs import LONGEST_LINE
    from ri_report.report.text import visible

    for line in lines:
        click.echo(visible(line, LONGEST_LINE))


def _say_written(result: Result) -> None:
    for path in result.written:
        click.echo(path)
