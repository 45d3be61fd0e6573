"""The verdict on a run: what it lacks or breaches, said on stderr, and its exit code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ri_report.errors import (
    EXIT_COMPLETE,
    EXIT_INCOMPLETE,
    EXIT_INTEGRITY,
    EXIT_THRESHOLD,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ri_report.report.model import Finding, Report

log = logging.getLogger("ri_report")

IN_NO_NUMBER = ("warning", "accounts")
"""Level and table of the findings that accounts, or regions of them, were left out or not saved."""


def verdict(report: Report, thresholds: Collection[tuple[str, float]]) -> int:
    """Say what the report lacks or breaches, and return the exit code.

    Args:
        report: A report that was written.
        thresholds: Names of headline ratios, each with the bound that it must not be below.
    """
    say_found(report.findings)
    if code := incomplete(report.tables["gaps"].rows["status"]):
        if thresholds:
            told = ", ".join(f"{name}<{bound}" for name, bound in thresholds)
            log.warning("%s not judged, as the report is incomplete", told)
        return code
    values = {kpi.name: kpi.value for kpi in report.kpis}
    code = EXIT_COMPLETE
    for name, bound in thresholds:
        value = values[name]
        if value is not None and value < bound:
            log.warning("%s is %.4f, below %s", name, value, bound)
            code = EXIT_THRESHOLD
    return code


def incomplete(gaps: Iterable[str]) -> int:
    """Return the exit code that the statuses of what was not read call for; 0 for none."""
    statuses = set(gaps)
    if "INTEGRITY" in statuses:
        return EXIT_INTEGRITY
    return EXIT_INCOMPLETE if statuses else EXIT_COMPLETE


def say_found(findings: Iterable[Finding]) -> None:
    """Say on stderr what was found: what is in no number always, the rest to who asks for more."""
    for finding in findings:
        is_missing = finding.level == "gap" or (finding.level, finding.table) == IN_NO_NUMBER
        level = logging.WARNING if is_missing else logging.DEBUG
        log.log(level, "%s", f"{finding.text}. {finding.fix}".removesuffix(". "))
