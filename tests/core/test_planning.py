"""Dated visits: what is planned when, for whom, and the laws that every plan keeps."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.calendar import WorkingDays, day_months_after
from scheduler.core.planning import (
    VISITS,
    afterwards_interval,
    horizon_on,
    no_surveillance,
    plan,
    plan_one,
)
from scheduler.core.protocols import Intensity
from scheduler.core.variables import complete
from tests.core.protocol_documents import PROTOCOLS, a_dictionary, a_plan, a_protocol, anchors

ANCHOR_DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
LIVER = "liver_ct_mri"


@st.composite
def plans(draw: st.DrawFn) -> tuple[date, pl.DataFrame, WorkingDays]:
    """A resection date, its plan under any shipped protocol, and the site's working days."""
    protocol = a_protocol(draw(st.sampled_from(PROTOCOLS)))
    resected_on = draw(ANCHOR_DAYS)
    closed = draw(st.frozensets(st.integers(0, 3700), max_size=60))
    working_days = WorkingDays(
        weekend=draw(st.sampled_from([frozenset({5, 6}), frozenset({4, 5}), frozenset[int]()])),
        closed=frozenset(resected_on + timedelta(days=days) for days in closed),
    )
    visits = a_plan(
        resected_on,
        protocol=protocol,
        intensity=str(draw(st.sampled_from(list(protocol.schedules)))),
        afterwards_months=draw(st.sampled_from([6, 12])),
        working_days=working_days,
    )
    return resected_on, visits, working_days


@pytest.mark.parametrize(
    ("intensity", "months"),
    [
        ("intensive", [2, 4, 6, 8, 10, 12, 15, 18, 21, 24, 28, 32, 36, 42, 48, 54, 60]),
        ("standard", [2, 4, 6, 9, 12, 15, 18, 21, 24, 30, 36, 42, 48, 54, 60]),
        ("basic", [3, 6, 9, 12, 16, 20, 24, 30, 36, 42, 48, 54, 60]),
    ],
)
def test_the_default_protocol_images_the_liver_in_these_months_of_five_years(intensity: str, months: list[int]) -> None:
    visits = a_plan(intensity=intensity, horizon_month=60)

    imaging = visits.filter(pl.col("procedures").list.contains(LIVER))

    assert imaging["grid_month"].to_list() == months


@pytest.mark.parametrize(
    ("intensity", "months"),
    [("intensive", [4, 8, 12, 18, 24, 36, 48, 60]), ("standard", [12, 24, 36, 48, 60]), ("basic", [])],
)
def test_the_default_protocol_images_the_chest_in_these_months(intensity: str, months: list[int]) -> None:
    visits = a_plan(intensity=intensity)

    chest = visits.filter(pl.col("procedures").list.contains("chest_ct"))

    assert chest["grid_month"].to_list() == months
    assert chest["procedures"].list.contains(LIVER).all()


@pytest.mark.parametrize(("afterwards_months", "months"), [(6, [66, 72, 78, 84]), (12, [72, 84])])
def test_surveillance_goes_on_after_five_years(afterwards_months: int, months: list[int]) -> None:
    visits = a_plan(afterwards_months=afterwards_months, horizon_month=84)

    assert visits.filter(pl.col("grid_month") > 60)["grid_month"].to_list() == months


def test_a_plan_says_what_is_done_when_and_in_which_window() -> None:
    visits = a_plan(date(2026, 1, 31), horizon_month=4)

    assert visits.to_dicts() == [
        {
            "episode_id": 1,
            "origin": "grid",
            "grid_month": 2,
            "procedures": [LIVER, "afp", "pivka_ii"],
            "grid_on": date(2026, 3, 31),
            "opens_on": date(2026, 2, 28),
            "due_on": date(2026, 3, 31),
            "closes_on": date(2026, 4, 14),
            "interval_months": 2,
        },
        {
            "episode_id": 1,
            "origin": "grid",
            "grid_month": 4,
            "procedures": [LIVER, "chest_ct", "afp", "pivka_ii"],
            "grid_on": date(2026, 5, 31),
            "opens_on": date(2026, 5, 17),
            "due_on": date(2026, 6, 1),
            "closes_on": date(2026, 6, 14),
            "interval_months": 2,
        },
    ]


