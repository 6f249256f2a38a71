"""A tree in plain form, and in strict form: unknown stays unknown.

Logic is three-valued (Kleene), and `CASE` is strict: a WHEN that is unknown makes the CASE unknown, unless every
value that is still reachable is the same. Without that, a missing tumour count would take the ELSE branch. A
computed number is rounded to 9 decimals before it is compared, because engines' `log10` differ in the last bit.
"""

from collections.abc import Callable
from functools import reduce

from sqlglot import exp

from scheduler.core.compilation import ARITHMETIC, COMPARISONS, DECIMALS, FUNCTIONS


def plain(tree: exp.Expr) -> exp.Expr:
    """The same expression with BETWEEN, IN and simple CASE written out, and computed numbers rounded to compare.

    >>> from sqlglot import parse_one
    >>> plain(parse_one("NOT a BETWEEN b + 1 AND 9")).sql()
    'NOT (a >= ROUND(b + 1, 9) AND a <= 9)'
    """
    return rewritten(rewritten(tree, _written_out), _rounded)


def strict(tree: exp.Expr) -> exp.Expr:
    """The plain form of the expression with every CASE made strict, however deep it stands."""
    return rewritten(plain(tree), _strict_case)


def rewritten(node: exp.Expr, change: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A copy of the tree in which every node has been changed once, the inner ones first."""
    return _rewrite(node.copy(), change)


def _rewrite(node: exp.Expr, change: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    for child in list(node.iter_expressions()):
        child.replace(_rewrite(child, change))
    return change(node)


def is_computed(node: exp.Expr) -> bool:
    """Whether a node's value comes out of arithmetic (so that its last bit may differ between engines).

    >>> from sqlglot import parse_one
    >>> [is_computed(parse_one(text)) for text in ("a + 1", "a", "-1", "CASE WHEN a > 1 THEN b / 3 ELSE 0 END")]
    [True, False, False, True]
    """
    match node:
        case exp.Paren() | exp.Neg():
            return is_computed(node.this)
        case exp.Case():
            return any(is_computed(value) for value in _values(node))
        case exp.Coalesce():
            return is_computed(node.expressions[0])
    return isinstance(node, (*ARITHMETIC, *FUNCTIONS))


def _values(case: exp.Expr) -> list[exp.Expr]:
    """What a CASE may give, the ELSE last."""
    return [*(branch.args["true"] for branch in case.args["ifs"]), case.args["default"]]


def _written_out(node: exp.Expr) -> exp.Expr:
    """BETWEEN, IN and `CASE x WHEN` as the comparisons that they stand for, in parentheses."""
    match node:
        case exp.Between():
            at_least = exp.GTE(this=node.this.copy(), expression=node.args["low"])
            at_most = exp.LTE(this=node.this.copy(), expression=node.args["high"])
            return exp.Paren(this=exp.And(this=at_least, expression=at_most))
        case exp.In():
            return exp.Paren(this=reduce(_or, (_equal(node.this, each) for each in node.expressions)))
        case exp.Case() if node.this is not None:
            ifs = [exp.If(this=_equal(node.this, branch.this), true=branch.args["true"]) for branch in node.args["ifs"]]
            return exp.Case(ifs=ifs, default=node.args["default"])
    return node


def _equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.EQ(this=left.copy(), expression=right.copy())


def _rounded(node: exp.Expr) -> exp.Expr:
    """A comparison with its computed sides rounded to 9 decimals."""
    if isinstance(node, tuple(COMPARISONS)):
        for side in ("this", "expression"):
            if is_computed(node.args[side]):
                node.set(side, exp.Round(this=node.args[side], decimals=exp.Literal.number(DECIMALS)))
    return node


def _strict_case(case: exp.Expr) -> exp.Expr:
    """The CASE in which the first WHEN that is not certainly false decides.

    Where it is true, its value; where it is unknown, its value if every later one that can still be reached is the
    same, and else NULL.
    """
    if not isinstance(case, exp.Case):
        return case
    conditions = [_paren(branch.this) for branch in case.args["ifs"]]
    values = _values(case)
    ifs = []
    for position, (condition, value) in enumerate(zip(conditions, values, strict=False)):
        agreed = _if_agreed(position, conditions, values)
        ifs.append(exp.If(this=condition.copy(), true=value.copy()))
        ifs.append(exp.If(this=_known(condition, if_unknown=True), true=agreed.copy()))
    return exp.Case(ifs=ifs, default=values[-1].copy())


def _if_agreed(position: int, conditions: list[exp.Expr], values: list[exp.Expr]) -> exp.Expr:
    """The value at a position if every later one that can be reached is the same, else NULL."""
    value = values[position]
    later = range(position + 1, len(values))
    if all(_certainly_differ(value, values[each]) for each in later):
        return exp.null()
    agreements = []
    for each in (each for each in later if values[each] != value):
        earlier = [_known(condition, if_unknown=False) for condition in conditions[position + 1 : each]]
        own = [exp.Not(this=_known(condition, if_unknown=True)) for condition in conditions[each : each + 1]]
        agreements.append(_paren(reduce(_or, [*earlier, *own, _equal(_paren(values[each]), _paren(value))])))
    if not agreements:
        return value
    return exp.Case(ifs=[exp.If(this=reduce(_and, agreements), true=value.copy())], default=exp.null())


def _certainly_differ(value: exp.Expr, other: exp.Expr) -> bool:
    """Whether two values are literals, and not the same."""
    if not (isinstance(value, exp.Literal) and isinstance(other, exp.Literal)):
        return False
    if value.is_string or other.is_string:
        return (value.is_string, value.this) != (other.is_string, other.this)
    return float(value.this) != float(other.this)


def _known(condition: exp.Expr, *, if_unknown: bool) -> exp.Expr:
    """The condition with an unknown read as true or as false: two-valued."""
    return exp.Coalesce(this=condition.copy(), expressions=[exp.Boolean(this=if_unknown)])


def _paren(node: exp.Expr) -> exp.Expr:
    return node.copy() if isinstance(node, (exp.Paren, exp.Column, exp.Literal)) else exp.Paren(this=node.copy())


def _or(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.Or(this=left, expression=right)


def _and(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.And(this=left, expression=right)
