"""What is to be done because of results: awaited, read by nobody, markers that rose."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from scheduler.core.episode_tasks import TASKS
from scheduler.core.result_tasks import RESULTS, result_tasks
from scheduler.core.worklist import open_tasks
from tests.core.protocol_documents import a_protocol

ANCHOR, MAY_1 = date(2026, 1, 31), date(2026, 5, 1)
PROTOCOL = a_protocol()


def a_scan(**cells: Any) -> dict[str, Any]:
    """A liver scan of 1 May whose final result found nothing, which nobody has reviewed."""
    usual = {
        "examination_id": 1,
        "patient_id": 7,
        "episode_id": 1,
        "anchor_on": ANCHOR,
        "procedure": "liver_ct_mri",
        "performed_on": MAY_1,
        "result_status": "final",
        "finding": "no_recurrence",
        "value": None,
        "reviewed_on": None,
    }
    return usual | cells


def afp(number: int, on: date, value: float, **cells: Any) -> dict[str, Any]:
    """A value of AFP."""
    return a_scan(examination_id=number, procedure="afp", performed_on=on, value=value, finding=None, **cells)


def tasks(*examinations: dict[str, Any]) -> pl.DataFrame:
    return result_tasks(pl.DataFrame(examinations, schema=RESULTS), PROTOCOL)


def told(*examinations: dict[str, Any]) -> list[tuple[str, date, date, date | None]]:
    """(task, opened, due, closed) of everything that the examinations open."""
    return tasks(*examinations).select("task", "opened_on", "due_on", "closed_on").rows()


def open_on(day: date, *examinations: dict[str, Any]) -> list[str]:
    listed = tasks(*examinations).with_columns(intensity=pl.lit("basic"))
    return open_tasks(listed, as_of=day)["task"].to_list()


def test_a_pending_result_is_awaited_by_the_coordinator_for_fourteen_days() -> None:
    listed = tasks(a_scan(result_status="pending", finding=None))

    assert listed.schema == TASKS
    assert listed.row(0, named=True) == {
        "patient_id": 7,
        "episode_id": 1,
        "anchor_on": ANCHOR,
        "task": "awaited_result",
        "opened_on": MAY_1,
        "due_on": date(2026, 5, 15),
        "owner": "coordinator",
        "reason": "the result of liver_ct_mri on 2026-05-01 is awaited",
        "closed_on": None,
    }


def test_a_final_result_is_not_awaited() -> None:
    assert told(a_scan()) == []


@pytest.mark.parametrize(
    "finding", ["suspicious", "indeterminate", "intrahepatic_recurrence", "extrahepatic_recurrence", "both"]
)
def test_a_finding_that_matters_is_to_be_read_within_seven_days(finding: str) -> None:
    assert told(a_scan(finding=finding)) == [("unread_result", MAY_1, date(2026, 5, 8), None)]


@pytest.mark.parametrize("finding", ["no_recurrence", "inadequate", None])
def test_other_findings_ask_nobody_to_read_them(finding: str | None) -> None:
    assert told(a_scan(finding=finding)) == []


def test_a_suspicious_result_that_is_still_pending_is_awaited_and_not_unread() -> None:
    assert [row[0] for row in told(a_scan(finding="suspicious", result_status="pending"))] == ["awaited_result"]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(date(2026, 4, 30), [], id="the day before the scan"),
        pytest.param(MAY_1, ["unread_result"], id="the day of the scan"),
        pytest.param(date(2026, 5, 9), ["unread_result"], id="the day before the review"),
        pytest.param(date(2026, 5, 10), [], id="the day of the review"),
    ],
)
def test_a_result_is_unread_until_the_day_of_its_review(day: date, expected: list[str]) -> None:
    assert open_on(day, a_scan(finding="suspicious", reviewed_on=date(2026, 5, 10))) == expected


def test_a_marker_that_doubled_is_a_clinicians_task_for_fourteen_days() -> None:
    listed = tasks(afp(1, date(2026, 3, 1), 4.0), afp(2, MAY_1, 8.0))

    assert listed.select("task", "opened_on", "due_on", "owner", "reason", "closed_on").rows() == [
        (
            "marker_rise",
            MAY_1,
            date(2026, 5, 15),
            "treating clinician",
            "afp 8.0 is at least 2 times the lowest since surgery, 4.0 (2026-05-01)",
            None,
        )
    ]


def test_a_value_just_below_the_double_is_no_rise() -> None:
    assert told(afp(1, date(2026, 3, 1), 4.0), afp(2, MAY_1, 7.9)) == []


def test_a_marker_whose_result_was_inadequate_does_not_rise() -> None:
    rise = afp(2, MAY_1, 8.0) | {"finding": "inadequate"}

    assert told(afp(1, date(2026, 3, 1), 4.0), rise) == []


@pytest.mark.parametrize(
    ("scan", "closed_on"),
    [
        pytest.param({"performed_on": date(2026, 4, 30)}, None, id="imaged the day before"),
        pytest.param({"performed_on": MAY_1}, None, id="imaged the same day"),
        pytest.param({"performed_on": date(2026, 5, 2)}, date(2026, 5, 2), id="imaged the day after"),
        pytest.param(
            {"performed_on": date(2026, 5, 2), "procedure": "contrast MRI of the liver"},
            date(2026, 5, 2),
            id="by another name",
        ),
        pytest.param({"performed_on": date(2026, 5, 2), "procedure": "ultrasound"}, None, id="ultrasound"),
        pytest.param({"performed_on": date(2026, 5, 2), "finding": "inadequate"}, None, id="an inadequate scan"),
        pytest.param({"performed_on": date(2026, 5, 2), "result_status": "pending"}, None, id="a pending scan"),
        pytest.param({"performed_on": date(2026, 5, 2), "episode_id": 2}, None, id="a scan of another episode"),
    ],
)
def test_a_rise_is_open_until_the_liver_is_imaged_adequately_after_it(
    scan: dict[str, Any], closed_on: date | None
) -> None:
    rows = told(afp(1, date(2026, 3, 1), 4.0), afp(2, MAY_1, 8.0), a_scan(examination_id=3, **scan))

    assert [closed for task, _, _, closed in rows if task == "marker_rise"] == [closed_on]


def test_a_rise_is_open_until_it_is_reviewed() -> None:
    rows = told(afp(1, date(2026, 3, 1), 4.0), afp(2, MAY_1, 8.0, reviewed_on=date(2026, 5, 3)))

    assert [closed for *_, closed in rows] == [date(2026, 5, 3)]


def test_a_second_rise_of_the_marker_opens_no_second_task_while_the_first_is_open() -> None:
    rows = told(afp(1, date(2026, 3, 1), 4.0), afp(2, MAY_1, 8.0), afp(3, date(2026, 6, 1), 16.0))

    assert [(opened, closed) for _, opened, _, closed in rows] == [(MAY_1, None)]


def test_a_rise_is_not_lost_when_only_the_one_before_it_was_reviewed() -> None:
    first = afp(2, MAY_1, 8.0, reviewed_on=date(2026, 6, 10))

    rows = told(afp(1, date(2026, 3, 1), 4.0), first, afp(3, date(2026, 6, 1), 16.0))

    assert [(opened, closed) for _, opened, _, closed in rows] == [
        (MAY_1, date(2026, 6, 10)),
        (date(2026, 6, 1), None),
    ]


def test_nothing_examined_asks_for_nothing() -> None:
    assert tasks().schema == TASKS
    assert tasks().is_empty()


def test_the_order_of_recording_does_not_matter() -> None:
    start = date(2026, 3, 1)
    series = [
        afp(number, start + timedelta(days=30 * number), value) for number, value in enumerate((4.0, 9.0, 3.0, 7.0))
    ]

    assert told(*series) == told(*reversed(series))
