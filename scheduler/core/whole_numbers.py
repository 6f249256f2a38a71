"""The values that stand for all values of an input that is not continuous.

A boolean and a choice run over all they can be. A whole number that is only compared with constants runs over its
range's ends and the neighbours of each constant; one that is computed with, or compared with another, runs over its
whole range.
"""

from collections.abc import Iterable
from math import floor

from sqlglot import exp

from scheduler.core.compilation import COMPARISONS, DECIMALS
from scheduler.core.intervals import Undefined, interval
from scheduler.core.program import Value
from scheduler.core.variables import Recorded, VariableType


def standing_values(name: str, variable: Recorded, trees: Iterable[exp.Expr]) -> tuple[Value, ...]:
    """The values of one input, rising or as its choices stand, in which these plain trees can tell it apart.

    >>> from sqlglot import parse_one
    >>> count = Recorded(label="-", type="integer", unit="1", minimum=1, maximum=50, collected_at="surgery",
    ...                  definition="-", source="-")
    >>> standing_values("count", count, [parse_one("count <= 3")])
    (1, 2, 3, 4, 50)
    """
    if variable.type is VariableType.BOOLEAN:
        return (False, True)
    if variable.type is VariableType.CHOICE:
        return variable.choices
    assert variable.minimum is not None
    assert variable.maximum is not None
    low, high = int(variable.minimum), int(variable.maximum)
    cuts = _cuts(name, trees)
    if cuts is None:
        return tuple(range(low, high + 1))
    near = {floor(cut) + step for cut in cuts for step in (-1, 0, 1)}
    return tuple(sorted({low, high} | {value for value in near if low <= value <= high}))


def constant_beside(column: exp.Expr) -> float | None:
    """The constant that a column is compared with, where it is a whole side of a comparison with one; else None."""
    side = column
    while isinstance(side.parent, (exp.Paren, exp.Round)):
        side = side.parent
    comparison = side.parent
    if comparison is None or not isinstance(comparison, tuple(COMPARISONS)):
        return None
    other = comparison.expression if comparison.this is side else comparison.this
    return constant(other)


def constant(node: exp.Expr) -> float | None:
    """The value of an expression without variables that is a number, or None for anything else."""
    literals = list(node.find_all(exp.Literal))
    if node.find(exp.Column, exp.Case, exp.Boolean) or not literals or any(each.is_string for each in literals):
        return None
    try:
        value = interval(node, {}).low
    except Undefined:
        return None
    return round(value, DECIMALS) if isinstance(node.unnest(), exp.Round) else value


def _cuts(name: str, trees: Iterable[exp.Expr]) -> set[float] | None:
    """The constants that a variable is compared with; None where it is read in any other way."""
    columns = [column for tree in trees for column in tree.find_all(exp.Column) if column.name == name]
    cuts = [constant_beside(column) for column in columns]
    return None if None in cuts else {cut for cut in cuts if cut is not None}
