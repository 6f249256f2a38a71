"""What becomes of a visit: done, open or missed as of a day, and what answered it."""

from datetime import date
from typing import Any

import pytest

from scheduler.core.worklist import with_states
from tests.core.examined import (
    AS_OF,
    CHEST,
    CLOSES_ON,
    DAY,
    DUE_ON,
    LIVER,
    MIDPOINT,
    NEXT_OPENS_ON,
    OPENS_ON,
    Row,
    a_visit,
    an_examination,
    matched,
    planned_visits,
    the_next_visit,
    two_visits,
    visits_frame,
)
from tests.core.protocol_documents import a_document, with_part

FOUND = {"examination_id": 1, "performed_on": DUE_ON, "verdict": "satisfies"}
NOTHING = {"examination_id": None, "performed_on": None, "verdict": None}


def statuses(*examinations: Row, **given: Any) -> list[str]:
    return matched(examinations, **given).visits["status"].to_list()


def test_a_visit_is_done_when_its_required_procedure_is_answered() -> None:
    found = matched([an_examination()], [a_visit()]).visits

    assert found.to_dicts() == [
        {
            "visit_id": 10,
            "episode_id": 1,
            "status": "done",
            "done_on": DUE_ON,
            "answers": [{"procedure": LIVER, **FOUND}],
            "missed_before": 0,
        }
    ]


def test_a_visit_with_two_required_procedures_is_done_on_the_day_of_the_last() -> None:
    protocol = with_part(a_document(), "procedures", CHEST, "required", value=True)
    visit = a_visit(procedures=[CHEST, "afp", LIVER])
    chest = an_examination(examination_id=2, procedure=CHEST, performed_on=CLOSES_ON + DAY)

    half = matched([an_examination()], [visit], protocol=protocol).visits
    whole = matched([an_examination(), chest], [visit], protocol=protocol).visits

    assert half.select("status", "done_on").rows() == [("open", None)]
    assert half["answers"].item().to_list() == [{"procedure": CHEST, **NOTHING}, {"procedure": LIVER, **FOUND}]
    assert whole.select("status", "done_on").rows() == [("done", CLOSES_ON + DAY)]


def test_a_marker_is_not_required() -> None:
    marker = an_examination(procedure="afp")

    assert statuses(marker, visits=[a_visit()]) == ["open"]
    assert statuses(an_examination(), visits=[a_visit()]) == ["done"]


def test_a_visit_that_requires_nothing_asks_for_all_it_holds() -> None:
    visit = a_visit(procedures=["afp", "pivka_ii"])
    afp, pivka = an_examination(procedure="afp"), an_examination(examination_id=2, procedure="pivka_ii")

    assert statuses(afp, visits=[visit]) == ["open"]
    assert statuses(afp, pivka, visits=[visit]) == ["done"]


@pytest.mark.parametrize(
    ("as_of", "found"),
    [
        pytest.param(CLOSES_ON, ["open", "open"], id="the day its window closes"),
        pytest.param(NEXT_OPENS_ON - DAY, ["open", "open"], id="the day before the next one's opens"),
        pytest.param(NEXT_OPENS_ON, ["missed", "open"], id="the day the next one's opens"),
    ],
)
def test_an_unanswered_visit_is_missed_once_the_next_ones_window_opens(as_of: date, found: list[str]) -> None:
    assert statuses(as_of=as_of) == found


@pytest.mark.parametrize(
    ("as_of", "found"),
    [
        pytest.param(CLOSES_ON, ["open", "open"], id="the day its own window closes"),
        pytest.param(CLOSES_ON + DAY, ["missed", "open"], id="the day after"),
    ],
)
def test_a_visit_is_not_missed_while_its_own_window_is_open(as_of: date, found: list[str]) -> None:
    catch_up = the_next_visit(origin="catch_up", opens_on=CLOSES_ON - 5 * DAY)

    assert statuses(visits=[a_visit(), catch_up], as_of=as_of) == found


def test_an_unanswered_visit_is_missed_once_the_next_one_is_done_early() -> None:
    scan = an_examination(performed_on=MIDPOINT + DAY)

    assert statuses(scan, as_of=MIDPOINT) == ["open", "open"]
    assert statuses(scan, as_of=MIDPOINT + DAY) == ["missed", "done"]


def test_the_last_visit_is_not_missed_while_no_other_follows() -> None:
    assert statuses() == ["missed", "open"]


def test_a_visit_that_a_person_called_missed_stays_so_until_it_is_answered() -> None:
    visit = a_visit(status="missed")

    assert statuses(visits=[visit], as_of=OPENS_ON) == ["missed"]
    assert statuses(an_examination(), visits=[visit]) == ["done"]


def test_a_visit_given_as_done_is_open_again_when_nothing_answers_for_it() -> None:
    assert statuses(visits=[a_visit(status="done")]) == ["open"]


@pytest.mark.parametrize("status", ["withdrawn", "censored"])
def test_a_visit_that_is_gone_stays_as_it_was(status: str) -> None:
    found = matched([an_examination()], [a_visit(status=status)]).visits

    assert found.select("status", "done_on", "missed_before").rows() == [(status, None, 0)]


def test_the_next_visit_counts_the_misses_in_a_row() -> None:
    visits = planned_visits(intensity="intensive", horizon_month=12)
    scan = an_examination(performed_on=visits[2]["due_on"])

    found = matched([scan], visits, as_of=visits[5]["opens_on"]).visits

    assert found.select("status", "missed_before").rows() == [
        ("missed", 0),
        ("missed", 0),
        ("done", 2),
        ("missed", 0),
        ("missed", 0),
        ("open", 2),
    ]


@pytest.mark.parametrize("as_of", [CLOSES_ON, CLOSES_ON + DAY, MIDPOINT + DAY, NEXT_OPENS_ON, AS_OF])
def test_matching_and_the_worklist_agree_on_what_is_missed(as_of: date) -> None:
    scan = an_examination(performed_on=MIDPOINT + DAY)
    found = matched([scan], as_of=as_of).visits
    stored = visits_frame(
        [visit | {"status": status} for visit, status in zip(two_visits(), found["status"], strict=True)]
    )
    unread = stored.with_columns(status=stored["status"].replace({"missed": "open"}))

    listed = with_states(unread, as_of=as_of)

    missed = listed.filter(listed["state"] == "missed")["visit_id"].to_list()
    assert missed == found.filter(found["status"] == "missed")["visit_id"].to_list()


def test_visits_stand_by_episode_and_due_date() -> None:
    visits = [the_next_visit(), a_visit(visit_id=1, episode_id=2), a_visit()]

    assert matched([], visits).visits["visit_id"].to_list() == [10, 11, 1]


def test_no_visits_give_none() -> None:
    assert matched([an_examination()], []).visits.is_empty()
