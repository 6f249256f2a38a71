"""One expression: a standard SQL scalar expression, parsed by sqlglot, compiled to Polars, rendered as SQL.

Takes text such as `CASE WHEN tumor_count = 1 THEN 0 ELSE 1 END`; gives an `Expression` whose one tree, in strict
form, is both compiled and rendered. It refuses to know what the columns mean: `expression_check` does.

Logic is three-valued (Kleene), and `CASE` is strict: a WHEN that is unknown makes the CASE unknown, unless every
value that is still reachable is the same. Without that, a missing tumour count would take the ELSE branch. A
computed number is rounded to 9 decimals before it is compared, because engines' `log10` differ in the last bit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, reduce

import polars as pl
import sqlglot
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
ALLOWED = (
    "comparisons (= <> < <= > >= BETWEEN IN), AND OR NOT, + - * /, CASE WHEN … THEN … ELSE … END, "
    "COALESCE(variable, …) and the functions ln, log10, sqrt, exp, abs"
)


class ExpressionRefused(ValueError):
    """Text that is not an expression hepwatch computes: what is wrong, what was found, what was expected."""

    def __init__(self, *, what: str, found: str, expected: str) -> None:
        super().__init__(f"{what}: found {found}; expected {expected}")
        self.what, self.found, self.expected = what, found, expected


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression as its author wrote it (`text`), and its one strict tree that is compiled and rendered."""

    text: str
    written: exp.Expr
    tree: exp.Expr

    @cached_property
    def columns(self) -> frozenset[str]:
        """The variables that it reads, recorded or derived, in no order."""
        return frozenset(column.name for column in self.written.find_all(exp.Column))

    @cached_property
    def optional_columns(self) -> frozenset[str]:
        """The variables that it reads as the first of a COALESCE: one that is absent is no missing input."""
        return frozenset(node.this.name for node in self.written.find_all(exp.Coalesce))

    def sql(self, dialect: str) -> str:
        """The strict tree in another engine's SQL (`postgres`, `duckdb`, `spark`); columns keep their names.

        >>> parse("log10(x) > 1").sql("duckdb")
        'ROUND(LOG10(x), 9) > 1'
        """
        return _portable(self.tree).sql(dialect=dialect)


