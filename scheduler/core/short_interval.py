"""The short-interval visit that the protocol declares after a suspicious finding and after a marker rise.

Takes what asks for such visits, and the visits that exist; gives those that are added, and those withdrawn because
nothing asks for them any more. It knows neither examinations nor plans: what is suspicious is said.
"""

import polars as pl

from scheduler.core.calendar import WorkingDays, whole_months_between, with_due_on
from scheduler.core.protocols import OnSuspicious, SurveillanceProtocol
from scheduler.core.verdicts import ANSWERS
from scheduler.core.visit_changes import CHANGES, EXISTING, SUSPICIOUS, Change, Today, day

TRIGGERS: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "procedure": pl.String(),  # what was found suspicious, or the marker that rose
    "performed_on": pl.Date(),
    "because": pl.String(),  # in words: "suspicious liver_ct_mri on 2026-03-04"
}
MONTH = ("episode_id", "grid_month")


def short_interval_visits(
    triggers: pl.DataFrame,
    visits: pl.DataFrame,
    *,
    protocol: SurveillanceProtocol,
    working_days: WorkingDays,
    today: Today,
    verdicts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The visits that `TRIGGERS` add and withdraw: a `CHANGES` row each, by episode and due date, and no others.

    One visit for an episode and whole month after its anchor. Its window opens the day after the trigger and closes
    `within_days` after it, that day included; it is due on the last working day inside, else on the closing day.
    Where that window was over before today, it opens today and closes `within_days` after. Of several triggers in a
    month the first decides, unless a visit answers for it already. What is before the anchor or after today asks for
    nothing.

    None is added where the visit of that month exists in any state but withdrawn, and is left as it is; nor where an
    open or done visit for the same procedure is due after the trigger, up to and on the last day of the window.
    `verdicts` (`verdicts.VERDICTS`) say which visits were answered: one whose procedure was done on or before the
    day of the trigger answers for it no more, since the trigger may be that very examination. An open visit that is
    not past and that no trigger asks for any more is withdrawn. Leave out the triggers and visits of ended episodes.

    >>> from datetime import date
    >>> rule = OnSuspicious(procedure="liver_ct_mri", within_days=30, source="policy")
    >>> protocol = SurveillanceProtocol.model_construct(on_suspicious=rule)
    >>> found = (1, date(2025, 11, 30), "liver_ct_mri", date(2026, 3, 4), "suspicious liver_ct_mri on 2026-03-04")
    >>> changes = short_interval_visits(
    ...     pl.DataFrame([found], schema=TRIGGERS, orient="row"),
    ...     pl.DataFrame(schema=EXISTING),
    ...     protocol=protocol,
    ...     working_days=WorkingDays(),
    ...     today=date(2026, 3, 5),
    ... )
    >>> changes.select("grid_month", "opens_on", "due_on").row(0)
    (3, datetime.date(2026, 3, 5), datetime.date(2026, 4, 3))
    >>> changes["reason"].item()
    'suspicious liver_ct_mri on 2026-03-04: liver_ct_mri within 30 days'
    """
    existing = visits.select(*EXISTING)
    is_ours = existing["origin"] == SUSPICIOUS
    if triggers.is_empty() and not is_ours.any():
        return pl.DataFrame(schema=CHANGES)
    rule = protocol.on_suspicious
    ours = existing.filter(is_ours)
    asked_for = _windows(triggers, rule, working_days, today)
    unwanted = _no_longer_asked_for(ours, asked_for, today)
    standing = existing.filter(~pl.col("visit_id").is_in(unwanted["visit_id"].implode()))
    changes = [_added(asked_for, _answering(standing, rule, verdicts), ours, rule), _withdrawn(unwanted)]
    return pl.concat(changes).sort("episode_id", "due_on", "grid_month")


def _windows(triggers: pl.DataFrame, rule: OnSuspicious, working_days: WorkingDays, today: Today) -> pl.DataFrame:
    """The triggers up to today, first to last, with their month and window."""
    within = pl.duration(days=rule.within_days)
    is_late = pl.col("performed_on") + within < pl.col("today")
    day_after = pl.col("performed_on") + pl.duration(days=1)
    windows = (
        triggers.select(pl.col(name).cast(kind) for name, kind in TRIGGERS.items())
        .with_columns(
            grid_month=whole_months_between(pl.col("anchor_on"), pl.col("performed_on")),
            today=day(today, pl.col("episode_id")),
        )
        .filter(pl.col("performed_on").is_between("anchor_on", "today"))
        .sort("episode_id", "performed_on", "procedure", "because")
        .with_columns(
            is_late=is_late,
            opens_on=pl.when(is_late).then("today").otherwise(day_after),
            closes_on=pl.when(is_late).then("today").otherwise("performed_on") + within,
        )
        .with_columns(grid_on="closes_on")
        .with_row_index("trigger")
    )
    return with_due_on(windows, working_days)


def _no_longer_asked_for(ours: pl.DataFrame, asked_for: pl.DataFrame, today: Today) -> pl.DataFrame:
    """The short-interval visits that are open, not past, and of a month without a trigger."""
    is_ahead = (pl.col("status") == "open") & (pl.col("closes_on") >= day(today, pl.col("episode_id")))
    return ours.filter(is_ahead).join(asked_for, on=MONTH, how="anti")


def _answering(visits: pl.DataFrame, rule: OnSuspicious, verdicts: pl.DataFrame | None) -> pl.DataFrame:
    """The visits that may answer for a trigger: `episode_id, answers_on` (the due day) and `done_on`."""
    is_one = pl.col("status").is_in(["open", "done"]) & pl.col("procedures").list.contains(rule.procedure)
    found = visits.filter(is_one).select("visit_id", "episode_id", answers_on="due_on")
    if verdicts is None:
        return found.select("episode_id", "answers_on", done_on=pl.lit(None, dtype=pl.Date))
    decides = pl.col("verdict").is_in([verdict.value for verdict in ANSWERS])
    done = verdicts.filter(decides, pl.col("procedure") == rule.procedure).select("visit_id", done_on="performed_on")
    return found.join(done, on="visit_id", how="left").select("episode_id", "answers_on", "done_on")


def _added(asked_for: pl.DataFrame, answering: pl.DataFrame, ours: pl.DataFrame, rule: OnSuspicious) -> pl.DataFrame:
    """The visits to be added, as `CHANGES`; one that was withdrawn keeps its number."""
    was_withdrawn = pl.col("status") == "withdrawn"
    missing = asked_for.join(ours.filter(~was_withdrawn), on=MONTH, how="anti", maintain_order="left")
    before = ours.filter(was_withdrawn).select("visit_id", *MONTH, was_procedures="procedures", was_due_on="due_on")
    added = _first_unanswered(missing, answering).join(before, on=MONTH, how="left")
    return added.with_columns(
        origin=pl.lit(SUSPICIOUS),
        change=pl.lit(Change.ADDED.value),
        reason=_why_added(rule),
        procedures=pl.lit([rule.procedure], dtype=pl.List(pl.String)),
    ).select(pl.col(name).cast(kind) for name, kind in CHANGES.items())


def _first_unanswered(missing: pl.DataFrame, answering: pl.DataFrame) -> pl.DataFrame:
    """The triggers for which no visit answers: neither one that exists nor one that an earlier trigger adds."""
    left = _unanswered(missing, answering)
    first = [left.clear()]
    while not left.is_empty():
        first.append(left.unique("episode_id", keep="first", maintain_order=True))
        others = left.join(first[-1], on=MONTH, how="anti", maintain_order="left")
        added = first[-1].select("episode_id", answers_on="due_on", done_on=pl.lit(None, dtype=pl.Date))
        left = _unanswered(others, added)
    return pl.concat(first)


def _unanswered(triggers: pl.DataFrame, answering: pl.DataFrame) -> pl.DataFrame:
    """The triggers without a visit due after them and inside their window whose procedure is yet to be done."""
    in_time = (pl.col("answers_on") > pl.col("performed_on")) & (pl.col("answers_on") <= pl.col("closes_on"))
    is_done = (pl.col("done_on") <= pl.col("performed_on")).fill_null(value=False)
    answered = triggers.join(answering, on="episode_id").filter(in_time, ~is_done)
    return triggers.join(answered, on="trigger", how="anti", maintain_order="left")


def _withdrawn(unwanted: pl.DataFrame) -> pl.DataFrame:
    """The visits to be withdrawn, as `CHANGES`."""
    reason = pl.format("no suspicious finding or marker rise asks for it any more in month {}", "grid_month")
    return unwanted.with_columns(
        change=pl.lit(Change.WITHDRAWN.value), reason=reason, was_procedures="procedures", was_due_on="due_on"
    ).select(pl.col(name).cast(kind) for name, kind in CHANGES.items())


def _why_added(rule: OnSuspicious) -> pl.Expr:
    """The trigger in words, how soon, and what is not as usual."""
    return pl.concat_str(
        pl.when(pl.col("visit_id").is_not_null()).then(pl.lit("withdrawn before, ")).otherwise(pl.lit("")),
        "because",
        pl.lit(f": {rule.procedure} within {rule.within_days} days"),
        pl.when("is_late").then(pl.format(" of {}, since its own window is over", "today")).otherwise(pl.lit("")),
    )
