"""What each event does to an episode, on either clock, in any order of recording."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.episodes import EPISODES, EpisodeStates, apply_events
from scheduler.core.events import EVENTS, Event, EventsNotUnderstood
from scheduler.core.visit_endings import censor, settle
from tests.core.visits_to_reconcile import a_visit, existing

RESECTED_ON = date(2026, 1, 31)
DAY = date(2026, 6, 1)
LATER = date(2030, 1, 1)
RECORDED_AT = datetime(2026, 6, 2, 9, tzinfo=UTC)
DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
SEVERAL_TIMES = settings(deadline=None, max_examples=60)


def an_event(
    event: str, on: date = DAY, *, detail: str | None = None, recorded_at: datetime = RECORDED_AT, patient_id: int = 7
) -> tuple[Any, ...]:
    return patient_id, event, on, detail, recorded_at


def recurrence(detail: str = "intrahepatic", on: date = DAY, **overrides: Any) -> tuple[Any, ...]:
    return an_event("recurrence", on, detail=detail, **overrides)


def events(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=EVENTS, orient="row")


def episodes(*rows: tuple[int, int, date], **more: Any) -> pl.DataFrame:
    """Episode 1 of patient 7, unless others are given."""
    return pl.DataFrame(list(rows) or [(1, 7, RESECTED_ON)], schema=EPISODES, orient="row").with_columns(**more)


def after(*rows: tuple[Any, ...], as_of: date = LATER, known_at: datetime | None = None) -> EpisodeStates:
    """What the events make of the only episode of patient 7."""
    return apply_events(episodes(), events(*rows), as_of=as_of, known_at=known_at)


def states(found: EpisodeStates) -> list[tuple[Any, ...]]:
    return found.states.select("episode_id", "anchor_on", "state", "since_on", "ended_on", "because").rows()


def effects(found: EpisodeStates) -> list[str]:
    return found.effects["effect"].to_list()


def open_tasks(found: EpisodeStates) -> list[tuple[Any, ...]]:
    is_open = pl.col("closed_on").is_null()
    return found.tasks.filter(is_open).select("task", "opened_on", "due_on", "owner", "reason").rows()


def test_an_episode_without_events_is_active_since_its_resection() -> None:
    found = after()

    assert states(found) == [(1, RESECTED_ON, "active", RESECTED_ON, None, "under surveillance")]
    assert found.tasks.is_empty()
    assert found.new_episodes.is_empty()


@pytest.mark.parametrize(
    ("event", "detail", "state", "because"),
    [
        pytest.param("recurrence", "intrahepatic", "paused", "intrahepatic recurrence", id="intrahepatic"),
        pytest.param("recurrence", "extrahepatic", "handed_over", "extrahepatic recurrence", id="extrahepatic"),
        pytest.param(
            "recurrence", "both", "handed_over", "intrahepatic and extrahepatic recurrence", id="both at once"
        ),
        pytest.param(
            "non_curative_treatment",
            "embolization",
            "handed_over",
            "non curative treatment (embolization)",
            id="embolization",
        ),
        pytest.param("transfer_accepted", None, "ended", "transfer accepted", id="an accepted transfer"),
        pytest.param("death", None, "ended", "death", id="death"),
    ],
)
def test_the_event_leads_to_the_state_on_its_day(event: str, detail: str | None, state: str, because: str) -> None:
    found = after(an_event(event, detail=detail))

    ended_on = DAY if state == "ended" else None
    assert states(found) == [(1, RESECTED_ON, state, DAY, ended_on, f"{because} on 2026-06-01")]
    assert effects(found) == [f"active → {state}"]


@pytest.mark.parametrize(
    ("event", "detail", "effect"),
    [
        pytest.param("lost", None, "ends nothing: the patient is to be found", id="lost"),
        pytest.param("last_seen", None, "a contact", id="last seen"),
        pytest.param("transfer", None, "ends nothing until the receiver accepts", id="a transfer"),
        pytest.param(
            "second_primary", "lung", "flagged: the models do not speak of this patient any more", id="second primary"
        ),
        pytest.param("consent_withdrawn", "contact", "noted; the episode goes on", id="no more contact"),
        pytest.param("consent_withdrawn", "registry", "noted; the episode goes on", id="out of the registry"),
    ],
)
def test_the_event_ends_nothing(event: str, detail: str | None, effect: str) -> None:
    found = after(an_event(event, detail=detail))

    assert states(found) == [(1, RESECTED_ON, "active", RESECTED_ON, None, "under surveillance")]
    assert effects(found) == [effect]


@pytest.mark.parametrize("event", ["curative_treatment", "transplant"])
def test_a_curative_treatment_ends_the_episode_and_begins_an_intensive_one(event: str) -> None:
    found = after(an_event(event, detail="repeat resection"))

    because = f"{event.replace('_', ' ')} (repeat resection) on 2026-06-01"
    assert states(found) == [
        (1, RESECTED_ON, "ended", DAY, DAY, because),
        (None, DAY, "active", DAY, None, "under surveillance"),
    ]
    assert found.new_episodes.rows() == [(7, DAY, "intensive", because)]


def test_a_stored_new_episode_is_not_begun_again() -> None:
    stored = episodes((1, 7, RESECTED_ON), (2, 7, DAY))

    found = apply_events(stored, events(an_event("curative_treatment", detail="ablation")), as_of=LATER)

    assert found.new_episodes.is_empty()
    assert found.states.select("episode_id", "state").rows() == [(1, "ended"), (2, "active")]


def test_a_second_resection_ends_the_episode_before_it_without_any_event() -> None:
    found = apply_events(episodes((1, 7, RESECTED_ON), (2, 7, DAY)), events(), as_of=LATER)

    assert found.states.select("state", "because").rows() == [
        ("ended", "resection on 2026-06-01"),
        ("active", "under surveillance"),
    ]


def test_a_treatment_on_the_day_of_the_recurrence_answers_it() -> None:
    found = after(an_event("curative_treatment", detail="resection"), recurrence())

    assert found.states["state"].to_list() == ["ended", "active"]
    assert found.tasks.select("task", "closed_on").rows() == [("treatment_decision", DAY)]


def test_what_follows_a_curative_treatment_belongs_to_the_new_episode() -> None:
    found = after(
        recurrence(),
        an_event("curative_treatment", date(2026, 6, 20)),
        recurrence("extrahepatic", date(2027, 1, 1)),
    )

    assert found.states.select("state", "since_on").rows() == [
        ("ended", date(2026, 6, 20)),
        ("handed_over", date(2027, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("rows", "task"),
    [
        pytest.param(
            [recurrence()],
            ("treatment_decision", DAY, date(2026, 7, 1), "treating clinician"),
            id="a treatment decision in 30 days",
        ),
        pytest.param(
            [recurrence("extrahepatic")],
            ("acknowledge_hand_over", DAY, date(2026, 6, 15), "treating clinician"),
            id="a hand-over is acknowledged",
        ),
        pytest.param(
            [an_event("transfer")], ("accept_transfer", DAY, date(2026, 7, 1), "coordinator"), id="a transfer"
        ),
        pytest.param([an_event("lost")], ("find_patient", DAY, date(2026, 6, 15), "coordinator"), id="lost"),
        pytest.param(
            [an_event("consent_withdrawn", detail="registry")],
            ("remove_from_registry", DAY, date(2026, 7, 1), "registry auditor"),
            id="out of the registry",
        ),
    ],
)
def test_the_event_opens_a_task_with_an_owner_and_a_day(rows: list[tuple[Any, ...]], task: tuple[Any, ...]) -> None:
    assert [row[:4] for row in open_tasks(after(*rows))] == [task]


def test_a_signed_r2_resection_is_a_task_for_the_surgeon() -> None:
    left_behind = episodes(r2_on=pl.lit(date(2026, 2, 10)))

    found = apply_events(left_behind, events(), as_of=LATER)

    assert open_tasks(found) == [
        (
            "decide_after_r2",
            date(2026, 2, 10),
            date(2026, 2, 24),
            "surgeon",
            "residual tumour (R2) signed on 2026-02-10",
        )
    ]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        pytest.param(recurrence(), an_event("non_curative_treatment", LATER), id="treated without curative intent"),
        pytest.param(recurrence(), an_event("curative_treatment", LATER), id="treated with curative intent"),
        pytest.param(recurrence(), an_event("reopened", LATER, detail="biopsy negative"), id="re-opened"),
        pytest.param(recurrence(), an_event("death", LATER), id="died"),
        pytest.param(recurrence("both"), an_event("acknowledged", LATER, detail="oncology"), id="acknowledged"),
        pytest.param(an_event("transfer"), an_event("transfer_accepted", LATER), id="transfer accepted"),
        pytest.param(an_event("lost"), an_event("last_seen", LATER), id="seen again"),
        pytest.param(an_event("lost"), recurrence(on=LATER), id="seen with a recurrence"),
    ],
)
def test_a_later_event_closes_the_task_on_its_day(opening: tuple[Any, ...], closing: tuple[Any, ...]) -> None:
    before, found = after(opening), after(opening, closing)

    assert before.tasks["closed_on"].to_list() == [None]
    assert found.tasks["closed_on"][0] == LATER


def test_a_patient_lost_twice_is_looked_for_once() -> None:
    found = after(an_event("lost"), an_event("lost", date(2026, 8, 1)))

    assert [task[:2] for task in open_tasks(found)] == [("find_patient", DAY)]


def test_a_second_recurrence_while_paused_opens_no_second_decision() -> None:
    found = after(recurrence(), recurrence(on=date(2026, 8, 1)))

    assert [task[:2] for task in open_tasks(found)] == [("treatment_decision", DAY)]
    assert effects(found) == ["active → paused", "changes nothing: already paused"]


@pytest.mark.parametrize(
    "ended", [recurrence(), recurrence("both"), an_event("transfer_accepted")], ids=["paused", "handed over", "ended"]
)
def test_re_opening_makes_the_episode_active_again_and_keeps_its_reason(ended: tuple[Any, ...]) -> None:
    found = after(ended, an_event("reopened", LATER, detail="came back"))

    assert states(found) == [(1, RESECTED_ON, "active", LATER, None, "reopened (came back) on 2030-01-01")]


def test_a_re_opened_episode_can_be_paused_again() -> None:
    again = date(2027, 1, 1)

    found = after(recurrence(), an_event("reopened", date(2026, 7, 1), detail="biopsy"), recurrence(on=again))

    assert found.states.select("state", "since_on").rows() == [("paused", again)]
    assert [task[:2] for task in open_tasks(found)] == [("treatment_decision", again)]


@pytest.mark.parametrize(
    ("on", "effect"),
    [
        pytest.param(DAY - timedelta(days=1), "active → paused", id="the day before"),
        pytest.param(DAY, "active → paused", id="the day of the death"),
        pytest.param(
            DAY + timedelta(days=1), "after the death on 2026-06-01: kept, changes nothing", id="the day after"
        ),
    ],
)
def test_an_event_after_a_death_is_kept_changes_nothing_and_says_so(on: date, effect: str) -> None:
    found = after(an_event("death"), recurrence(on=on))

    said = found.effects.filter(pl.col("event") == "recurrence")["effect"].to_list()
    assert said == [effect]
    assert found.states.select("state", "ended_on").rows() == [("ended", DAY)]
    assert open_tasks(found) == []


@pytest.mark.parametrize(
    "late", [an_event("reopened", LATER, detail="a mistake"), an_event("curative_treatment", LATER)], ids=str
)
def test_nothing_begins_or_re_opens_after_a_death(late: tuple[Any, ...]) -> None:
    found = after(an_event("death"), late)

    assert states(found) == [(1, RESECTED_ON, "ended", DAY, DAY, "death on 2026-06-01")]
    assert found.new_episodes.is_empty()


def test_an_episode_stored_before_an_earlier_death_was_known_has_ended_too() -> None:
    stored = episodes((1, 7, RESECTED_ON), (2, 7, date(2026, 8, 1)))

    found = apply_events(stored, events(an_event("death")), as_of=LATER)

    assert found.states.select("state", "ended_on", "because").rows() == [
        ("ended", DAY, "death on 2026-06-01"),
        ("ended", DAY, "death on 2026-06-01, before the episode began"),
    ]


def test_of_two_deaths_the_earlier_holds_and_the_other_says_so() -> None:
    found = after(an_event("death", DAY + timedelta(days=3)), an_event("death"))

    assert found.states["ended_on"].to_list() == [DAY]
    assert effects(found) == ["active → ended", "after the death on 2026-06-01: kept, changes nothing"]


def test_an_event_before_any_episode_is_kept_and_says_so() -> None:
    found = after(recurrence(on=RESECTED_ON - timedelta(days=1)))

    assert effects(found) == ["before any episode of this patient: kept, changes nothing"]
    assert found.states["state"].to_list() == ["active"]


def test_facts_about_the_patient_are_told_beside_the_states() -> None:
    found = after(
        an_event("last_seen", date(2026, 3, 1)),
        an_event("second_primary", date(2026, 4, 1), detail="lung"),
        an_event("consent_withdrawn", date(2026, 5, 1), detail="contact"),
        an_event("consent_withdrawn", date(2026, 5, 2), detail="registry"),
        an_event("death", DAY),
        an_event("last_seen", LATER),
    )

    assert found.patients.rows() == [(7, DAY, date(2026, 5, 2), date(2026, 4, 1), date(2026, 5, 1), date(2026, 5, 2))]


@pytest.mark.parametrize(
    ("as_of", "state"),
    [(DAY - timedelta(days=1), "active"), (DAY, "ended"), (DAY + timedelta(days=1), "ended")],
    ids=["the day before", "the day", "the day after"],
)
def test_as_of_tells_what_was_true_by_a_day(as_of: date, state: str) -> None:
    assert after(an_event("death"), as_of=as_of).states["state"].to_list() == [state]


@pytest.mark.parametrize(
    ("known_at", "state"),
    [
        (RECORDED_AT - timedelta(seconds=1), "active"),
        (RECORDED_AT, "ended"),
        (RECORDED_AT + timedelta(seconds=1), "ended"),
    ],
    ids=["just before it was recorded", "as it was recorded", "just after"],
)
def test_as_known_at_tells_what_had_been_recorded_by_a_moment(known_at: datetime, state: str) -> None:
    assert after(an_event("death"), known_at=known_at).states["state"].to_list() == [state]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param(an_event("cured"), "cured ''", id="an unknown event"),
        pytest.param(recurrence("somewhere"), "recurrence 'somewhere'", id="an unknown place"),
        pytest.param(an_event("recurrence"), "recurrence ''", id="no place"),
        pytest.param(an_event("consent_withdrawn"), "consent_withdrawn ''", id="no consent named"),
        pytest.param(an_event("reopened", detail=" "), "reopened without a reason", id="no reason"),
        pytest.param((7, "death", None, None, RECORDED_AT), "death without a day", id="no day"),
    ],
)
def test_an_event_that_means_nothing_is_refused(row: tuple[Any, ...], words: str) -> None:
    with pytest.raises(EventsNotUnderstood, match="1 events are not understood") as refused:
        after(row)

    assert words in refused.value.message


WORDS: dict[str, list[str | None]] = {
    Event.RECURRENCE: ["intrahepatic", "extrahepatic", "both"],
    Event.CONSENT_WITHDRAWN: ["contact", "registry"],
    Event.REOPENED: ["came back"],
}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Up to seven events of two patients, in the order in which they were recorded."""
    rows = []
    for number in range(draw(st.integers(1, 7))):
        event = draw(st.sampled_from(list(Event)))
        rows.append(
            an_event(
                event,
                RESECTED_ON + timedelta(days=draw(st.integers(-1, 12)) * 10),
                detail=draw(st.sampled_from(WORDS.get(event, [None, "resection"]))),
                recorded_at=RECORDED_AT + timedelta(hours=number),
                patient_id=draw(st.sampled_from([7, 8])),
            )
        )
    return rows


