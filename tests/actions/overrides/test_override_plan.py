"""A clinician's override: kept through re-planning up to and on its last day, audited, listed, and ended."""

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from scheduler.actions.auditing import audit
from scheduler.actions.events.record_event import record_event
from scheduler.actions.one_patient import ReasonNeeded
from scheduler.actions.overrides.override_plan import Overridden, end_override, override_intensity, override_visit
from scheduler.actions.overrides.override_refusals import (
    AppointmentStands,
    LastDayPast,
    NothingToOverride,
    NotOfTheGrid,
    ScheduleMissing,
    VisitDayRefused,
    WindowOver,
)
from scheduler.actions.overrides.overrides import OverrideNotFound, OverrideOver, list_overrides
from scheduler.actions.plans.deciding_again import decide_again
from scheduler.actions.visits.appointments import VisitNotOpen
from scheduler.actions.visits.book_visit import book_visit
from scheduler.actions.visits.finding_visits import VisitNotFound
from scheduler.actions.visits.list_visits import list_visits
from scheduler.store.registry import Registry
from tests.actions.tables import HIGH, PATHOLOGY, TODAY, a_patient, a_table, import_table, only, rules_of, sign, stored
from tests.databases import MOMENT
from tests.follow_up_rows import some_examinations

LAST_DAY = date(2026, 10, 30)
DAY_AFTER = LAST_DAY + timedelta(days=1)
WHY = "a nodule of uncertain nature"
USUAL: dict[str, Any] = {"actor": "dr.lee", "today": TODAY, "reason": WHY}


def intensity(registry: Registry, chosen: str = "intensive", **options: Any) -> Overridden:
    """Override the intensity of P-1 as dr.lee, today, until the end of October."""
    chose = {"until_on": LAST_DAY, **USUAL, **options}
    return override_intensity(registry, rules_of(registry), "P-1", chosen, **chose)


def visit(registry: Registry, name: str = "grid-6", due_on: date | None = None, **options: Any) -> Overridden:
    """Override one visit of P-1 as dr.lee, today, until the end of October; it is not to be held."""
    chose = {"until_on": LAST_DAY, **USUAL, **options}
    return override_visit(registry, rules_of(registry), "P-1", name, due_on=due_on, **chose)


def end(registry: Registry, number: int = 1, **options: Any) -> Overridden:
    """End an override of P-1 as dr.lee, today."""
    return end_override(registry, rules_of(registry), "P-1", number, **{**USUAL, **options})


def plan_of(registry: Registry) -> dict[str, Any]:
    """The plan that P-1 follows now."""
    with registry.reading() as reading:
        return reading.current_plans().row(0, named=True)


def plan_of_episode(registry: Registry, anchor_on: date) -> str:
    """The intensity of the plan of the episode that was anchored on a day."""
    with registry.reading() as reading:
        episode = only(reading.episodes_of([1]), anchor_on=anchor_on)
        return str(reading.current_plans([episode["episode_id"]])["intensity"][0])


def status_of(registry: Registry, name: str = "grid-6") -> tuple[str, date]:
    """Status and due day of a visit of P-1."""
    row = only(list_visits(registry, "P-1", today=TODAY, everything=True), visit=name)
    return row["status"], row["due_on"]


def audited(registry: Registry, action: str) -> dict[str, Any]:
    """The details of the one audit row of this action, with its reason."""
    with registry.reading() as reading:
        row = only(reading.audit_of(1), action=action)
    details: dict[str, Any] = json.loads(row["details"])
    return details | {"reason": row["reason"], "rules": bool(json.loads(row["rule_digests"]))}


def again(registry: Registry, today: date) -> None:
    """Decide anew, as the daily work does."""
    with registry.transaction() as transaction:
        decide_again(transaction, [1], rules_of(registry), today=today)
        audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")


def examined(registry: Registry, performed_on: date) -> None:
    """Store a CT of P-1 and bring the visits in line on its day."""
    with registry.transaction(recorded_at=MOMENT) as transaction:
        transaction.append("examinations", some_examinations([1], [1], [1], performed_on=performed_on))
        decide_again(transaction, [1], rules_of(registry), today=performed_on)
        audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")


