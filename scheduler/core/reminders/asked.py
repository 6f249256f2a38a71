"""Who is to be told what on a day, and why somebody is not: before anything is known of what was sent.

Takes visits and tasks with what is recorded of them, and who may be told; gives a row for each recipient of each rung.
A row without a reason against it is owed, unless the ledger has it (`ledger`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import polars as pl

from scheduler.core.collecting import collected
from scheduler.core.event_lines import State as EpisodeState
from scheduler.core.reminders.policy import ReminderPolicy, Role, SendsOn, TaskRung, VisitRung
from scheduler.core.reminders.rungs import first_days, task_rungs, visit_rungs

VISITS: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),
    "patient_id": pl.Int64(),
    "origin": pl.String(),
    "procedures": pl.String(),  # joined by "|"
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "status": pl.String(),  # open, done, missed, censored
    "episode_state": pl.String(),
    "booked_on": pl.Date(),  # missing where no appointment stands
    "seen_since": pl.Boolean(),  # a later visit of the episode is done
}
PEOPLE: dict[str, pl.DataType] = {
    "role": pl.String(),
    "recipient": pl.String(),  # role:code
    "own_channel": pl.String(),  # missing: the policy's
    "language": pl.String(),  # missing: the policy's
    "unreachable": pl.Boolean(),  # there is nobody who could be told in this role's place
}
CONTACTS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "own_channel": pl.String(),
    "language": pl.String(),
    "barred": pl.String(),  # a WhyNot; missing where the patient may be told
}
ASKED: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),  # missing where it is about a task
    "task": pl.String(),  # missing where it is about a visit, like opened_on
    "opened_on": pl.Date(),
    "patient_id": pl.Int64(),
    "origin": pl.String(),
    "procedures": pl.String(),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "booked_on": pl.Date(),
    "rung": pl.String(),
    "occurrence": pl.Int64(),
    "occurs_on": pl.Date(),  # the first day of the occurrence
    "recipient": pl.String(),
    "channel": pl.String(),
    "language": pl.String(),
    "message": pl.String(),
    "digest": pl.Boolean(),
    "resend_when_unknown": pl.Boolean(),
    "repeats_every_days": pl.Int64(),  # missing where it is told once
    "why_not": pl.String(),  # a WhyNot; missing where a message is to go out
}


STANDS_DAYS = 7  # policy: so long a missed visit stands on a rung, whatever days of them are quiet
SUBJECT = ["visit_id", "patient_id", "task", "opened_on"]
TELLING = [*SUBJECT, "rung", "recipient"]  # one row of what is asked for


class WhyNot(StrEnum):
    """Why something that a policy asks for is not said."""

    DONE = "done"
    MISSED = "missed"  # the next visit has taken its place
    PAUSED = "paused"
    HANDED_OVER = "handed_over"
    ENDED = "ended"
    BOOKED = "booked"
    NO_CONSENT = "no_consent"
    NO_CONTACT = "no_contact"  # nothing says how to reach the patient
    NO_CHANNEL = "no_channel"  # no channel is configured by which a message could reach a patient
    NOBODY_IN_ROLE = "nobody_in_role"  # nor anybody else at the site
    QUIET_DAY = "quiet_day"
    LATE_HOUR = "late_hour"  # too late in the day to tell a patient; it is owed on the next
    TOLD_LATELY = "told_lately"  # the last time is not as long ago as the rung repeats
    SUPERSEDED = "superseded"  # a higher rung, or a later occurrence, has taken its place
    NOT_RUNNING = "not_running"  # of a day on which the service did not run; it is owed on the next


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who may be told at one site on one day.

    `people` (`PEOPLE`) work there; `contacts` (`CONTACTS`) are patients'; of the `dead` (patient ids) nothing is said
    to anybody, whatever else is recorded of them.
    """

    people: pl.DataFrame
    contacts: pl.DataFrame
    dead: pl.Series
    is_working_day: bool
    is_late: bool = False  # in the day, for patients


