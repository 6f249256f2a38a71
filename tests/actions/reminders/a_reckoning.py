"""What is owed on a day, reckoned by hand: plain SQL and loops over a few patients, sharing no line with the code.

The rungs are written down here once more, by the days of the policy `default@1`; that something was told counts by its
day, not by its number.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import Any

from tests.actions.reminders.post import STAFF

Key = tuple[str, str, str]  # what is told of, the rung, to whom
RUNGS: tuple[tuple[str, str, int, int | None, bool, tuple[str, ...]], ...] = (  # the highest first
    ("possibly_lost", "closes_on", 28, 28, True, ("site_lead", "coordinator")),
    ("escalated", "closes_on", 14, None, False, ("clinician", "coordinator")),
    ("overdue", "closes_on", 1, 7, True, ("patient", "coordinator")),
    ("due", "due_on", 0, None, True, ("patient", "coordinator")),
    ("upcoming", "opens_on", -14, 28, True, ("patient", "coordinator")),
)
CODES = {role.value: f"{role.value}:{code}" for role, code in STAFF.items()} | {"patient": "patient"}


@dataclass(kw_only=True)
class Reckoning:
    """A second opinion about some patients, from the rows of the database as they stand."""

    database: sqlite3.Connection
    patients: Sequence[int]
    holidays: dict[str, frozenset[date]]  # by site

    def owed(self, on: date) -> set[Key]:
        """What is to be told of these patients on the day: everything that nothing speaks against."""
        return {key for patient in self.patients for key in self._of(patient, on)}

    def told(self, on: date) -> set[Key]:
        """What stands on the account of the day of these patients: of their visits, and of results unread."""
        rows = self._rows("SELECT * FROM reminders WHERE owed_on = ? AND patient_id IN ({})", on)
        ours = [row for row in rows if row["task"] in (None, "unread_result")]
        return {(_about(row), row["rung"], row["recipient"]) for row in ours}

    def _of(self, patient: int, on: date) -> Iterator[Key]:
        if self._one("SELECT 1 FROM events WHERE event = 'death' AND withdrawn_at IS NULL "
                     "AND patient_id = ? AND happened_on <= ?", patient, on):  # fmt: skip
            return
        wanted = [*self._results(patient, on)]
        if self._works(patient, on):
            wanted += self._visits(patient, on)
        for about, rung, began_on, roles in wanted:
            for role in roles:
                if role == "patient" and not self._consents(patient, on):
                    continue
                if not self._told_since(patient, (about, rung, CODES[role]), began_on, on):
                    yield about, rung, CODES[role]

    def _visits(self, patient: int, on: date) -> Iterator[tuple[str, str, date, tuple[str, ...]]]:
        """The rung on which each visit stands, and the day on which it was last reached anew."""
        rows = self._all(
            "SELECT v.*, e.state FROM visits v JOIN episodes e ON e.id = v.episode_id WHERE e.patient_id = ? "
            "AND v.status NOT IN ('withdrawn', 'censored') ORDER BY v.episode_id, v.due_on",
            patient,
        )
        for _, grouped in groupby(rows, key=lambda row: row["episode_id"]):
            of_episode = [*grouped]
            for visit, following in pairwise([*of_episode, None]):
                assert visit is not None
                if visit["state"] != "active":
                    continue
                is_missed = visit["status"] == "missed" or _is_missed(visit, following, on)
                seen = any(each["status"] == "done" and each["due_on"] > visit["due_on"] for each in of_episode)
                if visit["status"] == "open" and not is_missed:
                    yield from self._standing(visit, on)
                elif visit["status"] != "done" and not seen:
                    yield from self._climbing(visit, on)

    def _standing(self, visit: sqlite3.Row, on: date) -> Iterator[tuple[str, str, date, tuple[str, ...]]]:
        for rung, base, offset, every, unless_booked, roles in RUNGS:
            reached_on = date.fromisoformat(visit[base]) + timedelta(days=offset)
            if reached_on > on:
                continue
            if not (unless_booked and self._is_booked(visit["id"], on)):
                yield f"visit {visit['id']}", rung, _began(reached_on, every, on), roles
            return

    def _climbing(self, visit: sqlite3.Row, on: date) -> Iterator[tuple[str, str, date, tuple[str, ...]]]:
        """The staff's rungs, on which a missed visit stands for a week while the patient is not seen."""
        for rung, base, offset, every, unless_booked, roles in RUNGS:
            reached_on = date.fromisoformat(visit[base]) + timedelta(days=offset)
            if reached_on > on:
                continue
            lately = rung in ("escalated", "possibly_lost") and (on - reached_on).days < 7
            if lately and not (unless_booked and self._is_booked(visit["id"], on)):
                yield f"visit {visit['id']}", rung, _began(reached_on, every, on), roles
            return

    def _results(self, patient: int, on: date) -> Iterator[tuple[str, str, date, tuple[str, ...]]]:
        """Results that may need treatment and that nobody has read; told from a week after, on Sundays too."""
        rows = self._all(
            "SELECT DISTINCT performed_on FROM examinations x WHERE patient_id = ? AND state = 'recorded' AND "
            "result_status = 'final' AND reviewed_by IS NULL AND finding IN "
            "('suspicious', 'indeterminate', 'intrahepatic_recurrence', 'extrahepatic_recurrence', 'both') "
            "AND NOT EXISTS (SELECT 1 FROM examinations y WHERE y.patient_id = x.patient_id "
            "AND y.procedure = x.procedure AND y.performed_on = x.performed_on "
            "AND y.number = x.number AND y.version > x.version)",
            patient,
        )
        for row in rows:
            due_on = date.fromisoformat(row["performed_on"]) + timedelta(days=7)
            late_on, about = due_on + timedelta(days=7), f"result of {patient} on {row['performed_on']}"
            if on >= late_on:
                yield about, "escalated", _began(late_on, 3, on), ("clinician", "site_lead")
            elif on >= due_on:
                yield about, "due", _began(due_on, 3, on), ("clinician",)

    def _works(self, patient: int, on: date) -> bool:
        site = self._one("SELECT code FROM sites s JOIN patients p ON p.site_id = s.id WHERE p.id = ?", patient)
        assert site is not None
        return on.weekday() < 5 and on not in self.holidays[site["code"]]

    def _is_booked(self, visit: int, on: date) -> bool:
        newest = self._one("SELECT * FROM bookings WHERE visit_id = ? ORDER BY version DESC", visit)
        if newest is None or newest["state"] != "booked":
            return False
        return on <= date.fromisoformat(newest["booked_on"]) + timedelta(days=7)

    def _consents(self, patient: int, on: date) -> bool:
        newest = self._one("SELECT * FROM contacts WHERE patient_id = ? ORDER BY version DESC", patient)
        if newest is None or newest["state"] != "given" or date.fromisoformat(newest["consented_on"]) > on:
            return False
        withdrawn = self._one(
            "SELECT 1 FROM events WHERE event = 'consent_withdrawn' AND withdrawn_at IS NULL AND patient_id = ? "
            "AND happened_on BETWEEN ? AND ?",
            patient,
            newest["consented_on"],
            on,
        )
        return withdrawn is None

    def _told_since(self, patient: int, key: Key, since: date, until: date) -> bool:
        """Whether it was told, or may have been, from a day on and before another; what never arrived is not told."""
        _, rung, recipient = key
        rows = self._all(
            "SELECT * FROM reminders WHERE patient_id = ? AND rung = ? AND recipient = ? AND owed_on >= ? "
            "AND owed_on < ? AND NOT (state = 'failed' AND may_repeat)",
            patient,
            rung,
            recipient,
            since,
            until,
        )
        return any((_about(row), rung, recipient) == key for row in rows)

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        return self._all(statement.format(", ".join("?" for _ in self.patients)), *values, *self.patients)

    def _one(self, statement: str, *values: object) -> sqlite3.Row | None:
        return next(iter(self._all(statement, *values)), None)

    def _all(self, statement: str, *values: object) -> list[sqlite3.Row]:
        said: list[Any] = [str(value) if isinstance(value, date) else value for value in values]
        self.database.row_factory = sqlite3.Row
        return self.database.execute(statement, said).fetchall()


def _is_missed(visit: sqlite3.Row, following: sqlite3.Row | None, on: date) -> bool:
    """Whether the next visit has taken its place."""
    if following is None or date.fromisoformat(visit["closes_on"]) >= on:
        return False
    return following["status"] == "done" or date.fromisoformat(following["opens_on"]) <= on


def _began(reached_on: date, every: int | None, on: date) -> date:
    """The day from which on it must not have been told: since the rung was reached, or for as long as it repeats."""
    return reached_on if every is None else on - timedelta(days=every - 1)


def _about(row: sqlite3.Row) -> str:
    if row["visit_id"] is not None:
        return f"visit {row['visit_id']}"
    return f"result of {row['patient_id']} on {row['opened_on']}"
