"""What is to be said at one site on one day, and what has become of it: read here, decided in the core."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.actions.worklist.worklist_facts import Asked
from scheduler.actions.worklist.worklist_tasks import tasks_as_of
from scheduler.core.episode_tasks import TASKS
from scheduler.core.event_lines import deaths
from scheduler.core.misses import in_turn, is_missed
from scheduler.core.reminders.asked import CONTACTS, PEOPLE, STANDS_DAYS, VISITS, Audience, WhyNot, asked_for
from scheduler.core.reminders.consent import may_be_contacted
from scheduler.core.reminders.ledger import LEDGER, outcomes
from scheduler.core.reminders.policy import ReminderPolicy, Role, VisitRung
from scheduler.core.reminders.rungs import BASES, earliest_reach
from scheduler.core.worklist import open_tasks
from scheduler.store.reading import Reading

CONSOLE = "console"  # the channel of the machine itself, on which nobody need be told how to be reached
IN_PLACE = [role.value for role in (Role.COORDINATOR, Role.SITE_LEAD, Role.CLINICIAN, Role.SURGEON)]
STAFF = [role.value for role in Role if role is not Role.PATIENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDay:
    """One site on one of its days: what is asked about.

    `has_channels`: messages can leave the machine; where they cannot, all are written to the console. `is_past`: the
    day is over, and what was asked for on it is derived from what is known now. `is_late`: too late in the day to tell
    patients. `tried_before`: what failed on the day before this moment is to be tried again (None: not on the same
    day).
    """

    site_id: int
    site: str
    time_zone: str
    on: date
    has_channels: bool
    is_past: bool = False
    is_late: bool = False
    tried_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Said:
    """What is asked for (`ASKED`), and what has become of it (`OUTCOMES`).

    It stands on everything that was recorded up to a position of the audit chain, that one included.
    """

    asked: pl.DataFrame
    outcomes: pl.DataFrame
    recorded_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Of whom something is asked: whose visits, and whose tasks."""

    patients: pl.Series
    with_tasks: pl.Series


def what_is_said(reading: Reading, rules: Rules, policy: ReminderPolicy, day: SiteDay) -> Said:
    """Everything that the policy asks to be said on the day, of all patients of the site."""
    recorded_until = reading.audit_head().position  # first: what is recorded meanwhile comes after it
    asked = what_is_asked(reading, rules, policy, day)
    return Said(asked=asked, outcomes=what_became(reading, asked, day), recorded_until=recorded_until)


def what_is_asked(
    reading: Reading, rules: Rules, policy: ReminderPolicy, day: SiteDay, *, among: Among | None = None
) -> pl.DataFrame:
    """What the policy asks to be said on the day (`ASKED`), of all patients of the site or of some of them."""
    visits = _visits(reading, policy, day, among.patients if among else None)
    tasks = _tasks(reading, rules, day, among.with_tasks if among else None)
    patients = pl.concat([visits["patient_id"], tasks["patient_id"]]).unique()
    events = reading.events_of(patients).rename({"happened_on": "on"})
    audience = Audience(
        people=people_of(reading, policy, day),
        contacts=_contacts(reading, policy, events, patients, day),
        dead=deaths(events).filter(pl.col("died_on") <= day.on)["patient_id"],
        is_working_day=rules.working_days(day.site).includes(day.on),
        is_late=day.is_late,
    )
    return asked_for(visits, tasks, policy, audience, as_of=day.on)


def what_became(reading: Reading, asked: pl.DataFrame, day: SiteDay) -> pl.DataFrame:
    """What has become of what is asked for (`OUTCOMES`), by the ledger as it is now."""
    of_tasks = asked.filter(pl.col("visit_id").is_null())["patient_id"]
    ledger = reading.became_of(asked["visit_id"].drop_nulls(), tasks_of=of_tasks, as_of=day.on)
    return outcomes(asked, _to_be_tried(ledger, day), as_of=day.on)


def _to_be_tried(ledger: pl.DataFrame, day: SiteDay) -> pl.DataFrame:
    """The ledger (`LEDGER`), where `may_repeat` says what is to be tried again now."""
    again_today = pl.lit(value=False) if day.tried_before is None else pl.col("settled_at") < day.tried_before
    is_today = pl.col("owed_on") == day.on
    return ledger.with_columns(pl.col("may_repeat") & (~is_today | again_today)).select(*LEDGER)


def people_of(reading: Reading, policy: ReminderPolicy, day: SiteDay) -> pl.DataFrame:
    """Who is told at the site, by role (`PEOPLE`).

    Those of `told_instead` are told in the place of `empty_roles`. At a site that has named nobody at all the console
    is; but where messages can leave the machine nobody reads its console, and the role is unreachable.
    """
    known = reading.recipients_of([day.site_id]).select(
        "role",
        pl.format("{}:{}", "role", "code").alias("recipient"),
        pl.col("channel").alias("own_channel"),
        pl.col("language").fill_null(policy.default_language),
        pl.lit(value=False).alias("unreachable"),
    )
    roles = known["role"].to_list()
    empty = pl.DataFrame({"role": empty_roles(roles)}, schema={"role": pl.String})
    if instead := told_instead(roles):
        others = empty.join(known.filter(pl.col("role") == instead).drop("role"), how="cross")
    else:
        others = empty.with_columns(
            recipient=pl.format("{}:site", "role"),
            own_channel=pl.lit(CONSOLE),
            language=pl.lit(policy.default_language),
            unreachable=pl.lit(day.has_channels),
        )
    return pl.concat([known, others]).select(pl.col(name).cast(kind) for name, kind in PEOPLE.items())