@cache
def parse(text: str) -> Expression:
    """The expression that a text says. Raises `ExpressionRefused` for anything outside the whitelist.

    >>> sorted(parse("tumor_count = 1 AND largest_tumor_cm <= 5").columns)
    ['largest_tumor_cm', 'tumor_count']
    """
    try:
        written = sqlglot.parse_one(text, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise ExpressionRefused(
            what="not an expression", found=text, expected=f"a standard SQL expression of {ALLOWED}"
        ) from error
    for node in written.walk():
        _refuse_unknown(node, text)
    return Expression(text=text, written=written, tree=strict(written))


def compile_expression(expression: Expression) -> pl.Expr:
    """The expression over a frame that has its columns, typed; unknown where it cannot be known (null).

    >>> findings = pl.DataFrame({"count": [1, 4, None], "size": [4.0, 2.0, 6.0]})
    >>> findings.select(compile_expression(parse("count = 1 AND size <= 5")).alias("fits"))["fits"].to_list()
    [True, False, False]
    """
    return compile_tree(expression.tree)


def plain(tree: exp.Expr) -> exp.Expr:
    """The same expression with BETWEEN, IN and simple CASE written out, and computed numbers rounded."""
    return tree.copy().transform(_rewrite_shorthand).transform(_round_compared, copy=False)


def strict(tree: exp.Expr) -> exp.Expr:
    """The plain form of the expression with every CASE made strict."""
    return plain(tree).transform(_strict_case, copy=False)


def is_computed(node: exp.Expr) -> bool:
    """Whether a node is arithmetic (so that its last bit may differ between engines), not a plain value.

    >>> is_computed(parse("a + 1").tree), is_computed(parse("a").tree)
    (True, False)
    """
    bare = node.unnest()
    if isinstance(bare, exp.Neg):
        return is_computed(bare.this)
    return isinstance(bare, (*ARITHMETIC, *FUNCTIONS))


def _refuse_unknown(node: exp.Expr, text: str) -> None:
    """Raise for a node type that is not on the whitelist, or one on it that is used in a way that is not."""
    plain = (
        exp.Identifier,
        exp.Paren,
        exp.Boolean,
        exp.Literal,
        exp.And,
        exp.Or,
        exp.Not,
        exp.Between,
        exp.In,
    )
    if isinstance(node, exp.Column):
        if node.table or not node.name.isidentifier():
            raise ExpressionRefused(
                what="not a variable", found=node.sql(), expected="a variable's plain name"
            )
    elif isinstance(node, exp.Case):
        if node.args.get("default") is None:
            raise ExpressionRefused(what="CASE without ELSE", found=text, expected="an ELSE for what is left")
    elif isinstance(node, exp.Log):
        if node.expression is None or node.this.sql() != "10":
            raise ExpressionRefused(what="unknown function", found=node.sql(), expected="ln(x) or log10(x)")
    elif isinstance(node, exp.Coalesce):
        if not isinstance(node.this, exp.Column) or len(node.expressions) != 1:
            raise ExpressionRefused(
                what="COALESCE of something else", found=node.sql(), expected="COALESCE(variable, fallback)"
            )
    elif isinstance(node, exp.In):
        if not node.expressions:
            raise ExpressionRefused(what="IN without a list", found=node.sql(), expected="IN ('a', 'b')")
    elif not isinstance(node, (*plain, exp.If, *COMPARISONS, *ARITHMETIC, *FUNCTIONS)):
        kind = "unknown function" if isinstance(node, exp.Func) else "not allowed in an expression"
        raise ExpressionRefused(what=kind, found=node.sql(), expected=ALLOWED)


def _rewrite_shorthand(node: exp.Expr) -> exp.Expr:
    """BETWEEN, IN and `CASE x WHEN` as the comparisons that they stand for."""
    if isinstance(node, exp.Between):
        at_least = exp.GTE(this=node.this.copy(), expression=node.args["low"])
        return exp.and_(at_least, exp.LTE(this=node.this.copy(), expression=node.args["high"]))
    if isinstance(node, exp.In):
        return exp.or_(*(exp.EQ(this=node.this.copy(), expression=each) for each in node.expressions))
    if isinstance(node, exp.Case) and node.this is not None:
        branches = [
            exp.If(this=exp.EQ(this=node.this.copy(), expression=branch.this), true=branch.args["true"])
            for branch in node.args["ifs"]
        ]
        return exp.Case(ifs=branches, default=node.args["default"])
    return node


def _round_compared(node: exp.Expr) -> exp.Expr:
    """A comparison with its computed sides rounded to 9 decimals."""
    if isinstance(node, tuple(COMPARISONS)):
        for side in ("this", "expression"):
            if is_computed(node.args[side]):
                node.set(side, exp.Round(this=node.args[side], decimals=exp.Literal.number(DECIMALS)))
    return node


def _strict_case(case: exp.Expr) -> exp.Expr:
    """`CASE WHEN every reachable value equals the first reachable one THEN that one ELSE NULL END`.

    A branch is reachable when no earlier WHEN is certainly true and its own is not certainly false.
    """
    if not isinstance(case, exp.Case) or case.meta.get("strict"):
        return case
    conditions = [_paren(branch.this) for branch in case.args["ifs"]]
    values = [branch.args["true"] for branch in case.args["ifs"]] + [case.args["default"]]
    possible = [_plainly(condition, if_unknown=True) for condition in conditions]
    first = exp.Case(
        ifs=[
            exp.If(this=reachable.copy(), true=value.copy())
            for reachable, value in zip(possible, values, strict=False)
        ],
        default=values[-1].copy(),
    )
    first.meta["strict"] = True
    agreements = []
    for position, value in enumerate(values):
        blocked = [_plainly(condition, if_unknown=False) for condition in conditions[:position]]
        if position < len(possible):
            blocked.append(exp.Not(this=_paren(possible[position].copy())))
        same = exp.EQ(this=_paren(value.copy()), expression=first.copy())
        agreements.append(_paren(reduce(_or, [*blocked, same])))
    strictly = exp.Case(ifs=[exp.If(this=reduce(_and, agreements), true=first)], default=exp.null())
    strictly.meta["strict"] = True
    return strictly


def _plainly(condition: exp.Expr, *, if_unknown: bool) -> exp.Expr:
    """The condition with an unknown read as true or as false: two-valued."""
    return exp.Coalesce(this=condition.copy(), expressions=[exp.Boolean(this=if_unknown)])


def _paren(node: exp.Expr) -> exp.Expr:
    return node if isinstance(node, (exp.Paren, exp.Column, exp.Literal)) else exp.Paren(this=node)


def _or(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.Or(this=left, expression=right)


def _and(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.And(this=left, expression=right)


def _portable(tree: exp.Expr) -> exp.Expr:
    """The tree with `LOG10(x)`, which every engine reads alike; `LOG(10, x)` is read two ways."""
    return tree.transform(
        lambda node: (
            exp.Anonymous(this="LOG10", expressions=[node.expression]) if isinstance(node, exp.Log) else node
        )
    )


def compile_tree(node: exp.Expr) -> pl.Expr:
    """One node, and all below it, as Polars. The tree is in plain or strict form."""
    kind = type(node)
    if kind in COMPARISONS:
        return COMPARISONS[kind](compile_tree(node.this), compile_tree(node.expression))
    if kind in ARITHMETIC:
        return ARITHMETIC[kind](compile_tree(node.this), compile_tree(node.expression))
    if isinstance(node, exp.Log):
        return FUNCTIONS[exp.Log](compile_tree(node.expression))
    if kind in FUNCTIONS:
        return FUNCTIONS[kind](compile_tree(node.this))
    return _compile_other(node)


def _compile_other(node: exp.Expr) -> pl.Expr:
    """The nodes that are neither arithmetic nor a comparison."""
    match node:
        case exp.Column():
            return pl.col(node.name)
        case exp.Literal():
            return pl.lit(node.this if node.is_string else float(node.this))
        case exp.Boolean():
            return pl.lit(bool(node.this))
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
    """A strict CASE, from its last branch to its first; a NULL default gives unknown."""
    default = case.args["default"]
    otherwise = pl.lit(None) if isinstance(default, exp.Null) else compile_tree(default)
    for branch in reversed(case.args["ifs"]):
        otherwise = pl.when(compile_tree(branch.this)).then(compile_tree(branch.args["true"])).otherwise(otherwise)
    return otherwise
