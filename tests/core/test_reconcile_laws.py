"""What holds whatever was planned, done, booked and known when a plan is reconciled."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.calendar import day_months_after
from scheduler.core.catch_up import CatchingUp
from scheduler.core.reconcile import KEY, WINDOW, reconcile
from tests.core.protocol_documents import a_plan, a_protocol
from tests.core.visits_to_reconcile import (
    ANCHOR,
    CLOSES_ON,
    LIVER,
    a_visit,
    applied,
    as_planned,
    booked,
    catching_up,
    existing,
)

DAY = timedelta(days=1)
INTENSITIES = ("basic", "standard", "intensive")
SEVERAL_TIMES = settings(deadline=None, max_examples=40)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One patient on a day: what was planned, done, closed and booked, and how closely to follow from now on."""

    first: str
    then: str
    today: date
    statuses: tuple[str, ...]
    imaged: tuple[date, ...]
    appointments: tuple[tuple[int, date], ...]

    @cached_property
    def visits(self) -> pl.DataFrame:
        return as_planned(self.first, horizon_month=60).with_columns(status=pl.Series(self.statuses))

    @cached_property
    def planned(self) -> pl.DataFrame:
        return a_plan(ANCHOR, intensity=self.then, horizon_month=60)

    @cached_property
    def changes(self) -> pl.DataFrame:
        return self.reconcile(self.visits)

    @cached_property
    def afterwards(self) -> pl.DataFrame:
        return applied(self.visits, self.changes)

    @property
    def basis(self) -> CatchingUp:
        is_raised = INTENSITIES.index(self.then) > INTENSITIES.index(self.first)
        return catching_up(*self.imaged, raised=is_raised)

    @property
    def booked(self) -> pl.DataFrame:
        return booked(*self.appointments)

    @property
    def imaged_on(self) -> date:
        """The last liver imaging, else the resection."""
        return max(self.imaged, default=ANCHOR)

    def reconcile(self, visits: pl.DataFrame) -> pl.DataFrame:
        return reconcile(visits, self.planned, today=self.today, booked=self.booked, catching_up=self.basis)

    def liver_days(self, visits: pl.DataFrame) -> list[date]:
        """The due days of the open liver visits after the last imaging."""
        liver = visits.filter(pl.col("status") == "open", pl.col("procedures").list.contains(LIVER))
        return [day for day in liver["due_on"] if day > self.imaged_on]


@st.composite
def situations(draw: st.DrawFn, *, raised: bool = False, bookings: bool = True) -> Situation:
    first = draw(st.sampled_from(INTENSITIES[:-1] if raised else INTENSITIES))
    closer = INTENSITIES[INTENSITIES.index(first) + 1 :]
    today = ANCHOR + timedelta(days=draw(st.integers(0, 1200)))
    visits = as_planned(first, horizon_month=60)
    answers = [draw(answers_until(today, due_on)) for due_on in visits["due_on"]]
    statuses = tuple(status for status, _ in answers)
    ahead = visits.filter(pl.Series(statuses) == "open", pl.col("closes_on") >= today).head(3)
    return Situation(
        first=first,
        then=draw(st.sampled_from(closer if raised else INTENSITIES)),
        today=today,
        statuses=statuses,
        imaged=tuple(day for _, day in answers if day),
        appointments=tuple(
            (visit_id, due_on + timedelta(days=draw(st.integers(-10, 10))))
            for visit_id, due_on in ahead.select("visit_id", "due_on").iter_rows()
            if bookings and draw(st.booleans())
        ),
    )


@st.composite
def answers_until(draw: st.DrawFn, today: date, due_on: date) -> tuple[str, date | None]:
    """What came of a visit: done on a day, missed, or still open."""
    performed_on = due_on + timedelta(days=draw(st.integers(-28, 40)))
    if performed_on <= today and draw(st.booleans()):
        return "done", performed_on
    is_long_past = due_on + timedelta(days=20) < today
    return ("missed" if is_long_past and draw(st.booleans()) else "open"), None


@SEVERAL_TIMES
@given(situation=situations())
def test_reconciling_again_changes_nothing(situation: Situation) -> None:
    visits = situation.afterwards

    again = situation.reconcile(visits)

    assert set(again["change"]) <= {"kept", "left", "flagged"}
    assert again.select(*KEY, *WINDOW).equals(visits.select(*KEY, *WINDOW))
    assert applied(visits, again).equals(visits)


@SEVERAL_TIMES
@given(situation=situations())
def test_what_happened_and_what_is_past_is_as_it_was(situation: Situation) -> None:
    history = (pl.col("status") != "open") | (pl.col("closes_on") < situation.today)
    before = situation.visits.filter(history)

    afterwards = situation.afterwards.join(before.select("visit_id"), on="visit_id", how="semi")

    assert afterwards.sort("visit_id").equals(before.sort("visit_id"))


@SEVERAL_TIMES
@given(situation=situations())
def test_a_booked_visit_stays_open_on_its_days(situation: Situation) -> None:
    days = ["visit_id", "opens_on", "due_on", "closes_on", "status"]
    before = situation.visits.join(situation.booked, on="visit_id", how="semi").select(days)

    afterwards = situation.afterwards.join(situation.booked, on="visit_id", how="semi").select(days)

    assert afterwards.sort("visit_id").equals(before.sort("visit_id"))


@SEVERAL_TIMES
@given(situation=situations())
def test_every_open_visit_ahead_is_in_the_plan_or_booked_or_a_catch_up(situation: Situation) -> None:
    ahead = situation.afterwards.filter(pl.col("status") == "open", pl.col("closes_on") >= situation.today)

    others = ahead.join(situation.planned, on=KEY, how="anti").join(situation.booked, on="visit_id", how="anti")

    assert set(others["origin"]) <= {"catch_up"}