def asked_for(
    visits: pl.DataFrame, tasks: pl.DataFrame, policy: ReminderPolicy, audience: Audience, *, as_of: date
) -> pl.DataFrame:
    """What the policy asks to be said of these visits (`VISITS`) and open tasks of one site, as `ASKED`.

    One row for each recipient of: the highest rung that an open visit or a task has reached by the day; and each rung
    that any of the visits reaches on that very day, which is superseded where the visit has reached a higher one, and
    otherwise held back by what became of the visit. So each visit passes each rung once, told or with a reason. A
    missed visit stands for a week on each rung that is said of missed ones, unless the patient was seen since. Whoever
    is told in several roles is told once.
    A patient of whom `contacts` has no row has given no consent.

    >>> from scheduler.core.reminders.policy import AfterAppointment, CountedFrom, To
    >>> to = To(role=Role.PATIENT, channel="email", message="due", digest=False, resend_when_unknown=False,
    ...     sends_on=SendsOn.WORKING_DAYS)
    >>> rung = VisitRung(rung="due", counted_from=CountedFrom.DUE, offset_days=0, repeats_every_days=None,
    ...     unless_booked=True, unless_missed=True, to=(to,), because="-", source="policy")
    >>> booking = AfterAppointment(counts_for_days=3, source="policy")
    >>> policy = ReminderPolicy.model_construct(visits=(rung,), tasks=(), after_appointment=booking)
    >>> day = date(2026, 3, 31)
    >>> visit = {"visit_id": 1, "patient_id": 7, "opens_on": day, "due_on": day, "closes_on": day, "status": "done"}
    >>> visits = pl.DataFrame([visit | {"episode_state": "active"}]).select(
    ...     pl.col(name) if name in visit or name == "episode_state" else pl.lit(None, kind).alias(name)
    ...     for name, kind in VISITS.items())
    >>> nobody = Audience(people=pl.DataFrame(schema=PEOPLE), contacts=pl.DataFrame(schema=CONTACTS),
    ...     dead=pl.Series([], dtype=pl.Int64), is_working_day=True)
    >>> from scheduler.core.episode_tasks import TASKS
    >>> rows = asked_for(visits, pl.DataFrame(schema=TASKS), policy, nobody, as_of=day)
    >>> rows.select("rung", "recipient", "why_not").row(0)
    ('due', 'patient', 'done')
    """
    rungs = [
        _of_visits(visits.lazy(), policy, as_of).with_columns(is_task=pl.lit(value=False)),
        _of_tasks(tasks.lazy(), policy, as_of).with_columns(is_task=pl.lit(value=True)),
    ]
    on_rungs = pl.concat(rungs, how="diagonal")
    told = on_rungs.join(_recipients(policy).lazy(), on=["is_task", "rank"], maintain_order="left")
    parts = [_to_patients(told, audience.contacts.lazy()), _to_people(told, audience.people.lazy())]
    dead = pl.when(pl.col("patient_id").is_in(audience.dead.implode())).then(pl.lit(WhyNot.ENDED.value))
    quiet = (pl.col("sends_on") == SendsOn.WORKING_DAYS.value) & (not audience.is_working_day)
    late = (pl.col("role") == Role.PATIENT.value) & audience.is_late
    not_now = pl.when(quiet).then(pl.lit(WhyNot.QUIET_DAY.value)).when(late).then(pl.lit(WhyNot.LATE_HOUR.value))
    return collected(
        pl.concat(parts, how="diagonal")
        .with_columns(
            channel=pl.coalesce("own_channel", "channel"),
            why_not=pl.coalesce("why_not", dead, "barred", not_now),
        )
        .select(pl.col(name).cast(kind) for name, kind in ASKED.items())
        .sort(pl.col("why_not").is_not_null(), maintain_order=True)
        .unique(TELLING, keep="first", maintain_order=True)
    )


def _of_visits(visits: pl.LazyFrame, policy: ReminderPolicy, as_of: date) -> pl.LazyFrame:
    """The rungs on which open visits stand, and those that any visit reaches on the day, each with `why_not`."""
    is_open = pl.col("status") == "open"
    climbing = _climbing(visits, policy, as_of)
    standing = pl.concat([visit_rungs(visits.filter(is_open), policy, as_of=as_of), climbing])
    today = first_days(visits, policy, on=as_of)
    passed = today.join(standing, on=["visit_id", "rank"], how="anti", maintain_order="left")
    superseded = pl.when(is_open).then(pl.lit(WhyNot.SUPERSEDED.value))
    return pl.concat(
        [
            standing.with_columns(why_not=pl.coalesce(_stopped(), _booked(policy, as_of))),
            passed.with_columns(why_not=pl.coalesce(_answered(), _stopped(), superseded)),
        ]
    )


