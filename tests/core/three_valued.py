"""A second opinion on expressions: a plain Python evaluator over sqlglot's tree as the author wrote it.

Written from the design, not from the code: three-valued logic, a CASE whose unknown WHEN makes it unknown unless all
values still reachable are the same, computed numbers rounded to 9 decimals before they are compared.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

Value = float | int | bool | str | None
Row = Mapping[str, Value]

FUNCTIONS: dict[type[exp.Expr], Callable[[Any], Any]] = {
    exp.Ln: lambda x: math.log(x) if x > 0 else None,
    exp.Log: lambda x: math.log10(x) if x > 0 else None,
    exp.Sqrt: lambda x: math.sqrt(x) if x >= 0 else None,
    exp.Exp: math.exp,
    exp.Abs: abs,
    exp.Neg: lambda x: -x,
}
OPERATIONS: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
    exp.Div: lambda a, b: a / b if b != 0 else None,
}
COMPARISONS: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
    exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b,
    exp.GT: lambda a, b: a > b,
    exp.GTE: lambda a, b: a >= b,
}


def evaluate(node: exp.Expr, row: Row) -> Value:
    """What the expression is for one patient; None is unknown."""
    kind = type(node)
    if isinstance(node, exp.Paren):
        return evaluate(node.this, row)
    if isinstance(node, exp.Column):
        return row[node.name]
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else float(node.this)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if kind in FUNCTIONS:
        argument = evaluate(node.expression if isinstance(node, exp.Log) else node.this, row)
        return None if argument is None else _value(FUNCTIONS[kind](argument))
    if kind in OPERATIONS:
        left, right = evaluate(node.this, row), evaluate(node.expression, row)
        return None if left is None or right is None else _value(OPERATIONS[kind](left, right))
    if kind in COMPARISONS:
        return _compare(kind, evaluate(node.this, row), evaluate(node.expression, row))
    return _other(node, row)


def _other(node: exp.Expr, row: Row) -> Value:
    match node:
        case exp.And():
            return _and(evaluate(node.this, row), evaluate(node.expression, row))
        case exp.Or():
            return _not(_and(_not(evaluate(node.this, row)), _not(evaluate(node.expression, row))))
        case exp.Not():
            return _not(evaluate(node.this, row))
        case exp.Between():
            value, low, high = (evaluate(each, row) for each in (node.this, node.args["low"], node.args["high"]))
            return _and(_compare(exp.GTE, value, low), _compare(exp.LTE, value, high))
        case exp.In():
            value = evaluate(node.this, row)
            equal = [_compare(exp.EQ, value, evaluate(each, row)) for each in node.expressions]
            return True if True in equal else None if None in equal else False
        case exp.Coalesce():
            first = evaluate(node.this, row)
            return evaluate(node.expressions[0], row) if first is None else first
        case exp.Case():
            return _case(node, row)
    raise AssertionError(node)


def _case(node: exp.Expr, row: Row) -> Value:
    reachable: list[Value] = []
    for branch in node.args["ifs"]:
        if node.this is None:
            met = evaluate(branch.this, row)
        else:
            met = _compare(exp.EQ, evaluate(node.this, row), evaluate(branch.this, row))
        if met is not False:
            reachable.append(evaluate(branch.args["true"], row))
        if met is True:
            break
    else:
        reachable.append(evaluate(node.args["default"], row))
    return reachable[0] if all(value is not None and value == reachable[0] for value in reachable) else None


def _value(number: Any) -> Value:
    return None if number is None else float(number)


def _compare(kind: type[exp.Expr], left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    left, right = (round(value, 9) if isinstance(value, float) else value for value in (left, right))
    return bool(COMPARISONS[kind](left, right))


def _and(left: Value, right: Value) -> Value:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _not(value: Value) -> Value:
    return None if value is None else not value