def empty_roles(named: Collection[str]) -> list[str]:
    """The roles of the staff in which nobody is named, where somebody is in these."""
    return [role for role in STAFF if role not in named]


def told_instead(named: Collection[str]) -> str | None:
    """The role that is told in the place of one in which nobody is named; None where nobody is in any."""
    return next((role for role in IN_PLACE if role in named), None)


def _visits(reading: Reading, policy: ReminderPolicy, day: SiteDay, among: pl.Series | None) -> pl.DataFrame:
    """The visits that the policy may speak of on the day (`VISITS`)."""
    lately = _days(policy.visits, day.on, lately=STANDS_DAYS)
    opened = reading.visits_to_remind(
        day.site_id,
        as_of=day.on,
        opening_by=day.on + timedelta(days=earliest_reach(policy)),
        missed_since=min(min(days) for days in lately.values()),
        patient_ids=among,
    )
    of_missed = [rung for rung in policy.visits if not rung.unless_missed]
    answered = reading.visits_answered_on_rungs(
        day.site_id,
        _days(policy.visits, day.on),
        missed=_days(of_missed, day.on, lately=STANDS_DAYS),
        patient_ids=among,
    )
    later = _answered_later(reading, opened, answered, day.on)
    booked = reading.appointments_of(opened["visit_id"])
    every = pl.concat([_with_misses(opened, later, day.on), answered]).join(
        booked, on="visit_id", how="left", maintain_order="left"
    )
    return _with_seen(every, later).select(pl.col(name).cast(kind) for name, kind in VISITS.items())


def _days(rungs: Sequence[VisitRung], on: date, *, lately: int = 1) -> dict[str, list[date]]:
    """The days of a visit on which it would reach a rung on this day, or on one of the last so many, by column."""
    days: dict[str, list[date]] = {}
    for rung in rungs:
        reached = [on - timedelta(days=rung.offset_days + before) for before in range(lately)]
        days.setdefault(BASES[rung.counted_from], []).extend(reached)
    return days


def _answered_later(reading: Reading, opened: pl.DataFrame, answered: pl.DataFrame, on: date) -> pl.DataFrame:
    """The visits done or missed after one that is over unanswered, or is missed: they tell whether it is, and seen."""
    over = pl.concat([opened.filter(pl.col("closes_on") < on), answered.filter(pl.col("status") == "missed")])
    if over.is_empty():
        return opened.clear()
    return reading.visits_answered_since(over["episode_id"], min(over["due_on"]))


def _with_seen(visits: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """The visits, with whether a later one of the episode is done (`seen_since`, told of missed ones)."""
    done = later.filter(pl.col("status") == "done").group_by("episode_id").agg(done_on=pl.col("due_on").max())
    seen = (pl.col("done_on") > pl.col("due_on")).fill_null(value=False)
    return visits.join(done, on="episode_id", how="left", maintain_order="left").with_columns(seen_since=seen)


def _with_misses(opened: pl.DataFrame, later: pl.DataFrame, on: date) -> pl.DataFrame:
    """The open visits, missed where the next one has taken their place by the day."""
    over = opened.filter(pl.col("closes_on") < on)
    theirs = opened.join(over, on="episode_id", how="semi")
    turns = in_turn(pl.concat([theirs, later], how="diagonal"))
    missed = turns.filter(is_missed(on) & (pl.col("status") == "open"))["visit_id"]
    gone = pl.when(pl.col("visit_id").is_in(missed.implode())).then(pl.lit("missed"))
    return opened.with_columns(status=gone.otherwise("status"))


def _tasks(reading: Reading, rules: Rules, day: SiteDay, among: pl.Series | None) -> pl.DataFrame:
    """The tasks that are open on the day."""
    if among is not None and among.is_empty():
        return pl.DataFrame(schema=TASKS)
    asked = Asked(as_of=day.on, site=day.site, is_now=not day.is_past, among=among)
    tasks = tasks_as_of(reading, rules, asked).with_columns(intensity=pl.lit(None, dtype=pl.String))
    return open_tasks(tasks, as_of=day.on).select(*TASKS)


def _contacts(
    reading: Reading, policy: ReminderPolicy, events: pl.DataFrame, patients: pl.Series, day: SiteDay
) -> pl.DataFrame:
    """How patients are reached, or why they may not be (`CONTACTS`): a row for each."""
    contacts = reading.contacts_of(patients)
    allowed = may_be_contacted(patients.to_frame("patient_id"), contacts, events, as_of=day.on)
    if not day.has_channels:
        allowed = allowed.with_columns(pl.col("why_not").fill_null(WhyNot.NO_CHANNEL.value))
    reached = contacts.select("patient_id", pl.col("channel").alias("own_channel"), "language")
    return (
        allowed.rename({"why_not": "barred"})
        .join(reached, on="patient_id", how="left")
        .with_columns(pl.col("language").fill_null(policy.default_language))
        .select(pl.col(name).cast(kind) for name, kind in CONTACTS.items())
    )