def test_a_clinician_follows_a_patient_more_closely_than_the_models_say(followed: Registry) -> None:
    overridden = intensity(followed)

    assert (overridden.number, overridden.was_intensity, overridden.intensity) == (1, "basic", "intensive")
    plan = plan_of(followed)
    assert (plan["version"], plan["intensity"]) == (2, "intensive")
    assert json.loads(plan["because"]) == [
        "ehr-postop low → basic",
        "wang-distant-metastasis low → basic",
        "override by dr.lee until 2026-10-30: basic → intensive",
    ]
    assert status_of(followed, "grid-2") == ("open", date(2026, 8, 3))


def test_each_changed_visit_says_which_override_led_to_it(followed: Registry) -> None:
    overridden = intensity(followed)

    added = only(overridden.followed.changes, change="added", grid_month=2)
    step = {"step": "override", "kind": "intensity", "from": "basic", "to": "intensive"}
    assert json.loads(added["chain"])[0] == step | {"until_on": "2026-10-30", "by": "dr.lee"}


def test_an_override_of_the_intensity_is_audited_and_listed(followed: Registry) -> None:
    intensity(followed)

    said = {"override": 1, "from": "basic", "to": "intensive", "until_on": "2026-10-30"}
    assert audited(followed, "override_intensity") == said | {"reason": WHY, "rules": True}
    listed = only(list_overrides(followed, "P-1", today=TODAY))
    del listed["override_id"], listed["episode_id"]
    assert listed == {
        "number": 1,
        "state": "holds",
        "kind": "intensity",
        "intensity": "intensive",
        "visit": None,
        "due_on": None,
        "until_on": LAST_DAY,
        "reason": WHY,
        "recorded_by": "dr.lee",
        "ended_by": None,
    }


@pytest.mark.parametrize(
    ("today", "follows"),
    [
        pytest.param(LAST_DAY - timedelta(days=1), "basic", id="the day before its last"),
        pytest.param(LAST_DAY, "basic", id="on its last day"),
        pytest.param(DAY_AFTER, "intensive", id="the day after its last"),
    ],
)
def test_an_override_survives_a_correction_up_to_and_on_its_last_day(
    followed: Registry, today: date, follows: str
) -> None:
    intensity(followed, "basic")

    sign(followed, stage=PATHOLOGY, findings=HIGH, reason="second reading", today=today)

    assert plan_of(followed)["intensity"] == follows


@pytest.mark.parametrize(
    ("today", "follows", "state"),
    [pytest.param(LAST_DAY, "intensive", "holds", id="on"), pytest.param(DAY_AFTER, "basic", "ran out", id="after")],
)
def test_the_daily_work_lets_an_override_run_out_after_its_last_day(
    followed: Registry, today: date, follows: str, state: str
) -> None:
    intensity(followed)

    again(followed, today)

    assert plan_of(followed)["intensity"] == follows
    assert list_overrides(followed, "P-1", today=today)["state"].to_list() == [state]


def test_ending_an_override_gives_the_plan_its_way_again(followed: Registry) -> None:
    intensity(followed)

    ended = end(followed, reason="biopsy: regenerative")

    assert (ended.number, ended.was_intensity, ended.intensity) == (1, "intensive", "basic")
    assert status_of(followed, "grid-2")[0] == "withdrawn"
    listed = only(list_overrides(followed, "P-1", today=TODAY))
    assert (listed["state"], listed["ended_by"]) == ("ended", "dr.lee")
    said = audited(followed, "end_override")
    assert (said["override"], said["kind"], said["reason"]) == (1, "intensity", "biopsy: regenerative")


def test_a_later_override_takes_the_place_of_the_one_before_and_does_not_give_it_back(followed: Registry) -> None:
    intensity(followed, until_on=date(2027, 6, 30))
    second = intensity(followed, "standard")

    again(followed, DAY_AFTER)

    assert (second.number, second.intensity) == (2, "standard")
    assert list_overrides(followed, "P-1", today=DAY_AFTER)["state"].to_list() == ["ended", "ran out"]
    assert plan_of(followed)["intensity"] == "basic"


def test_an_override_may_begin_and_end_today(followed: Registry) -> None:
    with pytest.raises(LastDayPast, match="the override would end on 2026-06-30; expected today, 2026-07-01"):
        intensity(followed, until_on=TODAY - timedelta(days=1))

    assert intensity(followed, until_on=TODAY).intensity == "intensive"


