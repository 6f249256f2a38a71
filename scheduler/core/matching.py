"""Examinations against visits: what each examination counts for, and what became of each visit.

Takes examinations, visits, episodes, a protocol and a day; gives a verdict for every examination (`verdicts`) and the
status of every visit. All is computed anew from what is recorded: neither the order of recording nor an examination
deleted since leaves a trace. It knows no plan and moves no visit.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.core.misses import in_turn, is_missed, missed_before
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.verdicts import ANSWERS, give_verdicts

ANSWER = pl.Struct(
    {
        "procedure": pl.String(),
        "examination_id": pl.Int64(),  # missing while unanswered, like the rest
        "performed_on": pl.Date(),
        "verdict": pl.String(),  # early, satisfies, late
    }
)
MATCHED_VISITS: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "status": pl.String(),  # open, done, missed; withdrawn and censored as they were
    "done_on": pl.Date(),  # the day of the last required examination; missing while not done
    "answers": pl.List(ANSWER),  # one per required procedure, in the visit's order
    "missed_before": pl.Int64(),  # visits missed in a row just before this one
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What every examination counts for (`verdicts.VERDICTS`), and what became of every visit (`MATCHED_VISITS`)."""

    verdicts: pl.DataFrame
    visits: pl.DataFrame


def match(
    examinations: pl.DataFrame,
    visits: pl.DataFrame,
    *,
    episodes: pl.DataFrame,
    protocol: SurveillanceProtocol,
    as_of: date,
) -> Matched:
    """Every examination's verdict and every visit's status as of a day, which is counted as inside.

    Takes `EXAMINATIONS`, `VISITS_NEEDED` and `EPISODES` of `verdicts`, which says how verdicts are given. A visit is
    done when each of its procedures that the protocol requires is answered; one of which none is required asks
    for all of them. Else it is missed, as `misses` says, or open. A visit given as missed stays so until it is
    answered; one given as done is open again when no examination answers for it. Visits stand by episode and due date.

    >>> from scheduler.core.protocols import Procedure
    >>> from scheduler.core.verdicts import EPISODES, EXAMINATIONS, VISITS_NEEDED
    >>> liver = Procedure(title="Liver", any_of=("contrast MRI",), required=True, source="policy")
    >>> visit = (5, 1, "grid", ["liver_ct_mri"], date(2026, 3, 17), date(2026, 3, 31), date(2026, 4, 14), "open")
    >>> scan = (7, 1, "liver_ct_mri", date(2026, 4, 15), "pending", None)
    >>> matched = match(
    ...     pl.DataFrame([scan], schema=EXAMINATIONS, orient="row"),
    ...     pl.DataFrame([visit], schema=VISITS_NEEDED, orient="row"),
    ...     episodes=pl.DataFrame([(1, date(2026, 1, 31), None)], schema=EPISODES, orient="row"),
    ...     protocol=SurveillanceProtocol.model_construct(procedures={"liver_ct_mri": liver}),
    ...     as_of=date(2026, 5, 1),
    ... )
    >>> matched.verdicts.row(0, named=True)["verdict"], matched.visits.row(0, named=True)["status"]
    ('late', 'done')
    """
    verdicts = give_verdicts(examinations, visits, episodes=episodes, protocol=protocol, as_of=as_of)
    return Matched(verdicts=verdicts, visits=_matched_visits(visits, verdicts, protocol, as_of))


def _matched_visits(
    visits: pl.DataFrame, verdicts: pl.DataFrame, protocol: SurveillanceProtocol, as_of: date
) -> pl.DataFrame:
    in_order = visits.sort("episode_id", "due_on", "visit_id")
    answered = in_order.hstack(_answers(in_order, verdicts, protocol))
    return (
        answered.join(_standing(answered, as_of), on="visit_id", how="left", maintain_order="left")
        .with_columns(
            status=pl.coalesce("standing", "status"),
            done_on=pl.when(pl.col("standing") == "done").then("done_on"),
            missed_before=pl.col("missed_before").fill_null(0),
        )
        .select(*MATCHED_VISITS)
    )


def _standing(answered: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The status of every visit that is neither withdrawn nor censored (`standing`), and the misses before it."""
    return (
        in_turn(answered.select("visit_id", "episode_id", "opens_on", "due_on", "closes_on", "status", "done_on"))
        .with_columns(status=_status())
        .with_columns(is_missed=is_missed(as_of))
        .select(
            "visit_id",
            standing=pl.when("is_missed").then(pl.lit("missed")).otherwise("status"),
            missed_before=missed_before(pl.col("is_missed")),
        )
    )


def _status() -> pl.Expr:
    """Done where everything required is answered; one that was done without an answer is open."""
    return (
        pl.when(pl.col("done_on").is_not_null())
        .then(pl.lit("done"))
        .when(pl.col("status") == "done")
        .then(pl.lit("open"))
        .otherwise("status")
    )


def _answers(visits: pl.DataFrame, verdicts: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """What answered each required procedure of each visit, and the day of the last: a row per visit, in their order."""
    deciding = verdicts.filter(pl.col("verdict").is_in([verdict.value for verdict in ANSWERS])).select(
        "visit_id", "procedure", "examination_id", "performed_on", "verdict"
    )
    return (
        visits.select("visit_id", procedure=_required(protocol))
        .explode("procedure", empty_as_null=True, keep_nulls=True)
        .join(deciding, on=["visit_id", "procedure"], how="left", maintain_order="left")
        .group_by("visit_id", maintain_order=True)
        .agg(
            answers=pl.struct(*ANSWER.to_schema()),
            unanswered=pl.col("performed_on").null_count(),
            last_on=pl.col("performed_on").max(),
        )
        .select("answers", done_on=pl.when(pl.col("unanswered") == 0).then("last_on"))
    )


def _required(protocol: SurveillanceProtocol) -> pl.Expr:
    """The procedures without which a visit is not done."""
    required = [name for name, procedure in protocol.procedures.items() if procedure.required]
    asked = pl.col("procedures").list.eval(pl.element().filter(pl.element().is_in(required)))
    return pl.when(asked.list.len() > 0).then(asked).otherwise("procedures")
