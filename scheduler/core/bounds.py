"""What is still possible when inputs are missing: the lowest and highest linear predictor, and the groups between.

Takes findings with gaps and a model's `Program`; gives exact bounds. Missing inputs run over their choices, their
ranges' ends, both sides of every constant that they are compared with, and the stretches between. Terms that share
inputs are swept together, the others apart, so that nine missing inputs do not make thousands of corners; rows that
know the same are swept once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nextafter

import polars as pl
from sqlglot import exp

from scheduler.core.expression import DECIMALS, compile_tree
from scheduler.core.smoothness import Component, Program, Stretch
from scheduler.core.variables import VariableDictionary, VariableType

STEP = 10.0**-DECIMALS

BOUNDS_SCHEMA = {
    "row": pl.Int64(),
    "lowest": pl.Float64(),
    "highest": pl.Float64(),
    "possible_groups": pl.List(pl.String()),
    "settled_by": pl.List(pl.String()),
}


CELLS = {
    "tuple": pl.UInt32(),
    "input": pl.String(),
    "key": pl.Int64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of every row: a model's program, its weights, its rising cut-offs and its groups' names."""

    program: Program
    weights: Sequence[float]
    cut_offs: Sequence[float]
    groups: Sequence[str]
    dictionary: VariableDictionary


