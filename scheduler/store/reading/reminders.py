"""Questions about reminders: what may have to be told, what was told, and how each day adds up."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from scheduler.store.reading.asking import Asking, Ids, columns_of
from scheduler.store.reading.schedules import IS_OPEN
from scheduler.store.tables import episodes, events, job_days, patients, reminders, sites, visits

# Literals: SQLite matches no parameter to a partial index.
IS_NOT_OPEN = visits.c.status != literal_column("'open'")
NOT_SENT = reminders.c.state != literal_column("'sent'")
LEDGER = [reminders.c.id.label("reminder_id"), *columns_of(reminders, without="id")]
SUBJECT = ("visit_id", "patient_id", "task", "opened_on")
TOLD = [
    reminders.c.id.label("reminder_id"),
    *(reminders.c[name] for name in (*SUBJECT, "rung", "occurrence", "recipient", "owed_on", "state", "may_repeat")),
    case((reminders.c.state == "failed", reminders.c.settled_at)).label("settled_at"),
]
NEWER = reminders.alias("newer")
IS_VISIT = reminders.c.visit_id.is_not(None)
FOLLOWING = visits.alias("following")
FOLLOWS = and_(
    FOLLOWING.c.episode_id == visits.c.episode_id,
    FOLLOWING.c.due_on > visits.c.due_on,
    FOLLOWING.c.status.in_(("open", "done", "missed")),
)
ANSWERED = [
    visits.c.id.label("visit_id"),
    *(visits.c[name] for name in ("episode_id", "opens_on", "due_on", "closes_on", "status")),
]
TO_REMIND = [
    episodes.c.patient_id,
    episodes.c.state.label("episode_state"),
    visits.c.id.label("visit_id"),
    *(visits.c[name] for name in ("episode_id", "origin", "procedures", "opens_on", "due_on", "closes_on", "status")),
]


class AskingAboutReminders(Asking):
    """Visits that may be told of, the ledger, and the account of each site's day."""

    def visits_to_remind(
        self, site_id: int, *, as_of: date, opening_by: date, missed_since: date, patient_ids: Ids = None
    ) -> pl.DataFrame:
        """The open visits of a site whose window opens on this day or before, whatever the state of their episodes.

        Without those long missed: that closed before `missed_since`, while a later one was due by `as_of`.
        `patient_id, episode_state, visit_id, episode_id, origin, procedures, opens_on, due_on, closes_on, status`; by
        visit.
        """
        of_site = and_(patients.c.site_id == site_id, self._among(episodes.c.patient_id, patient_ids))
        stands = or_(visits.c.closes_on >= missed_since, ~exists().where(FOLLOWS, FOLLOWING.c.due_on <= as_of))
        return self._frame(_visits().where(IS_OPEN, visits.c.opens_on <= opening_by, of_site, stands)).sort("visit_id")

    def visits_answered_on_rungs(
        self,
        site_id: int,
        days: Mapping[str, Sequence[date]],
        *,
        missed: Mapping[str, Sequence[date]],
        patient_ids: Ids = None,
    ) -> pl.DataFrame:
        """The visits of a site that are done, missed or censored and one of whose days is among these.

        `days` are by column: `opens_on`, `due_on`, `closes_on`; `missed` are more such days, for missed visits. The
        columns of `visits_to_remind`.
        """
        of_site = and_(patients.c.site_id == site_id, self._among(episodes.c.patient_id, patient_ids))
        is_answered = visits.c.status.in_(("done", "missed", "censored")) & _on_a_day(days)
        is_missed = (visits.c.status == "missed") & _on_a_day(missed)
        return self._frame(_visits().where(is_answered | is_missed, of_site)).sort("visit_id")

    def became_of(self, visit_ids: Ids, *, tasks_of: Ids, as_of: date) -> pl.DataFrame:
        """What the ledger has of these visits, and of the tasks of these patients, as far as it decides what is owed.

        Of each rung and recipient the last row up to the day that has not failed, what failed after it, and every row
        of a later day. `reminder_id, visit_id, patient_id, task, opened_on, rung, occurrence, recipient, owed_on,
        state, may_repeat, settled_at`; `settled_at` of what failed alone.
        """
        of_visits = (
            select(*TOLD)
            .where(IS_VISIT, self._among(reminders.c.visit_id, visit_ids))
            .where(_decides(as_of, NEWER.c.visit_id.is_not(None), "visit_id"))
        )
        of_tasks = (
            select(*TOLD)
            .where(~IS_VISIT, self._among(reminders.c.patient_id, tasks_of))
            .where(_decides(as_of, NEWER.c.visit_id.is_(None), "patient_id", "task", "opened_on"))
        )
        return self._frame(union_all(of_visits, of_tasks))

    def visits_answered_since(self, episode_ids: Ids, due_from: date) -> pl.DataFrame:
        """The visits of these episodes that are done or missed and due on this day or later, by episode and due day.

        `visit_id, episode_id, opens_on, due_on, closes_on, status`.
        """
        is_answered = and_(visits.c.due_on >= due_from, visits.c.status.in_(("done", "missed")))
        return self._frame(
            select(*ANSWERED)
            .where(self._among(visits.c.episode_id, episode_ids), is_answered)
            .order_by(visits.c.episode_id, visits.c.due_on, visits.c.id)
        )

    def reminders_of(self, visit_ids: Ids = None, *, tasks_of: Ids = ()) -> pl.DataFrame:
        """What the ledger has of these visits, and of the tasks of these patients: `reminder_id` and its columns."""
        of_visits = select(*LEDGER).where(IS_VISIT, self._among(reminders.c.visit_id, visit_ids))
        of_tasks = select(*LEDGER).where(~IS_VISIT, self._among(reminders.c.patient_id, tasks_of))
        return self._frame(union_all(of_visits, of_tasks)).sort("reminder_id")

    def reminders_on(self, site_id: int, on: date) -> pl.DataFrame:
        """What stands on the account of a site's day: `reminder_id` and the other columns."""
        of_the_day = and_(reminders.c.owed_on == on, reminders.c.site_id == site_id)
        return self._frame(select(*LEDGER).where(of_the_day)).sort("reminder_id")

    def reminders_not_sent(self, states: Iterable[str], *, site_id: int | None = None) -> pl.DataFrame:
        """What is claimed, failed or unknown, as asked for: `reminder_id` and the other columns."""
        return self._frame(select(*LEDGER).where(NOT_SENT, reminders.c.state.in_(list(states)), _at(site_id))).sort(
            "reminder_id"
        )

    def reminders_sent_on(self, days: Sequence[date], *, site_id: int | None = None) -> pl.DataFrame:
        """What was sent on the accounts of these days: `reminder_id` and the other columns."""
        sent = and_(reminders.c.owed_on.in_(list(days)), reminders.c.state == "sent", _at(site_id))
        return self._frame(select(*LEDGER).where(sent)).sort("reminder_id")

    def visits_by_id(self, visit_ids: Ids) -> pl.DataFrame:
        """`visit_id, origin, grid_month` of these visits, whatever became of them."""
        named = select(visits.c.id.label("visit_id"), visits.c.origin, visits.c.grid_month)
        return self._frame(named.where(self._among(visits.c.id, visit_ids))).sort("visit_id")

    def reminders_after_death(self, site_id: int | None = None, *, patient_ids: Ids = None) -> pl.DataFrame:
        """What was or may have been told of patients after the day of death, as it is known now.

        `reminder_id` and the other columns of the ledger, `died_on`.
        """
        deaths = (
            select(events.c.patient_id, func.min(events.c.happened_on).label("died_on"))
            .where(events.c.event == "death", events.c.withdrawn_at.is_(None))
            .where(self._among(events.c.patient_id, patient_ids))
            .group_by(events.c.patient_id)
            .subquery()
        )
        statement = (
            select(*LEDGER, deaths.c.died_on)
            .join(deaths, deaths.c.patient_id == reminders.c.patient_id)
            .where(reminders.c.owed_on > deaths.c.died_on, reminders.c.state.in_(("sent", "unknown")))
            .where(_at(site_id))
        )
        return self._frame(statement).sort("reminder_id")

    def job_days(
        self, job: str | None = None, *, site_id: int | None = None, since: date | None = None
    ) -> pl.DataFrame:
        """The accounts of days: `site` and every column of `job_days`, by site and day."""
        asked = and_(
            job_days.c.job == job if job is not None else true(),
            job_days.c.site_id == site_id if site_id is not None else true(),
            job_days.c.ran_for >= since if since is not None else true(),
        )
        joined = select(sites.c.code.label("site"), *job_days.columns).join(sites, sites.c.id == job_days.c.site_id)
        return self._frame(joined.where(asked)).sort("site_id", "job", "ran_for")


