from __future__ import annotations

import pytest
from lxml import etree

from ri_report.report.charts import LONGEST_PERCENT, Bar, bars, meter

SVG = etree._Element


def drawn(*rows: Bar) -> SVG:
    return etree.fromstring(bars("chart-x", "What is drawn", "What it says", rows))


def bar(whole: float, part: float | None) -> Bar:
    return Bar("m5", "50.0 %", "4 of 8 units", whole, part)


def found(svg: SVG, role: str) -> list[SVG]:
    return [e for e in svg.iter() if role in str(e.get("class", "")).split()]


def width(element: SVG) -> float:
    return float(str(element.get("width")).rstrip("%"))


def test_drawing_tells_its_title_and_words_to_those_who_do_not_see_it() -> None:
    svg = drawn(bar(8, 4))
    assert svg.get("role") == "img"
    named = str(svg.get("aria-labelledby")).split()
    told = {e.get("id"): e.text for e in svg if e.tag in {"title", "desc"}}
    assert [told[name] for name in named] == ["What is drawn", "What it says"]


def test_longest_bar_takes_its_share_and_the_others_theirs_of_it() -> None:
    svg = drawn(bar(8, 8), bar(2, 1))
    solid, hatched = found(svg, "part"), found(svg, "rest")
    assert [width(e) for e in solid] == pytest.approx([LONGEST_PERCENT, LONGEST_PERCENT / 8])
    assert [width(e) for e in hatched] == pytest.approx([0, LONGEST_PERCENT / 8])


def test_what_is_not_covered_is_hatched_and_not_only_colored() -> None:
    svg = drawn(bar(8, 4))
    assert found(svg, "rest")[0].get("fill") == "url(#chart-x-hatch)"
    assert [e.get("id") for e in svg.iter("pattern")] == ["chart-x-hatch"]


def test_unknown_part_is_drawn_hollow_and_never_as_nothing() -> None:
    svg = drawn(bar(8, None))
    assert width(found(svg, "hollow")[0]) == LONGEST_PERCENT
    assert not found(svg, "part")


def test_every_bar_carries_its_own_words() -> None:
    svg = drawn(bar(8, 4), bar(0, 0))
    assert [e.text for e in found(svg, "label")] == ["m5", "m5"]
    assert [e.text for e in found(svg, "value")] == ["50.0 %", "50.0 %"]


def test_bars_of_nothing_do_not_divide_by_zero() -> None:
    assert found(drawn(bar(0, 0)), "value")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><svg onload=x>', "</text>", "&"])
def test_text_cannot_become_markup(text: str) -> None:
    svg = etree.fromstring(bars("c", text, text, [Bar(text, text, text, 1, 1, text)]))
    plain = etree.fromstring(bars("c", "x", "x", [Bar("x", "x", "x", 1, 1, "x")]))
    assert [e.tag for e in svg.iter()] == [e.tag for e in plain.iter()]
    assert [e.text for e in found(svg, "label")] == [text]


def test_hidden_and_endless_text_is_shown_and_cut() -> None:
    svg = drawn(Bar("a\x00b\u202ec", "x" * 40_000, "", 1, 1))
    assert found(svg, "label")[0].text == "a\ufffdb\ufffdc"
    assert str(found(svg, "value")[0].text).endswith("… (40,000 characters)")


def test_meter_is_filled_to_the_value_and_marked_at_the_target() -> None:
    svg = etree.fromstring(meter(0.9, 0.95))
    assert width(found(svg, "part")[0]) == 90
    assert found(svg, "target")[0].get("x1") == "95.00%"


def test_meter_of_an_unknown_value_is_empty() -> None:
    assert not found(etree.fromstring(meter(None, 0.95)), "part")