TWO_PATIENTS = ((1, 7, RESECTED_ON), (2, 8, RESECTED_ON))


@SEVERAL_TIMES
@given(history=histories(), shuffled=st.randoms(use_true_random=False))
def test_the_order_of_recording_does_not_matter(history: list[tuple[Any, ...]], shuffled: Any) -> None:
    moments = [row[-1] for row in history]
    shuffled.shuffle(moments)
    retold = [(*row[:-1], moment) for row, moment in zip(history, moments, strict=True)]
    shuffled.shuffle(retold)

    one = apply_events(episodes(*TWO_PATIENTS), events(*history), as_of=LATER)
    other = apply_events(episodes(*TWO_PATIENTS), events(*retold), as_of=LATER)

    assert one.states.equals(other.states)
    assert one.tasks.equals(other.tasks)
    assert one.new_episodes.equals(other.new_episodes)
    assert one.patients.equals(other.patients)
    assert one.effects.drop("recorded_at").equals(other.effects.drop("recorded_at"))


@SEVERAL_TIMES
@given(history=histories())
def test_events_folded_one_by_one_as_they_become_known_give_the_same_state(history: list[tuple[Any, ...]]) -> None:
    stored = episodes(*TWO_PATIENTS)
    for known in range(1, len(history) + 1):
        stored = with_begun(stored, apply_events(stored, events(*history[:known]), as_of=LATER))

    folded = apply_events(stored, events(*history), as_of=LATER)
    at_once = apply_events(episodes(*TWO_PATIENTS), events(*history), as_of=LATER)

    key = ["patient_id", "anchor_on"]
    expected = at_once.states.drop("episode_id")
    assert folded.states.join(expected, on=key, how="semi").drop("episode_id").equals(expected)
    withdrawn = folded.states.join(expected, on=key, how="anti")
    assert set(withdrawn["state"]) <= {"ended"}


