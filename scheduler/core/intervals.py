"""The range of an arithmetic expression over the ranges of what it reads, and whether it is defined there.

Takes a plain expression tree and each variable's range; gives the lowest and highest value (an outer bound), or
says why there is none: a logarithm of something that may be zero, a division that may be by zero. Bounds are only
exact for expressions that rise or fall steadily in each variable, so the others are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp as exponential
from math import log, log10, sqrt

from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Interval:
    """The values from `low` to `high`, both inclusive."""

    low: float
    high: float

    @property
    def has_one_sign(self) -> bool:
        """Whether all values are ≥ 0 or all are ≤ 0."""
        return self.low >= 0 or self.high <= 0

    def hull(self, other: "Interval") -> "Interval":
        """The smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


class Undefined(ValueError):
    """Why an expression has no range: a value for which it is not defined, or not steady."""


TRUTH = Interval(0.0, 1.0)


def interval(node: exp.Expr, ranges: Mapping[str, Interval]) -> Interval:
    """The values that an arithmetic node may take; a truth counts 0 to 1. Raises `Undefined`, saying why.

    >>> from scheduler.core.expression import parse
    >>> interval(parse("ln(x) + 1").written, {"x": Interval(1.0, 1.0)})
    Interval(low=1.0, high=1.0)
    """
    match node:
        case exp.Paren() | exp.Round():
            return interval(node.this, ranges)
        case exp.Literal() if not node.is_string:
            return Interval(float(node.this), float(node.this))
        case exp.Column():
            return ranges.get(node.name, TRUTH)
        case exp.Neg():
            inner = interval(node.this, ranges)
            return Interval(-inner.high, -inner.low)
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
            return _of_two(node, interval(node.this, ranges), interval(node.expression, ranges))
        case exp.Case():
            values = [*(branch.args["true"] for branch in node.args["ifs"]), node.args["default"]]
            hull = interval(values[0], ranges)
            for value in values[1:]:
                hull = hull.hull(interval(value, ranges))
            return hull
        case exp.Coalesce():
            return interval(node.this, ranges).hull(interval(node.expressions[0], ranges))
        case exp.Log():
            return _of_one(node, interval(node.expression, ranges))
        case exp.Ln() | exp.Sqrt() | exp.Exp() | exp.Abs():
            return _of_one(node, interval(node.this, ranges))
    return TRUTH


def _of_two(node: exp.Expr, left: Interval, right: Interval) -> Interval:
    """The four operations; a product or quotient of two that vary must have sides of one sign."""
    if isinstance(node, exp.Add):
        return Interval(left.low + right.low, left.high + right.high)
    if isinstance(node, exp.Sub):
        return Interval(left.low - right.high, left.high - right.low)
    if isinstance(node, exp.Div):
        if right.low <= 0 <= right.high:
            raise Undefined(f"{node.expression.sql()} may be zero in {node.sql()}")
        right = Interval(1 / right.high, 1 / right.low)
    varies = [side for side in (left, right) if side.low != side.high]
    if len(varies) == 2 and not (left.has_one_sign and right.has_one_sign):
        raise Undefined(f"{node.sql()} neither only rises nor only falls: a side may be negative or positive")
    corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    return Interval(min(corners), max(corners))


def _of_one(node: exp.Expr, inside: Interval) -> Interval:
    """The functions of one value."""
    if isinstance(node, (exp.Ln, exp.Log)):
        if inside.low <= 0:
            raise Undefined(f"{node.sql()} of a value that may be {inside.low:g}")
        function = log if isinstance(node, exp.Ln) else log10
        return Interval(function(inside.low), function(inside.high))
    if isinstance(node, exp.Sqrt):
        if inside.low < 0:
            raise Undefined(f"{node.sql()} of a value that may be {inside.low:g}")
        return Interval(sqrt(inside.low), sqrt(inside.high))
    if isinstance(node, exp.Exp):
        if inside.high > 700:
            raise Undefined(f"{node.sql()} may be too large to compute")
        return Interval(exponential(inside.low), exponential(inside.high))
    if not inside.has_one_sign:
        raise Undefined(f"{node.sql()} neither only rises nor only falls: its value may be negative or positive")
    return Interval(min(abs(inside.low), abs(inside.high)), max(abs(inside.low), abs(inside.high)))
