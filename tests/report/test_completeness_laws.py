"""Laws of what was not read: whatever more fails, nothing unknown becomes a number again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.report.assembly import build_report
from ri_report.report.model import Report, Targets
from ri_report.rules.analysis import analyze
from ri_report.rules.unknown import blind
from tests.rules.organizations import ACCOUNTS as NAMES
from tests.rules.organizations import ZONE_IDS, organizations
from tests.rules.test_laws import law, seen, snapshot

if TYPE_CHECKING:
    from ri_report.report.tables import Table
    from tests.rules.oracle import Organization

REGIONS = tuple(ZONE_IDS)
DENIED = Status.DENIED
LISTS = (CellKind.INSTANCES, CellKind.RESERVATIONS)
MEASURES = frozenset({"count", "units", "ratio"})
OF_ONE = (
    "accounts",
    "coverage_by_account",
    "running",
    "pools",
    "utilization",
    "unused_reasons",
    "uncovered",
    "allocations",
)
"""Tables whose rows are about one account, reservation or instance."""


class Lost(NamedTuple):
    """A cell that was not read; without a region, all of the account."""

    account: str
    region: str
    kind: CellKind

    def hides(self, row: dict[str, Any], kind: CellKind) -> bool:
        is_there = self.account == row["account_id"] and self.region in ("", row["region"])
        return is_there and self.kind in (kind, CellKind.ACCOUNT)


KINDS = (*LISTS, CellKind.CAPACITY)
cells = st.builds(Lost, st.sampled_from(NAMES), st.sampled_from(REGIONS), st.sampled_from(LISTS))
any_cells = st.builds(
    Lost, st.sampled_from(NAMES), st.sampled_from(REGIONS), st.sampled_from(KINDS)
)
accounts = st.builds(Lost, st.sampled_from(NAMES), st.just(""), st.just(CellKind.ACCOUNT))
lost = cells | accounts
some_lost = st.frozensets(lost, max_size=4)


def reported(org: Organization, gone: frozenset[Lost]) -> Report:
    """The report of an organization of which these cells could not be read."""
    world = seen(snapshot(org))
    entered = [name for name in NAMES if Lost(name, "", CellKind.ACCOUNT) not in gone]
    outcomes = [
        Outcome(
            name, region, kind, Status.DENIED if Lost(name, region, kind) in gone else Status.OK
        )
        for name in entered
        for region in REGIONS
        for kind in KINDS
    ]
    outcomes += [
        Outcome(name, "", CellKind.ACCOUNT, DENIED) for name in NAMES if name not in entered
    ]
    inventory = replace(
        world.inventory,
        instances=_left(world.instances, gone, CellKind.INSTANCES),
        reservations=_left(world.reservations, gone, CellKind.RESERVATIONS),
        capacity_reservations=_left(world.inventory.capacity_reservations, gone, CellKind.CAPACITY),
        accounts=ACCOUNTS.of({"account_id": name, "state": "ACTIVE"} for name in NAMES),
        outcomes=OUTCOMES.of(outcome.row() for outcome in outcomes),
    )
    analysis = blind(analyze(inventory, world.sharing), inventory, world.sharing)
    return build_report(inventory, analysis, world.sharing, Targets())


def _left(frame: pd.DataFrame, gone: frozenset[Lost], kind: CellKind) -> pd.DataFrame:
    rows = frame[["account_id", "region"]].to_dict("records")
    hidden = [any(cell.hides(row, kind) for cell in gone) for row in rows]  # type: ignore[arg-type] # names of columns are text
    return frame[~pd.Series(hidden, frame.index, dtype=bool)]


def numbers(table: Table) -> dict[tuple[Any, ...], Any]:
    """Every number of a table by the key of its row and the name of its column; None is unknown."""
    names = [c.name for c in table.frame.columns if c.kind in MEASURES and not c.ratio_of]
    return {
        (*(row[name] for name in table.frame.key), name): None if pd.isna(row[name]) else row[name]
        for row in table.rows.to_dict("records")
        for name in names
    }


def unknown(found: dict[Any, Any]) -> set[Any]:
    return {key for key, value in found.items() if value is None}


@law
@given(organizations(), some_lost, lost)
def test_what_is_unknown_is_no_number_when_more_fails(
    org: Organization, gone: frozenset[Lost], more: Lost
) -> None:
    before, after = reported(org, gone), reported(org, gone | {more})
    for name in OF_ONE:
        old, new = (numbers(report.tables[name]) for report in (before, after))
        assert unknown(old) & set(new) <= unknown(new), name
    for name, table in before.tables.items():
        total = after.tables[name].total()
        assert {total.get(column) for column in unknown(table.total())} <= {None}, name
    values = {kpi.name: kpi.value for kpi in after.kpis}
    assert {values[kpi.name] for kpi in before.kpis if kpi.value is None} <= {None}


@law
@given(organizations(), some_lost, lost)
def test_a_sum_over_accounts_is_known_again_only_without_what_made_it_unknown(
    org: Organization, gone: frozenset[Lost], more: Lost
) -> None:
    before, after = reported(org, gone), reported(org, gone | {more})
    for name, whole in {
        "coverage": "running_units",
        "coverage_by_family": "running_units",
        "expiries": "ending_units",
    }.items():
        old, new = (numbers(report.tables[name]) for report in (before, after))
        for *key, column in unknown(old) - unknown(new):
            if (*key, column) in new:
                assert new[*key, whole] < old[*key, whole]


@law
@given(organizations(), some_lost, lost)
def test_one_more_failed_cell_never_makes_a_report_complete(
    org: Organization, gone: frozenset[Lost], more: Lost
) -> None:
    before, after = reported(org, gone), reported(org, gone | {more})
    assert before.is_complete == (not gone)
    assert not after.is_complete
    assert after.accounts_read <= before.accounts_read < after.accounts_total + (not gone)
    *judged, _ = after.kpis
    assert {kpi.standing for kpi in judged} == {"unknown"}
    assert all(kpi.caveat for kpi in judged)
    claims = [s for s in after.sentences if not s.startswith(("Of what was read", "Nothing can"))]
    assert claims == []


@law
@given(organizations(), some_lost)
def test_use_and_cover_are_unknown_exactly_where_their_own_account_was_not_read(
    org: Organization, gone: frozenset[Lost]
) -> None:
    tables = reported(org, gone).tables
    for name, measure, kind in (
        ("utilization", "used_units", CellKind.INSTANCES),
        ("coverage_by_account", "covered_units", CellKind.RESERVATIONS),
    ):
        for row in tables[name].rows.to_dict("records"):
            is_hidden = any(cell.hides(dict(row), kind) for cell in gone)  # type: ignore[arg-type] # names of columns are text
            is_seen = bool(row["instance_type"])
            assert pd.isna(row[measure]) == (is_hidden or not is_seen)
    dark = {
        row["instance_id"]
        for row in tables["uncovered"].rows.to_dict("records")
        if row["reason"] == "not_all_read"
    }
    machines = {
        m.name: {"account_id": m.account, "region": m.region} for m in org.machines if not m.slots
    }
    assert dark == {
        name
        for name, row in machines.items()
        if any(cell.hides(row, CellKind.RESERVATIONS) for cell in gone)
        and not any(cell.hides(row, CellKind.INSTANCES) for cell in gone)
    }


@law
@given(organizations(), st.frozensets(any_cells | accounts, max_size=4))
def test_what_every_table_sums_of_what_was_read_is_what_the_headlines_say(
    org: Organization, gone: frozenset[Lost]
) -> None:
    report = reported(org, gone)
    headlines = {kpi.name: kpi.value for kpi in report.kpis}
    for name, table in report.tables.items():
        sums = table.of_what_was_read() or table.total()
        told = {
            "coverage": _share(sums, "covered_units", "running_units"),
            "utilization": _share(sums, "used_units", "purchased_units"),
            "unused_units": sums.get("unused_units"),
            "uncovered_units": sums.get("uncovered_units"),
        }
        for headline, value in told.items():
            if name in CARRYING[headline] and value is not None:
                assert value == pytest.approx(headlines[headline]), (name, headline)
        for headline, value in headlines.items():
            if value is not None and name in CARRYING.get(headline, ()) and len(table.rows):
                assert told[headline] is not None, (name, headline)


CARRYING = {
    "coverage": {"coverage", "coverage_by_family", "coverage_by_account", "pools", "accounts"},
    "utilization": {"utilization", "pools", "accounts"},
    "unused_units": {"utilization", "unused_reasons"},
    "uncovered_units": {"uncovered"},
}
"""The tables that carry the units of a headline."""


def _share(sums: dict[str, Any], part: str, whole: str) -> float | None:
    return sums[part] / sums[whole] if sums.get(part) is not None and sums.get(whole) else None


@law
@given(organizations())
def test_a_complete_report_knows_every_number_and_says_so(org: Organization) -> None:
    for table in reported(org, frozenset()).tables.values():
        assert table.completeness in ("", "complete")
        assert set(table.rows.get("completeness", ())) <= {"complete"}
        assert unknown(numbers(table)) == set()
        assert not table.may_lack_rows


REASONS = frozenset({"reason", "unused_reason"})
"""What blocks a row is looked for beyond its region; its units are not."""


@law
@given(organizations(), st.frozensets(any_cells | accounts, min_size=1, max_size=3))
def test_a_row_that_says_it_is_complete_is_what_it_is_when_everything_is_read(
    org: Organization, gone: frozenset[Lost]
) -> None:
    seen_in_part, whole = reported(org, gone).tables, reported(org, frozenset()).tables
    for name, table in seen_in_part.items():
        if "completeness" not in table.frame.names:
            continue
        key = list(table.frame.key)
        names = [column for column in table.frame.names if column not in REASONS - set(key)]
        rows = table.rows.loc[table.rows["completeness"] == "complete", names]
        there = whole[name].rows.merge(rows[key])
        pd.testing.assert_frame_equal(
            rows.sort_values(key, ignore_index=True),
            there.sort_values(key, ignore_index=True)[names],
        )
