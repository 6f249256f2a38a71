"""Rows that name the same patient twice: a file holds one row and one resection per patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scheduler.core.validation.problems import FAULT_SCHEMA, Severity, as_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What is wrong with rows that share a patient, and the positions of plain repetitions, which are left out."""

    faults: pl.DataFrame
    repeated: pl.Series


def find_duplicates(
    values: pl.DataFrame, patient: Sequence[str], *, resected_on: str, has_error: pl.Series
) -> Duplicates:
    """The rows of `values` that share the columns `patient`; a row whose last such column is missing shares none.

    Another resection of the same patient is an error in every such row. So is the same resection, unless the
    rows are the same in every value and none has an error of its own: then the first stands, and each later one
    is a warning and `repeated`. `values` has the column `row`, by which each row names another.

    >>> rows = pl.DataFrame({"row": [2, 3], "mrn": ["7", "7"], "resected_on": ["2025-03-10", "2026-03-09"]})
    >>> found = find_duplicates(rows, ["mrn"], resected_on="resected_on", has_error=pl.Series([False, False]))
    >>> found.faults["problem"].to_list()[0]
    'names the same patient as row 3, with another resected_on'
    """
    last = values[patient[-1]]
    if last.drop_nulls().n_unique() == last.count():  # a tenth of the time that finding them takes
        return Duplicates(faults=pl.DataFrame(schema=FAULT_SCHEMA), repeated=pl.Series([], dtype=pl.Int64))
    shared = values.select(*patient).is_duplicated() & last.is_not_null()
    rows = values.with_row_index("position").with_columns(has_error=pl.lit(has_error)).filter(shared)
    compared = rows.select("position", "row", **_comparison(values.columns, patient, resected_on))
    same_day, is_same = pl.col("same_day"), pl.col("is_same")
    is_repetition = is_same & pl.col("nth").gt(0)
    same, one_row = "names the same patient", "one row per patient"
    another, one_resection = f"{same} as row {{}}, with another {resected_on}", "one resection per patient in a file"
    verdicts = [
        as_faults(compared.filter(~same_day), pl.format(another, "other"), one_resection),
        as_faults(
            compared.filter(same_day & ~is_same),
            pl.format(f"{same} and resection as row {{}}", "other"),
            f"{one_row}: keep the right one",
        ),
        as_faults(
            compared.filter(is_repetition),
            pl.format("repeats row {}", "other"),
            f"{one_row}; this one is left out",
            Severity.WARNING,
        ),
    ]
    return Duplicates(faults=pl.concat(verdicts), repeated=compared.filter(is_repetition)["position"])


def _comparison(columns: Sequence[str], patient: Sequence[str], resected_on: str) -> dict[str, pl.Expr]:
    """Within each patient: the place of a row, another row's number, the same day or not, the same in all or not."""
    findings = pl.struct(name for name in columns if name != "row")
    first, second = (pl.col("row").gather(place).first().over(*patient) for place in (0, 1))
    same_day = pl.col(resected_on).n_unique().over(*patient) == 1
    return {
        "nth": pl.int_range(pl.len()).over(*patient),
        "other": pl.when(pl.col("row") == first).then(second).otherwise(first),
        "same_day": same_day,
        "is_same": same_day & (findings.n_unique().over(*patient) == 1) & ~pl.col("has_error").any().over(*patient),
    }
