"""The visit soon after a suspicious finding or a marker rise: when it is added, left and withdrawn."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.calendar import WorkingDays
from scheduler.core.short_interval import TRIGGERS, short_interval_visits
from scheduler.core.verdicts import VERDICTS
from scheduler.core.visit_changes import CHANGES, DAYS, EXISTING, KEY, Today
from tests.core import examined
from tests.core.examined import an_examination, matched, planned_visits
from tests.core.protocol_documents import WEEKENDS_ONLY, a_protocol
from tests.core.visits_to_reconcile import existing

DAY = timedelta(days=1)
ANCHOR = date(2026, 1, 31)
FOUND_ON = date(2026, 5, 4)  # a Monday, three whole months after the anchor
CLOSES_ON = date(2026, 6, 3)  # 30 days later, a Wednesday
LIVER = "liver_ct_mri"
BECAUSE = "suspicious liver_ct_mri on 2026-05-04"

Row = dict[str, Any]


def a_trigger(**overrides: Any) -> Row:
    """A suspicious liver imaging on 4 May 2026, after the resection of 31 January."""
    trigger = {
        "episode_id": 1,
        "anchor_on": ANCHOR,
        "procedure": LIVER,
        "performed_on": FOUND_ON,
        "because": BECAUSE,
    }
    return trigger | overrides


def a_short_interval_visit(**overrides: Any) -> Row:
    """The open visit that this trigger asks for."""
    visit = {
        "visit_id": 50,
        "episode_id": 1,
        "origin": "suspicious",
        "grid_month": 3,
        "procedures": [LIVER],
        "opens_on": FOUND_ON + DAY,
        "due_on": CLOSES_ON,
        "closes_on": CLOSES_ON,
        "status": "open",
    }
    return visit | overrides


def a_grid_visit(due_on: date, **overrides: Any) -> Row:
    window = {"opens_on": due_on - 14 * DAY, "due_on": due_on, "closes_on": due_on + 14 * DAY}
    return a_short_interval_visit(**{"visit_id": 10, "origin": "grid"} | window | overrides)


def changes_of(
    triggers: list[Row],
    *visits: Row,
    today: Today = FOUND_ON,
    working_days: WorkingDays = WEEKENDS_ONLY,
    verdicts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    return short_interval_visits(
        pl.DataFrame(triggers, schema=TRIGGERS),
        existing(*visits),
        protocol=a_protocol(),
        working_days=working_days,
        today=today,
        verdicts=verdicts,
    )


def the_visit_after(examination: Row) -> Row:
    """The visit that a suspicious examination asks for, as matching takes it."""
    found_on = examination["performed_on"]
    added = changes_of([a_trigger(anchor_on=examined.ANCHOR_ON, performed_on=found_on)], today=found_on)
    columns = added.select("origin", "procedures", *DAYS).row(0, named=True)
    return examined.a_visit(visit_id=50, **columns)


def window_of(changes: pl.DataFrame) -> tuple[Any, ...]:
    """The first and the last day and the due day of the only visit."""
    assert changes.height == 1
    return changes.select("opens_on", "due_on", "closes_on").row(0)


def applied(visits: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """The visits as the registry holds them once the changes are made."""
    status = pl.col("change").replace_strict({"added": "open", "withdrawn": "withdrawn"}, return_dtype=pl.String)
    next_id = int(visits.select(pl.col("visit_id").max().fill_null(0)).item()) + 1
    number = pl.col("visit_id").fill_null(next_id + pl.int_range(pl.len()))
    changed = changes.with_columns(status=status, visit_id=number).select(*EXISTING)
    return pl.concat([visits.join(changed, on=KEY, how="anti"), changed]).sort("visit_id")


def test_a_suspicious_finding_adds_liver_imaging_within_30_days() -> None:
    changes = changes_of([a_trigger()])

    assert changes.schema == CHANGES
    assert changes.row(0, named=True) == {
        "visit_id": None,
        "episode_id": 1,
        "origin": "suspicious",
        "grid_month": 3,
        "change": "added",
        "reason": "suspicious liver_ct_mri on 2026-05-04: liver_ct_mri within 30 days",
        "procedures": [LIVER],
        "opens_on": date(2026, 5, 5),
        "due_on": CLOSES_ON,
        "closes_on": CLOSES_ON,
        "was_procedures": None,
        "was_due_on": None,
    }


def test_a_marker_rise_asks_for_the_same_imaging() -> None:
    because = "afp 20.0 is at least 2 times the lowest since surgery, 8.0"

    changes = changes_of([a_trigger(procedure="afp", because=because)])

    assert changes["procedures"].to_list() == [[LIVER]]
    assert changes["reason"].item() == f"{because}: liver_ct_mri within 30 days"


def test_nobody_without_a_trigger_gets_a_visit() -> None:
    assert changes_of([], a_grid_visit(FOUND_ON)).equals(pl.DataFrame(schema=CHANGES))


@pytest.mark.parametrize(
    ("performed_on", "month"),
    [
        pytest.param(date(2026, 4, 29), 2, id="the day before the month is whole"),
        pytest.param(date(2026, 4, 30), 3, id="the clamped day"),
        pytest.param(date(2026, 5, 1), 3, id="the day after"),
    ],
)
def test_the_visit_belongs_to_the_whole_month_of_its_trigger(performed_on: date, month: int) -> None:
    assert changes_of([a_trigger(performed_on=performed_on)])["grid_month"].to_list() == [month]


@pytest.mark.parametrize(
    ("performed_on", "visits"),
    [
        pytest.param(ANCHOR - DAY, 0, id="the day before the resection"),
        pytest.param(ANCHOR, 1, id="the day of the resection"),
        pytest.param(FOUND_ON, 1, id="today"),
        pytest.param(FOUND_ON + DAY, 0, id="tomorrow"),
    ],
)
def test_what_is_before_the_resection_or_after_today_asks_for_nothing(performed_on: date, visits: int) -> None:
    assert changes_of([a_trigger(performed_on=performed_on)]).height == visits


@pytest.mark.parametrize(
    ("closed", "due_on"),
    [
        pytest.param([], CLOSES_ON, id="the last day is worked"),
        pytest.param([CLOSES_ON], CLOSES_ON - DAY, id="the last day is a holiday"),
        pytest.param([FOUND_ON + n * DAY for n in range(2, 31)], FOUND_ON + DAY, id="only the first day is worked"),
        pytest.param([FOUND_ON + n * DAY for n in range(1, 31)], CLOSES_ON, id="no day is worked"),
    ],
)
def test_it_is_due_on_the_last_working_day_inside_the_window(closed: list[date], due_on: date) -> None:
    site = WorkingDays(closed=frozenset(closed))

    assert window_of(changes_of([a_trigger()], working_days=site)) == (FOUND_ON + DAY, due_on, CLOSES_ON)


@pytest.mark.parametrize(
    ("today", "window"),
    [
        pytest.param(CLOSES_ON - DAY, (FOUND_ON + DAY, CLOSES_ON, CLOSES_ON), id="the day before it closes"),
        pytest.param(CLOSES_ON, (FOUND_ON + DAY, CLOSES_ON, CLOSES_ON), id="the day it closes"),
        pytest.param(
            CLOSES_ON + DAY, (date(2026, 6, 4), date(2026, 7, 3), date(2026, 7, 4)), id="the day after it closed"
        ),
    ],
)
def test_a_trigger_that_was_recorded_late_counts_from_today(today: date, window: tuple[date, ...]) -> None:
    assert window_of(changes_of([a_trigger()], today=today)) == window


def test_a_trigger_that_was_recorded_late_says_from_when_it_counts() -> None:
    changes = changes_of([a_trigger()], today=CLOSES_ON + DAY)

    assert (
        changes["reason"].item()
        == f"{BECAUSE}: liver_ct_mri within 30 days of 2026-06-04, since its own window is over"
    )


def test_each_patient_is_looked_at_on_their_own_day() -> None:
    today = {1: CLOSES_ON, 2: CLOSES_ON + DAY}

    changes = changes_of([a_trigger(episode_id=2), a_trigger()], today=today)

    assert changes.select("episode_id", "opens_on").rows() == [(1, FOUND_ON + DAY), (2, CLOSES_ON + DAY)]


def test_the_first_trigger_of_a_month_decides() -> None:
    later = a_trigger(performed_on=FOUND_ON + 3 * DAY, procedure="afp", because="afp has risen")

    changes = changes_of([later, a_trigger()], today=FOUND_ON + 3 * DAY)

    assert changes.select("reason", "closes_on").rows() == [(f"{BECAUSE}: liver_ct_mri within 30 days", CLOSES_ON)]


def test_triggers_of_two_months_that_one_visit_answers_add_one_visit() -> None:
    triggers = [a_trigger(performed_on=FOUND_ON + days * DAY) for days in (0, 29)]

    changes = changes_of(triggers, today=FOUND_ON + 29 * DAY)

    assert changes["grid_month"].to_list() == [3]


def test_a_trigger_on_the_due_day_of_an_earlier_ones_visit_adds_its_own() -> None:
    triggers = [a_trigger(performed_on=FOUND_ON + days * DAY) for days in (0, 30)]

    changes = changes_of(triggers, today=FOUND_ON + 30 * DAY)

    assert changes["grid_month"].to_list() == [3, 4]


@pytest.mark.parametrize("status", ["open", "done"])
@pytest.mark.parametrize(
    ("due_on", "added"),
    [
        pytest.param(FOUND_ON - DAY, 1, id="due the day before the trigger"),
        pytest.param(FOUND_ON, 1, id="due on its day"),
        pytest.param(FOUND_ON + DAY, 0, id="due the day after it"),
        pytest.param(CLOSES_ON, 0, id="due on the last day of the window"),
        pytest.param(CLOSES_ON + DAY, 1, id="due the day after the window"),
    ],
)
def test_a_visit_that_images_the_liver_inside_the_window_is_enough(due_on: date, added: int, status: str) -> None:
    assert changes_of([a_trigger()], a_grid_visit(due_on, status=status)).height == added


@pytest.mark.parametrize(
    "other",
    [{"status": "withdrawn"}, {"status": "censored"}, {"status": "missed"}, {"procedures": ["afp"]}, {"episode_id": 2}],
    ids=["withdrawn", "censored", "missed", "for a marker only", "of another patient"],
)
def test_another_visit_inside_the_window_is_not_enough(other: Row) -> None:
    assert changes_of([a_trigger()], a_grid_visit(CLOSES_ON, **other)).height == 1


@pytest.mark.parametrize(
    ("performed_on", "added"),
    [
        pytest.param(FOUND_ON - DAY, 1, id="imaged the day before"),
        pytest.param(FOUND_ON, 1, id="imaged on the day of the finding"),
        pytest.param(FOUND_ON + DAY, 0, id="imaged the day after"),
    ],
)
def test_a_visit_that_the_suspicious_scan_itself_answered_is_not_enough(performed_on: date, added: int) -> None:
    answer = (1, 1, 10, LIVER, performed_on, "satisfies", "inside the window")
    verdicts = pl.DataFrame([answer], schema=VERDICTS, orient="row")

    changes = changes_of([a_trigger()], a_grid_visit(FOUND_ON + 3 * DAY, status="done"), verdicts=verdicts)

    assert changes.height == added


@pytest.mark.parametrize("status", ["open", "done", "missed", "censored"])
def test_the_visit_of_the_month_is_left_as_it_is(status: str) -> None:
    assert changes_of([a_trigger()], a_short_interval_visit(status=status, due_on=ANCHOR)).is_empty()


def test_a_withdrawn_visit_of_the_month_is_added_again_under_its_number() -> None:
    changes = changes_of([a_trigger()], a_short_interval_visit(status="withdrawn", due_on=ANCHOR))

    assert changes.select("visit_id", "change", "reason", "due_on", "was_procedures", "was_due_on").rows() == [
        (50, "added", f"withdrawn before, {BECAUSE}: liver_ct_mri within 30 days", CLOSES_ON, [LIVER], ANCHOR)
    ]


@pytest.mark.parametrize(
    ("today", "change"),
    [
        pytest.param(CLOSES_ON - DAY, ["withdrawn"], id="the day before it closes"),
        pytest.param(CLOSES_ON, ["withdrawn"], id="the day it closes"),
        pytest.param(CLOSES_ON + DAY, [], id="past"),
    ],
)
def test_a_visit_whose_finding_was_corrected_is_withdrawn_unless_it_is_past(today: date, change: list[str]) -> None:
    assert changes_of([], a_short_interval_visit(), today=today)["change"].to_list() == change


@pytest.mark.parametrize("status", ["done", "missed", "censored", "withdrawn"])
def test_a_visit_that_is_not_open_stays_when_its_finding_is_corrected(status: str) -> None:
    assert changes_of([], a_short_interval_visit(status=status)).is_empty()


def test_a_withdrawn_visit_says_why_and_how_it_was() -> None:
    changes = changes_of([], a_short_interval_visit())

    assert changes.select("visit_id", "reason", "due_on", "was_procedures", "was_due_on").rows() == [
        (50, "no suspicious finding or marker rise asks for it any more in month 3", CLOSES_ON, [LIVER], CLOSES_ON)
    ]


def test_a_grid_visit_is_never_withdrawn() -> None:
    assert changes_of([], a_grid_visit(CLOSES_ON), a_short_interval_visit(status="done")).is_empty()


def test_a_visit_that_goes_answers_for_no_other_trigger() -> None:
    trigger = a_trigger(performed_on=FOUND_ON + 28 * DAY)

    changes = changes_of([trigger], a_short_interval_visit(), today=FOUND_ON + 28 * DAY)

    assert changes.select("grid_month", "change").rows() == [(3, "withdrawn"), (4, "added")]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found in two patients, the visits they had, and the day of each."""

    triggers: list[Row]
    visits: list[Row]
    today: dict[int, date]

    def changes(self, visits: pl.DataFrame) -> pl.DataFrame:
        return changes_of(self.triggers, *visits.to_dicts(), today=self.today)


