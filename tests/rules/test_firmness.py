"""Firm or convention: what no split that AWS leaves open could have changed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ri_report.rules.capacity import with_slots
from ri_report.rules.firmness import firmness
from tests.rules.fleet import fleet
from tests.rules.oracle import (
    PARTS,
    Organization,
    count_need,
    count_offer,
    fits,
    pool,
    reaches,
    steps,
)
from tests.rules.organizations import ACCOUNTS, organizations
from tests.rules.test_laws import law, seen, snapshot

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ri_report.rules.firmness import Firmness
    from tests.rules.fleet import Fleet
    from tests.rules.oracle import Machine, Purchase

    Units = dict[tuple[str, str, str], float]
    Row = tuple[Hashable, ...]

SPLITS = 12
"""How many other splits each organization is tried with."""


OWNER_FIRST = """
    i-a: A runs 1 m5.large in us-east-1a
    i-b: B runs 1 m5.large in us-east-1a
    r: A bought 1 m5.large in us-east-1
"""


def judged(world: Fleet) -> Firmness:
    usage = with_slots(world.usage, world.slots)
    return firmness(usage, world.active, world.allocations, world.sharing)


def named(world: Fleet) -> dict[str, bool]:
    """The rows of a fleet, instances and reservations by their id, others as `line i-1`."""
    found = judged(world)
    usage, bought = _ids(world)
    ids = {
        "": (usage, found.usage),
        "line ": (usage, found.lines),
        "place ": (usage, found.places),
        "pool ": (usage, found.pooled_usage),
        "bought ": (bought, found.reservations),
        "bought pool ": (bought, found.pooled_reservations),
    }
    return {
        f"{kind}{name}": bool(firm)
        for kind, (names, flags) in ids.items()
        for name, firm in zip(names, flags, strict=True)
    }


def conventions(text: str, **options: object) -> list[str]:
    found = named(fleet(text, **options))  # type: ignore[arg-type] # options of fleet
    return [name for name, firm in found.items() if not firm]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i: A runs 3 m5.large in us-east-1a",
        "r: A bought 3 m5.large in us-east-1",
        "i: A runs 3 m5.large in us-east-1a\nr: A bought 3 m5.large in us-east-1",
        "i: A runs 3 m5.large in us-east-1a\nr: A bought 5 m5.large in us-east-1",
        "i: A runs 1 m5.2xlarge in us-east-1a\nr: A bought 1 m5.large in us-east-1",
        "i: A runs 1 g4dn.xlarge in us-east-1a\ni-b: B runs 1 m5.large in us-east-1a",
        OWNER_FIRST,
    ],
    ids=["nothing", "bare", "idle", "even", "ample", "one alone", "apart", "the owner comes first"],
)
def test_a_pool_without_a_choice_is_firm(text: str) -> None:
    assert conventions(text) == []


def test_which_of_several_instances_is_covered_is_a_convention_and_how_many_is_not() -> None:
    text = "i: A runs 2 m5.large in us-east-1a\nr: A bought 1 m5.large in us-east-1"
    assert conventions(text) == ["i/1", "i/2"]


def test_which_size_and_which_zone_is_covered_is_a_convention() -> None:
    """A bill shows sizes covered in another order than smallest first."""
    text = """
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.xlarge in us-east-1b
        r: A bought 1 m5.large in us-east-1
    """
    assert conventions(text) == ["i-1", "i-2", "line i-1", "line i-2", "place i-1", "place i-2"]


def test_which_of_several_reservations_is_used_is_a_convention() -> None:
    text = """
        i: A runs 1 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        r-2: A bought 1 m5.large in us-east-1
    """
    assert conventions(text) == ["bought r-1", "bought r-2"]


def test_who_borrows_is_a_convention_and_how_much_is_covered_at_the_place_is_not() -> None:
    text = """
        i-b: B runs 1 m5.large in us-east-1a
        i-c: C runs 1 m5.large in us-east-1a
        r: A bought 1 m5.large in us-east-1
    """
    assert conventions(text) == ["i-b", "i-c", "line i-b", "line i-c", "pool i-b", "pool i-c"]


def test_who_lends_is_a_convention_even_where_all_is_used() -> None:
    """Both are used up, one by its owner and one by B; which of them is lent is open."""
    text = """
        i-a: A runs 1 m5.large in us-east-1a
        i-b: B runs 1 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        r-2: A bought 1 m5.large in us-east-1
    """
    assert conventions(text) == ["bought r-1", "bought r-2"]


def test_a_zonal_reservation_of_another_account_leaves_open_whose_own_is_used() -> None:
    """Whichever of A and B gets the zonal one, A's own covers the other; B borrows either way."""
    text = """
        i-a: A runs 1 m5.large in us-east-1a
        i-b: B runs 1 m5.large in us-east-1a
        r-a: A bought 1 m5.large in us-east-1
        r-c: C bought 1 m5.large in us-east-1a
    """
    assert conventions(text) == ["pool i-a", "bought r-a", "bought pool r-a"]


