"""What is asked when inputs are missing: a model's program, with everything in it that is compiled once.

Takes what `smoothness` found; gives Polars expressions over a frame of gaps, in which a continuous input is two
columns, `low INPUT` and `high INPUT`, and so is a stretch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, nextafter

import polars as pl
from sqlglot import exp

from scheduler.core.compilation import DECIMALS, compile_tree
from scheduler.core.program import Program, Stretch
from scheduler.core.strictness import rewritten
from scheduler.core.variables import VariableDictionary

STEP = 10.0**-DECIMALS
Parts = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of every row: a model's program, its weights, its rising cut-offs and its groups' names."""

    program: Program
    weights: Sequence[float]
    cut_offs: Sequence[float]
    groups: Sequence[str]
    dictionary: VariableDictionary

    @cached_property
    def can_miss(self) -> tuple[str, ...]:
        """The inputs whose absence leaves something open, in the dictionary's order."""
        read = {name for component in self.program.components for name in component.inputs}
        return tuple(name for name in self.dictionary.recorded if name in read - self.program.optional)

    @cached_property
    def is_absent(self) -> Mapping[str, pl.Expr]:
        """For each input, whether a gap lacks it: the gap is of the input's component, and the input is missing."""
        component_of = {
            name: position for position, component in enumerate(self.program.components) for name in component.inputs
        }
        return {name: (pl.col("component") == component_of[name]) & pl.col(name).is_null() for name in self.can_miss}

    @cached_property
    def spread(self) -> Mapping[str, Mapping[str, pl.Expr]]:
        """For each input the list columns to be exploded: what stands for all its values, and a key that numbers it.

        A choice or whole number is one column; a continuous input is two, the ends of each part of its range. Where
        the input is known it is a list of itself, and its key is null.
        """
        return {name: self._spread(name) for name in self.can_miss}

    def _spread(self, name: str) -> dict[str, pl.Expr]:
        columns: dict[str, Sequence[object]] = {name: self.program.values.get(name, ())}
        if name in self.program.cuts:
            lows, highs = zip(*self._parts_of_range(name), strict=True)
            columns = {f"low {name}": lows, f"high {name}": highs}
        count = len(next(iter(columns.values())))
        listed = pl.List(self.dictionary.column_types[name])
        absent = self.is_absent[name]
        known_key = pl.concat_list(pl.lit(None, dtype=pl.Int64))
        keys = pl.when(absent).then(pl.lit(list(range(count)), dtype=pl.List(pl.Int64))).otherwise(known_key)
        spread = {
            column: pl.when(absent).then(pl.lit(list(values), dtype=listed)).otherwise(pl.concat_list(name))
            for column, values in columns.items()
        }
        return {**spread, f"key {name}": keys}

    def _parts_of_range(self, name: str) -> Parts:
        """The parts of a continuous input's range, between the constants that it is itself compared with."""
        variable = self.dictionary.recorded[name]
        assert variable.minimum is not None
        assert variable.maximum is not None
        inside = [
            (max(low, variable.minimum), min(high, variable.maximum))
            for low, high in parts(self.program.cuts[name], fine=True)
        ]
        return [(low, high) for low, high in inside if low <= high]

    @cached_property
    def ends(self) -> Mapping[str, tuple[pl.Expr, pl.Expr]]:
        """The lowest and the highest that each stretch reaches between the ends of its inputs."""
        return {stretch.name: _ends(stretch) for stretch in self.program.stretches}

    @cached_property
    def derived(self) -> Mapping[str, pl.Expr]:
        """The derived variables that are not stretches, over columns of stretches, in the order of computing."""
        return {name: compile_tree(tree).alias(name) for name, tree in self.program.derived.items()}

    @cached_property
    def sums(self) -> Sequence[pl.Expr]:
        """The sum of each component's weighted terms, over columns of stretches; null where a term is unknown."""
        terms = [
            compile_tree(tree).cast(pl.Float64) * weight
            for tree, weight in zip(self.program.terms, self.weights, strict=True)
        ]
        return [
            pl.sum_horizontal([terms[position] for position in component.terms], ignore_nulls=False)
            for component in self.program.components
        ]


def parts(cuts: Iterable[float], *, fine: bool) -> Parts:
    """The line cut at constants: the stretch before each, the constant itself, and the stretch after the last.

    `fine` leaves no gap between floats; otherwise parts are 1e-9 apart, as computed numbers are rounded.

    >>> parts([2.0], fine=False)
    [(-inf, 1.999999999), (2.0, 2.0), (2.000000001, inf)]
    """
    found = []
    start = -inf
    for cut in sorted(cuts):
        before = nextafter(cut, -inf) if fine else round(cut - STEP, DECIMALS)
        after = nextafter(cut, inf) if fine else round(cut + STEP, DECIMALS)
        found += [(start, before), (cut, cut)]
        start = after
    return [*found, (start, inf)]


def _ends(stretch: Stretch) -> tuple[pl.Expr, pl.Expr]:
    """The lowest and highest of a formula: it moves steadily, so they lie in the corners of its inputs' ends."""
    corners = [_at_corner(stretch, corner) for corner in range(2 ** len(stretch.inputs))]
    return pl.min_horizontal(corners), pl.max_horizontal(corners)


def _at_corner(stretch: Stretch, corner: int) -> pl.Expr:
    """The stretch with each continuous input at its lower or upper end, by the bits of `corner`."""
    ends = {name: ("high" if corner >> bit & 1 else "low") for bit, name in enumerate(stretch.inputs)}

    def at_end(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name in ends:
            return exp.column(f"{ends[node.name]} {node.name}")
        return node

    return compile_tree(rewritten(stretch.tree, at_end))
