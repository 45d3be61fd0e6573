"""The report as one value: every number that any output shows is in it, raw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ri_report.inventory.outcomes import is_all_listed

if TYPE_CHECKING:
    from datetime import datetime

    from ri_report.inventory.frames import Kind
    from ri_report.report.tables import Table

SCHEMA_VERSION = 1

Standing = Literal["good", "bad", "neutral", "unknown"]


@dataclass(frozen=True)
class Targets:
    """What the headline ratios are held against; 0..1."""

    utilization: float = 0.95
    coverage: float = 0.80


@dataclass(frozen=True)
class Kpi:
    """One headline number.

    Attributes:
        name: Its key in report.json and its defined name in the workbook.
        label: What stands above it.
        value: The raw value; None is unknown.
        kind: How it is formatted.
        whole: What it is part of, where that is shown beside it ("11 of 12").
        detail: One line below it that says what it rests on.
        target: The configured target, for ratios that have one.
        standing: Whether it meets the target; `unknown` where it does not rest on everything.
        caveat: What a reader must know before quoting it; "" when everything was read.
        basis: `firm` or `convention`, see `rules.basis`; "" where it is unknown. Numbers of the
            detail that rest on a convention are behind its sign.
        otherwise: The value if zonal reservations matched the zones of other accounts the other
            way; None where that changes nothing or is not known.
        otherwise_by: What zones match by then, `name` or `id`; "" without such a value.
    """

    name: str
    label: str
    value: float | None
    kind: Kind
    detail: str
    whole: float | None = None
    target: float | None = None
    standing: Standing = "neutral"
    caveat: str = ""
    basis: str = ""
    otherwise: float | None = None
    otherwise_by: str = ""


@dataclass(frozen=True)
class Finding:
    """One line of data quality: something a reader must know about what the numbers rest on.

    Attributes:
        level: `gap` (not read), `warning` (a convention or assumption changes numbers) or `note`.
        text: What was found.
        fix: What can be done; "" where nothing has to be.
        table: Name of the table that lists the rows; "" where there is none.
    """

    level: Literal["gap", "warning", "note"]
    text: str
    fix: str = ""
    table: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that page, workbook and data files show.

    Attributes:
        run: Name of the run.
        as_of: Moment of observation, aware UTC.
        version: Version of the program that made it.
        source: `aws` or `dumps`.
        endpoint: Host of a custom AWS endpoint, "" for AWS itself.
        accounts_read: Active accounts in scope of which everything was read.
        accounts_total: Active accounts in scope.
        regions: Regions of which anything was read, sorted.
        kpis: The headline numbers in reading order.
        sentences: Three sentences built from the data: what stands out, why, what to do.
        findings: Data quality, gaps first.
        method: (term, definition) pairs: the glossary and the conventions applied.
        tables: Every table by name, in reading order.
        accounts_left_out: Accounts that the configuration left out, but that share with others.
    """

    run: str
    as_of: datetime
    version: str
    source: str
    endpoint: str
    accounts_read: int
    accounts_total: int
    regions: tuple[str, ...]
    kpis: tuple[Kpi, ...]
    sentences: tuple[str, ...]
    findings: tuple[Finding, ...]
    method: tuple[tuple[str, str], ...]
    tables: dict[str, Table]
    accounts_left_out: int = 0

    @property
    def is_of_all(self) -> bool:
        """Whether everything was read and nothing was left out that the numbers might rest on."""
        return self.is_complete and not self.accounts_left_out

    @property
    def is_all_listed(self) -> bool:
        """Whether there are no accounts but those listed."""
        return is_all_listed(self.tables["gaps"].rows)

    @property
    def extent(self) -> str:
        """How many accounts were read in full, of how many: `12 of 13`."""
        listed = "" if self.is_all_listed else " listed"
        return f"{self.accounts_read:,} of {self.accounts_total:,}{listed}"

    @property
    def is_complete(self) -> bool:
        """Whether everything in scope was read."""
        return self.tables["gaps"].rows.empty
