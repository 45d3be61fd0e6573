"""Reservation prices of the right order of magnitude, so that the demo has believable figures.

They are derived from a rate per normalized unit and family, not from a price list.
"""

from __future__ import annotations

UNIT_RATES = {
    "t3": 0.0208, "t4g": 0.0168, "m4": 0.025, "m5": 0.024, "m6i": 0.024, "m6g": 0.0193,
    "c5": 0.0213, "c5d": 0.024, "c6g": 0.017, "r5": 0.0315, "r6g": 0.0252, "i3": 0.039,
    "x2idn": 0.0521, "g4dn": 0.0658, "g5": 0.0758,
}  # fmt: skip
USUAL_UNIT_RATE = 0.024
SIZES = {"nano": 0.25, "micro": 0.5, "small": 1, "medium": 2, "large": 4, "xlarge": 8}
METAL_UNITS = 128
DISCOUNTED = {
    (1, "No Upfront"): 0.63, (1, "Partial Upfront"): 0.60, (1, "All Upfront"): 0.59,
    (3, "No Upfront"): 0.43, (3, "Partial Upfront"): 0.40, (3, "All Upfront"): 0.38,
}  # fmt: skip
PAID_UPFRONT = {"No Upfront": 0.0, "Partial Upfront": 0.5, "All Upfront": 1.0}
HOURS_PER_YEAR = 8760


def prices(instance_type: str, years: int, payment: str) -> tuple[float, float]:
    """The upfront price [USD] and the recurring hourly charge [USD/hour] of one reservation."""
    family, _, size = instance_type.partition(".")
    hourly = UNIT_RATES.get(family, USUAL_UNIT_RATE) * _units(size) * DISCOUNTED[years, payment]
    paid_upfront = PAID_UPFRONT[payment]
    upfront = round(hourly * HOURS_PER_YEAR * years * paid_upfront)
    return float(upfront), round(hourly * (1 - paid_upfront), 5)


def _units(size: str) -> float:
    count = size.removesuffix("xlarge")
    return SIZES.get(size) or (8.0 * int(count) if count.isdigit() else METAL_UNITS)
