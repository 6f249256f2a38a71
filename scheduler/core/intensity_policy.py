"""What policy and clinicians add to the intensity that the models leave possible.

Takes decisions (`intensity.DECISIONS`) with what is known of each patient; gives them with another intensity and one
more reason where something outweighs the models. It reads no score.
"""

import polars as pl

from scheduler.core.calendar import months_after
from scheduler.core.intensity import DECISIONS
from scheduler.core.protocols import SurveillanceProtocol

FACTS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "signed_stage": pl.String(),  # the latest form that is signed: surgery or pathology
    "anchor_on": pl.Date(),
    "today": pl.Date(),  # the day as of which the patient is looked at
    "overridden": pl.String(),  # the intensity that a clinician chose, missing where none did
    "overridden_until": pl.Date(),  # its last day, inclusive
    "overridden_by": pl.String(),
}


def with_policy(decisions: pl.DataFrame, facts: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """The decisions as they hold on each patient's day: `DECISIONS`, in their order.

    `facts` has `FACTS`, a row per patient. Where pathology is not signed by the day of the first visit of the decided
    intensity, that day included, the intensity is the protocol's most intensive. A clinician's override outweighs both,
    up to and on its last day; the models' own sentences stay. Nobody is given an intensity for which the protocol has
    no schedule: the most intensive that it has takes its place.

    >>> from datetime import date
    >>> from scheduler.core.protocols import Intensity
    >>> decided = (7, "surgery", "standard", "basic", True, ["ehr-preop low → basic"])
    >>> decisions = pl.DataFrame([decided], schema=DECISIONS, orient="row")
    >>> fact = (7, "surgery", date(2026, 1, 31), date(2026, 3, 1), "basic", date(2026, 3, 1), "dr.lee")
    >>> facts = pl.DataFrame([fact], schema=FACTS, orient="row")
    >>> schedules = dict.fromkeys([Intensity.BASIC, Intensity.STANDARD], ())
    >>> held = with_policy(decisions, facts, SurveillanceProtocol.model_construct(schedules=schedules))
    >>> held["intensity"].item(), held["because"].item()[-1]
    ('basic', 'override by dr.lee until 2026-03-01: standard → basic')
    """
    first_on = months_after(pl.col("anchor_on"), _first_month(protocol))
    is_late = (pl.col("signed_stage") == "surgery") & (pl.col("today") >= first_on)
    is_overridden = (pl.col("overridden_until") >= pl.col("today")).fill_null(value=False)
    highest = protocol.most_intensive
    raised = pl.lit(highest.value)
    late = pl.format(f"pathology is not signed by the first visit, {{}}: {highest}", first_on)
    has_schedule = pl.col("wanted").is_in([str(intensity) for intensity in protocol.schedules])
    instead = pl.format(f"the protocol has no schedule for {{}}: {highest}", "wanted")
    chosen = pl.format("override by {} until {}: {} → {}", "overridden_by", "overridden_until", "held", "overridden")
    return (
        decisions.join(facts.select(*FACTS), on="patient_id", how="left", maintain_order="left")
        .with_columns(is_late=is_late.fill_null(value=False) & (pl.col("intensity") != raised), late=late)
        .with_columns(held=pl.when("is_late").then(raised).otherwise("intensity"), is_overridden=is_overridden)
        .with_columns(chosen=chosen, wanted=pl.when("is_overridden").then("overridden").otherwise("held"))
        .with_columns(is_instead=~has_schedule, instead=instead)
        .with_columns(
            intensity=pl.when("is_instead").then(raised).otherwise("wanted"),
            because=pl.concat_list(
                "because",
                _only_if("is_late", "late"),
                _only_if("is_overridden", "chosen"),
                _only_if("is_instead", "instead"),
            ).list.drop_nulls(),
        )
        .select(*DECISIONS)
    )


def _only_if(condition: str, sentence: str) -> pl.Expr:
    return pl.when(condition).then(pl.col(sentence))


def _first_month(protocol: SurveillanceProtocol) -> pl.Expr:
    """The month of the first visit of each intensity; missing where the protocol has no schedule for it."""
    months = {
        str(intensity): min(block.phases[0].every_months for block in blocks)
        for intensity, blocks in protocol.schedules.items()
        if blocks
    }
    return pl.col("intensity").replace_strict(months, default=None, return_dtype=pl.Int64)
