"""Builders: visits, tasks, people and a small policy to be asked about, with overrides."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any

import polars as pl

from scheduler.core.episode_tasks import TASKS, Task
from scheduler.core.reminders.asked import CONTACTS, PEOPLE, VISITS, Audience, asked_for
from scheduler.core.reminders.ledger import LEDGER, outcomes
from scheduler.core.reminders.policy import (
    AfterAppointment,
    CountedFrom,
    ReminderPolicy,
    Role,
    SendsOn,
    TaskRung,
    To,
    ToPatients,
    VisitRung,
)

OPENS, DUE, CLOSES = date(2026, 3, 17), date(2026, 3, 31), date(2026, 4, 14)


def to(role: Role, **others: Any) -> To:
    """A recipient by e-mail, on working days."""
    usual: dict[str, Any] = {
        "channel": "email",
        "message": f"{role.value}_note",
        "digest": role is not Role.PATIENT,
        "resend_when_unknown": False,
        "sends_on": SendsOn.WORKING_DAYS,
    }
    return To(role=role, **usual | others)


def a_rung(name: str, counted_from: CountedFrom, offset_days: int, *roles: Role, **others: Any) -> VisitRung:
    """A rung that is told once, unless an appointment stands."""
    usual: dict[str, Any] = {
        "repeats_every_days": None,
        "unless_booked": True,
        "unless_missed": True,
        "because": "-",
        "source": "policy",
    }
    told = tuple(to(role) for role in roles)
    return VisitRung(rung=name, counted_from=counted_from, offset_days=offset_days, to=told, **usual | others)


def a_policy(*visits: VisitRung, tasks: Sequence[TaskRung] = ()) -> ReminderPolicy:
    """A policy of these rungs: by default due (patient), overdue every week (patient), escalated (clinician)."""
    usual = (
        a_rung("due", CountedFrom.DUE, 0, Role.PATIENT),
        a_rung("overdue", CountedFrom.CLOSES, 1, Role.PATIENT, repeats_every_days=7),
        a_rung("escalated", CountedFrom.CLOSES, 14, Role.CLINICIAN, unless_booked=False, unless_missed=False),
    )
    parts: dict[str, Any] = {
        "visits": visits or usual,
        "tasks": tuple(tasks),
        "to_patients": ToPatients(until=time(21), source="policy"),
        "after_appointment": AfterAppointment(counts_for_days=3, source="policy"),
        "default_language": "en",
    }
    return ReminderPolicy.model_construct(**parts)


UNREAD = TaskRung(
    task=Task.UNREAD_RESULT,
    rung="unread",
    counted_from=CountedFrom.DUE,
    offset_days=0,
    repeats_every_days=3,
    to=(to(Role.CLINICIAN, sends_on=SendsOn.EVERY_DAY),),
    because="-",
    source="policy",
)


def some_visits(*visits: dict[str, Any]) -> pl.DataFrame:
    """Open visits of patients 1, 2 and so on, due on 31 March 2026, two weeks either side."""
    usual: dict[str, Any] = {
        "origin": "grid",
        "procedures": "afp|liver_ct_mri",
        "opens_on": OPENS,
        "due_on": DUE,
        "closes_on": CLOSES,
        "status": "open",
        "episode_state": "active",
        "booked_on": None,
        "seen_since": False,
    }
    rows = [
        usual | {"visit_id": number, "patient_id": number} | visit for number, visit in enumerate(visits or ({},), 1)
    ]
    return pl.DataFrame(rows, schema=VISITS)


def some_tasks(*tasks: dict[str, Any]) -> pl.DataFrame:
    """Unread results of patient 1, opened on 1 April 2026 and due a week later."""
    usual: dict[str, Any] = {
        "patient_id": 1,
        "episode_id": 1,
        "anchor_on": date(2026, 1, 31),
        "task": "unread_result",
        "opened_on": date(2026, 4, 1),
        "due_on": date(2026, 4, 8),
        "owner": "treating clinician",
        "reason": "-",
        "closed_on": None,
    }
    return pl.DataFrame([usual | task for task in tasks], schema=TASKS)


def an_audience(**others: Any) -> Audience:
    """Patients 1 to 3 may be told by e-mail in Korean, and there is Dr Han; it is a working day."""
    usual: dict[str, Any] = {
        "people": pl.DataFrame([("clinician", "clinician:han", None, "en", False)], schema=PEOPLE, orient="row"),
        "contacts": pl.DataFrame([(number, None, "ko", None) for number in (1, 2, 3)], schema=CONTACTS, orient="row"),
        "dead": pl.Series([], dtype=pl.Int64),
        "is_working_day": True,
    }
    return Audience(**usual | others)


def asked(
    on: date, *visits: dict[str, Any], policy: ReminderPolicy | None = None, **audience: Any
) -> list[tuple[Any, ...]]:
    """(visit, rung, occurrence, recipient, why not) of what is asked for on a day."""
    rows = asked_for(some_visits(*visits), some_tasks(), policy or a_policy(), an_audience(**audience), as_of=on)
    return rows.select("visit_id", "rung", "occurrence", "recipient", "why_not").sort("visit_id", "rung").rows()


def a_ledger(*rows: dict[str, Any]) -> pl.DataFrame:
    """What was sent to patient 1 about visit 1 on the rung due, on its day."""
    usual: dict[str, Any] = {
        "visit_id": 1,
        "patient_id": 1,
        "task": None,
        "opened_on": None,
        "rung": "due",
        "occurrence": 1,
        "recipient": "patient",
        "owed_on": DUE,
        "state": "sent",
        "may_repeat": False,
    }
    numbered = [usual | {"reminder_id": number} | row for number, row in enumerate(rows, 1)]
    return pl.DataFrame(numbered, schema=LEDGER)


def became(on: date, ledger: pl.DataFrame, *visits: dict[str, Any], **audience: Any) -> list[tuple[Any, ...]]:
    """(visit, rung, occurrence, outcome) of what is asked for on a day and not settled before."""
    rows = asked_for(some_visits(*visits), some_tasks(), a_policy(), an_audience(**audience), as_of=on)
    return outcomes(rows, ledger, as_of=on).select("visit_id", "rung", "occurrence", "outcome").rows()
