"""What one examination counts for: every verdict, its boundaries and its reason."""

from datetime import date
from typing import Any

import pytest

from tests.core.examined import (
    ANCHOR_ON,
    AS_OF,
    CHEST,
    CLOSES_ON,
    DAY,
    DUE_ON,
    LIVER,
    MIDPOINT,
    NEXT_CLOSES_ON,
    NEXT_OPENS_ON,
    OPENS_ON,
    ULTRASOUND,
    Row,
    a_visit,
    an_episode,
    an_examination,
    matched,
    the_next_visit,
)


def verdicts(*examinations: Row, **given: Any) -> list[tuple[int, int | None, str]]:
    """Each examination with the visit that owns its day and its verdict, by number."""
    found = matched(examinations, **given).verdicts.sort("examination_id")
    return found.select("examination_id", "visit_id", "verdict").rows()


def reason(*examinations: Row, **given: Any) -> str:
    """Why the examination with the highest number has its verdict."""
    words: str = matched(examinations, **given).verdicts.sort("examination_id")["reason"].to_list()[-1]
    return words


@pytest.mark.parametrize(
    ("performed_on", "visit_id", "verdict"),
    [
        pytest.param(OPENS_ON - DAY, None, "before_start", id="the day before the first window opens"),
        pytest.param(OPENS_ON, 10, "satisfies", id="the day it opens"),
        pytest.param(DUE_ON, 10, "satisfies", id="the due day"),
        pytest.param(CLOSES_ON, 10, "satisfies", id="the day it closes"),
        pytest.param(CLOSES_ON + DAY, 10, "late", id="the day after"),
        pytest.param(MIDPOINT - DAY, 10, "late", id="the day before the midpoint"),
        pytest.param(MIDPOINT, 10, "late", id="the midpoint, which is the earlier visit's"),
        pytest.param(MIDPOINT + DAY, 11, "early", id="the day after the midpoint"),
        pytest.param(NEXT_OPENS_ON - DAY, 11, "early", id="the day before the next window opens"),
        pytest.param(NEXT_OPENS_ON, 11, "satisfies", id="the day the next window opens"),
        pytest.param(NEXT_CLOSES_ON + DAY, 11, "late", id="the day after the last window closes"),
        pytest.param(AS_OF, 11, "late", id="long after the last window"),
    ],
)
def test_an_examination_is_early_on_time_or_late_for_the_visit_that_owns_its_day(
    performed_on: date, visit_id: int | None, verdict: str
) -> None:
    assert verdicts(an_examination(performed_on=performed_on)) == [(1, visit_id, verdict)]


@pytest.mark.parametrize(
    ("performed_on", "verdict"),
    [
        pytest.param(ANCHOR_ON - DAY, "before_start", id="the day before surgery"),
        pytest.param(ANCHOR_ON, "satisfies", id="the day of surgery, if a window were open"),
        pytest.param(ANCHOR_ON + DAY, "satisfies", id="the day after"),
    ],
)
def test_an_examination_before_surgery_counts_for_nothing(performed_on: date, verdict: str) -> None:
    visit = a_visit(opens_on=ANCHOR_ON - 10 * DAY)

    assert [row[2] for row in verdicts(an_examination(performed_on=performed_on), visits=[visit])] == [verdict]


@pytest.mark.parametrize(
    ("performed_on", "found"),
    [
        pytest.param(DUE_ON - DAY, (1, 10, "satisfies"), id="the day before"),
        pytest.param(DUE_ON, (1, 10, "satisfies"), id="on the day of the end"),
        pytest.param(DUE_ON + DAY, (1, None, "after_end"), id="the day after"),
    ],
)
def test_an_examination_after_the_episode_ended_counts_for_nothing(performed_on: date, found: tuple[Any, ...]) -> None:
    episode = an_episode(ended_on=DUE_ON)

    assert verdicts(an_examination(performed_on=performed_on), episode=episode) == [found]


@pytest.mark.parametrize(
    ("as_of", "found"),
    [
        pytest.param(DUE_ON - DAY, (1, None, "in_future"), id="asked the day before"),
        pytest.param(DUE_ON, (1, 10, "satisfies"), id="asked on the day"),
        pytest.param(DUE_ON + DAY, (1, 10, "satisfies"), id="asked the day after"),
    ],
)
def test_an_examination_in_the_future_counts_for_nothing_yet(as_of: date, found: tuple[Any, ...]) -> None:
    assert verdicts(an_examination(), as_of=as_of) == [found]


def test_the_first_examination_decides_and_the_others_are_extra() -> None:
    late, on_time = an_examination(performed_on=CLOSES_ON + DAY), an_examination(examination_id=2)

    assert verdicts(late, on_time) == [(1, 10, "extra"), (2, 10, "satisfies")]


def test_of_two_on_one_day_the_lower_number_decides() -> None:
    assert verdicts(an_examination(examination_id=2), an_examination(examination_id=1)) == [
        (1, 10, "satisfies"),
        (2, 10, "extra"),
    ]


