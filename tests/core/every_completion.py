"""A second opinion on bounds: every completion of one patient, tried.

Choices, truths and whole numbers are all tried. A continuous input is tried at its range's ends, on and beside every
literal, on both sides of where a formula crosses a cut, and on a grid between.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, log10

import polars as pl
from sqlglot.expressions import Literal

from scheduler.core.compiled_model import CompiledModel
from scheduler.core.derivation import derive
from scheduler.core.expression import compile_expression, parse
from scheduler.core.variables import VariableType, complete

BESIDE = 1e-8
Point = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A formula of two continuous inputs, its cuts, and where it crosses them: each input as the other tells."""

    first: str
    second: str
    cuts: tuple[float, ...]
    first_at: Callable[[float, float], float]
    second_at: Callable[[float, float], float]


ALBI = Curve(
    first="x",
    second="y",
    cuts=(-0.6, -1.39),
    first_at=lambda cut, y: 10 ** ((cut + 0.5 * y) / 0.66),
    second_at=lambda cut, x: (0.66 * log10(x) - cut) / 0.5,
)


@dataclass(frozen=True, kw_only=True)
class Possible:
    """What the completions of one patient give."""

    lowest: float
    highest: float
    groups: tuple[str, ...]
    settled_by: tuple[str, ...]


def possible(
    patient: Mapping[str, object], compiled: CompiledModel, *, grid: int = 48, curve: Curve = ALBI
) -> Possible:
    """Lowest, highest, groups and settling inputs over every completion of a patient."""
    missing = [name for name in compiled.required if patient.get(name) is None]
    completions = _completions(patient, missing, compiled, grid=grid, curve=curve)
    scored = _summed(completions, compiled)
    order = [str(group) for group in compiled.model.risk_groups.names]
    groups = set(scored["group"])
    one_each = {
        name: scored.group_by(name).agg(pl.col("group").n_unique())["group"].max() == 1
        for name in missing
        if len(groups) > 1
    }
    lowest, highest = scored["sum"].min(), scored["sum"].max()
    assert isinstance(lowest, float)
    assert isinstance(highest, float)
    return Possible(
        lowest=lowest,
        highest=highest,
        groups=tuple(group for group in order if group in groups),
        settled_by=tuple(name for name in missing if one_each.get(name)),
    )


def _completions(
    patient: Mapping[str, object], missing: Sequence[str], compiled: CompiledModel, *, grid: int, curve: Curve
) -> pl.DataFrame:
    recorded = compiled.dictionary.recorded
    frame = complete(pl.DataFrame({"patient_id": [0]}), compiled.dictionary)
    for name, value in patient.items():
        frame = frame.with_columns(pl.lit(value, dtype=frame.schema[name]).alias(name))
    smooth = [name for name in missing if recorded[name].type is VariableType.NUMBER]
    for name in missing:
        variable = recorded[name]
        if variable.type is VariableType.INTEGER:
            assert variable.minimum is not None
            assert variable.maximum is not None
            values: Sequence[object] = range(int(variable.minimum), int(variable.maximum) + 1)
        else:
            values = variable.choices or (False, True)
        if name not in smooth:
            column = pl.DataFrame({name: pl.Series(values, dtype=frame.schema[name])})
            frame = frame.drop(name).join(column, how="cross")
    if not smooth:
        return frame
    points = _points(patient, smooth, compiled, grid=grid, curve=curve)
    columns = pl.DataFrame(points, schema=dict.fromkeys(smooth, pl.Float64), orient="row").unique()
    return frame.drop(smooth).join(columns, how="cross")


def _points(
    patient: Mapping[str, object], smooth: Sequence[str], compiled: CompiledModel, *, grid: int, curve: Curve
) -> list[Point]:
    """The points at which missing continuous inputs are tried together."""
    axes = {name: _axis(name, compiled, grid=grid if len(smooth) < 3 else 12) for name in smooth}
    points = list(product(*axes.values()))
    for moved, other, at in (
        (curve.first, curve.second, curve.first_at),
        (curve.second, curve.first, curve.second_at),
    ):
        if moved not in smooth:
            continue
        for point in list(points):
            here = dict(zip(smooth, point, strict=True))
            beside = here.get(other, patient.get(other))
            if not isinstance(beside, float):
                continue
            for crossing in (at(cut, beside) for cut in curve.cuts):
                for value in (crossing - BESIDE, crossing, crossing + BESIDE):
                    if _inside(moved, value, compiled):
                        points.append(tuple(value if name == moved else here[name] for name in smooth))
    return points


def _inside(name: str, value: float, compiled: CompiledModel) -> bool:
    variable = compiled.dictionary.recorded[name]
    assert variable.minimum is not None
    assert variable.maximum is not None
    return variable.minimum <= value <= variable.maximum


def _axis(name: str, compiled: CompiledModel, *, grid: int) -> list[float]:
    """The values of one continuous input: its ends, a grid, every literal and its sides, and some images of these."""
    variable = compiled.dictionary.recorded[name]
    assert variable.minimum is not None
    assert variable.maximum is not None
    low, high = variable.minimum, variable.maximum
    texts = [term.value for term in compiled.model.linear_predictor.terms]
    texts += [derived.expression for derived in compiled.dictionary.derived.values()]
    numbers = {float(str(node.this)) for text in texts for node in _literals(text)}
    literals = numbers | {-number for number in numbers} | {exp(number) for number in numbers if number < 9}
    sides = {literal + side for literal in literals for side in (-BESIDE, 0.0, BESIDE)}
    steps = {low + (high - low) * step / grid for step in range(grid + 1)}
    return sorted(value for value in sides | steps if low <= value <= high)


def _literals(text: str) -> list[Literal]:
    return [node for node in parse(text).written.find_all(Literal) if not node.is_string]


def _summed(completions: pl.DataFrame, compiled: CompiledModel) -> pl.DataFrame:
    """Each completion with its `sum` (9 decimals) and `group`."""
    terms = compiled.model.linear_predictor.terms
    names = {name for term in terms for name in parse(term.value).columns}
    known = derive(completions, names, compiled.dictionary)
    weighted = [compile_expression(parse(term.value)).cast(pl.Float64) * term.weight for term in terms]
    scored = known.with_columns(pl.sum_horizontal(weighted, ignore_nulls=False).round(9).alias("sum"))
    groups = compiled.model.risk_groups
    group = pl.lit(str(groups.names[0]))
    for cut_off, name in zip(groups.cut_offs, groups.names[1:], strict=True):
        group = pl.when(pl.col("sum") >= cut_off).then(pl.lit(str(name))).otherwise(group)
    return scored.with_columns(group.alias("group"))
