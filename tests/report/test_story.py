"""Stories of one reservation or one instance: whole stories as text, and every id of a fleet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ri_report.errors import ConfigError
from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.report.story import story
from ri_report.rules.analysis import analyze
from ri_report.rules.unknown import blind
from tests.rules.fleet import fleet

COMPANY = """
    i-web: A runs 1 m5.xlarge in us-east-1a
    i-job: B runs 1 m5.large in us-east-1a (use1-az4)
    i-old: B runs 1 m5.large in us-east-1b, Windows
    i-spot: A runs 1 m5.large in us-east-1a, spot
    cr-1: B holds 1 m5.large in us-east-1c
    r-big: A bought 4 m5.large in us-east-1
    r-zone: A bought 1 c5.large in us-east-1a
    i-c5: A runs 1 c5.large in us-east-1b
    r-past: A bought 3 m5.large in us-east-1, retired
    r-dear: B bought 1 m5.large in us-east-1, payment-failed
"""


def denied(account: str, kind: CellKind = CellKind.ACCOUNT, region: str = "") -> Outcome:
    return Outcome(account, region, kind, Status.DENIED, "role")


def told(
    identifier: str, text: str = COMPANY, refused: tuple[Outcome, ...] = (), **options: object
) -> list[str]:
    world = fleet(text, **options)  # type: ignore[arg-type] # options of fleet
    inventory = replace(
        world.inventory,
        accounts=ACCOUNTS.of({"account_id": n, "account_name": n.lower() * 3} for n in "AB"),
        outcomes=OUTCOMES.of(outcome.row() for outcome in refused),
    )
    analysis = blind(analyze(inventory, world.sharing), inventory, world.sharing)
    return story(inventory, analysis, world.sharing, identifier)


def lines(text: str) -> list[str]:
    return [line.removeprefix("        ") for line in text.strip("\n").splitlines()][:-1]


def test_a_reservation_tells_what_it_could_cover_and_what_it_covers() -> None:
    assert told("r-big") == lines("""
        Reservation r-big
          account  A (aaa)
          bought   4 x m5.large, Linux/UNIX, default tenancy, regional in us-east-1
          term     2026-01-01 to 2027-01-01
          used     16 of 16 units, 100.0 %, firm
                   of these 4 units by idle slots of capacity reservations
                   of these 8 units by other accounts
        What it could cover, in the order in which AWS serves it
          1 instance in the same account: 8 units
          1 instance and 1 idle capacity reservation in other accounts of the organization: 8 units
        What it covers
          8 units, owner tier, firm: i-web, m5.xlarge, Linux/UNIX in us-east-1a (use1-az1), account A (aaa)
          4 units, organization tier, firm: idle slots of cr-1, 1 x m5.large, Linux/UNIX in us-east-1c (use1-az3), account B (bbb)
          4 units, organization tier, firm: i-job, m5.large, Linux/UNIX in us-east-1a (use1-az4), account B (bbb)
        """)  # noqa: E501 - a story


def test_an_idle_reservation_tells_why_and_what_it_missed_by_one_rule() -> None:
    assert told("r-zone") == lines("""
        Reservation r-zone
          account  A (aaa)
          bought   1 x c5.large, Linux/UNIX, default tenancy, zonal in us-east-1a (use1-az1)
          term     2026-01-01 to 2027-01-01
          used     0 of 4 units, 0.0 %, firm
        What it could cover, in the order in which AWS serves it
          nothing
        What it covers
          nothing
        Why 4 units are unused
          4 units (wrong_zone): The same type runs uncovered in another zone.
        What runs uncovered and matches but for one rule
          wrong_zone: i-c5, c5.large, Linux/UNIX in us-east-1b (use1-az2), account A (aaa)
        """)


def test_an_uncovered_instance_tells_what_it_missed_by_one_rule() -> None:
    assert told("i-c5") == lines("""
        Instance i-c5
          account  A (aaa)
          runs     c5.large, Linux/UNIX, default tenancy in us-east-1b (use1-az2)
          covered  0 of 4 units, 0.0 %, firm
        What could cover it, in the order in which AWS applies it
          nothing
        What covers it
          nothing
        Why 4 units are uncovered
          4 units (no_reservation): None of the active reservations that were seen matches it.
        What has units left and matches but for one rule
          wrong_zone: r-zone, 1 x c5.large, Linux/UNIX in us-east-1a (use1-az1), account A (aaa)
        """)


def test_a_covered_instance_tells_by_whom_and_in_which_tier() -> None:
    assert told("i-job") == lines("""
        Instance i-job
          account  B (bbb)
          runs     m5.large, Linux/UNIX, default tenancy in us-east-1a (use1-az4)
          covered  4 of 4 units, 100.0 %, firm
        What could cover it, in the order in which AWS applies it
          1 regional reservation in other accounts of the organization: 16 units
        What covers it
          4 units, organization tier, firm: r-big, 4 x m5.large, Linux/UNIX in us-east-1, account A (aaa)
        """)  # noqa: E501 - a story


HELD = """
    cr-1: B holds 5 m5.large in us-east-1a, idle slots billed to A
    i-in: B runs 1 m5.large in us-east-1a, inside cr-1
    r-1: A bought 3 m5.large in us-east-1
    r-2: A bought 1 m5.large in us-east-1a
    cr-block: A holds 2 g4dn.xlarge in us-east-1a, capacity-block
    cr-full: A holds 1 m5.large in us-east-1b
    i-full: A runs 1 m5.large in us-east-1b, inside cr-full
