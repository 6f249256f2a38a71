"""The worklist of any day, from the registry, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from scheduler import clock
from scheduler.actions.events.record_event import record_event
from scheduler.actions.examinations.record_examination import record_examination
from scheduler.actions.visits.book_visit import book_visit
from scheduler.actions.visits.miss_visit import miss_visit
from scheduler.actions.worklist.list_worklist import (
    TASK_LIST,
    WORKLIST,
    Only,
    ProcedureNotFound,
    SiteNotFound,
    Worklist,
    list_worklist,
)
from scheduler.core.examination import Examination
from scheduler.core.worklist import State
from scheduler.errors import HepwatchError
from scheduler.store.registry import Registry
from tests.actions.tables import HIGH, NOT_SIGNED, SURGERY, a_patient, a_table, import_table, only, rules_of

DAY = timedelta(days=1)
BEFORE = date(2026, 8, 31)
DUE = date(2026, 9, 1)
OVERDUE = date(2026, 9, 20)
PAST = date(2020, 1, 1)


def listed(registry: Registry, as_of: date, **options: Any) -> Worklist:
    """The worklist of a day, asked for on that day."""
    return list_worklist(registry, rules_of(registry), as_of=as_of, **{"today": as_of, **options})


def record(registry: Registry, mrn: str, event: str, on: date, *, today: date = OVERDUE, detail: str = "") -> None:
    record_event(registry, rules_of(registry), mrn, event, on, today=today, actor="anna", detail=detail)


def examine(registry: Registry, mrn: str, on: date, *, today: date = OVERDUE, **cells: Any) -> None:
    cells = {"procedure": "liver_ct_mri", "performed_on": on, "finding": "no_recurrence", **cells}
    record_examination(registry, rules_of(registry), mrn, Examination(**cells), today=today, actor="anna", confirm=True)


def examine_wholly(registry: Registry, mrn: str, on: date, *, today: date = OVERDUE) -> None:
    """Everything that a visit asks for."""
    examine(registry, mrn, on, today=today)
    for marker in ("afp", "pivka_ii"):
        examine(registry, mrn, on, today=today, procedure=marker, finding=None, value=4.0)


def test_a_visit_is_listed_with_all_that_a_coordinator_needs(followed: Registry) -> None:
    visits = listed(followed, DUE).visits

    assert tuple(visits.columns) == WORKLIST
    assert only(visits) == {
        "mrn": "P-1",
        "site": "seoul",
        "visit": "grid-3",
        "procedures": ["afp", "liver_ct_mri", "pivka_ii"],
        "opens_on": date(2026, 6, 29),
        "due_on": date(2026, 9, 1),
        "closes_on": date(2026, 9, 15),
        "state": "due",
        "days_overdue": 0,
        "missed_before": 0,
        "intensity": "basic",
        "provisional": False,
        "protocol": "risk-adapted@1",
        "booked_on": None,
        "booked_at": None,
        "note": None,
    }


@pytest.mark.parametrize(
    ("as_of", "states"),
    [
        pytest.param(date(2026, 6, 28), ["upcoming"], id="the day before the window opens"),
        pytest.param(date(2026, 6, 29), ["due"], id="the day it opens"),
        pytest.param(date(2026, 9, 15), ["due"], id="the day it closes"),
        pytest.param(date(2026, 9, 16), ["overdue"], id="the day after it closes"),
    ],
)
@pytest.mark.parametrize("today", [pytest.param(PAST, id="stored"), pytest.param(date.max, id="derived")])
def test_the_state_follows_from_the_day(followed: Registry, as_of: date, states: list[str], today: date) -> None:
    visits = listed(followed, as_of, states=list(State), today=today).visits

    assert visits["state"].to_list() == states


def test_only_the_site_that_is_asked_for_is_listed(followed: Registry) -> None:
    assert listed(followed, DUE, site="seoul").visits.height == 1


def test_a_site_that_nobody_knows_is_an_error_and_not_an_empty_list(followed: Registry) -> None:
    with pytest.raises(SiteNotFound, match="there is no site Seoul in this registry; there are seoul") as refused:
        listed(followed, DUE, site="Seoul")

    assert refused.value.exit_status == 5


def test_a_procedure_that_no_protocol_asks_for_is_an_error_and_not_an_empty_list(followed: Registry) -> None:
    with pytest.raises(ProcedureNotFound, match="no protocol asks for a procedure ultrasound; there are afp"):
        listed(followed, DUE, only=Only(procedure="ultrasound"))


@pytest.mark.parametrize(
    ("narrowed", "rows"),
    [
        pytest.param(Only(), 1, id="everybody"),
        pytest.param(Only(group="low"), 1, id="a group that a model says"),
        pytest.param(Only(group="high"), 0, id="a group that no model says"),
        pytest.param(Only(intensity="basic"), 1, id="the plan's intensity"),
        pytest.param(Only(intensity="intensive"), 0, id="another intensity"),
        pytest.param(Only(procedure="liver_ct_mri"), 1, id="a procedure of the visit"),
        pytest.param(Only(procedure="chest_ct"), 0, id="another procedure"),
        pytest.param(Only(awaiting_pathology=True), 0, id="pathology is signed"),
        pytest.param(Only(provisional=True), 0, id="the plan is not provisional"),
    ],
)
def test_the_list_can_be_narrowed(followed: Registry, narrowed: Only, rows: int) -> None:
    assert listed(followed, DUE, only=narrowed).visits.height == rows


def test_a_patient_whose_pathology_is_not_signed_is_awaited_and_provisional(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=frozenset({SURGERY}))

    today = clock.now().date() + 90 * DAY
    found = listed(registry, today, states=list(State), only=Only(awaiting_pathology=True, provisional=True))

    assert set(found.visits["mrn"]) == {"P-1"}
    assert set(found.tasks["task"]) == {"sign_pathology", "settle_provisional_plan"}
    assert tuple(found.tasks.columns) == TASK_LIST


def test_an_appointment_stands_beside_its_visit(followed: Registry) -> None:
    book_visit(followed, "P-1", "grid-3", on=DUE, at="09:30", actor="anna", today=BEFORE)

    assert only(listed(followed, DUE).visits)["booked_on"] == DUE
    assert only(listed(followed, DUE).visits)["booked_at"] == "09:30"


def test_a_visit_answered_yesterday_is_on_the_list_of_the_day_before_only(followed: Registry) -> None:
    examine_wholly(followed, "P-1", OVERDUE - DAY)

    days = (OVERDUE - 2 * DAY, OVERDUE - DAY, OVERDUE)

    assert [listed(followed, day, today=OVERDUE).visits["visit"].to_list() for day in days] == [["grid-3"], [], []]


@pytest.mark.parametrize("as_of", [DUE, OVERDUE, OVERDUE + DAY])
def test_a_death_is_known_from_the_moment_it_was_recorded_whatever_the_day(followed: Registry, as_of: date) -> None:
    before = clock.now()
    record(followed, "P-1", "death", BEFORE)

    known_before = listed(followed, as_of, today=OVERDUE, known_at=before)
    known_after = listed(followed, as_of, today=OVERDUE, known_at=clock.now())

    assert known_before.visits["mrn"].to_list() == ["P-1"]
    assert known_after.visits.is_empty()
    assert listed(followed, as_of, today=OVERDUE).visits.is_empty()


def test_before_the_day_of_a_death_the_patient_was_due(followed: Registry) -> None:
    record(followed, "P-1", "death", OVERDUE)

    assert listed(followed, DUE, today=OVERDUE).visits["visit"].to_list() == ["grid-3"]


def test_who_was_not_enrolled_at_the_moment_has_neither_visits_nor_tasks(followed: Registry) -> None:
    long_ago = clock.now() - 3650 * DAY

    found = listed(followed, OVERDUE, known_at=long_ago)

    assert (found.visits.height, found.tasks.height) == (0, 0)


@pytest.mark.parametrize("today", [pytest.param(OVERDUE, id="stored"), pytest.param(date.max, id="derived")])
def test_a_recurrence_stops_the_visits_and_asks_for_a_decision(followed: Registry, today: date) -> None:
    record(followed, "P-1", "recurrence", BEFORE, detail="intrahepatic")

    found = listed(followed, OVERDUE + 20 * DAY, today=today)

    assert found.visits.is_empty()
    assert only(found.tasks, task="treatment_decision") == {
        "mrn": "P-1",
        "site": "seoul",
        "task": "treatment_decision",
        "due_on": date(2026, 9, 30),
        "days_overdue": 10,
        "owner": "treating clinician",
        "reason": "intrahepatic recurrence on 2026-08-31",
        "intensity": "basic",
        "note": None,
    }


def test_who_must_not_be_contacted_stays_on_the_list_with_a_note(followed: Registry) -> None:
    record(followed, "P-1", "consent_withdrawn", BEFORE - DAY, detail="contact")
    record(followed, "P-1", "lost", BEFORE)

    found = listed(followed, DUE)

    assert found.visits["note"].to_list() == ["do not contact"]
    assert only(found.tasks, task="find_patient")["note"] == "do not contact"


def test_a_visit_called_missed_counts_before_the_next(followed: Registry) -> None:
    miss_visit(followed, rules_of(followed), "P-1", "grid-3", reason="moved", actor="a", today=OVERDUE, final=True)

    stored = listed(followed, date(2026, 12, 1)).visits
    derived = listed(followed, date(2026, 12, 1), today=date.max).visits

    assert stored.select("visit", "missed_before").rows() == [("grid-6", 1)]
    assert derived.equals(stored)


def test_an_unanswered_visit_is_missed_once_the_next_one_is_done(followed: Registry) -> None:
    early = date(2026, 11, 10)  # before the window of month 6 opens
    examine_wholly(followed, "P-1", early, today=early)

    assert listed(followed, early).visits.is_empty()
    assert listed(followed, early, today=date.max).visits.is_empty()


def test_an_end_that_left_visits_missed_leaves_them_open_as_of_a_day_before(followed: Registry) -> None:
    record(followed, "P-1", "death", OVERDUE + DAY, today=OVERDUE + DAY)

    visits = listed(followed, OVERDUE, today=OVERDUE + DAY).visits

    assert visits.select("visit", "state").rows() == [("grid-3", "overdue")]


def test_tumour_left_behind_is_a_task_of_the_surgeon(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(residual_tumor="R2")))

    today = clock.now().date()

    for asked_on in (today, date.max):
        tasks = listed(registry, today, today=asked_on).tasks
        assert only(tasks, task="decide_after_r2")["owner"] == "surgeon"


def test_the_most_urgent_task_comes_first(followed: Registry) -> None:
    examine(followed, "P-1", BEFORE, finding="suspicious")
    examine(followed, "P-1", date(2026, 8, 1), procedure="chest_ct", result_status="pending", finding=None)

    tasks = listed(followed, OVERDUE).tasks

    assert tasks.select("task", "days_overdue").rows() == [("awaited_result", 36), ("unread_result", 13)]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_stored_and_what_is_derived_give_the_same_list_of_today(
    registry: Registry, tmp_path: Path, seed: int
) -> None:
    today = clock.now().date()
    mrns = _a_varied_clinic(registry, tmp_path, today)
    for action in _a_history(Random(seed), registry, mrns, today):
        with suppress(HepwatchError):  # what the clinic would be refused does not belong to the history
            action()

    stored = listed(registry, today, states=list(State))
    derived = listed(registry, today, states=list(State), known_at=clock.now())

    assert stored.visits.height > 3
    assert stored.tasks.height > 1
    assert derived.visits.rows() == stored.visits.rows()
    assert derived.tasks.rows() == stored.tasks.rows()


def _a_varied_clinic(registry: Registry, folder: Path, today: date) -> list[str]:
    """Patients of every stage, resected between 40 and 400 days ago, followed closely and loosely."""
    ages = {"P-1": 40, "P-2": 75, "P-3": 110, "P-4": 170, "P-5": 400, "P-6": 90}
    rows = [
        a_patient(mrn=mrn, resected_on=(today - age * DAY).isoformat(), **(HIGH if age % 4 else {}))
        for mrn, age in ages.items()
    ]
    left_behind = a_patient(mrn="P-7", resected_on=(today - 50 * DAY).isoformat(), residual_tumor="R2")
    unsigned = [a_patient(mrn=f"P-{n}", resected_on=(today - n * 8 * DAY).isoformat()) for n in (8, 9)]
    import_table(registry, a_table(folder, *rows, left_behind), today=today)
    import_table(registry, a_table(folder, *unsigned[:1], name="surgery.csv"), today=today, sign=frozenset({SURGERY}))
    import_table(registry, a_table(folder, *unsigned[1:], name="draft.csv"), today=today, sign=NOT_SIGNED)
    return list(ages)


def _a_history(random: Random, registry: Registry, mrns: list[str], today: date) -> Iterator[Callable[[], None]]:
    """Examinations, events and misses of these patients, in any order."""
    events = [
        ("recurrence", "intrahepatic"),
        ("recurrence", "extrahepatic"),
        ("curative_treatment", "ablation"),
        ("death", ""),
        ("lost", ""),
        ("last_seen", ""),
        ("transfer", "Busan"),
        ("consent_withdrawn", "contact"),
        ("consent_withdrawn", "registry"),
    ]
    findings = ["no_recurrence", "suspicious", "indeterminate", "inadequate", "intrahepatic_recurrence"]
    for _ in range(24):
        mrn, on = random.choice(mrns), today - random.randrange(0, 120) * DAY
        kind, visit = random.randrange(5), f"grid-{random.choice((2, 3, 4, 6))}"
        if kind == 0:
            event, detail = random.choice(events)
            yield partial(record, registry, mrn, event, on, today=today, detail=detail)
        elif kind == 1:
            yield partial(examine_wholly, registry, mrn, on, today=today)
        elif kind == 2:
            value = random.choice((3.0, 6.0, 12.0, 24.0))
            yield partial(examine, registry, mrn, on, today=today, procedure="afp", finding=None, value=value)
        elif kind == 3:
            reader = random.choice((None, "dr.lee"))
            yield partial(examine, registry, mrn, on, today=today, finding=random.choice(findings), reviewed_by=reader)
        else:
            yield partial(_call_missed, registry, mrn, visit, today)


def _call_missed(registry: Registry, mrn: str, visit: str, today: date) -> None:
    miss_visit(registry, rules_of(registry), mrn, visit, reason="did not come", actor="anna", today=today, final=True)
