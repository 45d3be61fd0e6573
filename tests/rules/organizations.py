"""Random small organizations for the laws: few types and places, so that much collides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.rules.oracle import QUARTERS, Machine, Organization, Purchase

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.rules.sharing import Mode

ACCOUNTS = "ABCD"
ZONE_IDS = {"us-east-1": ("use1-az1", "use1-az2"), "eu-west-1": ("euw1-az1", "euw1-az2")}
TYPES = st.sampled_from(["m5.large", "m5.xlarge", "m5.2xlarge", *QUARTERS])
PLATFORMS = st.sampled_from(["Linux/UNIX"] * 4 + ["Windows", "Red Hat Enterprise Linux"])
TENANCIES = st.sampled_from(["default"] * 5 + ["dedicated"])
REGIONS = st.sampled_from(["us-east-1", "us-east-1", "eu-west-1"])
MINUTES = st.sampled_from([60, 60, 60, 30, 15])
ENDS = st.sampled_from(["2027-01-01", "2027-02-01", "2028-01-01"])
MODES: tuple[Mode, ...] = ("open", "prioritized", "restricted")
GROUPS = st.sampled_from(["A", "blue"])
"""One is named like an account."""

ZoneMap = dict[tuple[str, str], tuple[str, ...]]
PLAIN: ZoneMap = {
    (account, region): ids for account in ACCOUNTS for region, ids in ZONE_IDS.items()
}


@st.composite
def organizations(draw: st.DrawFn, *, everybody: bool = False) -> Organization:
    """Draw two to four accounts, each with its own names for the zones of two regions.

    Where `everybody` is set, every account shares with every other in the end.
    """
    accounts = ACCOUNTS[: draw(st.integers(2, 4))]
    zones: ZoneMap = {place: tuple(draw(st.permutations(ids))) for place, ids in PLAIN.items()}
    machines = [
        draw(machine(f"i-{n:02}", accounts, zones)) for n in range(draw(st.integers(0, 14)))
    ]
    machines += [draw(idle(f"c-{n}", accounts, zones)) for n in range(draw(st.integers(0, 3)))]
    purchases = [draw(purchase(f"r-{n}", accounts, zones)) for n in range(draw(st.integers(0, 7)))]
    off = set() if everybody else draw(st.sets(st.sampled_from(accounts), max_size=2))
    mode = draw(st.sampled_from(MODES[:2] if everybody else MODES))
    groups = {} if mode == "open" else draw(st.dictionaries(st.sampled_from(accounts), GROUPS))
    return Organization(
        tuple(machines),
        tuple(purchases),
        frozenset(off),
        draw(st.booleans()),
        mode,
        tuple(sorted(groups.items())),
        draw(st.booleans()),
    )


def groups_of(org: Organization) -> dict[str, set[str]]:
    """Return the accounts of each group by its name."""
    names = {group for _, group in org.group_of}
    return {name: {a for a, group in org.group_of if group == name} for name in sorted(names)}


@st.composite
def machine(draw: st.DrawFn, name: str, accounts: str, zones: ZoneMap) -> Machine:
    account, region = draw(st.sampled_from(accounts)), draw(REGIONS)
    letter = draw(st.sampled_from("ab"))
    zone_id = zones[account, region]["ab".index(letter)]
    what = draw(TYPES), draw(PLATFORMS), draw(TENANCIES)
    inside = draw(st.sampled_from(["", "", "", "", "c-full"]))
    return Machine(name, account, region + letter, zone_id, *what, draw(MINUTES), inside)


@st.composite
def idle(draw: st.DrawFn, name: str, accounts: str, zones: ZoneMap) -> Machine:
    """Draw idle slots of a capacity reservation; AWS bills them by the hour or not at all."""
    drawn = draw(machine(name, accounts, zones))
    return drawn._replace(minutes=60, inside="", slots=draw(st.integers(1, 4)))


@st.composite
def purchase(
    draw: st.DrawFn, name: str, accounts: str = ACCOUNTS, zones: ZoneMap = PLAIN
) -> Purchase:
    account, region = draw(st.sampled_from(accounts)), draw(REGIONS)
    letter = draw(st.sampled_from(["", "", "a", "b"]))
    zone, zone_id = "", ""
    if letter:
        zone, zone_id = region + letter, zones[account, region]["ab".index(letter)]
    what = draw(TYPES), draw(PLATFORMS), draw(TENANCIES)
    return Purchase(
        name, account, region, zone, zone_id, *what, draw(st.integers(1, 4)), draw(ENDS)
    )


def renamed(org: Organization, name: Callable[[str], str]) -> Organization:
    """Give every account another name."""
    return org._replace(
        machines=tuple(m._replace(account=name(m.account)) for m in org.machines),
        purchases=tuple(p._replace(account=name(p.account)) for p in org.purchases),
        deactivated=frozenset(map(name, org.deactivated)),
        group_of=tuple((name(account), group) for account, group in org.group_of),
    )
