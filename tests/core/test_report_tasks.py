"""What is to be done because pathology is not signed, or a plan stays provisional."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from scheduler.core.episode_tasks import TASKS
from scheduler.core.intensity import NOT_SIGNED
from scheduler.core.report_tasks import PLAN_VERSIONS, SIGNINGS, pathology_tasks, provisional_plan_tasks
from scheduler.core.worklist import open_tasks

RESECTED, DAY_45 = date(2026, 1, 31), date(2026, 3, 17)
RECORDED, DAY_60 = date(2026, 2, 10), date(2026, 4, 11)
DAY = timedelta(days=1)
SETTLED_BY_NECROSIS = "ehr-postop low to high, settled by tumor_necrosis → basic to intensive"


def of_pathology(signed_on: date | None) -> pl.DataFrame:
    return pathology_tasks(pl.DataFrame([(7, 1, RESECTED, signed_on)], schema=SIGNINGS, orient="row"))


def a_version(version: int = 1, **cells: Any) -> dict[str, Any]:
    """A provisional plan of 10 February that is followed."""
    usual = {
        "patient_id": 7,
        "episode_id": 1,
        "anchor_on": RESECTED,
        "version": version,
        "provisional": True,
        "because": [SETTLED_BY_NECROSIS],
        "recorded_on": RECORDED,
        "superseded_on": None,
        "ended_on": None,
    }
    return usual | cells


def of_plans(*versions: dict[str, Any]) -> pl.DataFrame:
    return provisional_plan_tasks(pl.DataFrame(versions, schema=PLAN_VERSIONS))


def open_on(day: date, tasks: pl.DataFrame) -> list[str]:
    return open_tasks(tasks.with_columns(intensity=pl.lit("basic")), as_of=day)["task"].to_list()


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(DAY_45 - DAY, [], id="day 44"),
        pytest.param(DAY_45, ["sign_pathology"], id="day 45"),
        pytest.param(DAY_45 + DAY, ["sign_pathology"], id="day 46"),
    ],
)
def test_unsigned_pathology_is_the_surgeons_task_from_day_45_on(day: date, expected: list[str]) -> None:
    assert open_on(day, of_pathology(None)) == expected


def test_the_task_names_the_resection_and_is_due_on_the_day_it_opens() -> None:
    assert of_pathology(None).row(0, named=True) == {
        "patient_id": 7,
        "episode_id": 1,
        "anchor_on": RESECTED,
        "task": "sign_pathology",
        "opened_on": DAY_45,
        "due_on": DAY_45,
        "owner": "surgeon",
        "reason": "pathology is not signed 45 days after the resection on 2026-01-31",
        "closed_on": None,
    }


@pytest.mark.parametrize(
    ("signed_on", "closed"),
    [
        pytest.param(DAY_45 - DAY, [], id="signed the day before: no task"),
        pytest.param(DAY_45, [], id="signed on the day: no task"),
        pytest.param(DAY_45 + DAY, [DAY_45 + DAY], id="signed the day after"),
    ],
)
def test_signing_pathology_closes_the_task(signed_on: date, closed: list[date]) -> None:
    assert of_pathology(signed_on)["closed_on"].to_list() == closed


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(DAY_60 - DAY, [], id="day 59"),
        pytest.param(DAY_60, ["settle_provisional_plan"], id="day 60"),
        pytest.param(DAY_60 + DAY, ["settle_provisional_plan"], id="day 61"),
    ],
)
def test_a_plan_is_to_be_settled_once_it_was_provisional_for_sixty_days(day: date, expected: list[str]) -> None:
    assert open_on(day, of_plans(a_version())) == expected


def test_the_reason_names_what_would_settle_the_plan() -> None:
    because = [SETTLED_BY_NECROSIS, "wang-distant-metastasis low → basic", NOT_SIGNED]

    listed = of_plans(a_version(because=because))

    assert listed.schema == TASKS
    assert listed["reason"].to_list() == [f"provisional since 2026-02-10: {SETTLED_BY_NECROSIS}; {NOT_SIGNED}"]


def test_where_no_sentence_names_what_is_missing_all_are_told() -> None:
    listed = of_plans(a_version(because=["ehr-postop low to high → basic to intensive", "override by dr.lee"]))

    assert listed["reason"].to_list() == [
        "provisional since 2026-02-10: ehr-postop low to high → basic to intensive; override by dr.lee"
    ]


def test_a_version_that_is_provisional_too_does_not_start_the_days_again() -> None:
    first = a_version(superseded_on=date(2026, 3, 1))
    second = a_version(2, recorded_on=date(2026, 3, 1), because=[NOT_SIGNED])

    listed = of_plans(second, first)

    assert listed.select("opened_on", "reason").rows() == [(DAY_60, f"provisional since 2026-02-10: {NOT_SIGNED}")]


@pytest.mark.parametrize(
    ("settled_on", "closed"),
    [
        pytest.param(DAY_60 - DAY, [], id="settled on day 59"),
        pytest.param(DAY_60, [], id="settled on day 60"),
        pytest.param(DAY_60 + DAY, [DAY_60 + DAY], id="settled on day 61"),
    ],
)
def test_a_version_that_is_not_provisional_settles_it(settled_on: date, closed: list[date]) -> None:
    settled = a_version(2, recorded_on=settled_on, provisional=False, because=["ehr-postop low → basic"])

    assert of_plans(a_version(superseded_on=settled_on), settled)["closed_on"].to_list() == closed


def test_a_plan_that_becomes_provisional_again_counts_anew() -> None:
    settled_on, again_on = date(2026, 3, 1), date(2026, 5, 1)
    versions = (
        a_version(superseded_on=settled_on),
        a_version(2, recorded_on=settled_on, superseded_on=again_on, provisional=False),
        a_version(3, recorded_on=again_on),
    )

    assert of_plans(*versions)["opened_on"].to_list() == [again_on + 60 * DAY]


def test_nobody_settles_the_plan_of_an_episode_that_ended() -> None:
    assert of_plans(a_version(ended_on=DAY_60 - DAY)).is_empty()
    assert of_plans(a_version(ended_on=DAY_60 + DAY))["closed_on"].to_list() == [DAY_60 + DAY]


def test_patients_are_kept_apart() -> None:
    other = a_version(patient_id=8, episode_id=2, provisional=False)

    assert of_plans(a_version(), other)["patient_id"].to_list() == [7]