@SEVERAL_TIMES
@given(history=histories())
def test_every_event_has_one_effect_and_every_patient_one_last_episode(history: list[tuple[Any, ...]]) -> None:
    found = apply_events(episodes(*TWO_PATIENTS), events(*history), as_of=LATER)

    distinct = {row[:4] for row in history}
    assert {row[:4] for row in found.effects.rows()} == distinct
    assert found.effects.height == len(distinct)
    assert found.effects["effect"].null_count() == 0
    not_last = found.states.filter(pl.col("anchor_on") < pl.col("anchor_on").max().over("patient_id"))
    assert set(not_last["state"]) <= {"ended"}


def with_begun(stored: pl.DataFrame, found: EpisodeStates) -> pl.DataFrame:
    """The stored episodes and the new ones, each with an id."""
    new = found.new_episodes.with_columns(episode_id=stored.height + 1 + pl.int_range(pl.len()))
    return pl.concat([stored, new.select(pl.col(name).cast(kind) for name, kind in EPISODES.items())])


@pytest.mark.parametrize(
    ("due_on", "status"),
    [
        pytest.param(DAY - timedelta(days=1), "open", id="due the day before"),
        pytest.param(DAY, "open", id="due that day"),
        pytest.param(DAY + timedelta(days=1), "censored", id="due the day after"),
    ],
)
def test_what_is_due_after_a_death_is_censored_and_what_was_due_before_stays(due_on: date, status: str) -> None:
    visits = existing(a_visit(due_on=due_on))

    censored = censor(visits, after(an_event("death")).states)

    assert censored["status"].to_list() == [status]


