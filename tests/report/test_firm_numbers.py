"""Every number of a report, made from another split that AWS leaves open just as well."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.report.assembly import build_report
from ri_report.report.model import Targets
from ri_report.rules.unknown import blind
from tests.rules.organizations import ACCOUNTS as NAMES
from tests.rules.organizations import organizations
from tests.rules.test_firmness import crowded
from tests.rules.test_laws import law, seen, snapshot
from tests.rules.test_other_splits import SPLITS, analyzed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ri_report.report.model import Report
    from ri_report.report.tables import Table
    from tests.rules.oracle import Organization

KINDS = (CellKind.INSTANCES, CellKind.RESERVATIONS)


def reported(
    org: Organization, refused: CellKind | None, rng: random.Random | None = None
) -> Report:
    """The report of an organization of which one list of the account B may be unread."""
    world = seen(org)
    outcomes = OUTCOMES.of(
        Outcome(
            name,
            region,
            kind,
            Status.DENIED if (name, kind) == ("B", refused) else Status.OK,
        ).row()
        for name in NAMES
        for region in ("us-east-1", "eu-west-1")
        for kind in KINDS
    )
    accounts = ACCOUNTS.of({"account_id": name, "state": "ACTIVE"} for name in NAMES)
    inventory = replace(world.inventory, accounts=accounts, outcomes=outcomes)
    analysis = blind(analyzed(org, rng), inventory, world.sharing)
    return build_report(inventory, analysis, world.sharing, Targets())


def firm_words(text: str) -> list[str]:
    """The numbers of a text before the first that has the sign of a convention."""
    return re.findall(r"[\d.,]+", text.partition("\u2248")[0].partition("Main reason")[0])


def firm_numbers(report: Report) -> Iterator[tuple[str, object]]:
    for kpi in report.kpis:
        if kpi.basis == "firm":
            yield kpi.name, kpi.value
        yield f"{kpi.name} in words", firm_words(kpi.detail)
    for number, sentence in enumerate(report.sentences):
        yield f"sentence {number}", firm_words(sentence)
    for name in ("coverage_by_family", "accounts"):
        rows = report.tables[name].rows
        firm = rows[rows["basis"] == "firm"].drop(columns="basis").astype("str")
        yield from ((f"{name} {row[0]}", row) for row in firm.itertuples(index=False, name=None))
    for name, table in report.tables.items():
        for column, basis in table.total_basis().items():
            if basis == "firm":
                yield f"total of {column} in {name}", table.total()[column]
        for column, basis in table.seen.basis.items():
            if basis == "firm":
                yield f"what was read of {column} in {name}", table.seen.sums[column]


@law
@given(
    st.one_of(crowded(), organizations()).map(snapshot),
    st.sampled_from([None, None, *KINDS]),
    st.integers(0, 2**32),
)
def test_no_other_split_changes_a_firm_number(
    org: Organization, refused: CellKind | None, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    ours = dict(firm_numbers(reported(org, refused)))
    for theirs in (reported(org, refused, rng) for _ in range(SPLITS)):
        found = dict(every_number(theirs))
        told = {name: cut(found.get(name), number) for name, number in ours.items()}
        assert told == ours


def every_number(report: Report) -> Iterator[tuple[str, object]]:
    """The same, as if all of them were firm."""
    as_firm = {name: _as_firm(table) for name, table in report.tables.items()}
    kpis = tuple(replace(kpi, basis="firm", detail=unsigned(kpi.detail)) for kpi in report.kpis)
    sentences = tuple(unsigned(sentence) for sentence in report.sentences)
    yield from firm_numbers(replace(report, tables=as_firm, kpis=kpis, sentences=sentences))


def _as_firm(table: Table) -> Table:
    seen = replace(table.seen, basis=dict.fromkeys(table.seen.basis, "firm"))
    rows = table.rows
    rows = rows.assign(basis="firm") if "basis" in table.frame.names else rows
    return replace(table, rows=rows, seen=seen)


def cut(theirs: object, ours: object) -> object:
    """Of numbers in words, as many as ours are before the first with a sign."""
    return theirs[: len(ours)] if isinstance(theirs, list) and isinstance(ours, list) else theirs


def unsigned(text: str) -> str:
    return text.replace("\u2248 ", "")
