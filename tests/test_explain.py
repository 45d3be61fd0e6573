"""The command `explain`: the story of any row of a run, under the settings of that run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.config import kept_config
from ri_report.inventory.snapshot import read_snapshot
from ri_report.pipeline import analyze_inventory
from ri_report.report.story import story

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]
    Serve = Callable[[str], Any]

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
LENT = """
management 111111111111 payer
buy 2 m5.large us-east-1
account 222222222222 web
run 1 m5.large us-east-1a name=front
"""
US = ("--region", "us-east-1", "--as-of", "2026-11-22T06:30Z", "--format", "json", "-q")
SNAPSHOT = Path("reports/2026-11-22T063000Z/snapshot")


def ids_of(folder: Path) -> tuple[str, str]:
    """The first instance and the first reservation."""
    inventory, _ = read_snapshot(folder)
    return inventory.instances["instance_id"].iloc[0], inventory.reservations[
        "reservation_id"
    ].iloc[0]


def test_it_answers_for_every_row_of_the_demo(command: Command) -> None:
    assert command("demo", "--format", "json", "-q").code == 0
    folder = Path("reports/demo/snapshot")
    inventory, settings = read_snapshot(folder)
    analysis, sharing = analyze_inventory(inventory, kept_config(settings, folder))
    instances = set(inventory.instances["instance_id"])
    assert instances == {*analysis.covered["usage_id"], *analysis.not_eligible["instance_id"]}
    for frame in (analysis.active, analysis.other_states, analysis.uncovered):
        assert len(frame)
    held = set(inventory.capacity_reservations["capacity_reservation_id"])
    assert len(held) > 2
    for name in held:
        told = story(inventory, analysis, sharing, name)
        assert told[0] == f"Capacity reservation {name}"
        assert [line for line in told if "nan" in line.split()] == []
    for name in [*instances, *inventory.reservations["reservation_id"]]:
        told = story(inventory, analysis, sharing, name)
        assert told[0].split()[:2] == ["Instance" if name in instances else "Reservation", name]
        assert len(told) > 3
        assert [line for line in told if "nan" in line.split()] == []
    (told_in_readme,) = re.findall(r"\$ ri-report (explain .*)\n((?:.+\n)+?)```", README)
    told = command(*told_in_readme[0].split())
    assert (told.code, told.out) == (0, told_in_readme[1])


def test_it_tells_both_sides_of_an_allocation(command: Command, organization_served: Serve) -> None:
    organization_served(LENT)
    assert command("run", *US).code == 0
    instance, reservation = ids_of(SNAPSHOT)
    told = command("explain", instance, "--snapshot", SNAPSHOT)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"Instance {instance} (front")
    assert f"4 units, organization tier, firm: {reservation}" in told.out
    told = command("explain", reservation, "--snapshot", SNAPSHOT)
    assert "  used     4 of 8 units, 50.0 %, firm" in told.out
    assert f"4 units, organization tier, firm: {instance}" in told.out
    assert "(nothing_running)" in told.out


def test_it_uses_the_sharing_of_the_run_unless_a_file_is_named(
    command: Command, organization_served: Serve
) -> None:
    organization_served(LENT)
    settings = Path("ri-report.toml")
    settings.write_text('[sharing]\ndeactivated_accounts = ["222222222222"]\n')
    assert command("run", *US).code == 0
    settings.write_text("")
    _, reservation = ids_of(SNAPSHOT)
    told = command("explain", reservation, "--snapshot", SNAPSHOT)
    assert "4 units (sharing_off)" in told.out
    told = command("explain", reservation, "--snapshot", SNAPSHOT, "--config", settings)
    assert "sharing_off" not in told.out


def test_an_unknown_id_ends_with_2_and_one_line_that_names_the_nearest(
    command: Command, organization_served: Serve
) -> None:
    organization_served(LENT)
    assert command("run", *US).code == 0
    instance, _ = ids_of(SNAPSHOT)
    told = command("explain", instance[:-1], "--snapshot", SNAPSHOT)
    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1
    assert f"did you mean {instance}?" in told.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "RESERVATION_ID|INSTANCE_ID|CAPACITY_RESERVATION_ID"),
        (("i-1",), "--snapshot"),
        (("i-1", "--snapshot", "x"), "x: is not a snapshot"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_is_missing(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    told = command("explain", *arguments)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