"""


def test_a_capacity_reservation_tells_who_pays_and_what_covers_its_idle_slots() -> None:
    """Instances come first: two of the three go to those, and one of four idle slots is covered."""
    assert told("cr-1", HELD) == lines("""
        Capacity reservation cr-1
          account  B (bbb)
          holds    5 x m5.large, Linux/UNIX, default tenancy in us-east-1a (use1-az1)
          idle     4 of 5 slots, 16 units, paid by A (aaa)
          covered  4 of 16 units, 25.0 %, firm
        What could cover its idle slots after all instances, in the order of AWS
          1 regional reservation in the same account: 12 units
        What covers them
          4 units, owner tier, firm: r-1, 3 x m5.large, Linux/UNIX in us-east-1, account A (aaa)
        What is left
          12 units at On-Demand rates, or under a Savings Plan, which is not read
        What has units left and matches but for one rule
          capacity_reservation: r-2, 1 x m5.large, Linux/UNIX in us-east-1a (use1-az1), account A (aaa)
        """)  # noqa: E501 - a story


def test_both_sides_tell_of_idle_slots_that_match_a_reservation_but_for_one_rule() -> None:
    text = """
        cr-1: A holds 2 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1a
    """
    miss = "  capacity_reservation: "
    place = "m5.large, Linux/UNIX in us-east-1a (use1-az1), account A (aaa)"
    assert told("r-1", text)[-4:] == [
        "What runs uncovered and matches but for one rule",
        "  nothing",
        "What stands idle uncovered and matches but for one rule",
        f"{miss}idle slots of cr-1, 2 x {place}",
    ]
    assert told("cr-1", text)[-2:] == [
        "What has units left and matches but for one rule",
        f"{miss}r-1, 1 x {place}",
    ]
    covered = "r-2: B bought 2 m5.large in us-east-1"
    assert told("r-1", text + covered)[-1] == "  nothing"


def test_a_capacity_reservation_without_idle_slots_has_nothing_to_cover() -> None:
    found = told("cr-full", HELD)
    assert found[3:] == ["  idle     0 of 1 slots, 0 units, paid by A (aaa)"]


def test_a_capacity_reservation_that_nothing_can_cover_says_why() -> None:
    found = told("cr-block", HELD)
    assert found[-1] == (
        "No reservation can cover its idle slots (capacity_block): A Capacity Block, to which"
        " reservations do not apply."
    )
    assert found[0] == "Capacity reservation cr-block"


def test_how_much_covers_idle_slots_is_unknown_without_what_their_payer_bought() -> None:
    refused = (denied("A", CellKind.RESERVATIONS, "us-east-1"),)
    text = """
        cr-1: B holds 2 m5.large in us-east-1a, idle slots billed to A
        r: B bought 1 m5.large in us-east-1
    """
    found = told("cr-1", text, refused)
    assert "  covered  unknown of 8 units" in found
    assert "  unknown units at On-Demand rates, or under a Savings Plan, which is not read" in found
    assert not any("nan" in line.split() for line in found)


def test_the_nearest_id_may_be_that_of_a_capacity_reservation() -> None:
    with pytest.raises(ConfigError, match="did you mean cr-1"):
        told("cr-11")


def test_what_no_reservation_can_cover_says_why() -> None:
    assert told("i-spot")[-1] == (
        "No reservation can cover it (spot): Spot Instances have their own price."
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("r-past", "(retired): Its term has ended, or it was modified, exchanged or sold."),
        ("r-dear", "(payment-failed): Its payment failed."),
    ],
)
def test_a_record_without_a_discount_says_why(name: str, why: str) -> None:
    assert told(name)[-1] == f"It gives no discount now {why}"


def test_an_instance_that_the_other_reading_of_zones_covers_otherwise_says_so() -> None:
    text = """
        i-b: B runs 1 m5.large in us-east-1a (use1-az2)
        i-c: C runs 1 m5.large in us-east-1b (use1-az1)
        i-d: C runs 1 m5.large in us-east-1c
        r: A bought 1 m5.large in us-east-1a (use1-az1)
    """
    by_id = "           {} units if zones of other accounts matched by id (zonal_match)"
    assert by_id.format(0) in told("i-b", text)
    assert by_id.format(4) in told("i-c", text)
    assert not any("zonal_match" in line for line in told("i-d", text))


@pytest.mark.parametrize("name", ["r", "i-b"])
def test_where_zone_ids_were_not_read_the_story_says_that_the_other_reading_is_unknown(
    name: str,
) -> None:
    text = """
        i-b: B runs 1 m5.large in us-east-1a ()
        r: A bought 1 m5.large in us-east-1a ()
    """
    line = "           unknown if zones of other accounts match by id: zone ids were not read"
    assert line in told(name, text)


def test_a_partly_covered_instance_is_told_with_both() -> None:
    text = "i: A runs 1 m5.xlarge in us-east-1a\nr: A bought 1 m5.large in us-east-1"
    found = told("i", text)
    assert "  covered  4 of 8 units, 50.0 %, firm" in found
    assert "  4 units (exhausted): The reservations that match it are used up." in found


def test_tiers_are_told_by_the_sharing_of_the_run() -> None:
    text = """
        i-a: A runs 1 m5.large in us-east-1a
        i-b: B runs 1 m5.large in us-east-1a
        i-c: C runs 1 m5.large in us-east-1a
        r: A bought 2 m5.large in us-east-1
    """
    found = told("r", text, mode="prioritized", groups={"g": ["A", "B"]})
    assert "  1 instance in its sharing group: 4 units" in found
    assert "  1 instance in other accounts of the organization: 4 units" in found


def test_the_other_reading_of_zones_is_told_where_it_differs() -> None:
    text = """
        i: B runs 1 m5.large in us-east-1a (use1-az4)
        r: A bought 1 m5.large in us-east-1a (use1-az1)
    """
    assert "           0 units if zones of other accounts matched by id (zonal_match)" in told(
        "r", text
    )


def test_many_counterparts_are_cut_and_counted() -> None:
    text = "i: A runs 40 m5.large in us-east-1a\nr: A bought 30 m5.large in us-east-1"
    assert told("r", text).count("  and 18 more") == 1


def test_what_was_not_read_is_said() -> None:
    refused = (denied("C"), denied("D"))
    assert (
        told("i-spot", refused=refused)[-1]
        == "What was not read of 2 accounts is unknown here too."
    )


def test_what_rests_on_something_unread_is_unknown_and_never_a_number() -> None:
    """A's own instances come first, so without them the use of A's reservations is unknown."""
    refused = (denied("A", CellKind.INSTANCES, "us-east-1"),)
    text = """
        i: B runs 1 m5.large in us-east-1a
        r: A bought 1 m5.large in us-east-1
    """
    found = told("r", text, refused)
    assert "  used     unknown of 4 units" in found
    assert "Why unknown units are unused" in found
    assert any(
        line.startswith("  unknown units (not_all_read): Not all was read") for line in found
    )
    assert any(line.startswith("  unknown units, organization tier: i, m5.large") for line in found)
    refused = (denied("B", CellKind.RESERVATIONS, "us-east-1"),)
    found = told("i", text, refused)
    assert "  covered  unknown of 4 units" in found
    assert any(line.startswith("  unknown units (not_all_read): What its own") for line in found)
    assert not any("nan" in line.split() for line in found)


@pytest.mark.parametrize(("wrong", "near"), [("i-wep", "i-web"), ("r-bigg", "r-big")])
def test_an_unknown_id_is_one_line_with_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(ConfigError) as raised:
        told(wrong)
    assert str(raised.value).startswith(
        f"{wrong}: the snapshot holds no such reservation, instance"
    )
    assert f"did you mean {near}?" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_empty_snapshot_has_no_nearest_id() -> None:
    with pytest.raises(ConfigError, match=r"no such .*; ids of reservations stand in"):
        told("i-1", "")
