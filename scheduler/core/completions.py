"""What is still possible for terms that share inputs when some are missing: every completion, in few rows.

Takes gaps (what is known of one component) and a model's `Question`; gives the cells of sums that completions
reach. Missing inputs run over their choices, the whole numbers that differ, and the parts between the constants that
they, or the formulas in which they stand, are compared with; within a part the sum moves steadily from its lowest to
its highest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from scheduler.core.compilation import DECIMALS
from scheduler.core.program import Stretch
from scheduler.core.question import Question, parts

FINER = DECIMALS + 3
PART = {"part": pl.Int64(), "from": pl.Float64(), "to": pl.Float64()}


@dataclass(frozen=True, kw_only=True)
class Missing:
    """The inputs that are missing in some gap, and the components, stretches and derived variables concerned."""

    inputs: tuple[str, ...]
    components: tuple[int, ...]
    stretches: tuple[Stretch, ...]
    derived: frozenset[str]

    @property
    def valued(self) -> tuple[Stretch, ...]:
        """The stretches whose value itself enters the sum."""
        return tuple(stretch for stretch in self.stretches if stretch.valued)

    def in_stretch(self, stretch: Stretch) -> list[str]:
        """The missing inputs that move a stretch."""
        return [name for name in (*stretch.inputs, *stretch.whole_inputs) if name in self.inputs]


def missing_in(gaps: pl.DataFrame, question: Question) -> Missing:
    """What is missing in these gaps (`component`, and every input of the program)."""
    program = question.program
    absent = gaps.select(expression.any().alias(name) for name, expression in question.is_absent.items())
    positions = tuple(sorted(gaps["component"].unique()))
    components = [program.components[position] for position in positions]
    read = {name for component in components for name in component.inputs}
    return Missing(
        inputs=tuple(name for name in question.can_miss if absent[name].item()),
        components=positions,
        stretches=tuple(stretch for stretch in program.stretches if read.intersection(stretch.inputs)),
        derived=frozenset().union(*(component.derived for component in components)),
    )


def completed(gaps: pl.LazyFrame, question: Question, missing: Missing) -> pl.LazyFrame:
    """The cells that each gap can reach: `gap`, `low`, `high`, and `key INPUT` and `shared INPUT` per missing input.

    `low` and `high` are the lowest and highest sum in the cell, reached or approached. `key INPUT` tells the input's
    values apart (null where it is known). `shared INPUT` is how much of the way from `low` to `high` others move.
    """
    frame = gaps.with_columns(question.is_absent[name].alias(f"absent {name}") for name in missing.inputs)
    inputs_of_stretches = (name for stretch in missing.stretches for name in stretch.inputs)
    for name in dict.fromkeys([*missing.inputs, *inputs_of_stretches]):
        spread = question.spread[name]
        frame = frame.with_columns(**spread).explode(*spread)
    for stretch in missing.stretches:
        frame = _placed(frame, stretch, question, missing)
    return _summed(frame, question, missing)


def _placed(frame: pl.LazyFrame, stretch: Stretch, question: Question, missing: Missing) -> pl.LazyFrame:
    """The ends that a stretch reaches; of a formula that is compared, in each part between its constants."""
    low, high = question.ends[stretch.name]
    reached = frame.with_columns(low.alias(f"low {stretch.name}"), high.alias(f"high {stretch.name}"))
    return reached if stretch.is_plain or not stretch.cuts else _cut(reached, stretch, missing)


def _cut(frame: pl.LazyFrame, stretch: Stretch, missing: Missing) -> pl.LazyFrame:
    """A row per part between the constants that the stretch reaches; the only input that moves it is keyed by it."""
    low, high = pl.col(f"low {stretch.name}"), pl.col(f"high {stretch.name}")
    cells = parts(stretch.cuts, fine=False)
    columns = dict(zip(PART, (range(len(cells)), *zip(*cells, strict=True)), strict=True))
    lists = [pl.lit(list(values), dtype=pl.List(PART[name])).alias(name) for name, values in columns.items()]
    overlaps = (low.round(DECIMALS) <= pl.col("to")) & (high.round(DECIMALS) >= pl.col("from"))
    elsewhere = low.is_null()
    inputs = missing.in_stretch(stretch)
    keyed = [
        pl.when(_alone(name, inputs)).then(pl.col(f"key {name}") * len(cells) + pl.col("part")).otherwise(f"key {name}")
        for name in inputs
        if name in stretch.inputs
    ]
    return (
        frame.with_columns(lists)
        .explode(*columns)
        .filter(pl.when(elsewhere).then(pl.col("part") == 0).otherwise(overlaps))
        .with_columns(
            pl.when(~elsewhere).then(pl.max_horizontal(low, "from")).alias(f"low {stretch.name}"),
            pl.when(~elsewhere).then(pl.min_horizontal(high, "to")).alias(f"high {stretch.name}"),
            *keyed,
        )
        .drop(PART)
    )


def _alone(name: str, inputs: Iterable[str]) -> pl.Expr:
    """Whether no other of these inputs is missing."""
    return ~pl.any_horizontal(pl.lit(False), *(pl.col(f"absent {other}") for other in inputs if other != name))


def _summed(frame: pl.LazyFrame, question: Question, missing: Missing) -> pl.LazyFrame:
    """The cells, once the terms are summed with every stretch at its low end, and with one after the other at its high.

    A sum is proportional to each stretch whose value counts, so its lowest and highest are found one at a time.
    """
    frame = _sum(frame, "base", question, missing, high=None)
    for stretch in missing.valued:
        frame = _sum(frame, f"at {stretch.name}", question, missing, high=stretch)
    moves = {stretch.name: pl.col(f"at {stretch.name}") - pl.col("base") for stretch in missing.valued}
    down = [pl.min_horizontal(move, 0.0) for move in moves.values()]
    up = [pl.max_horizontal(move, 0.0) for move in moves.values()]
    return frame.select(
        "gap",
        pl.sum_horizontal("base", *down, ignore_nulls=False).round(FINER).alias("low"),
        pl.sum_horizontal("base", *up, ignore_nulls=False).round(FINER).alias("high"),
        *(f"key {name}" for name in missing.inputs),
        *(_shared(name, missing, moves).alias(f"shared {name}") for name in missing.inputs),
    )


def _sum(
    frame: pl.LazyFrame, called: str, question: Question, missing: Missing, *, high: Stretch | None
) -> pl.LazyFrame:
    """The frame with the weighted terms of each gap's component summed, one stretch at its high end."""
    frame = frame.with_columns(
        pl.col(f"{'high' if stretch is high else 'low'} {stretch.name}").alias(stretch.name)
        for stretch in missing.stretches
    )
    for name, derived in question.derived.items():
        if name in missing.derived:
            frame = frame.with_columns(derived)
    total = pl.lit(None, dtype=pl.Float64)
    for position in missing.components:
        total = pl.when(pl.col("component") == position).then(question.sums[position]).otherwise(total)
    return frame.with_columns(total.alias(called))


def _shared(name: str, missing: Missing, moves: Mapping[str, pl.Expr]) -> pl.Expr:
    """How far others than one input move the sum within a cell."""
    moved = [pl.lit(0.0)]
    for stretch in missing.valued:
        alone = _alone(name, missing.in_stretch(stretch)) if name in stretch.inputs else pl.lit(False)
        moved.append(pl.when(alone).then(0.0).otherwise(moves[stretch.name].abs().round(FINER)))
    return pl.sum_horizontal(moved)
