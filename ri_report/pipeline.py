"""The straight line: collect, keep, analyze, assemble, write."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ri_report.aws.plan import plan
from ri_report.aws.scope import ConfiguredAccount, Scope
from ri_report.collection import collect_into, how_to_report
from ri_report.config import kept_config
from ri_report.delivery.files import check_writable, replace_folder
from ri_report.delivery.leftovers import SNAPSHOT
from ri_report.delivery.lock import only_writer
from ri_report.inventory.dumps import read_dumps
from ri_report.inventory.names import check_listed
from ri_report.inventory.outcomes import is_all_listed
from ri_report.inventory.schema import ACCOUNTS
from ri_report.inventory.snapshot import read_snapshot, snapshot_files
from ri_report.preferences import check_groups, check_stored_groups, sharing_of
from ri_report.report.assembly import build_report
from ri_report.report.model import Report, Targets
from ri_report.report.outputs import PLACES, render
from ri_report.report.story import story
from ri_report.rules.analysis import analyze
from ri_report.rules.conservation import check_conservation
from ri_report.rules.unknown import blind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ri_report.aws.dispatch import Progress
    from ri_report.collection import Run
    from ri_report.config import Config
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing

log = logging.getLogger("ri_report")


@dataclass(frozen=True)
class Result:
    """What a run made: the report, and the paths of what was written, in order."""

    report: Report
    written: tuple[Path, ...]


def run(config: Config, scope: Scope, the_run: Run, *, progress: Progress) -> Result:
    """Collect, keep what was seen, and report.

    Args:
        config: The whole configuration.
        scope: What to read and how to get there.
        the_run: Which run it is: a new one, or one that is resumed.
        progress: Who is told how far the collection is.
    """
    with only_writer(Path(config.output.dir)):
        folder = _collected(config, scope, the_run, progress)
        with _remembered(folder):
            inventory, _ = read_snapshot(folder)
            how = f"; the snapshot keeps it as it was: {how_to_report(folder, config.path)}"
            check_stored_groups(config, inventory, folder, how=how)
            made = report_inventory(inventory, config)
    return Result(made.report, (folder, *made.written))


def planned(config: Config, scope: Scope) -> list[str]:
    """Return what a run would read, one line for each account; refuses what can be known to fail.

    Args:
        config: The whole configuration.
        scope: What to read and how to get there.
    """
    check_writable(Path(config.output.dir))
    accounts, lines = plan(scope)
    check_groups(config, ACCOUNTS.of(accounts))
    return lines


@contextmanager
def _remembered(snapshot: Path) -> Iterator[None]:
    """Tell who stops the block that nothing of the snapshot is lost."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        log.warning("%s holds what was read; %s", snapshot, how_to_report(snapshot))
        raise


def collect_snapshot(config: Config, scope: Scope, the_run: Run, *, progress: Progress) -> Path:
    """Collect and keep what was seen; return the folder of the snapshot."""
    with only_writer(Path(config.output.dir)):
        return _collected(config, scope, the_run, progress)


def _collected(config: Config, scope: Scope, the_run: Run, progress: Progress) -> Path:
    """Collect; the output folders are checked before the first call."""
    check_run_folder(config, the_run.name)
    folder = run_folder(config, the_run.name) / SNAPSHOT
    runs = Path(config.output.dir)
    collect_into(folder, runs, the_run, scope, settings=kept_settings(config), progress=progress)
    return folder


def report_snapshot(folder: Path, config: Config | None, output: dict[str, object]) -> Result:
    """Make the outputs of a snapshot again.

    Args:
        folder: The snapshot.
        config: The configuration; None for the sharing and targets that the run was made with.
        output: The table [output] to use with these.
    """
    inventory, settings = read_snapshot(folder)
    if config and is_all_listed(inventory.outcomes):
        check_listed(config.named_accounts("sharing"), set(inventory.accounts["account_id"]))
    config = config or kept_config(settings | {"output": output}, folder)
    check_stored_groups(config, inventory, folder)
    with only_writer(Path(config.output.dir)):
        check_run_folder(config, inventory.run)
        return report_inventory(inventory, config)