@st.composite
def found(draw: st.DrawFn) -> Found:
    days = st.integers(-5, 200).map(lambda number: ANCHOR + number * DAY)
    episodes = st.sampled_from([1, 2])
    triggers = st.builds(a_trigger, episode_id=episodes, performed_on=days, procedure=st.sampled_from([LIVER, "afp"]))
    states = st.sampled_from(["open", "done", "missed", "withdrawn", "censored"])
    suspicious = st.builds(
        a_short_interval_visit,
        episode_id=episodes,
        grid_month=st.integers(0, 7),
        due_on=days,
        closes_on=days,
        status=states,
    )
    grid = st.builds(a_grid_visit, days, episode_id=episodes, grid_month=st.integers(1, 7), status=states)
    visits = draw(st.lists(suspicious | grid, max_size=8, unique_by=lambda visit: tuple(visit[part] for part in KEY)))
    return Found(
        triggers=draw(st.lists(triggers, max_size=8)),
        visits=[visit | {"visit_id": number} for number, visit in enumerate(visits, start=1)],
        today={1: draw(days), 2: draw(days)},
    )


@settings(deadline=None, max_examples=100)
@given(situation=found())
def test_applying_twice_changes_nothing(situation: Found) -> None:
    visits = existing(*situation.visits)
    afterwards = applied(visits, situation.changes(visits))

    assert situation.changes(afterwards).is_empty()