def _climbing(visits: pl.LazyFrame, policy: ReminderPolicy, as_of: date) -> pl.LazyFrame:
    """The missed visits of patients who were not seen since, on the rungs that are said of them and reached lately."""
    unseen = visits.filter(pl.col("status") == "missed", ~pl.col("seen_since"))
    lately = pl.col("reached_on") > as_of - timedelta(days=STANDS_DAYS)
    return visit_rungs(unseen, policy, as_of=as_of).filter(~pl.col("unless_missed"), lately)


def _of_tasks(tasks: pl.LazyFrame, policy: ReminderPolicy, as_of: date) -> pl.LazyFrame:
    """The rungs on which tasks stand; what opened twice on a day is said once."""
    once = tasks.unique(["patient_id", "task", "opened_on"], keep="first", maintain_order=True)
    return task_rungs(once, policy, as_of=as_of).with_columns(why_not=pl.lit(None, dtype=pl.String))


def _answered() -> pl.Expr:
    """Why nobody is asked to come for a visit that is not open any more."""
    statuses = {"done": WhyNot.DONE.value, "missed": WhyNot.MISSED.value, "censored": WhyNot.ENDED.value}
    return pl.col("status").replace_strict(statuses, default=None, return_dtype=pl.String)


def _stopped() -> pl.Expr:
    """Why nobody is asked to come for any visit of the episode."""
    states = {
        EpisodeState.PAUSED.value: WhyNot.PAUSED.value,
        EpisodeState.HANDED_OVER.value: WhyNot.HANDED_OVER.value,
        EpisodeState.ENDED.value: WhyNot.ENDED.value,
    }
    return pl.col("episode_state").replace_strict(states, default=None, return_dtype=pl.String)


def _booked(policy: ReminderPolicy, as_of: date) -> pl.Expr:
    """Whether an appointment stands, or was so lately that its result is not to be asked after yet."""
    counts_until = pl.col("booked_on") + pl.duration(days=policy.after_appointment.counts_for_days)
    return pl.when(pl.col("unless_booked") & (counts_until >= as_of)).then(pl.lit(WhyNot.BOOKED.value))


def _recipients(policy: ReminderPolicy) -> pl.DataFrame:
    """A row for each recipient of each rung."""
    rows = [*_rows(policy.visits, is_task=False), *_rows(policy.tasks, is_task=True)]
    words = dict.fromkeys(("role", "channel", "message", "sends_on"), pl.String())
    truths = dict.fromkeys(("is_task", "digest", "resend_when_unknown"), pl.Boolean())
    numbers = {"rank": pl.Int64(), "repeats_every_days": pl.Int64()}
    return pl.DataFrame(rows, schema={**numbers, **words, **truths})


def _rows(rungs: Sequence[VisitRung | TaskRung], *, is_task: bool) -> Iterator[dict[str, object]]:
    for rank, rung in enumerate(rungs):
        for to in rung.to:
            yield {
                "rank": rank,
                "is_task": is_task,
                "role": to.role.value,
                "channel": to.channel,
                "message": to.message,
                "digest": to.digest,
                "resend_when_unknown": to.resend_when_unknown,
                "repeats_every_days": rung.repeats_every_days,
                "sends_on": to.sends_on.value,
            }


def _to_patients(told: pl.LazyFrame, contacts: pl.LazyFrame) -> pl.LazyFrame:
    """What is said to the patient."""
    known = contacts.with_columns(barred=pl.col("barred").fill_null(""))
    barred = pl.col("barred").fill_null(WhyNot.NO_CONSENT.value).replace("", None)
    return (
        told.filter(pl.col("role") == Role.PATIENT.value)
        .join(known, on="patient_id", how="left", maintain_order="left")
        .with_columns(barred=barred, recipient=pl.lit(Role.PATIENT.value))
    )


def _to_people(told: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    """What is said to those who work at the site; everybody in the role is told."""
    barred = pl.when("unreachable").then(pl.lit(WhyNot.NOBODY_IN_ROLE.value))
    return (
        told.filter(pl.col("role") != Role.PATIENT.value)
        .join(people, on="role", how="left", maintain_order="left")
        .with_columns(
            barred=pl.when(pl.col("recipient").is_null()).then(pl.lit(WhyNot.NOBODY_IN_ROLE.value)).otherwise(barred),
            recipient=pl.coalesce("recipient", pl.format("{}:site", "role")),
        )
    )
