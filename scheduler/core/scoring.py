"""Scoring: findings in, assessments out. One pass for many models, the same for one patient and for a million.

Takes a findings frame (`patient_id` and the recorded variables) and compiled models; gives a row per patient and
model. A missing input never becomes a default: it bounds the linear predictor. It knows no plan and no database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from scheduler.core.bounds import BOUNDS_SCHEMA, Question, bound
from scheduler.core.derivation import derive
from scheduler.core.expression import DECIMALS, compile_expression, parse
from scheduler.core.expression_check import closure
from scheduler.core.models import RiskModel
from scheduler.core.smoothness import Program, analyse
from scheduler.core.variables import VariableDictionary, VariableType, complete

ASSESSMENT_SCHEMA: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "stage": pl.String(),
    "model": pl.String(),
    "model_version": pl.Int64(),
    "model_digest": pl.String(),
    "status": pl.String(),
    "applicability": pl.String(),
    "linear_predictor": pl.Float64(),
    "lowest": pl.Float64(),
    "highest": pl.Float64(),
    "risk_group": pl.String(),
    "possible_groups": pl.List(pl.String()),
    "settled_by": pl.List(pl.String()),
    "missing": pl.List(pl.String()),
    "reasons": pl.List(pl.String()),
    "caveats": pl.List(pl.String()),
    "contributions": pl.String(),
    "inputs": pl.String(),
}

REFUSAL_SCHEMA: dict[str, pl.DataType] = {"patient_id": pl.Int64(), "variable": pl.String(), "because": pl.String()}


@dataclass(frozen=True, kw_only=True)
class CompiledModel:
    """A model made ready to score: its digest, the dictionary that it is read with, and its bounding program."""

    model: RiskModel
    dictionary: VariableDictionary
    digest: str

    @cached_property
    def program(self) -> Program:
        """The terms made ready for bounding."""
        return analyse((term.value for term in self.model.linear_predictor.terms), self.dictionary)[0]

    @cached_property
    def term_columns(self) -> frozenset[str]:
        """The variables that the terms read, recorded or derived."""
        return frozenset().union(*(parse(term.value).columns for term in self.model.linear_predictor.terms))

    @cached_property
    def population_columns(self) -> frozenset[str]:
        """The variables that the population reads, recorded or derived."""
        return frozenset().union(*(parse(criterion.must).columns for criterion in self.model.population))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The recorded variables that the terms rest on, in the dictionary's order."""
        return closure(self.term_columns, self.dictionary)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The recorded variables that terms or population rest on, in the dictionary's order."""
        return closure(self.term_columns | self.population_columns, self.dictionary)

    @cached_property
    def question(self) -> Question:
        """What is asked when inputs are missing."""
        groups = self.model.risk_groups
        return Question(
            program=self.program,
            weights=[term.weight for term in self.model.linear_predictor.terms],
            cut_offs=groups.cut_offs,
            groups=[str(group) for group in groups.names],
            dictionary=self.dictionary,
        )


def score(
    findings: pl.DataFrame,
    models: Sequence[CompiledModel],
    *,
    refusals: pl.DataFrame | None = None,
    explain: bool = True,
) -> pl.DataFrame:
    """A row per patient and model, in the order of the patients and then of the models: `ASSESSMENT_SCHEMA`.

    `status` is `scored` (the linear predictor is determined, even where a missing input cannot matter), `bounded`
    (it is empty; `lowest` and `highest` are exact, and `risk_group` is filled where one group is left),
    `not_applicable` (outside the population; `reasons` say why) or `refused` (a value outside its hard range, or
    one that `refusals` names: `REFUSAL_SCHEMA`). `applicability` is `true`, `false`, or `unconfirmed` where a
    population variable is unknown. `contributions` (each term's, by its name) and `inputs` (what terms and population
    read) are JSON objects; `explain=False` leaves them empty.
    """
    refused = refusals if refusals is not None else pl.DataFrame(schema=REFUSAL_SCHEMA)
    numbered = findings.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    parts = [_score_one(numbered, compiled, refused, explain=explain) for compiled in models]
    if not parts:
        return pl.DataFrame(schema=ASSESSMENT_SCHEMA)
    ordered = pl.concat(part.with_columns(pl.lit(i).alias("order")) for i, part in enumerate(parts))
    return ordered.sort("row", "order").select(pl.col(name).cast(kind) for name, kind in ASSESSMENT_SCHEMA.items())