def test_the_window_belongs_to_the_grid_day_when_a_holiday_moves_the_due_day() -> None:
    holiday = WorkingDays(closed=frozenset({date(2026, 3, 31)}))

    usual, moved = a_plan(horizon_month=2), a_plan(horizon_month=2, working_days=holiday)

    assert moved["due_on"].item() == date(2026, 4, 1)
    assert moved.drop("due_on").equals(usual.drop("due_on"))


def test_an_episode_without_an_intensity_gets_no_visits() -> None:
    visits = a_plan(intensity=None)

    assert visits.is_empty()
    assert dict(visits.schema) == VISITS


def test_no_anchors_give_no_visits() -> None:
    visits = plan(anchors(), a_protocol(), working_days=WorkingDays(), horizon_month=horizon_on(date(2026, 3, 1)))

    assert dict(visits.schema) == VISITS


def test_each_plan_is_laid_out_to_its_own_horizon() -> None:
    rows = anchors(date(2026, 1, 31), date(2010, 1, 31))

    visits = plan(rows, a_protocol(), working_days=WorkingDays(), horizon_month=horizon_on(date(2026, 1, 31)))

    last = visits.group_by("episode_id", maintain_order=True).agg(pl.col("grid_month").max())
    assert last["grid_month"].to_list() == [120, 16 * 12 + 24]


def test_many_episodes_get_the_plans_that_each_would_get_alone() -> None:
    days = [date(2026, 1, 31), date(2024, 2, 29), date(2025, 12, 24)]

    together = plan(anchors(*days), a_protocol(), working_days=WorkingDays())

    alone = [a_plan(day).with_columns(episode_id=pl.lit(number)) for number, day in enumerate(days, start=1)]
    assert together.equals(pl.concat(alone).cast(together.schema))


def test_a_plan_of_nobody_shows_the_more_frequent_branch_where_it_is_not_said() -> None:
    visits = plan_one(date(2026, 1, 31), Intensity.BASIC, a_protocol(), working_days=WorkingDays())

    assert visits.drop("episode_id").equals(a_plan(intensity="basic", afterwards_months=6).drop("episode_id"))


@settings(deadline=None)
@given(drawn=plans())
def test_every_visit_is_counted_from_the_anchor(drawn: tuple[date, pl.DataFrame, WorkingDays]) -> None:
    resected_on, visits, _ = drawn

    assert visits["grid_on"].to_list() == [day_months_after(resected_on, month) for month in visits["grid_month"]]


@settings(deadline=None)
@given(drawn=plans())
def test_a_visit_is_due_inside_its_window_and_on_a_working_day_whenever_there_is_one(
    drawn: tuple[date, pl.DataFrame, WorkingDays],
) -> None:
    _, visits, working_days = drawn

    for opens_on, due_on, closes_on in visits.select("opens_on", "due_on", "closes_on").iter_rows():
        window = [opens_on + timedelta(days=day) for day in range((closes_on - opens_on).days + 1)]
        assert due_on in window
        assert working_days.includes(due_on) or not any(map(working_days.includes, window))


@settings(deadline=None)
@given(drawn=plans())
def test_windows_of_liver_imaging_never_overlap(drawn: tuple[date, pl.DataFrame, WorkingDays]) -> None:
    _, visits, _ = drawn

    imaging = visits.filter(pl.col("procedures").list.contains(LIVER))

    assert (imaging["opens_on"].shift(-1) > imaging["closes_on"]).drop_nulls().all()


