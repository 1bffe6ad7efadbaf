"""Columns drawn to scale: nothing outside the drawing, with none, one and very many."""

from __future__ import annotations

import pytest

from payseal.server.console.charts import bars


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (4, 4), (5, 10), (10, 10), (11, 20), (41, 100), (100, 100), (1_000_001, 2_000_000)]
)
def test_the_scale_fits_and_its_half_is_whole(largest: int, top: int) -> None:
    chart = bars([("a", largest, 0)], every=1)
    assert [label for _, label in chart.lines] == ["0", f"{top / 2:g}", f"{top:g}"]


def test_columns_stand_on_the_floor_and_on_each_other() -> None:
    chart = bars([("00:00", 3, 1), ("00:01", 0, 0), ("00:02", 0, 4), ("00:03", 4, 0)], every=2)
    floor = chart.lines[0][0]
    for bar in chart.bars:
        assert bar.good_y + bar.good_height == pytest.approx(floor, abs=0.02)
        assert bar.bad_y + bar.bad_height == pytest.approx(bar.good_y, abs=0.02)
        assert chart.left <= bar.x
        assert bar.x + bar.width <= chart.width
        assert bar.bad_y >= 0
    heights = [bar.good_height + bar.bad_height for bar in chart.bars]
    assert heights[0] == pytest.approx(heights[2], abs=0.02)
    assert heights[1] == 0
    assert [text for _, text in chart.labels] == ["00:00", "00:02"]
    assert chart.bars[0].title == "00:00: 3 accepted, 1 refused"


def test_no_columns_are_a_chart_too() -> None:
    chart = bars([], every=10)
    assert (chart.bars, chart.labels) == ([], [])
    assert len(chart.lines) == 3