@SEVERAL_TIMES
@given(situation=situations())
def test_nothing_is_done_twice_on_a_day(situation: Situation) -> None:
    done = situation.afterwards.filter(pl.col("status") == "open").explode("procedures")

    assert not done.select("episode_id", "due_on", "procedures").is_duplicated().any()


@SEVERAL_TIMES
@given(situation=situations(raised=True))
def test_a_raised_intensity_never_delays_the_next_liver_imaging(situation: Situation) -> None:
    before = min(situation.liver_days(situation.visits))

    afterwards = min(situation.liver_days(situation.afterwards))

    assert afterwards <= max(before, next_working_day(situation.today))


@SEVERAL_TIMES
@given(situation=situations(bookings=False))
def test_no_gap_after_a_liver_imaging_exceeds_the_interval_and_its_window(situation: Situation) -> None:
    upcoming = min(situation.liver_days(situation.afterwards))

    months = interval_at(situation.planned, upcoming)
    window = a_protocol().window(months)
    assert window
    margin = timedelta(days=window.opens_days_before + window.closes_days_after)
    assert upcoming <= max(day_months_after(situation.imaged_on, months) + margin, next_working_day(situation.today))


@settings(deadline=None, max_examples=15)
@given(patients=st.lists(situations(bookings=False), min_size=2, max_size=4), at_once=st.integers(1, 5))
def test_many_patients_at_once_are_reconciled_as_each_alone(patients: list[Situation], at_once: int) -> None:
    today = patients[0].today
    episodes = range(1, len(patients) + 1)
    visits = [
        one.visits.with_columns(episode_id=pl.lit(number)) for number, one in zip(episodes, patients, strict=True)
    ]
    plans = [
        one.planned.with_columns(episode_id=pl.lit(number)) for number, one in zip(episodes, patients, strict=True)
    ]
    completed = [
        one.basis.completed.with_columns(episode_id=pl.lit(number))
        for number, one in zip(episodes, patients, strict=True)
    ]
    raised = [number for number, one in zip(episodes, patients, strict=True) if one.basis.raised.len()]
    basis = replace(catching_up(), completed=pl.concat(completed), raised=pl.Series(raised, dtype=pl.Int64))

    together = reconcile(pl.concat(visits), pl.concat(plans), today=today, catching_up=basis, episodes_at_once=at_once)

    alone = [reconcile(mine, plan, today=today, catching_up=basis) for mine, plan in zip(visits, plans, strict=True)]
    assert together.equals(pl.concat(alone))


@settings(deadline=None, max_examples=15)
@given(patients=st.lists(situations(), min_size=2, max_size=4), at_once=st.sampled_from([1, 2, 20_000]))
def test_patients_looked_at_on_their_own_days_are_reconciled_as_each_alone(
    patients: list[Situation], at_once: int
) -> None:
    ward = [numbered(one, number) for number, one in enumerate(patients, start=1)]
    days = {number: one.today for number, one in enumerate(patients, start=1)}
    visits, plans, appointments = (pl.concat(frames) for frames in zip(*(mine[:3] for mine in ward), strict=True))
    completed = pl.concat([basis.completed for *_, basis in ward])
    basis = replace(ward[0][3], completed=completed, raised=pl.concat([basis.raised for *_, basis in ward]))

    together = reconcile(visits, plans, today=days, booked=appointments, catching_up=basis, episodes_at_once=at_once)

    alone = [
        reconcile(mine, plan, today=one.today, booked=theirs, catching_up=basis)
        for one, (mine, plan, theirs, basis) in zip(patients, ward, strict=True)
    ]
    assert together.equals(pl.concat(alone))


@pytest.mark.parametrize(
    ("today", "added"),
    [
        pytest.param({1: CLOSES_ON - DAY, 2: CLOSES_ON + DAY}, [1], id="the second a day late"),
        pytest.param({1: CLOSES_ON + DAY, 2: CLOSES_ON}, [2], id="the first a day late"),
        pytest.param({1: CLOSES_ON, 2: CLOSES_ON}, [1, 2], id="both on the last day"),
    ],
)
def test_a_window_is_over_on_the_day_of_its_own_patient(today: dict[int, date], added: list[int]) -> None:
    planned = existing(a_visit(), a_visit(episode_id=2))

    assert reconcile(existing(), planned, today=today)["episode_id"].to_list() == added


def test_a_patient_without_a_day_is_refused() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        reconcile(existing(), existing(a_visit(), a_visit(episode_id=2)), today={1: CLOSES_ON})


@SEVERAL_TIMES
@given(situation=situations())
def test_every_change_has_its_reason(situation: Situation) -> None:
    assert situation.changes["reason"].str.len_chars().min() not in (None, 0)


def numbered(one: Situation, number: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, CatchingUp]:
    """A patient's visits, plan, appointments and basis, under a number that no other patient has."""
    own = {"episode_id": pl.lit(number, dtype=pl.Int64)}
    visit_id = pl.col("visit_id") + 1000 * number
    raised = pl.Series([number] * one.basis.raised.len(), dtype=pl.Int64)
    basis = replace(one.basis, completed=one.basis.completed.with_columns(**own), raised=raised)
    visits = one.visits.with_columns(**own, visit_id=visit_id)
    return visits, one.planned.with_columns(**own), one.booked.with_columns(visit_id=visit_id), basis


def interval_at(planned: pl.DataFrame, day: date) -> int:
    """The interval of the plan's first liver visit on or after a day."""
    months: int = planned.filter(pl.col("due_on") >= day)["interval_months"][0]
    return months


def next_working_day(day: date) -> date:
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day