@settings(deadline=None)
@given(drawn=plans())
def test_the_first_year_is_at_least_as_dense_as_any_later_one(drawn: tuple[date, pl.DataFrame, WorkingDays]) -> None:
    _, visits, _ = drawn

    per_year = visits.group_by((pl.col("grid_month") - 1) // 12).len().sort("grid_month")["len"].to_list()

    assert per_year[0] == max(per_year)


@settings(deadline=None)
@given(drawn=plans())
def test_the_first_visit_opens_four_weeks_after_the_resection(drawn: tuple[date, pl.DataFrame, WorkingDays]) -> None:
    resected_on, visits, _ = drawn

    assert visits["opens_on"].first() == resected_on + timedelta(days=28)


@settings(deadline=None)
@given(resected_on=ANCHOR_DAYS, protocol_id=st.sampled_from(PROTOCOLS))
def test_no_visit_falls_outside_its_phase(resected_on: date, protocol_id: str) -> None:
    protocol = a_protocol(protocol_id)

    for intensity, blocks in protocol.schedules.items():
        visits = a_plan(resected_on, protocol=protocol, intensity=str(intensity), horizon_month=60)
        for block in blocks:
            begin = 0
            for phase in block.phases:
                inside = visits.filter(
                    pl.col("grid_month").is_between(begin, phase.until_month, closed="right"),
                    pl.col("procedures").list.contains(block.procedures[0]),
                )
                expected = list(range(begin + phase.every_months, phase.until_month + 1, phase.every_months))
                assert inside["grid_month"].to_list() == expected
                begin = phase.until_month


@settings(deadline=None)
@given(resected_on=ANCHOR_DAYS)
def test_planning_twice_changes_nothing(resected_on: date) -> None:
    assert a_plan(resected_on).equals(a_plan(resected_on))


@settings(deadline=None)
@given(resected_on=ANCHOR_DAYS, month=st.integers(1, 119))
def test_closer_follow_up_never_has_fewer_visits_behind_it(resected_on: date, month: int) -> None:
    behind = [
        a_plan(resected_on, intensity=intensity, horizon_month=month).height
        for intensity in ("basic", "standard", "intensive")
    ]

    assert behind == sorted(behind)


@pytest.mark.parametrize(
    ("cirrhosis", "hbv_positive", "months"),
    [
        (True, False, 6),
        (False, True, 6),
        (True, None, 6),
        (False, False, 12),
        (False, None, 6),
        (None, None, 6),
    ],
)
def test_an_unknown_condition_takes_the_more_frequent_branch(
    cirrhosis: bool | None, hbv_positive: bool | None, months: int
) -> None:
    rows = pl.DataFrame({"cirrhosis": [cirrhosis], "hbv_positive": [hbv_positive]}, schema_overrides=BOOLEANS)
    findings = complete(rows, a_dictionary())

    assert afterwards_interval(findings, a_protocol(), a_dictionary()).to_list() == [months]


def test_without_conditions_everybody_takes_the_last_branch() -> None:
    protocol = a_protocol()
    only = protocol.model_copy(update={"afterwards": protocol.afterwards[1:], "no_surveillance": ()})
    findings = complete(pl.DataFrame({"cirrhosis": [True, None]}), a_dictionary())

    assert afterwards_interval(findings, only, a_dictionary()).to_list() == [12, 12]
    assert no_surveillance(findings, only, a_dictionary()).to_list() == [None, None]


def test_tumour_left_behind_ends_surveillance_and_an_unknown_margin_does_not() -> None:
    findings = complete(pl.DataFrame({"residual_tumor": ["R0", "R1", "R2", None]}), a_dictionary())

    because = no_surveillance(findings, a_protocol(), a_dictionary())

    assert because.to_list() == [None, None, "tumour was left behind; the surgeon decides what follows", None]


BOOLEANS = {"cirrhosis": pl.Boolean, "hbv_positive": pl.Boolean}
