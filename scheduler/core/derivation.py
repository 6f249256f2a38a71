"""Derived variables as columns: what is computed from what was recorded.

Takes a findings frame (a row per patient, a column per recorded variable); gives the same frame with the derived
columns that somebody asks for. Each is computed once, after those that it reads.
"""

from collections.abc import Iterable

import polars as pl

from scheduler.core.compilation import DECIMALS
from scheduler.core.dependencies import derivation_order
from scheduler.core.expression import compile_expression, parse
from scheduler.core.strictness import is_computed
from scheduler.core.variables import VariableDictionary, VariableType


def derive(findings: pl.DataFrame, wanted: Iterable[str], dictionary: VariableDictionary) -> pl.DataFrame:
    """The findings with the derived variables among `wanted`, and those that they rest on, as columns.

    A computed number is rounded to 9 decimals. A value that cannot be known is missing. Recorded names in
    `wanted` change nothing; a recorded variable that a formula reads must be a column.
    """
    return with_derived(findings.lazy(), wanted, dictionary).collect()


def with_derived(findings: pl.LazyFrame, wanted: Iterable[str], dictionary: VariableDictionary) -> pl.LazyFrame:
    """What `derive` gives, not yet computed."""
    for name in derivation_order(wanted, dictionary):
        findings = findings.with_columns(derived_column(name, dictionary))
    return findings


def derived_column(name: str, dictionary: VariableDictionary) -> pl.Expr:
    """One derived variable as an expression over a frame that holds what it reads."""
    variable = dictionary.derived[name]
    expression = parse(variable.expression)
    value = compile_expression(expression)
    if variable.type is VariableType.INTEGER:
        value = value.cast(pl.Int64)
    elif is_computed(expression.written):
        value = value.round(DECIMALS)
    return value.alias(name)


def truth(findings: pl.DataFrame, conditions: Iterable[str], dictionary: VariableDictionary) -> pl.DataFrame:
    """One Boolean column per condition, named by its position (`"0"`, `"1"`, …): true, false, or missing (unknown).

    A condition may read derived variables; they are computed on the way.
    """
    expressions = [parse(condition) for condition in conditions]
    names = {name for expression in expressions for name in expression.columns}
    known = derive(findings, names, dictionary)
    return known.select(
        [compile_expression(expression).alias(str(i)) for i, expression in enumerate(expressions)]
        or [pl.lit(None).alias("none")]
    )
