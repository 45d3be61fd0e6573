"""Intake: rows that would make a wrong number are refused, each by its name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from ri_report.rules.allocation import allocate
from ri_report.rules.hours import KIND, by_hour
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    from ri_report.rules.hours import Hourly

WORLD = """
    i-1: A runs 1 m5.large in us-east-1a
    i-2: B runs 1 m5.xlarge in us-east-1b
    i-3: B runs 1 m5.large in us-east-1b
    r-1: A bought 1 m5.large in us-east-1a
    r-2: A bought 3 m5.large in us-east-1
    """
NOT_A_NUMBER = [(-1.0, "negative"), (float("nan"), "missing"), (float("inf"), "infinite")]
NAMES = ["account_id", "region", "instance_type", "platform", "tenancy"]
START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sides() -> dict[str, pd.DataFrame]:
    world = fleet(WORLD)
    return {"usage": world.usage, "reservations": world.active}


def changed(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    values = frame[column].astype(object)
    values.iloc[row] = value
    return frame.assign(**{column: values.infer_objects()})


def error_of(given: dict[str, pd.DataFrame]) -> str:
    with pytest.raises(ValueError, match=r"\S") as caught:
        allocate(given["usage"], given["reservations"])
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("value", "why"), NOT_A_NUMBER)
@pytest.mark.parametrize(
    ("side", "row", "name", "column"),
    [
        ("usage", 1, "i-2", "hours"),
        ("reservations", 1, "r-2", "hours"),
        ("reservations", 0, "r-1", "instance_count"),
    ],
)
def test_an_amount_that_is_none_is_refused(
    side: str, row: int, name: str, column: str, value: float, why: str
) -> None:
    given = sides()
    given[side] = changed(given[side], row, column, value)
    message = error_of(given)
    assert message.startswith(f"{side}: '{name}': {column} is ")
    assert why in message


def test_a_fraction_of_a_reservation_is_refused() -> None:
    given = sides()
    given["reservations"] = changed(given["reservations"], 1, "instance_count", 2.5)
    assert error_of(given) == "reservations: 'r-2': instance_count is no whole number; give one"


@pytest.mark.parametrize("missing", ["", None, float("nan")])
@pytest.mark.parametrize(("side", "row", "name"), [("usage", 2, "i-3"), ("reservations", 1, "r-2")])
@pytest.mark.parametrize("column", NAMES)
def test_a_row_without_a_trait_is_refused(
    side: str, row: int, name: str, column: str, missing: object
) -> None:
    given = sides()
    given[side] = changed(given[side], row, column, missing)
    expected = f"{side}: '{name}': {column} is missing; give one or leave the row out"
    assert error_of(given) == expected


@pytest.mark.parametrize(
    ("side", "key"), [("usage", "usage_id"), ("reservations", "reservation_id")]
)
def test_a_row_without_an_id_is_named_by_its_number(side: str, key: str) -> None:
    given = sides()
    given[side] = changed(given[side], 1, key, "")
    assert error_of(given).startswith(f"{side}: row 1: {key} is missing")


def test_all_rows_that_are_wrong_are_counted() -> None:
    given = sides()
    given["usage"] = given["usage"].assign(region="")
    assert error_of(given).startswith("usage: 'i-1' and 2 more: region is missing")
    given["usage"] = changed(given["usage"], 0, "region", "us-east-1")
    assert error_of(given).startswith("usage: 'i-2' and 1 more: region is missing")


@pytest.mark.parametrize(
    ("side", "column"),
    [
        *(("usage", name) for name in ["usage_id", "availability_zone", "hours", *NAMES]),
        *(("reservations", name) for name in ["reservation_id", "scope", "hours", *NAMES]),
    ],
)
def test_a_column_that_is_missing_is_named(side: str, column: str) -> None:
    given = sides()
    given[side] = given[side].drop(columns=column)
    assert error_of(given) == f"{side}: no column {column}; add it"


def test_account_ids_that_were_read_as_numbers_are_refused() -> None:
    """They would be other accounts than those that were read as text."""
    given = sides()
    given["usage"] = given["usage"].assign(account_id=111122223333)
    assert error_of(given).startswith("usage: account_id holds numbers; give text")


@pytest.mark.parametrize("column", ["usage_id", "account_id", "platform"])
def test_one_number_among_texts_is_refused(column: str) -> None:
    given = sides()
    given["usage"] = changed(given["usage"], 1, column, 12345678901)
    row = "row 1" if column == "usage_id" else "'i-2'"
    expected = f"usage: {row}: {column} is no text; give text, account ids of 12 digits"
    assert error_of(given) == expected


@pytest.mark.parametrize("period", [1, 1.0, pd.Timestamp("2026-11-01", tz="UTC")])
def test_a_period_that_is_no_text_is_refused(period: float | pd.Timestamp) -> None:
    """A 1 and a 1.0, or a time and its text, would never meet."""
    given = {side: frame.assign(period="1") for side, frame in sides().items()}
    given["reservations"] = given["reservations"].assign(period=period)
    assert error_of(given).startswith("reservations: ")
    assert "period" in error_of(given)


def test_texts_may_be_categories() -> None:
    given = sides()
    expected = allocate(given["usage"], given["reservations"])
    usage = given["usage"].astype(dict.fromkeys(NAMES, "category"))
    pd.testing.assert_frame_equal(allocate(usage, given["reservations"]), expected)


@pytest.mark.parametrize("name", ["m5", "m5.", ".large", "."])
@pytest.mark.parametrize(("side", "row"), [("usage", "i-1"), ("reservations", "r-1")])
def test_a_type_without_family_or_size_is_refused(side: str, row: str, name: str) -> None:
    """A type `m5` would have the name of the pool in which all sizes of m5 meet."""
    given = sides()
    given[side] = changed(given[side], 0, "instance_type", name)
    expected = f"{side}: '{row}': '{name}' is no instance_type; give family and size, like m5.large"
    assert error_of(given) == expected


def test_hours_that_are_text_are_refused() -> None:
    given = sides()
    given["usage"] = given["usage"].assign(hours="1.0")
    assert error_of(given) == "usage: hours holds no numbers but str; convert it"


@pytest.mark.parametrize("zone", ["", None])
def test_a_zonal_reservation_without_a_zone_is_refused(zone: str | None) -> None:
    given = sides()
    given["reservations"] = changed(given["reservations"], 0, "availability_zone", zone)
    assert error_of(given).startswith(
        "reservations: 'r-1': zonal, but availability_zone is missing"
    )


def test_a_scope_and_a_kind_that_are_unknown_are_refused() -> None:
    given = sides()
    given["reservations"] = changed(given["reservations"], 1, "scope", "Region")
    assert error_of(given) == "reservations: 'r-2': no scope 'Region'; it is zonal or regional"
    given = sides()
    given["usage"] = changed(given["usage"].assign(kind="instance"), 2, "kind", "slot")
    assert error_of(given) == "usage: 'i-3': no kind 'slot'; it is instance or idle_slot"


@pytest.mark.parametrize("dtype", [object, "string"])
def test_a_kind_that_is_missing_is_refused(dtype: type | str) -> None:
    given = sides()
    kinds = changed(given["usage"].assign(kind="instance"), 1, "kind", None)
    given["usage"] = kinds.astype({"kind": dtype})
    assert error_of(given).startswith("usage: 'i-2': no kind ")


def test_no_hours_and_none_of_a_reservation_are_amounts_as_others() -> None:
    given = sides()
    usage = changed(given["usage"], 0, "hours", 0.0)
    bought = changed(given["reservations"], 1, "instance_count", 0)
    assert allocate(usage, bought)["usage_id"].tolist() == []


@pytest.mark.parametrize(
    ("side", "key", "name"),
    [("usage", "usage_id", "i-1"), ("reservations", "reservation_id", "r-2")],
)
def test_an_id_that_stands_twice_is_refused(side: str, key: str, name: str) -> None:
    given = sides()
    given[side] = given[side].assign(**{key: name})
    assert error_of(given) == f"{side}: '{name}' stands twice; give each row its own {key}"


def test_an_id_may_stand_once_in_each_period() -> None:
    given = {
        side: pd.concat([frame.assign(period="1"), frame.assign(period="2")])
        for side, frame in sides().items()
    }
    allocate(given["usage"], given["reservations"])
    given["usage"] = pd.concat([given["usage"], given["usage"].iloc[-1:]])
    assert error_of(given) == "usage: 'i-3' stands twice; give each row its own usage_id"


def test_a_period_that_is_missing_is_refused() -> None:
    given = {side: frame.assign(period="1") for side, frame in sides().items()}
    given["usage"] = changed(given["usage"], 0, "period", None)
    assert error_of(given).startswith("usage: 'i-1': period is missing")


@pytest.mark.parametrize(
    ("side", "what"),
    [
        ("usage", {"hours": 1e12}),
        ("reservations", {"hours": 1e12}),
        ("reservations", {"instance_count": 10**12}),
    ],
)
def test_more_hours_than_integers_can_add_up_are_refused(side: str, what: dict[str, Any]) -> None:
    given = sides()
    given[side] = given[side].assign(**what)
    message = error_of(given)
    assert message.startswith(f"{side}: ")
    assert "more than can be added up exactly" in message


def test_frames_that_are_right_pass_in_the_dtypes_that_libraries_make() -> None:
    """Text as objects, counts as floats or as integers that may be missing."""
    given = sides()
    expected = allocate(given["usage"], given["reservations"])
    usage = given["usage"].astype(dict.fromkeys(NAMES, object) | {"hours": "Float64"})
    for dtype in ("float64", "Int64", "int32"):
        bought = given["reservations"].astype({"instance_count": dtype, "scope": object})
        pd.testing.assert_frame_equal(allocate(usage, bought), expected)


def swept(
    runs: dict[str, Any] | None = None,
    bought: dict[str, Any] | None = None,
    window: tuple[datetime, datetime] = (START, START + HOUR),
) -> Hourly:
    """Sweep one run of an hour and one reservation, each with these values changed."""
    term = {"start": pd.Timestamp(START), "end": pd.Timestamp(START + 24 * HOUR)}
    given = sides()
    ran = given["usage"].head(1)[list(KIND)].assign(**term | (runs or {}))
    offered = given["reservations"].head(1).assign(**term | (bought or {}))
    return by_hour(ran, offered, *window)


def test_what_is_right_is_swept() -> None:
    assert len(swept().periods) == 1


NAIVE, EARLIER = pd.Timestamp(2026, 11, 1), pd.Timestamp(START - HOUR)


@pytest.mark.parametrize(
    ("runs", "bought", "message"),
    [
        ({"end": EARLIER}, {}, "runs: row 0: ends before it begins; check both"),
        ({"start": NAIVE}, {}, "runs: start is no time with a time zone but datetime64"),
        ({"end": pd.Series([pd.NaT], dtype="datetime64[us, UTC]")}, {}, "runs: row 0: end is mis"),
        ({"region": ""}, {}, "runs: row 0: region is missing"),
        ({"availability_zone": None}, {}, "runs: row 0: availability_zone is missing; give"),
        ({}, {"end": EARLIER}, "reservations: 'r-1': ends before it begins; check both"),
        ({}, {"end": NAIVE}, "reservations: end is no time with a time zone but datetime64"),
        ({}, {"instance_count": 0.5}, "reservations: 'r-1': instance_count is no whole number"),
        ({}, {"tenancy": ""}, "reservations: 'r-1': tenancy is missing"),
        ({"instance_type": "m5"}, {}, "runs: row 0: 'm5' is no instance_type"),
        ({"kind": "slot"}, {}, "runs: row 0: no kind 'slot'"),
    ],
)
def test_runs_and_terms_that_make_no_sense_are_refused(
    runs: dict[str, Any], bought: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        swept(runs, bought)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (START.replace(tzinfo=None), START, "start .* has no time zone"),
        (START, (START + HOUR).replace(tzinfo=None), "end .* has no time zone"),
        (START + HOUR / 2, START + HOUR, "start .* is not on the hour"),
        (START, START + HOUR + timedelta(microseconds=1), "end .* is not on the hour"),
        (START + HOUR, START, "end .* is not after start"),
        (START, START, "end .* is not after start"),
        (
            START.replace(tzinfo=timezone(timedelta(minutes=30))),
            START + HOUR,
            "start .* is not on the hour",
        ),
    ],
)
def test_a_window_that_is_not_made_of_clock_hours_is_refused(
    start: datetime, end: datetime, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        swept(window=(start, end))


def test_random_frames_are_never_mistaken_for_twins() -> None:
    """A million draws would not prove more: every permutation of distinct ids passes."""
    given = sides()
    draw = np.random.default_rng(1)
    usage = pd.concat([given["usage"].head(1)] * 500, ignore_index=True)
    usage["usage_id"] = pd.Series([f"i-{n}" for n in draw.permutation(500)], dtype="str")
    allocate(usage, given["reservations"])


def test_a_reservation_that_stands_twice_in_a_month_is_refused() -> None:
    """In two pools it would offer its hours in both."""
    bought = pd.concat([sides()["reservations"].head(1)] * 2).assign(
        instance_type=["m5.large", "c5.large"], start=EARLIER, end=pd.Timestamp(START + HOUR)
    )
    ran = sides()["usage"].assign(start=EARLIER, end=pd.Timestamp(START + HOUR))
    with pytest.raises(ValueError, match="reservations: 'r-1': stands twice; give each"):
        by_hour(ran, bought, START, START + HOUR)