def _score_one(
    findings: pl.DataFrame, compiled: CompiledModel, refusals: pl.DataFrame, *, explain: bool
) -> pl.DataFrame:
    """All patients under one model, with their `row`."""
    known = complete(findings, compiled.dictionary).select("row", "patient_id", *compiled.reads)
    derived = derive(known, compiled.term_columns | compiled.population_columns, compiled.dictionary)
    summed = derived.with_columns(*_population(compiled), *_terms(compiled)).with_columns(
        pl.sum_horizontal(_contributions(compiled), ignore_nulls=False).round(DECIMALS).alias("sum")
    )
    judged = summed.join(_refused_reasons(known, compiled, refusals), on="row", how="left").with_columns(
        pl.when(pl.col("refused").is_not_null())
        .then(pl.lit("refused"))
        .when(pl.col("applies").eq(False))
        .then(pl.lit("not_applicable"))
        .when(pl.col("sum").is_not_null())
        .then(pl.lit("scored"))
        .alias("status")
    )
    return _described(_with_bounds(judged, compiled), compiled, explain=explain)


def _population(compiled: CompiledModel) -> list[pl.Expr]:
    """`applies` (true, false, unknown) and `outside`, the reasons of the criteria that are not met."""
    criteria = [(compile_expression(parse(each.must)), each.because) for each in compiled.model.population]
    outside = [pl.when(must.not_()).then(pl.lit(because)) for must, because in criteria]
    return [
        pl.all_horizontal(pl.lit(True), *(must for must, _ in criteria)).alias("applies"),
        pl.concat_list(outside).list.drop_nulls().alias("outside")
        if outside
        else pl.lit([], dtype=pl.List(pl.String)).alias("outside"),
    ]


def _terms(compiled: CompiledModel) -> list[pl.Expr]:
    """The value of each term, as columns `term 0`, `term 1`, …; missing where it is unknown."""
    return [
        compile_expression(parse(term.value)).cast(pl.Float64).alias(f"term {position}")
        for position, term in enumerate(compiled.model.linear_predictor.terms)
    ]


def _contributions(compiled: CompiledModel) -> list[pl.Expr]:
    return [
        pl.col(f"term {position}") * term.weight for position, term in enumerate(compiled.model.linear_predictor.terms)
    ]


def _refused_reasons(known: pl.DataFrame, compiled: CompiledModel, refusals: pl.DataFrame) -> pl.DataFrame:
    """`row` and `refused`: why a value that the model reads cannot be used; rows without such a value are absent."""
    outside = []
    for name in compiled.reads:
        variable = compiled.dictionary.recorded[name]
        if variable.type in (VariableType.NUMBER, VariableType.INTEGER):
            says = f"{name} is outside {variable.minimum:g} to {variable.maximum:g} {variable.unit}"
            inside = pl.col(name).is_between(variable.minimum, variable.maximum) & pl.col(name).is_not_nan()
            outside.append(known.filter(inside.not_()).select("row", pl.lit(says).alias("because")))
    named = refusals.filter(pl.col("variable").is_in(compiled.reads))
    outside.append(known.select("row", "patient_id").join(named, on="patient_id").select("row", "because"))
    return pl.concat(outside).group_by("row", maintain_order=True).agg(pl.col("because").unique().alias("refused"))


