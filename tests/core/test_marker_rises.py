"""When a tumour marker counts as risen: two rises in a row, or double the lowest since surgery."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scheduler.core.marker_rises import MARKER_RESULTS, MARKER_RISES, marker_rises
from tests.core.protocol_documents import a_document, a_protocol, with_part

SURGERY_ON = date(2026, 1, 31)
MONTH = timedelta(days=30)
Row = dict[str, Any]

SERIES = st.lists(st.floats(0, 1e6).map(lambda value: round(value, 2)) | st.none(), max_size=12)


def a_result(**overrides: Any) -> Row:
    """An AFP of 10 a month after surgery."""
    result = {
        "examination_id": 1,
        "episode_id": 1,
        "procedure": "afp",
        "performed_on": SURGERY_ON + MONTH,
        "value": 10.0,
        "anchor_on": SURGERY_ON,
    }
    return result | overrides


def monthly(*values: float | None, **overrides: Any) -> list[Row]:
    """One result a month, the first a month after surgery, numbered from 1."""
    return [
        a_result(examination_id=number, performed_on=SURGERY_ON + number * MONTH, value=value, **overrides)
        for number, value in enumerate(values, start=1)
    ]


def rises(rows: Sequence[Row]) -> pl.DataFrame:
    return marker_rises(pl.DataFrame(rows, schema=MARKER_RESULTS), a_protocol())


def risen(*values: float | None, **overrides: Any) -> list[int]:
    """At which of the monthly values the marker counts as risen, counted from 1."""
    return rises(monthly(*values, **overrides))["examination_id"].to_list()


@pytest.mark.parametrize(
    ("last", "counts"),
    [
        pytest.param(19.99, [], id="just below double"),
        pytest.param(20.0, [2], id="exactly double"),
        pytest.param(20.01, [2], id="just above double"),
    ],
)
def test_a_marker_has_risen_at_double_its_lowest_since_surgery(last: float, counts: list[int]) -> None:
    assert risen(10.0, last) == counts


def test_double_is_double_whatever_the_last_binary_digit() -> None:
    assert risen(0.4, 0.1 + 0.7) == [2]


def test_the_lowest_is_the_lowest_of_all_before_and_not_the_last() -> None:
    assert risen(10.0, 4.0, 7.9, 7.0, 8.0) == [5]


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        pytest.param((10.0, 11.0), [], id="one rise"),
        pytest.param((10.0, 11.0, 12.0), [3], id="two rises in a row"),
        pytest.param((10.0, 11.0, 12.0, 13.0), [3, 4], id="three rises in a row"),
        pytest.param((10.0, 11.0, 11.0, 12.0), [], id="an equal value ends the row"),
        pytest.param((10.0, 11.0, 10.5, 11.5), [], id="a fall ends the row"),
        pytest.param((10.0, 10.0, 10.0), [], id="equal values are no rise"),
        pytest.param((10.0, None, 11.0, None, 12.0), [5], id="a missing value is passed over"),
        pytest.param((10.0,), [], id="a single value"),
        pytest.param((), [], id="no value"),
        pytest.param((0.0, 0.0, 0.0), [], id="never above zero"),
        pytest.param((0.0, 0.1), [2], id="any value exceeds a lowest of zero"),
    ],
)
def test_a_marker_has_risen_after_two_rises_in_a_row(values: tuple[float | None, ...], counts: list[int]) -> None:
    assert risen(*values) == counts


@pytest.mark.parametrize(
    ("days", "counts"),
    [
        pytest.param(-1, [], id="the day before surgery"),
        pytest.param(0, [], id="the day of surgery"),
        pytest.param(1, [2], id="the day after"),
    ],
)
def test_only_values_after_the_day_of_surgery_count(days: int, counts: list[int]) -> None:
    first = a_result(performed_on=SURGERY_ON + timedelta(days=days), value=5.0)
    second = a_result(examination_id=2, value=10.0)

    assert rises([first, second])["examination_id"].to_list() == counts


def test_of_two_results_on_one_day_the_highest_counts() -> None:
    rows = [
        a_result(),
        *(a_result(examination_id=n, performed_on=SURGERY_ON + 2 * MONTH, value=v) for n, v in ((2, 11.0), (3, 20.0))),
    ]

    assert rises(rows)["examination_id"].to_list() == [3]


def test_each_marker_of_each_episode_is_read_apart() -> None:
    afp, pivka = a_result(value=10.0), a_result(examination_id=2, procedure="pivka_ii", value=30.0)
    other = a_result(examination_id=3, episode_id=2, value=40.0, performed_on=SURGERY_ON + 2 * MONTH)

    assert rises([afp, pivka, other]).is_empty()


def test_what_is_no_marker_of_the_protocol_is_passed_over() -> None:
    assert risen(10.0, 30.0, procedure="cea") == []


def test_a_rise_is_told_with_what_it_rose_from() -> None:
    found = rises(monthly(10.0, 12.0, 20.0))

    assert found.to_dicts() == [
        {
            "examination_id": 3,
            "episode_id": 1,
            "procedure": "afp",
            "performed_on": SURGERY_ON + 3 * MONTH,
            "value": 20.0,
            "rises_in_a_row": 2,
            "lowest_before": 10.0,
            "reason": "afp 20.0 has risen 2 times in a row and is at least 2 times the lowest since surgery, 10.0",
        }
    ]


def test_the_protocol_decides_how_often_and_how_many_times() -> None:
    document = a_document()
    document["on_marker_rise"]["rises_in_a_row"] = 3
    protocol = with_part(document, "on_marker_rise", "times_the_lowest_since_surgery", value=1.1)
    results = pl.DataFrame(monthly(10.0, 10.1, 10.2, 10.3, 10.2, 11.0), schema=MARKER_RESULTS)

    assert marker_rises(results, protocol)["examination_id"].to_list() == [4, 6]


@given(values=SERIES, exponent=st.integers(-6, 6))
def test_the_unit_does_not_matter(values: list[float | None], exponent: int) -> None:
    in_another_unit = [None if value is None else value * 2.0**exponent for value in values]

    assert risen(*(value for value in in_another_unit)) == risen(*values)


@given(values=SERIES, seed=st.integers(0, 9))
def test_the_order_of_recording_is_irrelevant(values: list[float | None], seed: int) -> None:
    rows = monthly(*values)

    found = rises(random.Random(seed).sample(rows, len(rows)))

    assert dict(found.schema) == MARKER_RISES
    assert_frame_equal(found, rises(rows))