def test_nothing_is_missed_after_a_death() -> None:
    visits = existing(a_visit(due_on=LATER, status="missed"))

    assert censor(visits, after(an_event("death")).states)["status"].to_list() == ["censored"]


@pytest.mark.parametrize("status", ["done", "withdrawn"])
def test_a_visit_that_has_its_outcome_is_not_censored(status: str) -> None:
    visits = existing(a_visit(due_on=LATER, status=status))

    assert censor(visits, after(an_event("death")).states).equals(visits)


def test_a_censored_visit_is_open_again_once_the_episode_is_re_opened() -> None:
    visits = existing(a_visit(due_on=LATER))
    moved_away = [an_event("transfer_accepted")]
    came_back = [*moved_away, an_event("reopened", date(2026, 9, 1), detail="came back")]

    censored = censor(visits, after(*moved_away).states)

    assert censored["status"].to_list() == ["censored"]
    assert censor(censored, after(*came_back).states).equals(visits)


@SEVERAL_TIMES
@given(history=histories())
def test_nothing_is_due_after_an_end_and_no_visit_of_an_ended_episode_is_open(history: list[tuple[Any, ...]]) -> None:
    due = [RESECTED_ON + timedelta(days=days) for days in range(0, 140, 5)]
    visits = existing(*(a_visit(grid_month=month, due_on=day, closes_on=day) for month, day in enumerate(due)))
    found = apply_events(episodes(*TWO_PATIENTS), events(*history), as_of=LATER)

    censored, settled = censor(visits, found.states), settle(visits, found.states)

    ended_on = found.states.filter(pl.col("episode_id") == 1)["ended_on"].item()
    open_days = censored.filter(pl.col("status") == "open")["due_on"].to_list()
    assert ended_on is None or all(day <= ended_on for day in open_days)
    assert ended_on is None or settled.filter(pl.col("status") == "open").is_empty()
    assert censor(censored, found.states).equals(censored)


