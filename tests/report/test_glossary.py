"""The glossary: the sharing preferences that a report was made with stand in its method."""

from __future__ import annotations

import pytest

from ri_report.report.glossary import method, terms
from ri_report.rules.sharing import Sharing

BY_NAME = (
    "Between accounts, zonal reservations match by zone name, as AWS's billing documentation"
    " words it."
)
GROUPS = {"shop": ["B", "A"], "lab": ["C"]}


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        (Sharing(groups=GROUPS), f"Open between all accounts. {BY_NAME}"),
        (
            Sharing(deactivated_accounts=frozenset({"B", "A"})),
            (
                "Open between all accounts. Deactivated for A, B, which neither lend nor borrow."
                f" {BY_NAME}"
            ),
        ),
        (
            Sharing(zonal_in_capacity_reservations=True),
            (
                f"Open between all accounts. {BY_NAME} Zonal reservations also cover instances that"
                " run inside a capacity reservation (zonal_in_capacity_reservations)."
            ),
        ),
        (
            Sharing(mode="prioritized", groups=GROUPS),
            (
                "Prioritized: reservations serve the account that bought them, then its group,"
                f" then all others. Group lab: C. Group shop: A, B. {BY_NAME}"
            ),
        ),
        (
            Sharing(mode="restricted", groups=GROUPS, zonal_match="az_id"),
            (
                "Restricted: reservations serve the account that bought them, then its group, and"
                " nobody else. An account in no group, as the management account always is, shares"
                " with none. Group lab: C. Group shop: A, B. Between accounts, zonal reservations"
                " match by zone id, the physical place."
            ),
        ),
    ],
)
def test_the_method_tells_mode_groups_and_exceptions(sharing: Sharing, expected: str) -> None:
    assert dict(method(sharing))["Sharing"] == expected


def test_the_method_says_how_capacity_reservations_are_read() -> None:
    told = dict(terms())["Capacity reservations"]
    assert "by this report's reading" in told
    assert "sharing.zonal_in_capacity_reservations" in told
    assert "never in coverage" in told
