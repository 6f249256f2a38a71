"""What each examination counts for: one verdict each, with its reason.

Takes examinations, visits, episodes, a protocol and a day; gives a verdict for every examination, whatever the order
in which they were recorded. What becomes of the visits is for `matching`. It reads no findings but whether one is
inadequate.
"""

from datetime import date
from enum import StrEnum

import polars as pl

from scheduler.core.misses import GONE
from scheduler.core.owned_days import owners
from scheduler.core.protocols import SurveillanceProtocol

EXAMINATIONS: dict[str, pl.DataType] = {
    "examination_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "procedure": pl.String(),  # one of the protocol's, one of their `any_of`, or something else
    "performed_on": pl.Date(),
    "result_status": pl.String(),  # pending, final
    "finding": pl.String(),  # missing while pending, and where a procedure has none, such as a marker
}
VISITS_NEEDED: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "origin": pl.String(),  # grid, catch_up, suspicious
    "procedures": pl.List(pl.String()),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "status": pl.String(),  # open, done, missed, withdrawn, censored
}
EPISODES: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "ended_on": pl.Date(),  # the last day on which an examination counts; missing while it goes on
}
VERDICTS: dict[str, pl.DataType] = {
    "examination_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "visit_id": pl.Int64(),  # the visit that owns the day, answered or not; missing where the day is nobody's
    "procedure": pl.String(),  # the protocol's name for it; as recorded where the protocol has none
    "performed_on": pl.Date(),
    "verdict": pl.String(),  # a Verdict
    "reason": pl.String(),
}
INADEQUATE_FINDING = "inadequate"


class Verdict(StrEnum):
    """What an examination counts for. Only the first three answer a visit's procedure, one examination for each."""

    EARLY = "early"  # decides, before the visit's window opens
    SATISFIES = "satisfies"  # decides, inside the window, both ends included
    LATE = "late"  # decides, after the window closes
    EXTRA = "extra"  # adequate, but answered already, not asked for at this visit, or no visit is planned
    INADEQUATE = "inadequate"  # the result is, or the procedure is none of the protocol's
    BEFORE_START = "before_start"  # before the anchor, or before the first visit's window opens
    AFTER_END = "after_end"  # after the day on which the episode ended
    IN_FUTURE = "in_future"  # after the day that is asked about


ANSWERS = (Verdict.EARLY, Verdict.SATISFIES, Verdict.LATE)


def give_verdicts(
    examinations: pl.DataFrame,
    visits: pl.DataFrame,
    *,
    episodes: pl.DataFrame,
    protocol: SurveillanceProtocol,
    as_of: date,
) -> pl.DataFrame:
    """What every examination counts for as of a day: a `VERDICTS` row each, by episode, day and number.

    Takes `EXAMINATIONS`, `VISITS_NEEDED` and `EPISODES`. The first of these that holds decides: the examination is
    after the day asked about (`in_future`); before the anchor (`before_start`); after the episode's end
    (`after_end`); before the first window opens (`before_start`); its finding is inadequate or its procedure none of
    the protocol's (`inadequate`); it is not the first of its procedure in the days of its visit (`extra`); else it
    is `early`, `satisfies` or `late` against the visit's window. The anchor, the day of the end and the day asked
    about count as inside. Of two on one day the lower number decides.

    A pending result decides like a final one, because the examination took place; when it is found inadequate, the
    verdicts are given again, and the next one in the visit's days decides in its place.

    >>> from scheduler.core.protocols import Procedure
    >>> liver = Procedure(title="Liver", any_of=("contrast MRI",), required=True, source="policy")
    >>> protocol = SurveillanceProtocol.model_construct(procedures={"liver_ct_mri": liver})
    >>> opens_on, due_on, closes_on = date(2026, 3, 17), date(2026, 3, 31), date(2026, 4, 14)
    >>> visit = (5, 1, "grid", ["liver_ct_mri"], opens_on, due_on, closes_on, "open")
    >>> answer, finding = (7, 1, "liver_ct_mri", closes_on), ("final", "no_recurrence")
    >>> scans = [answer + finding, (8, 1, "ultrasound", due_on, "final", "no_recurrence")]
    >>> verdicts = give_verdicts(
    ...     pl.DataFrame(scans, schema=EXAMINATIONS, orient="row"),
    ...     pl.DataFrame([visit], schema=VISITS_NEEDED, orient="row"),
    ...     episodes=pl.DataFrame([(1, date(2026, 1, 31), None)], schema=EPISODES, orient="row"),
    ...     protocol=protocol,
    ...     as_of=date(2026, 5, 1),
    ... )
    >>> verdicts.select("examination_id", "visit_id", "verdict").rows()
    [(8, 5, 'inadequate'), (7, 5, 'satisfies')]
    """
    if examinations.is_empty():
        return pl.DataFrame(schema=VERDICTS)
    standing = visits.filter(~pl.col("status").is_in(GONE))
    windows = standing.select("visit_id", "origin", "procedures", "opens_on", "due_on", "closes_on")
    held_against = owners(examinations, standing).join(windows, on="visit_id")
    first_opening = standing.group_by("episode_id").agg(first_opens_on=pl.col("opens_on").min())
    known = (
        examinations.select(*EXAMINATIONS)
        .join(episodes.select(*EPISODES), on="episode_id", how="left")
        .join(first_opening, on="episode_id", how="left")
        .join(held_against, on="examination_id", how="left")
        .with_columns(pl.col("procedure").replace(_names(protocol)))
        .with_columns(verdict=_set_aside(protocol, as_of))
    )
    decided = _with_deciding(known).with_columns(verdict=pl.coalesce("verdict", _in_the_visits_days()))
    return (
        _with_reasons(decided, protocol, as_of).select(*VERDICTS).sort("episode_id", "performed_on", "examination_id")
    )


