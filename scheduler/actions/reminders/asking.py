"""What is to be said at one site on one day, and what has become of it: read here, decided in the core."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.actions.worklist.worklist_facts import Asked
from scheduler.actions.worklist.worklist_tasks import tasks_as_of
from scheduler.core.episode_tasks import TASKS
from scheduler.core.events import Event
from scheduler.core.reminders.asked import CONTACTS, PEOPLE, VISITS, Audience, asked_for
from scheduler.core.reminders.consent import may_be_contacted
from scheduler.core.reminders.ledger import LEDGER, outcomes
from scheduler.core.reminders.policy import ReminderPolicy, Role
from scheduler.core.reminders.rungs import BASES, earliest_reach
from scheduler.core.worklist import State, open_tasks, with_states
from scheduler.store.reading import Reading

CONSOLE = "console"  # the channel of the machine itself, on which nobody need be told how to be reached
STAFF = [role.value for role in Role if role is not Role.PATIENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDay:
    """One site on one of its days: what is asked about.

    `has_channels`: messages can leave the machine; where they cannot, all are written to the console. `is_past`: the
    day is over, and what was asked for on it is derived from what is known now. `tried_before`: what failed on the day
    before this moment is to be tried again (None: not on the same day).
    """

    site_id: int
    site: str
    on: date
    has_channels: bool
    is_past: bool = False
    tried_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Said:
    """What is asked for (`ASKED`), and what has become of it (`OUTCOMES`)."""

    asked: pl.DataFrame
    outcomes: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Of whom something is asked: whose visits, and whose tasks."""

    patients: pl.Series
    with_tasks: pl.Series


def what_is_said(
    reading: Reading, rules: Rules, policy: ReminderPolicy, day: SiteDay, *, among: Among | None = None
) -> Said:
    """Everything that the policy asks to be said on the day, of all patients of the site or of some of them."""
    visits = _visits(reading, policy, day, among.patients if among else None)
    tasks = _tasks(reading, rules, day, among.with_tasks if among else None)
    patients = pl.concat([visits["patient_id"], tasks["patient_id"]]).unique()
    events = reading.events_of(patients).rename({"happened_on": "on"})
    audience = Audience(
        people=people_of(reading, policy, day),
        contacts=_contacts(reading, policy, events, patients, day.on),
        dead=events.filter(pl.col("event") == Event.DEATH.value, pl.col("on") <= day.on)["patient_id"].unique(),
        is_working_day=rules.working_days(day.site).includes(day.on),
    )
    asked = asked_for(visits, tasks, policy, audience, as_of=day.on)
    ledger = reading.reminders_of(asked["visit_id"].drop_nulls().unique(), tasks_of=tasks["patient_id"].unique())
    return Said(asked=asked, outcomes=outcomes(asked, _to_be_tried(ledger, day), as_of=day.on))


def _to_be_tried(ledger: pl.DataFrame, day: SiteDay) -> pl.DataFrame:
    """The ledger (`LEDGER`), where `may_repeat` says what is to be tried again now."""
    again_today = pl.lit(value=False) if day.tried_before is None else pl.col("settled_at") < day.tried_before
    is_today = pl.col("owed_on") == day.on
    return ledger.with_columns(pl.col("may_repeat") & (~is_today | again_today)).select(*LEDGER)


def people_of(reading: Reading, policy: ReminderPolicy, day: SiteDay) -> pl.DataFrame:
    """Who is told at the site, by role (`PEOPLE`); a role in which there is nobody is told on the console.

    Where messages can leave the machine nobody reads its console: then such a role is unreachable.
    """
    known = reading.recipients_of([day.site_id]).select(
        "role",
        pl.format("{}:{}", "role", "code").alias("recipient"),
        pl.col("channel").alias("own_channel"),
        pl.col("language").fill_null(policy.default_language),
        pl.lit(value=False).alias("unreachable"),
    )
    empty = [role for role in STAFF if role not in known["role"].to_list()]
    nobody = pl.DataFrame({"role": empty}, schema={"role": pl.String}).with_columns(
        recipient=pl.format("{}:site", "role"),
        own_channel=pl.lit(CONSOLE),
        language=pl.lit(policy.default_language),
        unreachable=pl.lit(day.has_channels),
    )
    return pl.concat([known, nobody]).select(pl.col(name).cast(kind) for name, kind in PEOPLE.items())


def _visits(reading: Reading, policy: ReminderPolicy, day: SiteDay, among: pl.Series | None) -> pl.DataFrame:
    """The visits that the policy may speak of on the day (`VISITS`)."""
    opening_by = day.on + timedelta(days=earliest_reach(policy))
    opened = reading.visits_to_remind(day.site_id, opening_by=opening_by, patient_ids=among)
    answered = reading.visits_answered_on_rungs(day.site_id, _days(policy, day.on), patient_ids=among)
    booked = reading.bookings_of(opened["visit_id"]).filter(pl.col("state") == "booked")
    every = pl.concat([_with_misses(reading, opened, day.on), answered]).join(
        booked.select("visit_id", "booked_on"), on="visit_id", how="left", maintain_order="left"
    )
    return every.select(pl.col(name).cast(kind) for name, kind in VISITS.items())


def _days(policy: ReminderPolicy, on: date) -> dict[str, list[date]]:
    """The days of a visit on which it would reach a rung on this day, by column."""
    days: dict[str, list[date]] = {}
    for rung in policy.visits:
        days.setdefault(BASES[rung.counted_from], []).append(on - timedelta(days=rung.offset_days))
    return days


def _with_misses(reading: Reading, opened: pl.DataFrame, on: date) -> pl.DataFrame:
    """The open visits, missed where the next one has taken their place by the day."""
    late = opened.filter(pl.col("closes_on") < on)["episode_id"].unique()
    theirs = pl.col("episode_id").is_in(late.implode())
    answered = reading.answered_visits(late)
    in_turn = pl.concat([opened.filter(theirs), answered], how="diagonal").with_columns(intensity=pl.lit(None))
    missed = with_states(in_turn, as_of=on).filter(pl.col("state") == State.MISSED.value)["visit_id"]
    is_missed = pl.col("visit_id").is_in(missed.implode())
    return opened.with_columns(status=pl.when(is_missed).then(pl.lit("missed")).otherwise("status"))


def _tasks(reading: Reading, rules: Rules, day: SiteDay, among: pl.Series | None) -> pl.DataFrame:
    """The tasks that are open on the day."""
    if among is not None and among.is_empty():
        return pl.DataFrame(schema=TASKS)
    asked = Asked(as_of=day.on, site=day.site, is_now=not day.is_past, among=among)
    tasks = tasks_as_of(reading, rules, asked).with_columns(intensity=pl.lit(None, dtype=pl.String))
    return open_tasks(tasks, as_of=day.on).select(*TASKS)


def _contacts(
    reading: Reading, policy: ReminderPolicy, events: pl.DataFrame, patients: pl.Series, on: date
) -> pl.DataFrame:
    """How patients are reached, or why they may not be (`CONTACTS`): a row for each."""
    contacts = reading.contacts_of(patients)
    allowed = may_be_contacted(patients.to_frame("patient_id"), contacts, events, as_of=on)
    reached = contacts.select("patient_id", pl.col("channel").alias("own_channel"), "language")
    return (
        allowed.rename({"why_not": "barred"})
        .join(reached, on="patient_id", how="left")
        .with_columns(pl.col("language").fill_null(policy.default_language))
        .select(pl.col(name).cast(kind) for name, kind in CONTACTS.items())
    )