def bound(findings: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Per row of `findings` (`row`, unique; every input; each term's value as `term N`): `BOUNDS_SCHEMA`.

    `lowest` and `highest` are rounded to 9 decimals and are reached or approached by some completion.
    `possible_groups` are those that some completion lands in, from low to high. `settled_by` are the single missing
    inputs of which every value leaves one group, in the dictionary's order; empty where none does, or where one
    group is left already.
    """
    sweeps = [_sweep(findings, component, question) for component in question.program.components]
    total = _ends(findings, sweeps, question)
    everything = total.select("row", pl.lit("").alias("input"))
    possible = _groups_of(everything, total, sweeps, question)
    groups = possible.rename({"groups": "possible_groups"}).select("row", "possible_groups")
    open_rows = groups.filter(pl.col("possible_groups").list.len() > 1).select("row")
    settled = _settled(open_rows.join(total, on="row"), sweeps, question)
    return (
        total.select("row", "lowest", "highest")
        .join(groups, on="row")
        .join(settled, on="row", how="left")
        .with_columns(pl.col("settled_by").fill_null([]))
        .select(pl.col(name).cast(kind) for name, kind in BOUNDS_SCHEMA.items())
    )


@dataclass(frozen=True, kw_only=True)
class _Sweep:
    """One component swept: which rows lack something, as tuples of what they know, and what each can still attain.

    `rows` is `row` and `tuple` of the rows in which the component is unknown. `cells` has a row per cell that a
    tuple attains (`tuple`, `input`, `key`, `low`, `high`): once with the input `""`, and once for each missing input
    with the key that tells that input's values apart. `only` are the tuples that lack one input, with that input.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame
    inputs: tuple[str, ...]
    only: pl.DataFrame


def _sweep(findings: pl.DataFrame, component: Component, question: Question) -> _Sweep:
    """Everything that one component's terms can sum to, for each distinct tuple of its inputs."""
    can_miss = [name for name in component.inputs if name not in question.program.optional]
    unknown = pl.any_horizontal(pl.col(f"term {term}").is_null() for term in component.terms)
    lacking = findings.filter(unknown)
    tuples = lacking.select(component.inputs).unique(maintain_order=True).with_row_index("tuple")
    pattern = pl.concat_list([pl.col(name).is_null() for name in can_miss]) if can_miss else pl.lit([])
    parts = [pl.DataFrame(schema=CELLS)]
    only = [pl.DataFrame(schema={"tuple": pl.UInt32(), "input": pl.String()})]
    for group in tuples.with_columns(pattern.alias("pattern")).partition_by("pattern", include_key=False):
        missing = [name for name in can_miss if group[name][0] is None]
        attained = _attained(group, component, question, missing=missing)
        parts += [
            attained.select("tuple", pl.lit(name).alias("input"), key.alias("key"), "low", "high")
            for name, key in [("", pl.lit(0)), *((name, pl.col(f"key {name}")) for name in missing)]
        ]
        if len(missing) == 1:
            only.append(group.select("tuple", pl.lit(missing[0]).alias("input")))
    return _Sweep(
        rows=lacking.join(tuples, on=component.inputs, nulls_equal=True).select("row", "tuple"),
        cells=pl.concat(part.select(pl.col(name).cast(kind) for name, kind in CELLS.items()) for part in parts),
        inputs=tuple(can_miss),
        only=pl.concat(only),
    )


def _ends(findings: pl.DataFrame, sweeps: Sequence[_Sweep], question: Question) -> pl.DataFrame:
    """Per row: `lowest`, `highest`, and per component its tuple (`tuple N`) or, where known, its value (`known N`)."""
    frame = findings.lazy()
    lows, highs = [], []
    for position, (component, sweep) in enumerate(zip(question.program.components, sweeps, strict=True)):
        known = pl.sum_horizontal(
            (pl.col(f"term {term}") * question.weights[term] for term in component.terms), ignore_nulls=False
        )
        ends = sweep.cells.lazy().group_by("tuple").agg(pl.col("low").min(), pl.col("high").max())
        swept = (
            sweep.rows.lazy()
            .join(ends, on="tuple")
            .rename({name: f"{name} {position}" for name in ("tuple", "low", "high")})
        )
        frame = frame.join(swept, on="row", how="left").with_columns(known.alias(f"known {position}"))
        lows.append(pl.coalesce(f"known {position}", f"low {position}"))
        highs.append(pl.coalesce(f"known {position}", f"high {position}"))
    columns = [f"{kind} {position}" for position in range(len(sweeps)) for kind in ("tuple", "known")]
    return frame.select(
        "row",
        *columns,
        pl.sum_horizontal(lows, ignore_nulls=False).round(DECIMALS).alias("lowest"),
        pl.sum_horizontal(highs, ignore_nulls=False).round(DECIMALS).alias("highest"),
    ).collect()


def _attained(tuples: pl.DataFrame, component: Component, question: Question, *, missing: list[str]) -> pl.DataFrame:
    """The cells that tuples with the same missing inputs can reach, each with its lowest and highest sum."""
    frame = tuples
    for name in missing:
        frame = frame.drop(name).join(_values(name, component, question), how="cross")
    for stretch in component.stretches:
        frame = _place(frame, stretch, missing)
    frame = frame.with_row_index("cell")
    frame = _corners(frame, [stretch for stretch in component.stretches if stretch.valued])
    summed = _sum_of_terms(frame, component, question)
    keys = [pl.col(f"key {name}").first() for name in missing]
    cells = summed.group_by("cell", maintain_order=True).agg(
        pl.col("tuple").first(), pl.col("sum").min().alias("low"), pl.col("sum").max().alias("high"), *keys
    )
    if cells["low"].null_count() or cells["high"].null_count():
        raise AssertionError("a completion left a term unknown: the rulebook's check let a formula through")
    return cells.drop("cell").unique()


def _values(name: str, component: Component, question: Question) -> pl.DataFrame:
    """The values that stand for all of a missing input's: one column, or its ends for a continuous one; and a key."""
    variable = question.dictionary.recorded[name]
    key = f"key {name}"
    if variable.type is VariableType.NUMBER:
        assert variable.minimum is not None
        assert variable.maximum is not None
        cuts = sorted({cut for s in component.stretches if s.is_plain and name in s.inputs for cut in s.cuts})
        cells = [(max(low, variable.minimum), min(high, variable.maximum)) for low, high in _cells(cuts, fine=True)]
        ends = [(low, high) for low, high in cells if low <= high]
        return pl.DataFrame(
            {
                f"low {name}": [low for low, _ in ends],
                f"high {name}": [high for _, high in ends],
                key: range(len(ends)),
            },
            schema={f"low {name}": pl.Float64, f"high {name}": pl.Float64, key: pl.Int64},
        )
    values: Sequence[object] = question.program.whole.get(name) or variable.choices or (False, True)
    kind = question.dictionary.schema[name]
    return pl.DataFrame({name: values, key: range(len(values))}, schema={name: kind, key: pl.Int64})


def _cells(cuts: Sequence[float], *, fine: bool) -> list[tuple[float, float]]:
    """The line cut at constants: the stretch before each, the constant itself, and the stretch after the last.

    `fine` leaves no gap between floats; otherwise cells are 1e-9 apart, as computed numbers are rounded.

    >>> _cells([2.0], fine=False)
    [(-inf, 1.999999999), (2.0, 2.0), (2.000000001, inf)]
    """
    cells = []
    start = -inf
    for cut in sorted(cuts):
        before = nextafter(cut, -inf) if fine else round(cut - STEP, DECIMALS)
        after = nextafter(cut, inf) if fine else round(cut + STEP, DECIMALS)
        cells += [(start, before), (cut, cut)]
        start = after
    return [*cells, (start, inf)]


def _place(frame: pl.DataFrame, stretch: Stretch, missing: list[str]) -> pl.DataFrame:
    """The stretch's value where it is known; where it is not, a row per cell with the ends that it reaches there."""
    absent = [name for name in stretch.inputs if name in missing]
    low, high = f"low {stretch.name}", f"high {stretch.name}"
    if not absent:
        value = compile_tree(stretch.tree)
        exact = value if stretch.is_plain else value.round(DECIMALS)
        return frame.with_columns(exact.alias(low), exact.alias(high))
    if stretch.is_plain:
        return frame.with_columns(pl.col(f"low {absent[0]}").alias(low), pl.col(f"high {absent[0]}").alias(high))
    corners = [_at_corner(stretch, absent, corner) for corner in range(2 ** len(absent))]
    reached = frame.with_columns(
        pl.min_horizontal(corners).round(DECIMALS).alias(low), pl.max_horizontal(corners).round(DECIMALS).alias(high)
    )
    cells = pl.DataFrame(_cells(sorted(stretch.cuts), fine=False), schema=["from", "to"], orient="row")
    placed = (
        reached.join(cells.with_row_index("part"), how="cross")
        .with_columns(pl.max_horizontal(low, "from").alias(low), pl.min_horizontal(high, "to").alias(high))
        .filter(pl.col(low) <= pl.col(high))
    )
    if len(absent) == 1:
        key = f"key {absent[0]}"
        placed = placed.with_columns(pl.col(key) * len(cells) + pl.col("part"))
    return placed.drop("from", "to", "part")


def _at_corner(stretch: Stretch, absent: list[str], corner: int) -> pl.Expr:
    """The stretch with each missing input at its lower or upper end, by the bits of `corner`."""
    ends = {name: ("high" if corner >> bit & 1 else "low") for bit, name in enumerate(absent)}
    tree = stretch.tree.copy()
    for column in list(tree.find_all(exp.Column)):
        if column.name in ends:
            column.this.set("this", f"{ends[column.name]} {column.name}")
    return compile_tree(tree)


def _corners(frame: pl.DataFrame, valued: Sequence[Stretch]) -> pl.DataFrame:
    """Each cell at both ends of every stretch whose value counts; a stretch that is only compared at one."""
    names = [name for name in frame.columns if name.startswith("low stretch ")]
    for low in names:
        stretch = low.removeprefix("low ")
        ends = ["low"] if stretch not in {each.name for each in valued} else ["low", "high"]
        frame = pl.concat([frame.with_columns(pl.col(f"{end} {stretch}").alias(stretch)) for end in ends])
    return frame


def _sum_of_terms(frame: pl.DataFrame, component: Component, question: Question) -> pl.DataFrame:
    """The frame with the component's weighted terms summed, in the column `sum`."""
    lazy = frame.lazy()
    for name in component.derived:
        if name in question.program.derived:
            lazy = lazy.with_columns(compile_tree(question.program.derived[name]).alias(name))
    terms = [
        compile_tree(question.program.terms[term]).cast(pl.Float64) * question.weights[term] for term in component.terms
    ]
    return lazy.with_columns(pl.sum_horizontal(terms, ignore_nulls=False).alias("sum")).collect()


def _numbered_sets(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each tuple's and input's cells under one number per distinct set, and the cells of each numbered set.

    A set of one single value has the number -1 and is given as `shift`.
    """
    spelled = (
        cells.unique()
        .sort("tuple", "input", "key", "low", "high")
        .group_by("tuple", "input", maintain_order=True)
        .agg(
            pl.concat_str("key", "low", "high", separator=" ").str.join("|").alias("spelling"),
            pl.len().alias("cells"),
            pl.col("low").first(),
            pl.col("high").last(),
        )
    )
    single = (pl.col("cells") == 1) & (pl.col("low") == pl.col("high")) & (pl.col("input") == "")
    numbered = spelled.with_columns(
        pl.when(single).then(-1).otherwise(pl.col("spelling").rank("dense").cast(pl.Int64)).alias("set"),
        pl.when(single).then(pl.col("low")).otherwise(0.0).alias("shift"),
    ).select("tuple", "input", "set", "shift")
    once = numbered.filter(pl.col("set") >= 0).unique("set", keep="first", maintain_order=True)
    return numbered, cells.join(once, on=["tuple", "input"]).select("set", "key", "low", "high").unique()


def _groups_of(asked: pl.DataFrame, total: pl.DataFrame, sweeps: Sequence[_Sweep], question: Question) -> pl.DataFrame:
    """For each asked `row` and `input`: the groups possible over all values (`groups`), and whether each single
    value of the input leaves one (`settled`; for the input `""` whether one group is possible)."""
    rows = asked.join(total, on="row").with_columns(pl.lit(0.0).alias("shift"))
    sets = []
    for position, sweep in enumerate(sweeps):
        numbered, cells = _numbered_sets(sweep.cells)
        sets.append(cells)
        of = pl.when(pl.col("input").is_in(sweep.inputs)).then(pl.col("input")).otherwise(pl.lit(""))
        part = numbered.rename({"tuple": f"tuple {position}", "input": "of", "set": f"set {position}", "shift": "more"})
        rows = (
            rows.with_columns(of.alias("of"))
            .join(part, on=[f"tuple {position}", "of"], how="left")
            .with_columns(
                (pl.col("shift") + pl.coalesce("more", f"known {position}")).alias("shift"),
                pl.col(f"set {position}").fill_null(-1),
                (pl.col("of") != "").alias(f"keyed {position}"),
            )
            .drop("more", "of")
        )
    columns = ["shift", *(f"set {position}" for position in range(len(sweeps)))]
    rows = rows.with_columns(pl.col("shift").round(DECIMALS + 3))
    combinations = rows.select(columns).unique(maintain_order=True).with_row_index("combination")
    judged = _judge(_sums(combinations, sets), question)
    alone = [pl.col(f"keyed {i}") | (pl.col(f"set {i}") < 0) for i in range(len(sweeps))]
    only = pl.concat([sweep.rows.join(sweep.only, on="tuple").select("row", "input") for sweep in sweeps])
    moves_alone = pl.all_horizontal(alone) & (pl.col("most cells") == 1) & pl.col("only")
    return (
        rows.join(combinations, on=columns)
        .join(judged, on="combination")
        .join(only.with_columns(pl.lit(True).alias("only")), on=["row", "input"], how="left")
        .with_columns((pl.col("straddling") == 0) | moves_alone.fill_null(False))
        .select("row", "input", "groups", pl.col("straddling").alias("settled"))
    )


def _sums(combinations: pl.DataFrame, sets: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The cells of the whole sum for each combination: `combination`, `key`, `low`, `high`."""
    sums = combinations.with_columns(
        pl.col("shift").alias("low"), pl.col("shift").alias("high"), pl.lit(0, dtype=pl.Int64).alias("key")
    )
    for position, cells in enumerate(sets):
        if cells.height:
            part = cells.rename({"set": f"set {position}"})
            sums = (
                sums.lazy()
                .join(part.lazy(), on=f"set {position}", how="left", suffix=" more")
                .with_columns(pl.col(name) + pl.col(f"{name} more").fill_null(0) for name in ("low", "high", "key"))
                .drop("low more", "high more", "key more")
                .with_columns(pl.col("low", "high").round(DECIMALS + 3))
                .unique()
                .collect()
            )
    return sums.select("combination", "key", "low", "high")


def _judge(sums: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Per combination: the groups its cells touch, how many keys touch more than one, and the most cells of a key.

    A value on a cut-off belongs to the higher group.
    """
    low, high = pl.col("low").round(DECIMALS), pl.col("high").round(DECIMALS)
    edges = [-inf, *question.cut_offs, inf]
    names = [f"touches {group}" for group in question.groups]
    touches = [((high >= edges[i]) & (low < edges[i + 1])).alias(name) for i, name in enumerate(names)]
    per_key = (
        sums.lazy()
        .with_columns(touches)
        .group_by("combination", "key")
        .agg(pl.col(names).any(), pl.len().alias("cells"))
        .with_columns((pl.sum_horizontal(names) > 1).alias("straddles"))
    )
    listed = [pl.when(pl.col(name)).then(pl.lit(group)) for name, group in zip(names, question.groups, strict=True)]
    return (
        per_key.group_by("combination")
        .agg(
            pl.col(names).any(),
            pl.col("straddles").sum().alias("straddling"),
            pl.col("cells").filter("straddles").max().alias("most cells"),
        )
        .select("combination", "straddling", "most cells", pl.concat_list(listed).list.drop_nulls().alias("groups"))
        .collect()
    )


def _settled(open_rows: pl.DataFrame, sweeps: Sequence[_Sweep], question: Question) -> pl.DataFrame:
    """Per row that several groups are possible for, the missing inputs of which every value leaves one group.

    A stretch over a cut-off leaves one group at each single value of the input that moves it, if nothing else moves.
    """
    asked = [
        sweep.rows.join(open_rows.select("row"), on="row")
        .join(sweep.cells.filter(pl.col("input") != "").select("tuple", "input").unique(), on="tuple")
        .select("row", "input")
        for sweep in sweeps
    ]
    answers = _groups_of(pl.concat(asked), open_rows, sweeps, question).filter("settled")
    order = {name: position for position, name in enumerate(question.dictionary.recorded)}
    return (
        answers.sort(pl.col("input").replace_strict(order, return_dtype=pl.Int64))
        .group_by("row", maintain_order=True)
        .agg(pl.col("input").alias("settled_by"))
    )
