"""Following: whatever the order in which things become known, nobody is lost and nothing a person decided is undone."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.auditing import audit
from scheduler.actions.overrides.override_plan import override_intensity, override_visit
from scheduler.actions.plans.deciding_again import decide_again
from scheduler.actions.plans.following import follow
from scheduler.actions.visits.book_visit import book_visit
from scheduler.actions.visits.miss_visit import miss_visit
from scheduler.actions.worklist.list_worklist import list_worklist
from scheduler.store.registry import Registry
from tests.actions.lives import deleted, episodes, examined, happened, taken_back, verdicts, visits
from tests.actions.tables import HIGH, PATHOLOGY, a_patient, a_table, import_table, rules_of, sign, stored

FIRST_DUE, CLOSES = date(2026, 9, 1), date(2026, 9, 15)  # of grid-3, the first visit of a patient at low risk
OVERDUE_ON = date(2026, 10, 20)
TREATED_ON = date(2026, 10, 1)


def follow_again(registry: Registry, today: date) -> None:
    """Follow everybody as of a day, with an audit row only where something is written."""
    with registry.transaction() as transaction:
        days = transaction.patients().select("patient_id", today=pl.lit(today))
        followed = follow(transaction, days, rules_of(registry))
        if followed.changes.filter(~pl.col("change").is_in(["kept", "left"])).height:
            audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")


def on_the_list(registry: Registry, day: date) -> list[tuple[str, str]]:
    """(visit, state) of the worklist of a day."""
    return list_worklist(registry, rules_of(registry), as_of=day, today=day).visits.select("visit", "state").rows()


def test_what_was_overdue_before_a_death_is_overdue_again_when_the_death_is_taken_back(followed: Registry) -> None:
    before = on_the_list(followed, OVERDUE_ON)
    happened(followed, "death", date(2026, 10, 15), today=OVERDUE_ON)
    meanwhile = on_the_list(followed, OVERDUE_ON)

    taken_back(followed, "death", date(2026, 10, 15), today=OVERDUE_ON)

    assert (before, meanwhile) == ([("grid-3", "overdue")], [])
    assert on_the_list(followed, OVERDUE_ON) == before


def test_what_a_person_called_missed_stays_so_through_a_death_and_back(followed: Registry) -> None:
    rules = rules_of(followed)
    miss_visit(followed, rules, "P-1", "grid-3", reason="abroad", actor="anna", today=OVERDUE_ON, final=True)

    happened(followed, "death", date(2026, 8, 20), today=OVERDUE_ON)
    taken_back(followed, "death", date(2026, 8, 20), today=OVERDUE_ON)

    assert visits(followed, status="missed") == ["grid-3"]


def test_after_a_treatment_is_taken_back_the_first_episode_is_the_one_that_is_decided(followed: Registry) -> None:
    happened(followed, "curative_treatment", TREATED_ON, detail="ablation", today=TREATED_ON)
    taken_back(followed, "curative_treatment", TREATED_ON, today=TREATED_ON)

    rules = rules_of(followed)
    until = date(2028, 1, 1)
    overridden = override_intensity(
        followed, rules, "P-1", "intensive", until_on=until, reason="a nodule", actor="dr.lee", today=OVERDUE_ON
    )

    assert episodes(followed) == [(date(2026, 6, 1), "active"), (TREATED_ON, "ended")]
    assert overridden.intensity == "intensive"
    assert "grid-8" in visits(followed)


@pytest.mark.parametrize("cells", [{"residual_tumor": "R2"}], ids=["after an R2 resection"])
def test_a_suspicious_scan_of_somebody_without_a_plan_is_recorded(
    registry: Registry, tmp_path: Path, cells: dict[str, str]
) -> None:
    import_table(registry, a_table(tmp_path, a_patient(**cells)))

    recorded = examined(registry, date(2026, 11, 20), finding="suspicious")

    assert (recorded.verdict, visits(registry)) == ("extra", [])


def test_an_appointment_outlasts_a_death_that_is_taken_back(followed: Registry) -> None:
    book_visit(followed, "P-1", "grid-9", on=date(2027, 3, 1), actor="anna", today=date(2026, 8, 1))
    happened(followed, "death", date(2026, 8, 2), today=date(2026, 8, 2))
    sign(followed, stage=PATHOLOGY, findings=HIGH, reason="read again", today=date(2026, 8, 3))

    taken_back(followed, "death", date(2026, 8, 2), today=date(2026, 8, 4))

    assert "grid-9" in visits(followed)


def test_deleting_the_only_examination_of_an_ended_episode_leaves_no_open_visit(followed: Registry) -> None:
    happened(followed, "death", date(2026, 11, 10))
    examined(followed, FIRST_DUE)

    deleted(followed, FIRST_DUE)
    before = stored(followed)
    follow_again(followed, date(2027, 1, 1))

    assert visits(followed) == []
    assert stored(followed) == before


def test_a_patient_lost_on_the_day_of_the_last_contact_is_to_be_found(followed: Registry) -> None:
    happened(followed, "last_seen", OVERDUE_ON)
    happened(followed, "lost", OVERDUE_ON)

    tasks = list_worklist(followed, rules_of(followed), as_of=OVERDUE_ON, today=OVERDUE_ON).tasks

    assert "find_patient" in tasks["task"].to_list()


def test_a_visit_that_a_clinician_decided_to_hold_outlasts_a_correction(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(**HIGH)))
    rules, until = rules_of(registry), date(2026, 12, 31)
    due_on, today = date(2026, 9, 25), date(2026, 8, 20)
    override_visit(
        registry, rules, "P-1", "grid-4", due_on=due_on, until_on=until, reason="x", actor="dr.lee", today=today
    )

    low = dict.fromkeys(HIGH, "no")
    sign(registry, stage=PATHOLOGY, findings=low, reason="read again", today=date(2026, 8, 21))

    with registry.reading() as reading:
        held = reading.visits_of().filter(grid_month=4).row(0, named=True)
    assert (held["status"], held["due_on"]) == ("open", due_on)


def test_treatments_may_be_told_of_in_any_order(registry: Registry, tmp_path: Path) -> None:
    second, scanned, today = date(2027, 11, 1), date(2027, 2, 1), date(2028, 1, 1)
    import_table(registry, a_table(tmp_path, a_patient()))

    happened(registry, "curative_treatment", second, detail="ablation", today=today)
    examined(registry, scanned, today=today)
    happened(registry, "curative_treatment", date(2026, 12, 1), detail="ablation", today=today)

    assert verdicts(registry)[("liver_ct_mri", scanned, 1)] == "satisfies"
    assert visits(registry, status="done", anchor_on=date(2026, 12, 1)) == ["grid-2"]
    assert visits(registry, anchor_on=date(2026, 12, 1)) == []


def test_deciding_again_and_following_again_change_nothing_after_a_long_life(followed: Registry) -> None:
    today = date(2027, 6, 1)
    examined(followed, FIRST_DUE, finding="suspicious", today=FIRST_DUE)
    examined(followed, FIRST_DUE + timedelta(days=20), today=FIRST_DUE + timedelta(days=20))
    happened(followed, "recurrence", date(2026, 12, 1), detail="intrahepatic", today=date(2026, 12, 1))
    happened(followed, "curative_treatment", date(2026, 12, 20), detail="ablation", today=date(2026, 12, 20))
    examined(followed, date(2027, 2, 18), today=today)
    before = stored(followed)

    with followed.transaction() as transaction:
        decided = decide_again(transaction, None, rules_of(followed), today=today)
    follow_again(followed, today)

    assert decided.decisions["is_same"].to_list() == [True]
    assert stored(followed) == before


def test_whether_a_model_applies_is_said_where_nobody_knows(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(residual_tumor="")))

    with registry.reading() as reading:
        because = reading.current_plans()["because"][0]
    assert "ehr-postop low → basic, population unconfirmed" in because