@pytest.mark.parametrize(
    ("folder", "end_states"),
    [
        # 374 patients, 130 deaths; after 128 recurrences in the liver and 41 outside it
        ("tcga-lihc", {"active": 150, "paused": 73, "handed_over": 21, "ended": 130}),
        # 508 patients and 11 new episodes; 228 deaths and the 11 episodes that a treatment ended
        ("sysucc-visits", {"active": 243, "handed_over": 37, "ended": 239}),
    ],
    ids=["TCGA-LIHC", "SYSUCC"],
)
def test_the_events_of_real_patients_fold_without_loss(folder: str, end_states: dict[str, int]) -> None:
    path = DATA / folder
    if not path.exists():
        pytest.skip(f"the real patients of {folder} are not beside the repository")
    patients, recorded = real_events(path)

    found = apply_events(patients, recorded, as_of=date(2100, 1, 1))
    one_by_one = by_day_of_recording(patients, recorded)

    assert found.effects.height == recorded.height
    assert found.effects["effect"].null_count() == 0
    assert states_by_patient(one_by_one).equals(states_by_patient(found))
    counts = dict(found.states["state"].value_counts().iter_rows())
    assert counts == end_states


def real_events(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One episode per patient of a registry file, and the events of its event file, each known the day after."""
    with (folder / "registry.csv").open(encoding="utf-8") as registry:
        rows = list(csv.DictReader(registry))
    numbers = {row["mrn"]: number for number, row in enumerate(rows, start=1)}
    stored = [(numbers[row["mrn"]], numbers[row["mrn"]], date.fromisoformat(row["resected_on"])) for row in rows]
    with (folder / "events.csv").open(encoding="utf-8") as happened:
        found = [
            (numbers[row["mrn"]], row["event"], date.fromisoformat(row["on"]), row["detail"] or None, RECORDED_AT)
            for row in csv.DictReader(happened)
        ]
    return episodes(*stored), events(*found)


def by_day_of_recording(stored: pl.DataFrame, recorded: pl.DataFrame) -> EpisodeStates:
    """The same events, known a year at a time, the latest first: each time what is begun is stored."""
    for year in sorted(recorded["on"].dt.year().unique(), reverse=True):
        known = recorded.filter(pl.col("on").dt.year() >= year)
        found = apply_events(stored, known, as_of=date(2100, 1, 1))
        stored = with_begun(stored, found)
    return apply_events(stored, recorded, as_of=date(2100, 1, 1))


def states_by_patient(found: EpisodeStates) -> pl.DataFrame:
    return found.states.drop("episode_id").sort("patient_id", "anchor_on")