@pytest.mark.parametrize("reason", ["", "  "])
def test_nobody_overrides_or_ends_an_override_without_a_reason(followed: Registry, reason: str) -> None:
    intensity(followed)
    before = stored(followed)

    with pytest.raises(ReasonNeeded):
        intensity(followed, reason=reason)
    with pytest.raises(ReasonNeeded):
        visit(followed, reason=reason)
    with pytest.raises(ReasonNeeded):
        end(followed, reason=reason)

    assert stored(followed) == before


def test_an_intensity_without_a_schedule_in_the_patients_protocol_is_refused(registry: Registry, tmp_path: Any) -> None:
    import_table(registry, a_table(tmp_path, a_patient()))
    with registry.transaction() as transaction:
        lee = rules_of(registry, protocol="lee-2025")
        decide_again(transaction, None, lee, today=TODAY, keep_protocol=False)
        audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")
    missing = next(each for each in ("basic", "standard", "intensive") if each not in map(str, lee.protocol.schedules))

    with pytest.raises(ScheduleMissing, match=f"P-1 is followed by lee-2025@1, which has no schedule for {missing}"):
        intensity(registry, missing)


def test_there_is_nothing_to_override_without_a_plan(drafted: Registry) -> None:
    with pytest.raises(NothingToOverride, match="P-1 follows no plan that could be overridden: there is no plan"):
        intensity(drafted)


def test_a_visit_is_not_held_up_to_the_last_day_of_its_override(followed: Registry) -> None:
    overridden = visit(followed)
    sign(followed, stage=PATHOLOGY, findings={"resection_margin_mm": "14"}, reason="typo", today=LAST_DAY)
    on_the_day = status_of(followed)
    again(followed, DAY_AFTER)

    withdrawn = only(overridden.followed.changes, change="withdrawn")
    step = {"step": "override", "kind": "visit", "visit": "grid-6", "from": "2026-12-01", "to": None}
    assert json.loads(withdrawn["chain"])[0] == step | {"until_on": "2026-10-30", "by": "dr.lee"}
    assert on_the_day[0] == "withdrawn"
    assert status_of(followed) == ("open", date(2026, 12, 1))


def test_an_override_of_a_visit_is_audited(followed: Registry) -> None:
    visit(followed)

    said = {"override": 1, "visit": "grid-6", "from": "2026-12-01", "to": None, "until_on": "2026-10-30"}
    assert audited(followed, "override_visit") == said | {"reason": WHY, "rules": True}


def test_a_visit_is_held_on_the_day_that_a_clinician_says_whatever_is_corrected(followed: Registry) -> None:
    later = date(2027, 1, 20)

    visit(followed, due_on=later, until_on=later)
    sign(followed, stage=PATHOLOGY, findings={"resection_margin_mm": "14"}, reason="typo")

    assert status_of(followed) == ("open", later)


def test_no_catch_up_visit_overrules_a_later_day_that_a_clinician_chose(followed: Registry) -> None:
    later = date(2027, 1, 20)
    examined(followed, date(2026, 9, 2))

    visit(followed, due_on=later, until_on=later, today=date(2026, 9, 3))
    again(followed, date(2026, 9, 4))

    visits = list_visits(followed, "P-1", today=TODAY)
    assert status_of(followed) == ("open", later)
    assert not visits["visit"].str.starts_with("catch_up").any()


def test_a_rise_of_the_intensity_outweighs_a_later_day_that_a_clinician_chose(followed: Registry) -> None:
    later = date(2027, 1, 20)
    examined(followed, date(2026, 9, 2))
    visit(followed, due_on=later, until_on=later, today=date(2026, 9, 3))

    sign(followed, stage=PATHOLOGY, findings=HIGH, reason="second reading", today=date(2026, 9, 4))

    ahead = list_visits(followed, "P-1", today=TODAY)
    assert ahead["due_on"].min() <= date(2026, 11, 16)  # type: ignore[operator]  # a column of days


def test_ending_the_override_of_a_visit_puts_it_back_and_a_withdrawn_one_may_be_overridden_again(
    followed: Registry,
) -> None:
    visit(followed)
    moved = visit(followed, due_on=date(2026, 10, 20))
    on_another_day = status_of(followed)

    end(followed, 2)

    assert moved.number == 2
    assert on_another_day == ("open", date(2026, 10, 20))
    assert status_of(followed) == ("open", date(2026, 12, 1))


