"""From what the models say of a patient to how closely the plan follows, and why.

Takes the assessments (a row per patient and model), which forms are signed, and a checked protocol; gives one
decision per patient. Each model keeps its own group: this stage knows neither endpoint nor score.
"""

import polars as pl

from scheduler.core.giving_up import with_given_up
from scheduler.core.models import RiskGroup
from scheduler.core.protocols import Intensity, SurveillanceProtocol

SIGNED_STAGES: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "signed_stage": pl.String(),  # the latest form that is signed: surgery or pathology
}
DECISIONS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "stage": pl.String(),  # the form whose row decided; missing where the protocol has no row for it
    "intensity": pl.String(),  # the highest still possible
    "lowest_intensity": pl.String(),  # the lowest still possible
    "provisional": pl.Boolean(),  # whether what is still missing or unsigned may change it
    "because": pl.List(pl.String()),  # a sentence per model, in the protocol's order, then what is unsigned
}
ASSESSED: dict[str, pl.DataType] = {  # what is read of the assessments
    "patient_id": pl.Int64(),
    "model": pl.String(),
    "model_version": pl.Int64(),
    "status": pl.String(),
    "possible_groups": pl.List(pl.String()),
    "settled_by": pl.List(pl.String()),
}
NOT_SIGNED = "pathology report is not signed"
UNCONFIRMED = ", population unconfirmed"