def _at(site_id: int | None) -> ColumnElement[bool]:
    """That a row of the ledger is of this site; None for any."""
    return reminders.c.site_id == site_id if site_id is not None else true()


def _decides(as_of: date, is_of_a_kind: ColumnElement[bool], *subject: str) -> ColumnElement[bool]:
    """That a row of the ledger is of a later day, or that none that has not failed has come after it up to the day."""
    same = [NEWER.c[name] == reminders.c[name] for name in (*subject, "rung", "recipient")]
    by_then = NEWER.c.owed_on.between(reminders.c.owed_on, as_of)
    came_after = and_(is_of_a_kind, *same, NEWER.c.occurrence > reminders.c.occurrence, by_then)
    return or_(reminders.c.owed_on > as_of, ~exists().where(came_after, NEWER.c.state != "failed"))


def _on_a_day(days: Mapping[str, Sequence[date]]) -> ColumnElement[bool]:
    """That one of the days of a visit that is not open is among these.

    No window closes before any of its days, and the index is by when it closes. SQLite takes the index for several
    alternatives only where its promise stands in each.
    """
    return or_(false(), *(_is_on(column, on) for column, on in days.items() if on))


def _is_on(column: str, days: Sequence[date]) -> ColumnElement[bool]:
    return and_(IS_NOT_OPEN, visits.c.closes_on >= min(days), visits.c[column].in_(list(days)))


def _visits() -> Select[tuple[object, ...]]:
    """Visits with their patients and what the episode is."""
    return (
        select(*TO_REMIND)
        .join(episodes, episodes.c.id == visits.c.episode_id)
        .join(patients, patients.c.id == episodes.c.patient_id)
    )
