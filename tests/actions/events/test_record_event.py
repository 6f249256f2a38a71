"""Recording events: what each does to episodes, visits and examinations, and what taking it back undoes."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from scheduler.actions.events.list_events import list_events
from scheduler.actions.events.record_event import DiedAlready, EventRecordedAlready, EventRefused
from scheduler.actions.events.storing_events import TO_STORE, store_events
from scheduler.actions.events.take_back_event import EventNotFound, SeveralEvents
from scheduler.actions.finding import find_patient
from scheduler.actions.one_patient import ReasonNeeded
from scheduler.store.registry import Registry
from tests.actions.lives import (
    FIRST_VISIT,
    NEW_YEAR,
    SECOND_VISIT,
    THIRD_VISIT,
    episodes,
    examined,
    happened,
    taken_back,
    verdicts,
    visits,
    whose,
)
from tests.actions.tables import actions_of, stored
from tests.databases import some_audit_rows

RESECTED = date(2026, 6, 1)
TREATED = date(2026, 10, 1)
DAY = timedelta(days=1)


def test_an_intrahepatic_recurrence_pauses_and_asks_for_a_treatment_decision_in_30_days(followed: Registry) -> None:
    recorded = happened(followed, "recurrence", FIRST_VISIT, detail="intrahepatic")

    assert recorded.effect == "active → paused"
    tasks = recorded.consequences.opened.select("task", "due_on", "owner", "reason").rows()
    reason = "intrahepatic recurrence on 2026-09-01"
    assert tasks == [("treatment_decision", FIRST_VISIT + 30 * DAY, "treating clinician", reason)]
    assert episodes(followed) == [(RESECTED, "paused")]


def test_a_treatable_recurrence_never_just_stops_surveillance(followed: Registry) -> None:
    """Hazard 1: paused means that a decision is awaited, and its visits stay; treated means intensive follow-up."""
    before = visits(followed)

    paused = happened(followed, "recurrence", FIRST_VISIT, detail="intrahepatic")
    kept = visits(followed)
    treated = happened(followed, "curative_treatment", TREATED, detail="ablation")

    assert kept == before
    assert paused.consequences.opened["task"].to_list() == ["treatment_decision"]
    assert treated.consequences.closed["task"].to_list() == ["treatment_decision"]
    assert episodes(followed) == [(RESECTED, "ended"), (TREATED, "active")]
    assert visits(followed, anchor_on=TREATED)[:3] == ["grid-2", "grid-4", "grid-6"]


def test_curative_treatment_begins_an_intensive_episode_to_which_later_examinations_belong(followed: Registry) -> None:
    examined(followed)
    examined(followed, SECOND_VISIT)

    treated = happened(followed, "curative_treatment", TREATED, detail="ablation")

    assert treated.effect == "ends the episode and begins the next"
    assert whose(followed, FIRST_VISIT) == [RESECTED]
    assert whose(followed, SECOND_VISIT) == [TREATED]
    with followed.reading() as reading:
        plan = reading.current_plans().filter(pl.col("episode_id") == reading.episodes_of()["episode_id"].max())
    assert plan.select("intensity", "stage", "protocol_id").rows() == [("intensive", "treatment", "risk-adapted")]


def test_taking_the_treatment_back_voids_its_episode_and_the_examinations_go_home(followed: Registry) -> None:
    examined(followed, SECOND_VISIT)
    before = verdicts(followed)
    happened(followed, "curative_treatment", TREATED)

    taken_back(followed, "curative_treatment", TREATED)

    assert episodes(followed) == [(RESECTED, "active"), (TREATED, "ended")]
    assert whose(followed, SECOND_VISIT) == [RESECTED]
    assert verdicts(followed) == before
    assert visits(followed, anchor_on=TREATED) == []
    assert visits(followed)[-1] == "grid-120"


def test_a_death_ends_the_episode_and_nothing_is_due_any_more(followed: Registry) -> None:
    recorded = happened(followed, "death", TREATED)

    assert recorded.effect == "active → ended"
    assert episodes(followed) == [(RESECTED, "ended")]
    assert visits(followed) == []
    assert visits(followed, status="missed") == ["grid-3"]
    assert visits(followed, status="censored")[0] == "grid-6"


def test_a_death_says_how_many_examinations_come_after_it(followed: Registry) -> None:
    examined(followed)
    examined(followed, SECOND_VISIT)

    recorded = happened(followed, "death", TREATED)

    others = recorded.consequences.other_verdicts.select("performed_on", "was", "verdict").rows()
    assert others == [(SECOND_VISIT, "satisfies", "after_end")]
    assert verdicts(followed)["liver_ct_mri", FIRST_VISIT, 1] == "satisfies"


def test_taking_a_death_back_opens_the_visits_again(followed: Registry) -> None:
    examined(followed, SECOND_VISIT)
    before = (visits(followed), verdicts(followed), episodes(followed))
    happened(followed, "death", FIRST_VISIT)

    recorded = taken_back(followed, "death", FIRST_VISIT)

    assert recorded.effect is None
    assert recorded.consequences.followed.states.select("was", "state").rows() == [("ended", "active")]
    assert (visits(followed), verdicts(followed), episodes(followed)) == before


def test_an_event_taken_back_and_recorded_again_gets_the_next_number(followed: Registry) -> None:
    happened(followed, "death", TREATED)
    taken_back(followed, "death", TREATED)

    happened(followed, "death", TREATED)

    with followed.reading() as reading:
        versions = reading.event_versions().select("number", "withdrawn_by", "withdrawn_because").rows()
    assert versions == [(1, "anna", "of another patient"), (2, None, None)]
    assert episodes(followed) == [(RESECTED, "ended")]


def test_nothing_is_missed_after_a_death_that_is_learned_late(followed: Registry) -> None:
    happened(followed, "curative_treatment", date(2027, 2, 1), today=date(2027, 2, 1))

    happened(followed, "death", TREATED, today=THIRD_VISIT)

    assert visits(followed, status="missed") == ["grid-3"]
    assert visits(followed, status="censored")[0] == "grid-6"


def test_nobody_dies_twice(followed: Registry) -> None:
    happened(followed, "death", TREATED)

    with pytest.raises(DiedAlready) as refused:
        happened(followed, "death", SECOND_VISIT)

    assert "a death of P-1 on 2026-10-01 is recorded" in refused.value.message
    assert "hepwatch event take-back P-1 death --on 2026-10-01 --reason" in refused.value.advice


def test_what_happens_after_a_death_is_kept_and_changes_nothing(followed: Registry) -> None:
    happened(followed, "death", FIRST_VISIT)

    recorded = happened(followed, "curative_treatment", TREATED)

    assert recorded.effect == "after the death on 2026-09-01: kept, changes nothing"
    assert episodes(followed) == [(RESECTED, "ended")]


def test_a_transfer_ends_only_when_the_receiver_accepts(followed: Registry) -> None:
    asked = happened(followed, "transfer", FIRST_VISIT, detail="Busan")
    state_before = episodes(followed)

    accepted = happened(followed, "transfer_accepted", TREATED)

    assert asked.effect == "ends nothing until the receiver accepts"
    assert asked.consequences.opened["task"].to_list() == ["accept_transfer"]
    assert state_before == [(RESECTED, "active")]
    assert accepted.consequences.closed["task"].to_list() == ["accept_transfer"]
    assert episodes(followed) == [(RESECTED, "ended")]


def test_losing_sight_of_a_patient_ends_nothing_and_asks_to_find_them(followed: Registry) -> None:
    before = visits(followed)

    lost = happened(followed, "lost", FIRST_VISIT)
    seen = happened(followed, "last_seen", TREATED)

    assert lost.consequences.opened.select("task", "owner").rows() == [("find_patient", "coordinator")]
    assert seen.consequences.closed["task"].to_list() == ["find_patient"]
    assert (visits(followed), episodes(followed)) == (before, [(RESECTED, "active")])


@pytest.mark.parametrize(
    ("detail", "tasks"),
    [pytest.param("contact", [], id="contact"), pytest.param("registry", ["remove_from_registry"], id="registry")],
)
def test_withdrawn_consent_ends_no_episode(followed: Registry, detail: str, tasks: list[str]) -> None:
    recorded = happened(followed, "consent_withdrawn", FIRST_VISIT, detail=detail)

    assert recorded.effect == "noted; the episode goes on"
    assert recorded.consequences.opened["task"].to_list() == tasks
    assert episodes(followed) == [(RESECTED, "active")]


def test_a_hand_over_is_acknowledged_and_may_be_re_opened(followed: Registry) -> None:
    handed = happened(followed, "non_curative_treatment", FIRST_VISIT, detail="TACE, Dr. Kim")
    acknowledged = happened(followed, "acknowledged", FIRST_VISIT + DAY, detail="Dr. Kim")
    reopened = happened(followed, "reopened", TREATED, detail="back under surveillance")

    assert handed.consequences.opened["task"].to_list() == ["acknowledge_hand_over"]
    assert acknowledged.consequences.closed["task"].to_list() == ["acknowledge_hand_over"]
    assert reopened.effect == "handed_over → active"
    assert episodes(followed) == [(RESECTED, "active")]


def test_in_whatever_order_events_are_recorded_the_episodes_are_the_same(followed: Registry) -> None:
    happened(followed, "curative_treatment", TREATED)
    happened(followed, "recurrence", FIRST_VISIT, detail="intrahepatic")

    with followed.reading() as reading:
        belongs = reading.events_of().join(reading.episodes_of(), on="episode_id").select("event", "anchor_on").rows()
    assert episodes(followed) == [(RESECTED, "ended"), (TREATED, "active")]
    assert ("recurrence", RESECTED) in belongs


REFUSED = [
    pytest.param("recurrence", FIRST_VISIT, "", "intrahepatic, extrahepatic or both", id="recurrence, nowhere"),
    pytest.param("recurrence", FIRST_VISIT, "lung", "intrahepatic, extrahepatic or both", id="recurrence, elsewhere"),
    pytest.param("consent_withdrawn", FIRST_VISIT, "", "contact or registry", id="consent to nothing"),
    pytest.param("reopened", FIRST_VISIT, " ", "why the episode is re-opened; it is empty", id="re-opened, no reason"),
    pytest.param("transfer", FIRST_VISIT, "", "where the patient goes; it is empty", id="transfer, nowhere"),
    pytest.param("death", NEW_YEAR + DAY, "", "2027-01-02 is in the future; today is 2027-01-01", id="tomorrow"),
    pytest.param("death", RESECTED - DAY, "", "before the resection on 2026-06-01", id="death before surgery"),
    pytest.param("died", FIRST_VISIT, "", "there is no event died; it is one of recurrence", id="unknown word"),
]


@pytest.mark.parametrize(("event", "on", "detail", "said"), REFUSED)
def test_what_cannot_be_is_refused(followed: Registry, event: str, on: date, detail: str, said: str) -> None:
    before = stored(followed)

    with pytest.raises(EventRefused) as refused:
        happened(followed, event, on, detail=detail)

    assert said in refused.value.message
    assert stored(followed) == before


def test_an_event_of_today_and_a_death_on_the_day_of_surgery_may_be_recorded(followed: Registry) -> None:
    assert happened(followed, "last_seen", NEW_YEAR).effect == "a contact"
    assert happened(followed, "death", RESECTED).effect == "active → ended"


def test_an_event_before_the_resection_is_kept_and_changes_nothing(followed: Registry) -> None:
    recorded = happened(followed, "recurrence", RESECTED - DAY, detail="intrahepatic")

    assert recorded.effect == "before any episode of this patient: kept, changes nothing"
    assert episodes(followed) == [(RESECTED, "active")]


def test_the_same_event_is_not_recorded_twice(followed: Registry) -> None:
    happened(followed, "curative_treatment", TREATED, detail="ablation")

    with pytest.raises(EventRecordedAlready, match="curative treatment on 2026-10-01 of P-1 is recorded already"):
        happened(followed, "curative_treatment", TREATED, detail=" ablation ")


def test_events_that_stand_already_are_not_stored_again(followed: Registry) -> None:
    happened(followed, "last_seen", FIRST_VISIT)
    with followed.transaction() as transaction:
        patient = find_patient(transaction, "P-1")
        one = (patient.patient_id, patient.episode_id, "last_seen", FIRST_VISIT, "", "anna")
        other = (*one[:3], TREATED, *one[4:])
        rows = pl.DataFrame([one, other, other], schema=TO_STORE, orient="row")

        counts = [store_events(transaction, rows), store_events(transaction, rows)]
        transaction.append_audit(some_audit_rows([None]))

    assert counts == [1, 0]


def test_only_an_event_that_stands_can_be_taken_back(followed: Registry) -> None:
    examined(followed, finding="intrahepatic_recurrence")
    happened(followed, "lost", TREATED, detail="moved")
    happened(followed, "lost", TREATED, detail="no answer")

    with pytest.raises(EventNotFound, match="no death on 2026-10-01 is recorded of P-1"):
        taken_back(followed, "death", TREATED)
    with pytest.raises(EventNotFound) as of_examination:
        taken_back(followed, "recurrence", FIRST_VISIT)
    with pytest.raises(SeveralEvents, match="2 of lost on 2026-10-01 are recorded of P-1, with different details"):
        taken_back(followed, "lost", TREATED)
    with pytest.raises(ReasonNeeded):
        taken_back(followed, "lost", TREATED, detail="moved", reason="")

    assert "correct the examination" in of_examination.value.advice
    taken_back(followed, "lost", TREATED, detail="moved")
    assert taken_back(followed, "lost", TREATED).consequences.closed["task"].to_list() == ["find_patient"]


def test_a_preview_shows_what_would_follow_and_stores_nothing(followed: Registry) -> None:
    happened(followed, "recurrence", FIRST_VISIT, detail="intrahepatic")
    before = stored(followed)

    death = happened(followed, "death", TREATED, preview=True)
    treatment = happened(followed, "curative_treatment", TREATED, preview=True)
    back = taken_back(followed, "recurrence", FIRST_VISIT, preview=True)

    assert death.consequences.followed.states["state"].to_list() == ["ended"]
    assert treatment.consequences.followed.states["state"].to_list() == ["ended", "active"]
    assert back.consequences.followed.states["state"].to_list() == ["active"]
    assert stored(followed) == before


def test_the_audit_says_what_was_recorded_and_keeps_free_text_out(followed: Registry) -> None:
    happened(followed, "transfer", FIRST_VISIT, detail="Dr. Hong in Busan")
    happened(followed, "recurrence", FIRST_VISIT, detail="both")
    taken_back(followed, "recurrence", FIRST_VISIT)

    with followed.reading() as reading:
        rows = reading.audit_of(1).tail(3)
    assert actions_of(followed, 1)[-3:] == ["record_event", "record_event", "take_back_event"]
    assert [json.loads(details) for details in rows["details"]] == [
        {"event": "transfer", "on": "2026-09-01"},
        {"event": "recurrence", "on": "2026-09-01", "detail": "both"},
        {"event": "recurrence", "on": "2026-09-01", "detail": "both"},
    ]
    assert rows["reason"].to_list() == [None, None, "of another patient"]


def test_the_listed_events_say_what_each_did(followed: Registry) -> None:
    examined(followed, finding="intrahepatic_recurrence")
    happened(followed, "death", TREATED)
    happened(followed, "last_seen", SECOND_VISIT)
    happened(followed, "lost", FIRST_VISIT)
    taken_back(followed, "lost", FIRST_VISIT)

    listed = list_events(followed, "P-1", today=NEW_YEAR)

    assert listed.events.select("event", "effect", "recorded_by", "taken_back_by").rows() == [
        ("recurrence", "active → paused", None, None),
        ("lost", "taken back: does nothing", "anna", "anna"),
        ("death", "paused → ended", "anna", None),
        ("last_seen", "after the death on 2026-10-01: kept, changes nothing", "anna", None),
    ]
    assert listed.tasks.is_empty()