def test_accounts_that_do_not_share_leave_nothing_open() -> None:
    text = """
        i-b: B runs 1 m5.large in us-east-1a
        i-c: C runs 1 m5.large in us-east-1a
        r: A bought 1 m5.large in us-east-1
    """
    assert conventions(text, deactivated=["B"]) == []


def test_an_allocation_is_firm_where_nothing_else_could_give_or_take_it() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 2 c5.large in us-east-1a
        i-3: A runs 1 r5.large in us-east-1a
        r-1: A bought 2 m5.large in us-east-1
        r-2: A bought 1 c5.large in us-east-1
        r-3: A bought 1 r5.large in us-east-1
        r-4: A bought 1 r5.large in us-east-1
    """)
    firm = dict(zip(world.allocations["reservation_id"], judged(world).allocations, strict=True))
    assert firm == {"r-1": True, "r-2": False, "r-3": False}


def test_whether_an_instance_or_a_slot_has_it_is_a_convention_for_one_of_several() -> None:
    """Both are used up, one by the instance and one by the idle slot; which is open."""
    text = """
        i: A runs 1 m5.large in us-east-1a
        c: A holds 1 m5.large in us-east-1b
        r-1: A bought 1 m5.large in us-east-1
        r-2: A bought 1 m5.large in us-east-1
    """
    assert conventions(text) == ["bought r-1", "bought r-2"]


def test_what_an_account_has_left_to_itself_does_not_depend_on_the_others() -> None:
    text = """
        i-a: A runs 1 m5.large in us-east-1a
        i-b: B runs 1 m5.large in us-east-1a
        i-c: C runs 1 m5.large in us-east-1a
        r: A bought 2 m5.large in us-east-1
    """
    found = named(fleet(text))
    assert (found["i-a"], found["pool i-a"], found["bought r"]) == (True, True, True)
    assert (found["i-b"], found["pool i-c"]) == (False, False)


HALF_READ = """
    i-1: A runs 1 m5.large in us-east-1a
    i-2: A runs 1 m5.large in us-east-1a ()
    r-a: A bought 1 m5.large in us-east-1a
    r-b: B bought 1 m5.large in us-east-1a
    i-c: C runs 1 c5.large in us-east-1a
    i-d: C runs 1 m5.large in us-east-1b, dedicated
    r-c: C bought 1 c5.large in us-east-1a
"""
"""Whether A's own covers i-1, or i-2 and B's covers i-1, decides how much is covered."""


def test_where_only_some_zone_ids_of_a_zone_are_known_its_pool_is_a_convention() -> None:
    world = fleet(HALF_READ, zonal_match="az_id")
    firm = {name for name, is_firm in named(world).items() if is_firm}
    assert {name.split()[-1] for name in firm} == {"i-c", "i-d", "r-c"}
    given = dict(zip(world.allocations["reservation_id"], judged(world).allocations, strict=True))
    assert {name for name, is_firm in given.items() if is_firm} == {"r-c"}


@pytest.mark.parametrize(
    ("unread", "open_"),
    [
        ("", []),
        # Whichever instance its own covers, the other waits for B's.
        ("r-a", []),
        # Whichever instance its own covers, B's cannot tell that it fits the other.
        ("i-1 i-2", ["i-1", "i-2"]),
    ],
)
def test_where_zone_ids_are_known_alike_the_totals_are_firm(unread: str, open_: list[str]) -> None:
    lines = [line.strip().removesuffix(" ()") for line in HALF_READ.splitlines() if line]
    text = "\n".join(line + " ()" * (line.split(":")[0] in unread.split()) for line in lines)
    assert conventions(text, zonal_match="az_id") == open_


def test_where_names_decide_no_unread_zone_id_opens_an_instance() -> None:
    found = named(fleet(HALF_READ, zonal_match="az_name"))
    assert (found["i-1"], found["i-2"], found["place i-1"], found["bought r-a"]) == (True,) * 4


@st.composite
def crowded(draw: st.DrawFn) -> Organization:
    """Draw an organization of one pool and a half, in which much collides."""
    drawn = draw(organizations())
    what = st.sampled_from(["m5.large", "m5.xlarge", "g4dn.xlarge"])
    return drawn._replace(
        machines=tuple(
            m._replace(type=draw(what), platform="Linux/UNIX", tenancy="default")
            for m in drawn.machines
        ),
        purchases=tuple(
            p._replace(type=draw(what), platform="Linux/UNIX", tenancy="default")
            for p in drawn.purchases
        ),
    )


@st.composite
def half_read(draw: st.DrawFn) -> Organization:
    """Draw an organization that shares one zone by its id, which was not always read."""
    drawn = draw(crowded())
    ids = {account: draw(st.sampled_from(["use1-az1", "use1-az2"])) for account in ACCOUNTS}
    read = st.sampled_from([True, True, False])
    return drawn._replace(
        machines=tuple(
            m._replace(zone="us-east-1a", zone_id=ids[m.account] * draw(read), type="m5.large")
            for m in drawn.machines
        ),
        purchases=tuple(
            p._replace(
                region="us-east-1",
                zone="us-east-1a" * bool(p.zone),
                zone_id=ids[p.account] * (bool(p.zone) and draw(read)),
                type="m5.large",
            )
            for p in drawn.purchases
        ),
        by_id=True,
    )


ANY = st.one_of(crowded(), half_read(), organizations()).map(snapshot)


@law
@given(ANY, st.integers(0, 2**32))
def test_no_split_that_aws_leaves_open_changes_a_firm_row(org: Organization, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    firm, ours = firm_rows(org)
    for _ in range(SPLITS):
        theirs = rows_of(org, split(org, rng))
        assert {row: theirs.get(row) for row in firm} == {row: ours[row] for row in firm}


def split(org: Organization, rng: random.Random) -> Units:
    """Serve the tiers in AWS's order, and within a tier whoever comes, in any order."""
    wanted = {m.name: count_need(m) for m in org.machines}
    left = {p.name: count_offer(p) for p in org.purchases}
    given: Units = {}
    for scope, tier, idle in steps(org):
        for m, p in _in_any_order(org, rng):
            if (scope == "zonal") != bool(p.zone) or bool(m.slots) != idle:
                continue
            matches = fits(org, p, m) and reaches(org, p, m, tier)
            amount = min(wanted[m.name], left[p.name]) if matches else 0
            wanted[m.name] -= amount
            left[p.name] -= amount
            if amount:
                given[m.name, p.name, tier] = amount / PARTS
    return given