@settings(deadline=None, max_examples=60)
@given(situation=found())
def test_every_visit_that_is_added_can_still_be_made(situation: Found) -> None:
    changes = situation.changes(existing(*situation.visits))
    added = changes.filter(pl.col("change") == "added")

    for visit in added.iter_rows(named=True):
        assert visit["opens_on"] <= visit["due_on"] <= visit["closes_on"]
        assert visit["closes_on"] >= situation.today[visit["episode_id"]]
    assert not changes.select(*KEY).is_duplicated().any()


def test_imaging_20_days_after_the_finding_answers_the_short_interval_visit_and_the_finding_does_not() -> None:
    grid = planned_visits(intensity="standard", horizon_month=12)
    suspicious = an_examination(performed_on=grid[0]["due_on"], finding="suspicious")
    again = an_examination(examination_id=2, performed_on=suspicious["performed_on"] + 20 * DAY)

    found = matched([suspicious, again], [*grid, the_visit_after(suspicious)])

    assert found.verdicts.select("examination_id", "visit_id", "verdict").rows() == [
        (1, grid[0]["visit_id"], "satisfies"),
        (2, 50, "satisfies"),
    ]
    assert dict(found.visits.select("visit_id", "done_on").rows())[50] == again["performed_on"]


def test_a_suspicious_finding_alone_leaves_its_short_interval_visit_open() -> None:
    grid = planned_visits(intensity="standard", horizon_month=12)
    suspicious = an_examination(performed_on=grid[0]["due_on"], finding="suspicious")

    found = matched([suspicious], [*grid, the_visit_after(suspicious)], as_of=suspicious["performed_on"])

    assert dict(found.visits.select("visit_id", "status").rows())[50] == "open"