def _with_bounds(judged: pl.DataFrame, compiled: CompiledModel) -> pl.DataFrame:
    """The frame with `lowest`, `highest`, `possible_groups` and `settled_by`, and every status filled."""
    open_rows = judged.filter(pl.col("status").is_null())
    if open_rows.height:
        terms = [f"term {position}" for position in range(len(compiled.model.linear_predictor.terms))]
        bounds = bound(open_rows.select("row", *compiled.inputs, *terms), compiled.question)
    else:
        bounds = pl.DataFrame(schema=BOUNDS_SCHEMA)
    determined = pl.col("lowest") == pl.col("highest")
    scored = pl.col("status") == "scored"
    return (
        judged.join(bounds, on="row", how="left")
        .with_columns(
            pl.when(pl.col("status").is_null())
            .then(pl.when(determined).then(pl.lit("scored")).otherwise(pl.lit("bounded")))
            .otherwise(pl.col("status"))
            .alias("status"),
            pl.coalesce("sum", pl.when(determined).then(pl.col("lowest"))).alias("linear_predictor"),
        )
        .with_columns(
            pl.when(scored).then(pl.col("linear_predictor")).alias("linear_predictor"),
            pl.when(scored).then(pl.col("linear_predictor")).otherwise(pl.col("lowest")).alias("lowest"),
            pl.when(scored).then(pl.col("linear_predictor")).otherwise(pl.col("highest")).alias("highest"),
        )
    )


def group_of(linear_predictor: pl.Expr, model: RiskModel) -> pl.Expr:
    """The risk group of a linear predictor that was rounded to 9 decimals; a value on a cut-off goes up."""
    groups = model.risk_groups
    chosen = pl.lit(str(groups.names[-1]))
    for group, cut_off in reversed(list(zip(groups.names, groups.cut_offs, strict=False))):
        chosen = pl.when(linear_predictor < cut_off).then(pl.lit(str(group))).otherwise(chosen)
    return pl.when(linear_predictor.is_not_null()).then(chosen)


def _described(frame: pl.DataFrame, compiled: CompiledModel, *, explain: bool) -> pl.DataFrame:
    """The assessment's columns: groups, reasons, caveats, contributions, inputs."""
    model = compiled.model
    group = group_of(pl.col("linear_predictor"), model)
    only = pl.when(pl.col("possible_groups").list.len() == 1).then(pl.col("possible_groups").list.first())
    empty = pl.lit([], dtype=pl.List(pl.String))
    answered = pl.col("status").is_in(["scored", "bounded"])
    program_optional = compiled.program.optional
    absent = [
        pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in compiled.inputs if name not in program_optional
    ]
    caveats = pl.lit(list(model.caveats), dtype=pl.List(pl.String))
    return frame.select(
        "row",
        "patient_id",
        pl.lit(str(model.scored_at)).alias("stage"),
        pl.lit(model.id).alias("model"),
        pl.lit(model.version).alias("model_version"),
        pl.lit(compiled.digest).alias("model_digest"),
        "status",
        pl.col("applies").cast(pl.String).fill_null("unconfirmed").alias("applicability"),
        "linear_predictor",
        *(pl.when(answered).then(pl.col(end)).alias(end) for end in ("lowest", "highest")),
        pl.when(answered).then(pl.coalesce(group, only)).alias("risk_group"),
        pl.when(group.is_not_null())
        .then(pl.concat_list(group))
        .otherwise(pl.col("possible_groups").fill_null([]))
        .alias("possible_groups"),
        pl.col("settled_by").fill_null([]),
        (pl.concat_list(absent).list.drop_nulls() if absent else empty).alias("missing"),
        pl.when(pl.col("status") == "refused")
        .then(pl.col("refused"))
        .when(pl.col("status") == "not_applicable")
        .then(pl.col("outside"))
        .otherwise(empty)
        .alias("reasons"),
        pl.when(answered).then(caveats).otherwise(empty).alias("caveats"),
        (_explained(compiled) if explain else pl.lit("{}")).alias("contributions"),
        (pl.struct(compiled.reads).struct.json_encode() if explain else pl.lit("{}")).alias("inputs"),
    )


def _explained(compiled: CompiledModel) -> pl.Expr:
    """Each term's contribution by its name, as a JSON object; null where an input is missing."""
    terms = [
        (pl.col(f"term {position}") * term.weight).round(DECIMALS).alias(term.name)
        for position, term in enumerate(compiled.model.linear_predictor.terms)
    ]
    return pl.struct(terms).struct.json_encode()