def decide_intensity(
    assessments: pl.DataFrame,
    protocol: SurveillanceProtocol,
    *,
    signed_stage: pl.DataFrame,
    not_obtainable: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """How closely to follow each patient of `signed_stage` (`SIGNED_STAGES`): a `DECISIONS` row each, in its order.

    `assessments` needs `ASSESSED`, one row per patient and model; with `applicability`, an unconfirmed one is said.
    The first stage of the protocol whose form is signed decides, by its models that are scored or bounded; where none
    is, the otherwise row does, and no other stage is asked. The highest intensity still possible holds, never below
    the stage's `at_least`. It is provisional while lowest and highest differ, or while pathology is not signed.

    Of a bounded model all of whose missing inputs are `not_obtainable` (`giving_up.NOT_OBTAINABLE`; the assessments
    need `missing` then) the lowest group still possible counts, and nobody is followed below `standard` by it.

    >>> from scheduler.core.protocols import Otherwise
    >>> everybody = Otherwise(otherwise="standard", source="policy")
    >>> protocol = SurveillanceProtocol.model_construct(intensity=(everybody,))
    >>> signed = pl.DataFrame([(7, "pathology")], schema=SIGNED_STAGES, orient="row")
    >>> decide_intensity(pl.DataFrame(schema=ASSESSED), protocol, signed_stage=signed).row(0)
    (7, None, 'standard', 'standard', False, ['the same for everybody → standard'])
    """
    patients = signed_stage.with_columns(stage=_deciding_stage(protocol))
    read = _read(assessments, not_obtainable).select(*ASSESSED, "is_given_up", "is_unconfirmed")
    said = _what_models_say(read, patients, protocol)
    return (
        patients.join(said, on="patient_id", how="left", maintain_order="left")
        .with_columns(at_least=pl.max_horizontal(_at_least(protocol), _at_least_given_up()))
        .with_columns(
            _within_policy("lowest", protocol), _within_policy("highest", protocol), because=_reasons(protocol)
        )
        .with_columns(
            intensity=_named(pl.col("highest")),
            lowest_intensity=_named(pl.col("lowest")),
            provisional=(pl.col("lowest") != pl.col("highest")) | _is_unsigned(),
        )
        .select(*DECISIONS)
    )


def _read(assessments: pl.DataFrame, not_obtainable: pl.DataFrame | None) -> pl.DataFrame:
    """The assessments, with what cannot be settled any more, and where nobody knows whether the model applies."""
    told = "applicability" in assessments.columns
    is_unconfirmed = (pl.col("applicability") == "unconfirmed") if told else pl.lit(False)
    known = assessments.with_columns(is_unconfirmed=is_unconfirmed)
    if not_obtainable is None or not_obtainable.is_empty():
        return known.with_columns(is_given_up=pl.lit(False))
    return with_given_up(known, not_obtainable)


def _at_least_given_up() -> pl.Expr:
    """The rank below which nobody is followed by the lowest group of a bounded model."""
    return pl.when(pl.col("is_given_up")).then(Intensity.STANDARD.rank)


def _deciding_stage(protocol: SurveillanceProtocol) -> pl.Expr:
    """The first stage whose form is signed; a signed pathology report means a signed surgery report."""
    signed_with = {"surgery": ["surgery", "pathology"], "pathology": ["pathology"]}
    return pl.coalesce(
        *(pl.when(pl.col("signed_stage").is_in(signed_with[s.at])).then(pl.lit(s.at)) for s in protocol.stages),
        pl.lit(None, dtype=pl.String),
    )


def _what_models_say(assessments: pl.DataFrame, patients: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """Per patient the lowest and highest rank that the deciding stage's models leave possible, and sentences."""
    possible = [_rank_if_possible(group) for group in RiskGroup]
    return (
        assessments.join(_meanings(protocol), on=["model", "model_version"])
        .with_columns(lowest=pl.min_horizontal(possible), highest=pl.max_horizontal(possible))
        .select("patient_id", "stage", "position", "lowest", "highest", "is_given_up", sentence=_sentence())
        .join(patients.select("patient_id", "stage"), on=["patient_id", "stage"], how="semi")
        .sort("position")
        .group_by("patient_id", maintain_order=True)
        .agg(pl.col("lowest", "highest").max(), pl.col("is_given_up").any(), sentences=pl.col("sentence"))
    )


def _meanings(protocol: SurveillanceProtocol) -> pl.DataFrame:
    """A row per stage and model: its place, and the rank of the intensity that each risk group means."""
    keys: dict[str, pl.DataType] = {"stage": pl.String(), "model": pl.String(), "model_version": pl.Int64()}
    meanings: dict[str, pl.DataType] = {name: pl.Int64() for name in ("position", *RiskGroup)}
    rows = [
        (stage.at, *_id_and_version(reference), position, *(stage.intensities[group].rank for group in RiskGroup))
        for stage in protocol.stages
        for position, reference in enumerate(stage.models)
    ]
    return pl.DataFrame(rows, schema=keys | meanings, orient="row")


def _id_and_version(reference: str) -> tuple[str, int]:
    model, _, version = reference.partition("@")
    return model, int(version)


def _applies() -> pl.Expr:
    return pl.col("status").is_in(["scored", "bounded"])


def _rank_if_possible(group: RiskGroup) -> pl.Expr:
    """What a group means, where the model applies and the patient may be in it."""
    return pl.when(_applies() & pl.col("possible_groups").list.contains(str(group))).then(pl.col(group))


def _sentence() -> pl.Expr:
    """What one model says of the patient, and what it means."""
    low, high = _end_groups()
    open_still = (low != high) & (pl.col("settled_by").list.len() > 0)
    inputs = pl.format(", settled by {}", pl.col("settled_by").list.join(" or "))
    lost = pl.lit(", the lowest still possible, since what is missing cannot be had")
    settled = pl.when("is_given_up").then(lost).when(open_still).then(inputs).otherwise(pl.lit(""))
    unconfirmed = pl.when("is_unconfirmed").then(pl.lit(UNCONFIRMED)).otherwise(pl.lit(""))
    meaning = _from_to(_named(pl.col("lowest")), _named(pl.col("highest")))
    return (
        pl.when(pl.col("highest").is_not_null())
        .then(pl.format("{} {}{} → {}{}", "model", _from_to(low, high), settled, meaning, unconfirmed))
        .when(pl.col("status") == "refused")
        .then(pl.format("{} refused, a value is out of range", "model"))
        .otherwise(pl.format("{} does not apply", "model"))
    )


def _end_groups() -> tuple[pl.Expr, pl.Expr]:
    """The lowest and the highest possible group."""
    named = [
        pl.when(pl.col("possible_groups").list.contains(str(group))).then(pl.lit(str(group))) for group in RiskGroup
    ]
    return pl.coalesce(named), pl.coalesce(reversed(named))


def _from_to(low: pl.Expr, high: pl.Expr) -> pl.Expr:
    return pl.when(low == high).then(low).otherwise(pl.format("{} to {}", low, high))


def _named(rank: pl.Expr) -> pl.Expr:
    """The intensity of a rank, as a word."""
    names = {intensity.rank: str(intensity) for intensity in Intensity}
    return rank.replace_strict(names, default=None, return_dtype=pl.String)


def _at_least(protocol: SurveillanceProtocol) -> pl.Expr:
    """The rank below which the deciding stage follows nobody; missing where it says nothing."""
    ranks = {stage.at: stage.at_least.rank for stage in protocol.stages if stage.at_least}
    return pl.col("stage").replace_strict(ranks, default=None, return_dtype=pl.Int64)


def _within_policy(column: str, protocol: SurveillanceProtocol) -> pl.Expr:
    """A rank raised to the stage's least; the otherwise row's where no model applies."""
    raised = pl.max_horizontal(column, "at_least")
    return pl.when(pl.col(column).is_null()).then(protocol.otherwise.rank).otherwise(raised).alias(column)


def _is_unsigned() -> pl.Expr:
    return pl.col("signed_stage").ne_missing("pathology")


def _reasons(protocol: SurveillanceProtocol) -> pl.Expr:
    """What each model says, then what policy adds, then what is not signed."""
    why = "no model applies" if protocol.stages else "the same for everybody"
    nobody = pl.when(pl.col("highest").is_null()).then(pl.lit(f"{why} → {protocol.otherwise}"))
    raised = pl.when(pl.col("highest") < pl.col("at_least")).then(
        pl.when(pl.col("is_given_up").fill_null(value=False))
        .then(pl.format("at least {}, since an input cannot be had", _named(pl.col("at_least"))))
        .otherwise(pl.format("at least {} on the {} report alone", _named(pl.col("at_least")), "stage"))
    )
    unsigned = pl.when(_is_unsigned()).then(pl.lit(NOT_SIGNED))
    said = pl.col("sentences").fill_null(pl.lit([], dtype=pl.List(pl.String)))
    return pl.concat_list(said, nobody, raised, unsigned).list.drop_nulls()