def _in_any_order(org: Organization, rng: random.Random) -> list[tuple[Machine, Purchase]]:
    """All pairs, mixed wholly, or one instance or one reservation after the other."""
    pairs = [(m, p) for m in org.machines for p in org.purchases]
    turn = {name: rng.random() for pair in pairs for name in (pair[0].name, pair[1].name)}
    rng.shuffle(pairs)
    how = rng.choice(["mixed", "by instance", "by reservation"])
    if how == "by instance":
        pairs.sort(key=lambda pair: turn[pair[0].name])
    if how == "by reservation":
        pairs.sort(key=lambda pair: turn[pair[1].name])
    return pairs


def rows_of(org: Organization, units: Units) -> dict[Row, tuple[float, ...]]:
    """What tables tell of a split, by row: units, of these lent or borrowed, of these idle."""
    machines = {m.name: m for m in org.machines}
    purchases = {p.name: p for p in org.purchases}
    rows = [row for m in org.machines for row in _rows_of_machine(m)]
    rows += [row for p in org.purchases for row in _rows_of_purchase(p)]
    found: dict[Row, list[float]] = {row: [0.0, 0.0, 0.0] for row in rows}
    for (taker, giver, tier), amount in units.items():
        lent, idle = amount * (tier != "owner"), amount * bool(machines[taker].slots)
        for row in _rows_of_machine(machines[taker]):
            found[row][0] += amount
            found[row][1] += lent * (row[0] == "pooled_usage")
        for row in _rows_of_purchase(purchases[giver]):
            found[row][0] += amount
            found[row][1] += lent
            found[row][2] += idle * (row[0] == "reservations")
        found["allocations", taker, giver, tier] = [amount]
    return {row: tuple(amounts) for row, amounts in found.items()}


def _rows_of_machine(m: Machine) -> list[Row]:
    """The rows that a machine is in, each under the name of the judgment on it."""
    kind = (m.zone, m.zone_id, m.type, m.platform, m.tenancy, bool(m.slots))
    return [
        ("usage", m.name),
        ("lines", m.account, *kind),
        ("places", *kind),
        ("pooled_usage", m.account, *pool(m), bool(m.slots)),
    ]


def _rows_of_purchase(p: Purchase) -> list[Row]:
    return [("reservations", p.name), ("pooled_reservations", p.account, *pool(p))]


def firm_rows(org: Organization) -> tuple[set[Row], dict[Row, tuple[float, ...]]]:
    """The rows of which everything that they are made of is judged firm, and what all rows tell."""
    world = seen(org)
    given, found = world.allocations, judged(world)
    place = {name: at for ids in _ids(world) for at, name in enumerate(ids)}
    rows = [(m.name, row) for m in org.machines for row in _rows_of_machine(m)]
    rows += [(p.name, row) for p in org.purchases for row in _rows_of_purchase(p)]
    open_ = {row for name, row in rows if not getattr(found, str(row[0]))[place[name]]}
    keys = zip(given["usage_id"], given["reservation_id"], given["tier"], strict=True)
    units = dict(zip(keys, given["units"], strict=True))
    firm = {key for key, is_firm in zip(units, found.allocations, strict=True) if is_firm}
    pairs: set[Row] = {("allocations", *key) for key in firm}
    return {row for _, row in rows} - open_ | pairs, rows_of(org, units)


def _ids(world: Fleet) -> tuple[list[str], list[str]]:
    usage = with_slots(world.usage, world.slots)
    return usage["usage_id"].tolist(), world.active["reservation_id"].tolist()
