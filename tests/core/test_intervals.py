"""The range of a formula over the ranges of what it reads, and where there is none."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.expression import parse
from scheduler.core.intervals import Interval, Undefined, interval
from tests.core.three_valued import evaluate

RANGES = {"x": Interval(1.0, 100.0), "y": Interval(0.5, 10.0), "z": Interval(-4.0, 4.0), "n": Interval(1.0, 5.0)}
STEADY = [
    "0.66 * log10(x) - 0.085 * y",
    "x * y + z",
    "x / y - n",
    "exp(z) * x",
    "sqrt(x) - abs(y)",
    "-y / x",
    "CASE WHEN x > 3 THEN ln(x) ELSE z END",
    "1 / (x + y)",
]


@pytest.mark.parametrize("text", STEADY)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_every_value_of_a_formula_lies_in_its_range(text: str, data: st.DataObject) -> None:
    row = {name: data.draw(st.floats(each.low, each.high), label=name) for name, each in RANGES.items()}

    value = evaluate(parse(text).written, row)

    found = interval(parse(text).written, RANGES)
    assert isinstance(value, float)
    assert found.low - 1e-9 <= value <= found.high + 1e-9


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("ln(x)", 0.0, 4.605170185988092), ("x * y", 0.5, 1000.0), ("-n", -5.0, -1.0), ("a", 0, 1)],
)
def test_a_range_is_reached_at_its_ends(text: str, low: float, high: float) -> None:
    assert interval(parse(text).written, RANGES) == Interval(low, high)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ln(z)", "LN(z) of a value that may be -4"),
        ("log10(x - 1)", "of a value that may be 0"),
        ("sqrt(z)", "SQRT(z) of a value that may be -4"),
        ("x / z", "z may be zero in x / z"),
        ("exp(x * y)", "may be too large to compute"),
        ("abs(z)", "neither only rises nor only falls"),
        ("x * z", "neither only rises nor only falls"),
    ],
)
def test_a_formula_without_a_range_says_why(text: str, why: str) -> None:
    with pytest.raises(Undefined, match=re.escape(why)):
        interval(parse(text).written, RANGES)