def report_dumps(folder: Path, config: Config, as_of: datetime | None) -> Result:
    """Read saved AWS CLI answers, keep them as a snapshot, and report.

    Raises:
        ConfigError: [sharing] names an account that is not among them.
    """
    with only_writer(Path(config.output.dir)):
        inventory = read_dumps(folder, as_of)
        check_listed(config.named_accounts("sharing"), set(inventory.accounts["account_id"]))
        check_stored_groups(config, inventory, folder)
        check_run_folder(config, inventory.run)
        kept = keep(inventory, config)
        made = report_inventory(inventory, config)
    return Result(made.report, (kept, *made.written))


def report_inventory(inventory: Inventory, config: Config) -> Result:
    """Analyze, assemble and write; nothing is written when the numbers contradict each other."""
    analysis, sharing = analyze_inventory(inventory, config)
    report = build_report(inventory, analysis, sharing, Targets(**config.targets.model_dump()))
    files = render(report, config.output.formats)
    written = replace_folder(run_folder(config, inventory.run), files, owned=PLACES)
    return Result(report, tuple(written))


def explain_snapshot(folder: Path, config: Config | None, identifier: str) -> list[str]:
    """Return the story of a reservation, instance or capacity reservation, line by line.

    Args:
        folder: The snapshot.
        config: The configuration; None for the sharing that the run was made with.
        identifier: ReservedInstancesId, instance id or id of a capacity reservation.

    Raises:
        ConfigError: the snapshot holds nothing of that id; names the one that may be meant.
    """
    inventory, settings = read_snapshot(folder)
    config = config or kept_config(settings, folder)
    check_stored_groups(config, inventory, folder)
    analysis, sharing = analyze_inventory(inventory, config)
    return story(inventory, analysis, sharing, identifier)


def analyze_inventory(inventory: Inventory, config: Config) -> tuple[Analysis, Sharing]:
    """Apply the rules under the configured sharing, check that the numbers agree, and blind them.

    Raises:
        IntegrityError: two sums that must be equal differ.
    """
    sharing = sharing_of(config)
    analysis = analyze(inventory, sharing)
    check_conservation(analysis)
    return blind(analysis, inventory, sharing), sharing


def keep(inventory: Inventory, config: Config) -> Path:
    """Write the snapshot, with the settings that its report depends on."""
    folder = run_folder(config, inventory.run) / SNAPSHOT
    replace_folder(folder, snapshot_files(inventory, kept_settings(config)))
    return folder


def kept_settings(config: Config) -> dict[str, object]:
    """Return what a report depends on besides what was seen; no secrets."""
    return config.model_dump(mode="json", include={"sharing", "targets"})


def check_run_folder(config: Config, name: str) -> None:
    """Refuse places that could not be written to, before any work is done for them."""
    folder = run_folder(config, name)
    check_writable(folder.parent)
    for place in (folder, folder / SNAPSHOT):
        if os.path.lexists(place):
            check_writable(place)


def run_folder(config: Config, name: str) -> Path:
    """Return the folder of a run."""
    return Path(config.output.dir) / name


def scope_of(config: Config, profile: str = "", home_region: str = "") -> Scope:
    """Return what the configuration asks to read.

    Args:
        config: The whole configuration.
        profile: Profile of the shared AWS configuration; "" as the environment says.
        home_region: Region of the calls that are about no region; "" as the environment says.
    """
    organization = config.organization
    return Scope(
        role_name=organization.role_name,
        session_name=organization.session_name,
        external_id=organization.external_id.get_secret_value(),
        regions=tuple(organization.regions),
        accounts=tuple(organization.include_accounts),
        exclude_accounts=tuple(organization.exclude_accounts),
        configured=tuple(
            ConfiguredAccount(account.id, account.name, account.role_name or "")
            for account in config.account
        ),
        discover=organization.discover,
        named=config.named_accounts(),
        regions_from=config.place("organization.regions"),
        profile=profile,
        region=home_region,
    )
