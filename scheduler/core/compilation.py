"""An expression's tree as Polars, node by node.

Takes a tree in plain or strict form (`strictness`); gives one Polars expression. It is never rendered to text on the
way: sqlglot writes `log10(x)` as `LOG(10, x)`, which Polars reads as the logarithm of 10 to the base x. What is not
defined (a logarithm of zero, a division by it) is unknown.
"""

from collections.abc import Callable

import polars as pl
from sqlglot import exp

DECIMALS = 9

COMPARISONS: dict[type[exp.Expr], Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    exp.EQ: lambda left, right: left == right,
    exp.NEQ: lambda left, right: left != right,
    exp.LT: lambda left, right: left < right,
    exp.LTE: lambda left, right: left <= right,
    exp.GT: lambda left, right: left > right,
    exp.GTE: lambda left, right: left >= right,
}
MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE}
ARITHMETIC: dict[type[exp.Expr], Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    exp.Add: lambda left, right: left + right,
    exp.Sub: lambda left, right: left - right,
    exp.Mul: lambda left, right: left * right,
    exp.Div: lambda left, right: pl.when(right != 0).then(left / right),
}
FUNCTIONS: dict[type[exp.Expr], Callable[[pl.Expr], pl.Expr]] = {
    exp.Ln: lambda x: pl.when(x > 0).then(x.log()),
    exp.Log: lambda x: pl.when(x > 0).then(x.log10()),
    exp.Sqrt: lambda x: pl.when(x >= 0).then(x.sqrt()),
    exp.Exp: lambda x: x.exp(),
    exp.Abs: lambda x: x.abs(),
    exp.Neg: lambda x: -x,
}


def compile_tree(node: exp.Expr) -> pl.Expr:
    """One node, and all below it, as Polars.

    >>> from sqlglot import parse_one
    >>> pl.select(compile_tree(parse_one("1 + 2 * 3")).alias("sum")).item()
    7.0
    """
    kind = type(node)
    if kind in COMPARISONS:
        return _compile_comparison(node)
    if kind in ARITHMETIC:
        return ARITHMETIC[kind](compile_tree(node.this), compile_tree(node.expression))
    if isinstance(node, exp.Log):
        return FUNCTIONS[exp.Log](compile_tree(node.expression))
    if kind in FUNCTIONS:
        return FUNCTIONS[kind](compile_tree(node.this))
    return _compile_other(node)


def _compile_comparison(node: exp.Expr) -> pl.Expr:
    """A comparison, with a side that reads no variable on the right.

    On the left it makes Polars forget the frame's height where every value of the other side is the same.
    """
    kind, left, right = type(node), node.this, node.expression
    if not left.find(exp.Column):
        kind, left, right = MIRRORED.get(kind, kind), right, left
    return COMPARISONS[kind](compile_tree(left), compile_tree(right))


def _compile_other(node: exp.Expr) -> pl.Expr:
    """The nodes that are neither arithmetic nor a comparison."""
    match node:
        case exp.Column():
            return pl.col(node.name)
        case exp.Literal():
            return pl.lit(node.this if node.is_string else float(node.this))
        case exp.Boolean():
            return pl.lit(bool(node.this))
        case exp.Null():
            return pl.lit(None)
        case exp.Paren():
            return compile_tree(node.this)
        case exp.And():
            return compile_tree(node.this) & compile_tree(node.expression)
        case exp.Or():
            return compile_tree(node.this) | compile_tree(node.expression)
        case exp.Not():
            return ~compile_tree(node.this)
        case exp.Round():
            return compile_tree(node.this).round(DECIMALS)
        case exp.Coalesce():
            return pl.coalesce(compile_tree(node.this), compile_tree(node.expressions[0]))
        case exp.Case():
            return _compile_case(node)
    raise AssertionError(f"the whitelist let through {node!r}")


def _compile_case(case: exp.Expr) -> pl.Expr:
    """A CASE, from its last branch to its first."""
    chosen = compile_tree(case.args["default"])
    for branch in reversed(case.args["ifs"]):
        chosen = pl.when(compile_tree(branch.this)).then(compile_tree(branch.args["true"])).otherwise(chosen)
    return chosen
