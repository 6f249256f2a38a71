"""One expression: a standard SQL scalar expression, parsed by sqlglot, compiled to Polars, rendered as SQL.

Takes text such as `CASE WHEN tumor_count = 1 THEN 0 ELSE 1 END`; gives an `Expression` whose one tree, in strict
form (`strictness`), is both compiled (`compilation`) and rendered. It refuses to know what the columns mean:
`expression_check` does.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import polars as pl
import sqlglot
from sqlglot import exp

from scheduler.core.compilation import ARITHMETIC, COMPARISONS, FUNCTIONS, compile_tree
from scheduler.core.strictness import rewritten, strict

ALLOWED = (
    "comparisons (= <> < <= > >= BETWEEN IN), AND OR NOT, + - * /, CASE WHEN … THEN … ELSE … END, "
    "COALESCE(variable, fallback) and the functions ln, log10, sqrt, exp, abs"
)
PLAIN_NODES: tuple[type[exp.Expr], ...] = (
    exp.Identifier,
    exp.Paren,
    exp.Boolean,
    exp.Literal,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Between,
    exp.If,
    *COMPARISONS,
    *ARITHMETIC,
    *FUNCTIONS,
)


class ExpressionRefused(ValueError):
    """Text that is not an expression hepwatch computes: what is wrong, what was found, what was expected."""

    def __init__(self, *, what: str, found: str, expected: str) -> None:
        super().__init__(f"{what}: found {found}; expected {expected}")
        self.what, self.found, self.expected = what, found, expected


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression as its author wrote it (`text`, `written`), and its one strict tree (compiled and rendered)."""

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

    @cached_property
    def direct_columns(self) -> frozenset[str]:
        """The variables that it reads otherwise than as the first of a COALESCE."""
        columns = self.written.find_all(exp.Column)
        return frozenset(
            each.name for each in columns if not (isinstance(each.parent, exp.Coalesce) and each.arg_key == "this")
        )

    @cached_property
    def compiled(self) -> pl.Expr:
        """The strict tree in Polars."""
        return compile_tree(self.tree)

    def sql(self, dialect: str) -> str:
        """The strict tree in another engine's SQL (`postgres`, `duckdb`, `spark`); columns keep their names.

        >>> parse("log10(x) > 1").sql("duckdb")
        'ROUND(LOG10(x), 9) > 1'
        """
        return rewritten(self.tree, lambda node: _portable(node, dialect)).sql(dialect=dialect)


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
    return expression.compiled


def _refuse_unknown(node: exp.Expr, text: str) -> None:
    """Raise for a node type that is not on the whitelist, or one on it that is used in a way that is not."""
    match node:
        case exp.Column() if node.table or not node.name.isidentifier():
            raise ExpressionRefused(what="not a variable", found=node.sql(), expected="a variable's plain name")
        case exp.Case() if node.args.get("default") is None:
            raise ExpressionRefused(what="CASE without ELSE", found=text, expected="an ELSE for what is left")
        case exp.Log() if node.expression is None or node.this.sql() != "10":
            raise ExpressionRefused(what="unknown function", found=node.sql(), expected="ln(x) or log10(x)")
        case exp.Coalesce() if not isinstance(node.this, exp.Column) or len(node.expressions) != 1:
            expected = "COALESCE(variable, fallback)"
            raise ExpressionRefused(what="COALESCE of something else", found=node.sql(), expected=expected)
        case exp.In() if not node.expressions:
            raise ExpressionRefused(what="IN without a list", found=node.sql(), expected="IN ('a', 'b')")
        case exp.Column() | exp.Case() | exp.Coalesce() | exp.In():
            return
    if not isinstance(node, PLAIN_NODES):
        kind = "unknown function" if isinstance(node, exp.Func) else "not allowed in an expression"
        raise ExpressionRefused(what=kind, found=node.sql(), expected=ALLOWED)


def _portable(node: exp.Expr, dialect: str) -> exp.Expr:
    """What engines read alike: `LOG10(x)`, since `LOG(10, x)` is read two ways; a division by zero is unknown;
    PostgreSQL rounds only what is NUMERIC."""
    if isinstance(node, exp.Log):
        return exp.Anonymous(this="LOG10", expressions=[node.expression])
    if isinstance(node, exp.Div) and not isinstance(node.expression, exp.Literal):
        node.set("expression", exp.Nullif(this=node.expression, expression=exp.Literal.number(0)))
    if isinstance(node, exp.Round) and dialect == "postgres":
        node.set("this", exp.cast(node.this, "NUMERIC"))
    return node