def _names(protocol: SurveillanceProtocol) -> dict[str, str]:
    """Each thing that answers for a procedure → the procedure; its own name wins over another's `any_of`."""
    answering = {each: name for name, procedure in protocol.procedures.items() for each in procedure.any_of}
    return answering | {name: name for name in protocol.procedures}


def _set_aside(protocol: SurveillanceProtocol, as_of: date) -> pl.Expr:
    """The verdict of an examination that answers nothing whatever the others are; missing for the rest."""
    performed_on = pl.col("performed_on")
    is_adequate = pl.col("finding").ne_missing(INADEQUATE_FINDING) & pl.col("procedure").is_in([*protocol.procedures])
    is_asked_for = pl.col("procedures").list.contains(pl.col("procedure")).fill_null(value=False)
    return (
        pl.when(performed_on > as_of)
        .then(pl.lit(Verdict.IN_FUTURE.value))
        .when(performed_on < pl.col("anchor_on"))
        .then(pl.lit(Verdict.BEFORE_START.value))
        .when(performed_on > pl.col("ended_on"))
        .then(pl.lit(Verdict.AFTER_END.value))
        .when(performed_on < pl.col("first_opens_on"))
        .then(pl.lit(Verdict.BEFORE_START.value))
        .when(~is_adequate)
        .then(pl.lit(Verdict.INADEQUATE.value))
        .when(~is_asked_for)
        .then(pl.lit(Verdict.EXTRA.value))
    )


def _with_deciding(known: pl.DataFrame) -> pl.DataFrame:
    """Beside each examination not set aside: the first one of its procedure in the days of its visit."""
    deciding = (
        known.filter(pl.col("verdict").is_null())
        .select("visit_id", "procedure", decided_on="performed_on", decided_by="examination_id")
        .sort("decided_on", "decided_by")
        .unique(["visit_id", "procedure"], keep="first", maintain_order=True)
    )
    return known.join(deciding, on=["visit_id", "procedure"], how="left")


def _in_the_visits_days() -> pl.Expr:
    """The verdict of an adequate examination of a procedure that the visit asks for."""
    return (
        pl.when(pl.col("examination_id") != pl.col("decided_by"))
        .then(pl.lit(Verdict.EXTRA.value))
        .when(pl.col("performed_on") < pl.col("opens_on"))
        .then(pl.lit(Verdict.EARLY.value))
        .when(pl.col("performed_on") <= pl.col("closes_on"))
        .then(pl.lit(Verdict.SATISFIES.value))
        .otherwise(pl.lit(Verdict.LATE.value))
    )


def _with_reasons(decided: pl.DataFrame, protocol: SurveillanceProtocol, as_of: date) -> pl.DataFrame:
    """Every row with its reason; each sentence is written only for the rows that need it."""
    nobodys = pl.col("verdict").is_in([Verdict.IN_FUTURE.value, Verdict.BEFORE_START.value, Verdict.AFTER_END.value])
    owned = decided.with_columns(visit_id=pl.when(~nobodys).then("visit_id"))
    return pl.concat(
        rows.with_columns(reason=_reason(Verdict(rows["verdict"][0]), protocol, as_of))
        for rows in owned.partition_by("verdict")
    )


def _reason(verdict: Verdict, protocol: SurveillanceProtocol, as_of: date) -> pl.Expr:
    """Why examinations have that verdict, in a sentence."""
    match verdict:
        case Verdict.EARLY:
            return _against_the_window("before")
        case Verdict.SATISFIES:
            return _against_the_window("inside")
        case Verdict.LATE:
            return _against_the_window("after")
        case Verdict.EXTRA:
            return _why_extra()
        case Verdict.INADEQUATE:
            return _why_inadequate(protocol)
        case Verdict.BEFORE_START:
            return _why_before_start()
        case Verdict.AFTER_END:
            return pl.format("performed {}, after the episode ended on {}", "performed_on", "ended_on")
        case Verdict.IN_FUTURE:
            return pl.format("performed {}, after the day asked about, {}", "performed_on", pl.lit(as_of))


def _against_the_window(place: str) -> pl.Expr:
    sentence = "performed {}, " + place + " the window {} to {} of the visit due {}{}"
    pending = pl.when(pl.col("result_status") == "pending").then(
        pl.lit("; the result is pending, and counts unless it is found inadequate")
    )
    return pl.format(sentence, "performed_on", "opens_on", "closes_on", "due_on", pending.otherwise(pl.lit("")))


def _why_extra() -> pl.Expr:
    answered = "the {} of the visit due {} was answered by examination {} on {}"
    return (
        pl.when(pl.col("due_on").is_null())
        .then(pl.lit("no visit is planned in this episode"))
        .when(~pl.col("procedures").list.contains(pl.col("procedure")))
        .then(pl.format("the visit due {} does not ask for {}", "due_on", "procedure"))
        .otherwise(pl.format(answered, "procedure", "due_on", "decided_by", "decided_on"))
    )


def _why_inadequate(protocol: SurveillanceProtocol) -> pl.Expr:
    asked_for = ", ".join(protocol.procedures)
    return (
        pl.when(pl.col("procedure").is_in([*protocol.procedures]))
        .then(pl.format("the result of this {} is inadequate; it answers no visit", "procedure"))
        .otherwise(pl.format(f"{{}} answers for none of the protocol's procedures: {asked_for}", "procedure"))
    )


def _why_before_start() -> pl.Expr:
    return (
        pl.when(pl.col("performed_on") < pl.col("anchor_on"))
        .then(pl.format("performed {}, before the treatment that is followed up, on {}", "performed_on", "anchor_on"))
        .otherwise(pl.format("performed {}, before the first window opens on {}", "performed_on", "first_opens_on"))
    )
