"""Scoring: findings in, assessments out. One pass for many models, the same for one patient and for a million.

Takes a findings frame (`patient_id` and the recorded variables) and compiled models; gives a row per patient and
model. A missing input never becomes a default: it bounds the linear predictor. It knows no plan and no database.
"""

from collections.abc import Sequence

import polars as pl

from scheduler.core.bounds import BOUNDS_SCHEMA, bound
from scheduler.core.compiled_model import CompiledModel, group_of
from scheduler.core.derivation import with_derived
from scheduler.core.variables import complete

__all__ = ["ASSESSMENT_SCHEMA", "REFUSAL_SCHEMA", "CompiledModel", "score"]

PATIENTS_AT_ONCE = 250_000

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

EMPTY = pl.lit([], dtype=pl.List(pl.String))


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
    `not_applicable` (outside the population; `reasons` say why) or `refused` (a value outside its hard range or its
    choices, or one that `refusals` names: `REFUSAL_SCHEMA`). `applicability` is `true`, `false`, or `unconfirmed`
    where a population variable is unknown. `missing` are the inputs of the terms that are not there.
    `contributions` (each term's, by its name) and `inputs` (what terms and population read) are JSON objects;
    `explain=False` leaves them empty. A column that is absent from `findings` is missing for everybody.

    >>> score(pl.DataFrame({"patient_id": [1, 2]}), []).height
    0
    """
    refused = refusals if refusals is not None else pl.DataFrame(schema=REFUSAL_SCHEMA)
    slices = findings.iter_slices(PATIENTS_AT_ONCE) if models else ()
    parts = [_score_slice(patients, models, refused, explain=explain) for patients in slices]
    return pl.concat([pl.DataFrame(schema=ASSESSMENT_SCHEMA), *parts])


def _score_slice(
    findings: pl.DataFrame, models: Sequence[CompiledModel], refusals: pl.DataFrame, *, explain: bool
) -> pl.DataFrame:
    """Some patients under all models, each patient's assessments together."""
    numbered = findings.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    parts = [_score_one(numbered, compiled, refusals, explain=explain) for compiled in models]
    if len(parts) == 1:
        return parts[0]
    place = pl.int_range(len(models) * findings.height, dtype=pl.UInt32)
    together = pl.select((place % len(models)) * findings.height + place // len(models)).to_series()
    return pl.concat(parts, rechunk=True)[together]


def _score_one(
    findings: pl.DataFrame, compiled: CompiledModel, refusals: pl.DataFrame, *, explain: bool
) -> pl.DataFrame:
    """All patients under one model, in their order."""
    named = refusals.filter(pl.col("variable").is_in(compiled.reads))
    judged = _judged(complete(findings, compiled.dictionary).lazy(), compiled, named).collect()
    frame = judged.lazy()
    for some_rows in (_bounds(judged, compiled), _reasons(judged, compiled, named), _missing(judged, compiled)):
        frame = _with_columns_of(some_rows, frame)
    return _described(_settled_status(frame), compiled, explain=explain).collect()


def _judged(findings: pl.LazyFrame, compiled: CompiledModel, named: pl.DataFrame) -> pl.LazyFrame:
    """The terms and their sum; whether the model applies; the status, where it does not hang on missing inputs."""
    is_refused = pl.any_horizontal(
        pl.col("patient_id").is_in(named["patient_id"].implode()), *(outside for outside, _ in compiled.unusable)
    )
    status = (
        pl.when("is refused")
        .then(pl.lit("refused"))
        .when(~pl.col("applies"))
        .then(pl.lit("not_applicable"))
        .when(pl.col("sum").is_not_null())
        .then(pl.lit("scored"))
    )
    return (
        with_derived(findings.select("row", "patient_id", *compiled.reads), compiled.columns, compiled.dictionary)
        .with_columns(compiled.applies.alias("applies"), is_refused.alias("is refused"), *compiled.terms)
        .with_columns(compiled.sum_of_terms.alias("sum"))
        .with_columns(status.alias("status"))
    )


def _with_columns_of(some_rows: pl.DataFrame, frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with the columns of a frame of some of its rows, null for the others."""
    if some_rows.height:
        return frame.join(some_rows.lazy(), on="row", how="left", maintain_order="left")
    return frame.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in some_rows.schema.items() if name != "row"
    )


def _bounds(judged: pl.DataFrame, compiled: CompiledModel) -> pl.DataFrame:
    """What `bound` says of the rows whose status hangs on missing inputs."""
    open_rows = judged.filter(pl.col("status").is_null())
    if not open_rows.height:
        return pl.DataFrame(schema=BOUNDS_SCHEMA)
    terms = [f"term {position}" for position in range(len(compiled.terms))]
    return bound(open_rows.select("row", *compiled.inputs, *terms), compiled.question)


def _reasons(judged: pl.DataFrame, compiled: CompiledModel, named: pl.DataFrame) -> pl.DataFrame:
    """`row` and `reasons`, for the rows that are refused or not applicable."""
    schema = {"row": pl.Int64(), "reasons": pl.List(pl.String())}
    without_answer = judged.filter(pl.col("status").is_in(["refused", "not_applicable"]))
    if not without_answer.height:
        return pl.DataFrame(schema=schema)
    refused = without_answer.lazy().filter(pl.col("status") == "refused")
    unusable = [pl.when(outside).then(pl.lit(says)) for outside, says in compiled.unusable]
    given = named.lazy().group_by("patient_id", maintain_order=True).agg(pl.col("because").unique(maintain_order=True))
    why_refused = refused.join(given, on="patient_id", how="left").select(
        "row", _words(unusable).list.concat(pl.col("because").fill_null([])).alias("reasons")
    )
    outside = without_answer.lazy().filter(pl.col("status") == "not_applicable")
    return pl.concat([why_refused, outside.select("row", _words(compiled.outside).alias("reasons"))]).collect()


def _missing(judged: pl.DataFrame, compiled: CompiledModel) -> pl.DataFrame:
    """`row` and `missing`, for the rows in which an input of the terms is not there."""
    absent = {name: pl.col(name).is_null() for name in compiled.required}
    words = [pl.when(is_absent).then(pl.lit(name)) for name, is_absent in absent.items()]
    lacking = judged.filter(pl.any_horizontal(pl.lit(False), *absent.values()))
    return lacking.select("row", _words(words).alias("missing"))


def _words(words: Sequence[pl.Expr]) -> pl.Expr:
    """The words that are there, as a list."""
    return pl.concat_list([EMPTY, *words]).list.drop_nulls()


def _settled_status(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with every `status` filled, and `linear_predictor`, `lowest` and `highest` where they are known."""
    determined = pl.when(pl.col("lowest") == pl.col("highest")).then(pl.col("lowest"))
    otherwise = pl.when(determined.is_not_null()).then(pl.lit("scored")).otherwise(pl.lit("bounded"))
    return frame.with_columns(
        pl.when(pl.col("status") == "scored").then("sum").otherwise(determined).alias("linear_predictor"),
        pl.coalesce("status", otherwise).alias("status"),
    ).with_columns(pl.coalesce("linear_predictor", end).alias(end) for end in ("lowest", "highest"))


def _described(frame: pl.LazyFrame, compiled: CompiledModel, *, explain: bool) -> pl.LazyFrame:
    """The assessment's columns: whom and what it is of, the group, what is missing, caveats, how it came about."""
    model = compiled.model
    group = group_of(pl.col("linear_predictor"), model)
    only = pl.when(pl.col("possible_groups").list.len() == 1).then(pl.col("possible_groups").list.first())
    answered = pl.col("status").is_in(["scored", "bounded"])
    columns = {
        "stage": pl.lit(str(model.scored_at)),
        "model": pl.lit(model.id),
        "model_version": pl.lit(model.version, dtype=pl.Int64),
        "model_digest": pl.lit(compiled.digest),
        "applicability": pl.col("applies").cast(pl.String).fill_null("unconfirmed"),
        "risk_group": pl.coalesce(group, only),
        "possible_groups": pl.coalesce(
            pl.when(group.is_not_null()).then(pl.concat_list(group)), "possible_groups", EMPTY
        ),
        **{name: pl.col(name).fill_null([]) for name in ("settled_by", "missing", "reasons")},
        "caveats": pl.when(answered).then(pl.lit(list(model.caveats), dtype=pl.List(pl.String))).otherwise(EMPTY),
        "contributions": compiled.contributions if explain else pl.lit("{}"),
        "inputs": pl.struct(compiled.reads).struct.json_encode() if explain else pl.lit("{}"),
    }
    return frame.with_columns(**columns).select(list(ASSESSMENT_SCHEMA))
