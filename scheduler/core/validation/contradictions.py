"""Findings of one row that contradict each other: a warning, never a refusal."""

import polars as pl

from scheduler.core.dependencies import closure
from scheduler.core.derivation import truth
from scheduler.core.expression import parse
from scheduler.core.validation.given import Given
from scheduler.core.validation.problems import MASK, PLACED_SCHEMA, Severity, as_faults, shown


def contradictions(values: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A warning for each row in which a check of the dictionary is true; one that cannot be known says nothing.

    `values` has a column per recorded variable. The problem's `value` names each finding with its value, those that a
    derived variable rests on included.
    """
    dictionary = given.dictionary
    found = [pl.DataFrame(schema=PLACED_SCHEMA)]
    if not dictionary.checks:
        return found[0]
    checks = truth(values, (check.when for check in dictionary.checks), dictionary)
    is_met = checks.select(pl.all().any()).row(0)
    for check, is_true, somewhere in zip(dictionary.checks, checks, is_met, strict=True):
        if somewhere:
            rows = values.with_row_index("position").filter(is_true.fill_null(value=False))
            names = closure(parse(check.when).columns, dictionary)
            faults = as_faults(rows, check.say, "findings that agree", Severity.WARNING)
            told = rows.select(value=pl.concat_str([_named_value(given, name) for name in names], separator=", "))
            found.append(given.problems_of(names, faults.with_columns(told["value"])))
    return pl.concat(found)


def _named_value(given: Given, name: str) -> pl.Expr:
    """`albumin_g_l 41`, or the mask."""
    value = pl.lit(MASK) if given.is_masked(name) else shown(pl.col(name).cast(pl.String)).fill_null("blank")
    return pl.concat_str(pl.lit(f"{name} "), value)
