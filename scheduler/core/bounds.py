"""What is still possible when inputs are missing: the lowest and highest linear predictor, and the groups between.

Takes findings with gaps and a model's `Question`; gives exact bounds. Terms that share inputs are completed together
(`completions`), the others apart, so that nine missing inputs do not make thousands of corners; rows that know the
same of a component share one gap.
"""

from math import inf

import polars as pl

from scheduler.core.compilation import DECIMALS
from scheduler.core.completions import FINER, Missing, completed, missing_in
from scheduler.core.question import Question

BOUNDS_SCHEMA = {
    "row": pl.Int64(),
    "lowest": pl.Float64(),
    "highest": pl.Float64(),
    "possible_groups": pl.List(pl.String()),
    "settled_by": pl.List(pl.String()),
}


def bound(findings: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Per row of `findings` (`row`, unique; every input; each term's value as `term N`): `BOUNDS_SCHEMA`.

    `lowest` and `highest` are rounded to 9 decimals and are reached or approached by some completion.
    `possible_groups` are those that some completion lands in, from low to high. `settled_by` are the single missing
    inputs of which every value leaves one group, in the dictionary's order; empty where none does, or where one
    group is left already.
    """
    numbered = _gaps(findings, question)
    missing = missing_in(numbered, question)
    cells = completed(numbered.lazy().drop("row"), question, missing).collect()
    if cells["low"].null_count() or cells["high"].null_count():
        raise AssertionError("a completion left a term unknown: the rulebook's check let a formula through")
    rows = numbered.select("row", "gap").explode("row")
    ends = _ends(findings, rows, cells, question)
    settled = _settled(ends, rows, cells, question, missing)
    return (
        _with_groups(ends, rows, cells, question)
        .join(settled, on="row", how="left")
        .with_columns(pl.col("settled_by").fill_null([]))
        .select(pl.col(name).cast(kind) for name, kind in BOUNDS_SCHEMA.items())
        .collect()
    )


def _gaps(findings: pl.DataFrame, question: Question) -> pl.DataFrame:
    """What is known of each unknown component, once however many rows know the same, with the list of these.

    `gap`, `component`, the inputs (those of other components: missing) and `row`.
    """
    lacking = [
        findings.lazy()
        .filter(~_is_known(position, question))
        .select("row", pl.lit(position).alias("component"), *component.inputs)
        for position, component in enumerate(question.program.components)
    ]
    inputs = [name for component in question.program.components for name in component.inputs]
    grouped = pl.concat(lacking, how="diagonal").group_by("component", *inputs, maintain_order=True)
    return grouped.agg("row").with_row_index("gap").collect()


def _is_known(position: int, question: Question) -> pl.Expr:
    """Whether every term of a component has its value."""
    terms = question.program.components[position].terms
    return pl.all_horizontal(pl.col(f"term {term}").is_not_null() for term in terms)


def _ends(findings: pl.DataFrame, rows: pl.DataFrame, cells: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Per row: the sum of its known components (`known`), and the ends of the whole sum and their groups.

    `lowest` and `highest` are rounded to 9 decimals; `first` and `last` are the positions of their groups.
    """
    known = [
        pl.when(_is_known(position, question)).then(
            pl.sum_horizontal(pl.col(f"term {term}") * question.weights[term] for term in component.terms)
        )
        for position, component in enumerate(question.program.components)
    ]
    gap_ends = cells.lazy().group_by("gap").agg(pl.col("low").min(), pl.col("high").max())
    moved = rows.lazy().join(gap_ends, on="gap").group_by("row").agg(pl.col("low").sum(), pl.col("high").sum())
    return (
        findings.lazy()
        .select("row", pl.sum_horizontal(known).alias("known"))
        .join(moved, on="row")
        .select(
            "row",
            "known",
            (pl.col("known") + pl.col("low")).round(DECIMALS).alias("lowest"),
            (pl.col("known") + pl.col("high")).round(DECIMALS).alias("highest"),
        )
        .with_columns(
            _group(pl.col("lowest"), question).alias("first"), _group(pl.col("highest"), question).alias("last")
        )
        .collect()
    )


def _group(value: pl.Expr, question: Question) -> pl.Expr:
    """The position of a sum's group, counted from the lowest; a value on a cut-off belongs to the higher group."""
    rounded = value.round(DECIMALS)
    return pl.sum_horizontal((rounded >= cut_off).cast(pl.Int32) for cut_off in question.cut_offs)


def _with_groups(ends: pl.DataFrame, rows: pl.DataFrame, cells: pl.DataFrame, question: Question) -> pl.LazyFrame:
    """The ends with the groups that some completion lands in, by name: those of both ends, and some between."""
    wide = ends.filter(pl.col("last") - pl.col("first") > 1)
    lands = [(pl.col("first") == i) | (pl.col("last") == i) for i in range(len(question.groups))]
    frame = ends.lazy()
    if wide.height:
        frame = frame.join(_between(wide, rows, cells, question), on="row", how="left")
        lands = [ends_there | pl.col(f"reaches {i}").fill_null(False) for i, ends_there in enumerate(lands)]
    names = [pl.when(there).then(pl.lit(group)) for there, group in zip(lands, question.groups, strict=True)]
    return frame.with_columns(pl.concat_list(names).list.drop_nulls().alias("possible_groups"))


def _between(wide: pl.DataFrame, rows: pl.DataFrame, cells: pl.DataFrame, question: Question) -> pl.LazyFrame:
    """For rows whose ends lie more than one group apart: `row`, and `reaches N`, whether a sum lands in group N."""
    situations = _situations(wide, rows, cells).collect()
    sums = situations.lazy().with_columns(pl.col("known").alias("low"), pl.col("known").alias("high")).drop("row")
    for position in range(max(situations["gap"].list.len())):
        steps = {f"{end} step": pl.col(f"{end} steps").list.get(position, null_on_oob=True) for end in ("low", "high")}
        sums = (
            sums.with_columns(**steps)
            .explode(*steps)
            .with_columns(pl.col(end) + pl.col(f"{end} step").fill_null(0) for end in ("low", "high"))
        )
    reached = sums.group_by("situation").agg(_reaches(question))
    return situations.lazy().select("situation", "row").explode("row").join(reached, on="situation").drop("situation")


def _situations(wide: pl.DataFrame, rows: pl.DataFrame, cells: pl.DataFrame) -> pl.LazyFrame:
    """Rows with the same gaps and the same known sum, once: `situation`, `known`, the lists `gap` and `row`, and for
    each gap the ends of its cells, `low steps` and `high steps`."""
    distinct = cells.lazy().select("gap", "low", "high").unique()
    steps = distinct.group_by("gap").agg(pl.col("low").alias("low steps"), pl.col("high").alias("high steps"))
    return (
        rows.lazy()
        .join(wide.lazy().select("row", pl.col("known").round(FINER)), on="row")
        .join(steps, on="gap")
        .sort("row", "gap")
        .group_by("row", maintain_order=True)
        .agg(pl.col("known").first(), "gap", "low steps", "high steps")
        .group_by("known", "gap")
        .agg("row", pl.col("low steps", "high steps").first())
        .with_row_index("situation")
    )


def _reaches(question: Question) -> list[pl.Expr]:
    """For each group, whether some cell from `low` to `high` overlaps it."""
    edges = [-inf, *question.cut_offs, inf]
    low, high = pl.col("low").round(DECIMALS), pl.col("high").round(DECIMALS)
    overlaps = [(high >= edges[i]) & (low < edges[i + 1]) for i in range(len(question.groups))]
    return [overlap.any().alias(f"reaches {i}") for i, overlap in enumerate(overlaps)]


def _settled(
    ends: pl.DataFrame, rows: pl.DataFrame, cells: pl.DataFrame, question: Question, missing: Missing
) -> pl.LazyFrame:
    """Per row that several groups are possible for, the missing inputs of which every value leaves one group.

    A value leaves one group where the lowest and the highest sum with it lie in the same. A continuous input that
    moves the sum over a cut-off by itself leaves one group at each of its values, if nothing else moves the sum.
    """
    rest = _rest(ends.filter(pl.col("first") < pl.col("last")), rows, cells)
    low, high = pl.col("rest low") + pl.col("low"), pl.col("rest high") + pl.col("high")
    rest_is_fixed = (pl.col("rest high") - pl.col("rest low")).round(DECIMALS) == 0
    leaves_one = (_group(low, question) == _group(high, question)) | (pl.col("is alone") & rest_is_fixed)
    return (
        rest.join(_per_value(cells, missing), on="gap")
        .group_by("row", "input")
        .agg(leaves_one.all().alias("settles"))
        .filter("settles")
        .sort("row", "input")
        .group_by("row")
        .agg(pl.col("input").cast(pl.String).alias("settled_by"))
    )


def _rest(open_rows: pl.DataFrame, rows: pl.DataFrame, cells: pl.DataFrame) -> pl.LazyFrame:
    """Per row and gap of it, `rest low` and `rest high`: the ends of what all but this gap sum to."""
    low, high = pl.col("low").min().alias("gap low"), pl.col("high").max().alias("gap high")
    return (
        open_rows.lazy()
        .join(rows.lazy(), on="row")
        .join(cells.lazy().group_by("gap").agg(low, high), on="gap")
        .select(
            "row",
            "gap",
            (pl.col("lowest") - pl.col("gap low")).alias("rest low"),
            (pl.col("highest") - pl.col("gap high")).alias("rest high"),
        )
    )


def _per_value(cells: pl.DataFrame, missing: Missing) -> pl.LazyFrame:
    """Per gap, missing input and value of it (or part of its range): `low` and `high` of what that leaves.

    `is alone` tells that at each single value of the input the gap has one sum.
    """
    in_order = pl.Enum(missing.inputs)
    long = [
        cells.lazy()
        .filter(pl.col(f"key {name}").is_not_null())
        .select(
            "gap",
            pl.lit(name, dtype=in_order).alias("input"),
            pl.col(f"key {name}").alias("key"),
            "low",
            "high",
            pl.col(f"shared {name}").alias("shared"),
        )
        for name in missing.inputs
    ]
    one_cell = (pl.col("low").min() == pl.col("low").max()) & (pl.col("high").min() == pl.col("high").max())
    return (
        pl.concat(long)
        .group_by("gap", "input", "key")
        .agg(
            pl.col("low").min(),
            pl.col("high").max(),
            (one_cell & (pl.col("shared").max() == 0)).alias("is alone"),
        )
    )