def test_an_inadequate_result_leaves_the_visit_to_the_next_examination() -> None:
    poor = an_examination(finding="inadequate")
    repeated = an_examination(examination_id=2, performed_on=CLOSES_ON + DAY)

    assert verdicts(poor, repeated) == [(1, 10, "inadequate"), (2, 10, "late")]


def test_ultrasound_never_answers_for_ct() -> None:
    assert verdicts(an_examination(procedure=ULTRASOUND)) == [(1, 10, "inadequate")]


@pytest.mark.parametrize("procedure", ["contrast CT of abdomen and pelvis", "contrast MRI of the liver"])
def test_any_of_what_the_protocol_lists_answers(procedure: str) -> None:
    found = matched([an_examination(procedure=procedure)]).verdicts

    assert found.select("procedure", "verdict").rows() == [(LIVER, "satisfies")]


def test_a_pending_result_answers_until_it_is_found_inadequate() -> None:
    pending = an_examination(result_status="pending", finding=None)
    second = an_examination(examination_id=2, performed_on=CLOSES_ON)

    assert verdicts(pending, second) == [(1, 10, "satisfies"), (2, 10, "extra")]
    assert verdicts(pending | {"result_status": "final", "finding": "inadequate"}, second) == [
        (1, 10, "inadequate"),
        (2, 10, "satisfies"),
    ]


def test_a_procedure_that_the_visit_does_not_ask_for_is_extra() -> None:
    assert verdicts(an_examination(procedure=CHEST)) == [(1, 10, "extra")]


def test_procedures_of_one_visit_are_decided_apart() -> None:
    liver, marker = an_examination(), an_examination(examination_id=2, procedure="afp", performed_on=MIDPOINT)

    assert verdicts(liver, marker) == [(1, 10, "satisfies"), (2, 10, "late")]


@pytest.mark.parametrize("status", ["withdrawn", "censored"])
def test_a_visit_that_is_gone_owns_no_days(status: str) -> None:
    visits = [a_visit(), the_next_visit(status=status)]

    assert verdicts(an_examination(performed_on=NEXT_OPENS_ON), visits=visits) == [(1, 10, "late")]


def test_an_examination_in_an_episode_without_visits_is_extra() -> None:
    assert verdicts(an_examination(), visits=[]) == [(1, None, "extra")]


def test_examinations_of_another_episode_answer_nothing_here() -> None:
    assert verdicts(an_examination(episode_id=2)) == [(1, None, "extra")]


def test_no_examinations_give_no_verdicts() -> None:
    assert verdicts() == []


@pytest.mark.parametrize(
    ("examination", "words"),
    [
        pytest.param(
            {"performed_on": MIDPOINT + DAY},
            "performed 2026-05-03, before the window 2026-05-19 to 2026-06-16 of the visit due 2026-06-02",
            id="early",
        ),
        pytest.param(
            {},
            "performed 2026-04-01, inside the window 2026-03-17 to 2026-04-14 of the visit due 2026-04-01",
            id="satisfies",
        ),
        pytest.param(
            {"performed_on": MIDPOINT},
            "performed 2026-05-02, after the window 2026-03-17 to 2026-04-14 of the visit due 2026-04-01",
            id="late",
        ),
        pytest.param(
            {"result_status": "pending", "finding": None},
            "performed 2026-04-01, inside the window 2026-03-17 to 2026-04-14 of the visit due 2026-04-01; "
            "the result is pending, and counts unless it is found inadequate",
            id="pending",
        ),
        pytest.param({"procedure": CHEST}, "the visit due 2026-04-01 does not ask for chest_ct", id="not asked for"),
        pytest.param({"episode_id": 2}, "no visit is planned in this episode", id="no visit"),
        pytest.param(
            {"finding": "inadequate"},
            "the result of this liver_ct_mri is inadequate; it answers no visit",
            id="inadequate result",
        ),
        pytest.param(
            {"procedure": ULTRASOUND},
            "ultrasound answers for none of the protocol's procedures: liver_ct_mri, chest_ct, afp, pivka_ii",
            id="inadequate procedure",
        ),
        pytest.param(
            {"performed_on": OPENS_ON - DAY},
            "performed 2026-03-16, before the first window opens on 2026-03-17",
            id="before the first window",
        ),
        pytest.param(
            {"performed_on": ANCHOR_ON - DAY},
            "performed 2026-01-30, before the treatment that is followed up, on 2026-01-31",
            id="before surgery",
        ),
        pytest.param(
            {"performed_on": date(2027, 1, 2)},
            "performed 2027-01-02, after the episode ended on 2027-01-01",
            id="after the end",
        ),
        pytest.param(
            {"performed_on": AS_OF + DAY},
            "performed 2028-02-01, after the day asked about, 2028-01-31",
            id="in the future",
        ),
    ],
)
def test_every_verdict_says_why(examination: Row, words: str) -> None:
    assert reason(an_examination(**examination), episode=an_episode(ended_on=date(2027, 1, 1))) == words


def test_an_extra_examination_says_which_one_answered() -> None:
    words = reason(an_examination(), an_examination(examination_id=2, performed_on=CLOSES_ON))

    assert words == "the liver_ct_mri of the visit due 2026-04-01 was answered by examination 1 on 2026-04-01"