@pytest.mark.parametrize(
    "due_on", [date(2026, 6, 30), date(2026, 10, 31)], ids=["the day before today", "the day after its last"]
)
def test_a_visit_is_put_on_no_day_that_is_past_or_behind_the_override(followed: Registry, due_on: date) -> None:
    with pytest.raises(VisitDayRefused, match=f"a visit cannot be put on {due_on}; expected a day from today"):
        visit(followed, due_on=due_on)


@pytest.mark.parametrize("due_on", [TODAY, LAST_DAY], ids=["today", "its last day"])
def test_a_visit_is_put_on_any_day_of_the_override(followed: Registry, due_on: date) -> None:
    visit(followed, due_on=due_on)

    assert status_of(followed) == ("open", due_on)


def test_a_booked_visit_is_cancelled_before_it_is_not_held_and_flagged_where_it_is_wanted_earlier(
    followed: Registry,
) -> None:
    book_visit(followed, "P-1", "grid-6", on=date(2026, 12, 1), actor="anna", today=TODAY)

    with pytest.raises(AppointmentStands, match="grid-6 of P-1 has an appointment on 2026-12-01"):
        visit(followed)
    earlier = visit(followed, due_on=date(2026, 10, 20))

    assert "wanted by 2026-10-20: bring forward" in only(earlier.followed.changes, change="flagged")["reason"]
    assert status_of(followed) == ("open", date(2026, 12, 1))


def test_only_an_open_visit_of_the_grid_that_is_not_past_is_overridden(followed: Registry) -> None:
    intensity(followed)
    done = pl.DataFrame({"episode_id": [1], "origin": ["grid"], "grid_month": [8], "status": ["done"]})
    with followed.transaction() as transaction:
        transaction.update("visits", done, key=["episode_id", "origin", "grid_month"], put=["status"])
        audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")

    with pytest.raises(VisitNotFound):
        visit(followed, "catch_up-6")
    with pytest.raises(VisitNotOpen, match="grid-3 of P-1 is withdrawn"):
        visit(followed, "grid-3")
    with pytest.raises(VisitNotOpen, match="grid-8 of P-1 is done"):
        visit(followed, "grid-8")
    with pytest.raises(WindowOver, match="the window of grid-2 of P-1 closed on 2026-08-15"):
        visit(followed, "grid-2", today=date(2026, 8, 16))


def test_a_visit_that_a_finding_asked_for_is_not_overridden(followed: Registry) -> None:
    with followed.transaction() as transaction:
        visits = transaction.visits_of([1]).filter(pl.col("grid_month") == 6)
        extra = visits.with_columns(origin=pl.lit("suspicious"), id=pl.lit(transaction.reserve_ids("visits", 1)[0]))
        transaction.append("visits", extra.drop("visit_id"))
        audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")

    with pytest.raises(NotOfTheGrid, match="suspicious-6 of P-1 is not laid out by the plan"):
        visit(followed, "suspicious-6")


def test_an_override_that_is_unknown_or_over_is_not_ended(followed: Registry) -> None:
    with pytest.raises(OverrideNotFound, match="P-1 has no override number 1; its numbers: none"):
        end(followed)
    intensity(followed)
    with pytest.raises(OverrideOver, match="override 1 of P-1 ran out on 2026-10-30"):
        end(followed, today=DAY_AFTER)
    end(followed)
    with pytest.raises(OverrideOver, match="override 1 of P-1 has ended already"):
        end(followed)


def test_a_preview_shows_what_would_change_and_stores_nothing(followed: Registry) -> None:
    intensity(followed)
    before = stored(followed)

    previews = [
        intensity(followed, "standard", preview=True),
        visit(followed, preview=True),
        end(followed, preview=True),
    ]

    assert [each.followed.changes.filter(pl.col("change") == "withdrawn").height > 0 for each in previews] == [True] * 3
    assert stored(followed) == before


def test_the_intensity_after_a_treatment_is_overridden_too_and_the_visits_are_those_of_its_episode(
    followed: Registry,
) -> None:
    treated_on = date(2026, 6, 20)
    told: dict[str, Any] = {"today": TODAY, "actor": "dr.lee"}
    record_event(followed, rules_of(followed), "P-1", "curative_treatment", treated_on, **told)

    overridden = intensity(followed, "standard")
    with pytest.raises(VisitNotFound, match="in the episode from 2026-06-20"):
        visit(followed, "grid-7")
    end(followed)

    assert (overridden.was_intensity, overridden.intensity) == ("intensive", "standard")
    assert plan_of_episode(followed, treated_on) == "intensive"
