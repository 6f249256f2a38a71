"""Recording examinations: what each counts for, what it changes, and what is refused; on both databases."""

import json
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from scheduler.actions.examinations.correct_examination import Correction, ExaminationNotFound, NothingCorrected
from scheduler.actions.examinations.examination_versions import ExaminationRefused, ValueNotConfirmed
from scheduler.actions.examinations.list_examinations import list_examinations
from scheduler.actions.examinations.record_examination import RecordedAlready
from scheduler.actions.examinations.review_examination import OtherResult, ReviewedAlready
from scheduler.actions.finding import PatientNotFound
from scheduler.actions.one_patient import ReasonNeeded
from scheduler.core.examination import Finding
from scheduler.store.registry import Registry
from scheduler.store.tables.results import FINDINGS
from tests.actions.lives import (
    FIRST_VISIT,
    NEW_YEAR,
    SECOND_VISIT,
    corrected,
    deleted,
    episodes,
    examined,
    happened,
    reviewed,
    verdicts,
    visits,
    whose,
)
from tests.actions.tables import actions_of, stored

RESECTED = date(2026, 6, 1)
DAY = timedelta(days=1)


def test_the_words_for_findings_are_those_that_the_registry_holds() -> None:
    assert tuple(Finding) == FINDINGS


def test_an_examination_satisfies_its_visit_and_says_why(followed: Registry) -> None:
    recorded = examined(followed)

    assert (recorded.verdict, recorded.number, recorded.version) == ("satisfies", 1, 1)
    assert recorded.reason == (
        "performed 2026-09-01, inside the window 2026-06-29 to 2026-09-15 of the visit due 2026-09-01"
    )
    assert visits(followed, status="done") == ["grid-3"]


def test_the_audit_says_what_was_recorded_by_whom_and_by_which_protocol(followed: Registry) -> None:
    examined(followed, place="Clinic of Dr. Hong")

    with followed.reading() as reading:
        row = reading.audit_of(1).row(-1, named=True)
    assert (row["actor"], row["action"], row["reason"]) == ("anna", "record_examination", None)
    assert json.loads(row["details"]) == {
        "procedure": "liver_ct_mri",
        "performed_on": "2026-09-01",
        "result_status": "final",
        "finding": "no_recurrence",
        "version": 1,
        "verdict": "satisfies",
    }
    assert list(json.loads(row["rule_digests"])) == ["risk-adapted@1"]
    assert len(row["after_digest"]) == 64


@pytest.mark.parametrize(
    ("performed_on", "verdict"),
    [
        pytest.param(RESECTED - DAY, "before_start", id="before surgery"),
        pytest.param(RESECTED + 27 * DAY, "before_start", id="the day before the first window opens"),
        pytest.param(RESECTED + 28 * DAY, "satisfies", id="the day the first window opens"),
        pytest.param(FIRST_VISIT + 14 * DAY, "satisfies", id="the day the window closes"),
        pytest.param(FIRST_VISIT + 15 * DAY, "late", id="the day after the window closes"),
        pytest.param(SECOND_VISIT - 15 * DAY, "early", id="the day before the second window opens"),
    ],
)
def test_the_day_decides_what_an_examination_counts_for(followed: Registry, performed_on: date, verdict: str) -> None:
    assert examined(followed, performed_on).verdict == verdict


@pytest.mark.parametrize("places", list(permutations(range(6)))[::143], ids=str)
def test_in_whatever_order_examinations_are_recorded_the_verdicts_are_the_same(
    followed: Registry, places: tuple[int, ...]
) -> None:
    told: list[tuple[date, str, dict[str, Any]]] = [
        (date(2026, 5, 20), "liver_ct_mri", {}),
        (FIRST_VISIT, "liver_ct_mri", {}),
        (FIRST_VISIT, "afp", {"value": 4.0}),
        (FIRST_VISIT + 3 * DAY, "liver_ct_mri", {}),
        (SECOND_VISIT, "ultrasound", {}),
        (SECOND_VISIT + 20 * DAY, "liver_ct_mri", {}),
    ]
    order = [told[place] for place in places]

    for performed_on, procedure, result in order:
        examined(followed, performed_on, procedure, **result)

    given = ["before_start", "satisfies", "satisfies", "extra", "inadequate", "late"]
    assert list(verdicts(followed).values()) == given


def test_of_two_on_one_day_the_first_decides_and_the_second_is_extra(followed: Registry) -> None:
    examined(followed)

    second = examined(followed, finding="indeterminate")

    assert (second.number, second.verdict) == (2, "extra")
    assert verdicts(followed)["liver_ct_mri", FIRST_VISIT, 1] == "satisfies"


def test_the_same_examination_is_not_recorded_twice_unless_a_second_one_was_done(followed: Registry) -> None:
    examined(followed)

    with pytest.raises(RecordedAlready) as refused:
        examined(followed)
    again = examined(followed, again=True)

    assert refused.value.message == "liver_ct_mri on 2026-09-01 of P-1 is recorded already, with the same result"
    assert "--again" in refused.value.advice
    assert again.number == 2


def test_a_pending_result_of_a_day_to_come_counts_for_nothing_yet(followed: Registry) -> None:
    recorded = examined(followed, NEW_YEAR + DAY, result_status="pending")

    assert recorded.verdict == "in_future"
    assert recorded.reason == "performed 2027-01-02, after the day asked about, 2027-01-01"


def test_a_final_result_of_a_day_to_come_is_refused(followed: Registry) -> None:
    with pytest.raises(ExaminationRefused, match="that day is in the future; today is 2027-01-01"):
        examined(followed, NEW_YEAR + DAY)

    assert examined(followed, NEW_YEAR).verdict == "late"


def test_ultrasound_never_answers_for_ct(followed: Registry) -> None:
    recorded = examined(followed, procedure="ultrasound")

    assert recorded.verdict == "inadequate"
    assert "grid-3" in visits(followed)
    assert examined(followed, procedure="contrast MRI of the liver").verdict == "satisfies"


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_stored(followed: Registry) -> None:
    before = stored(followed)

    with pytest.raises(ExaminationRefused) as refused:
        examined(
            followed,
            NEW_YEAR + DAY,
            "liver_ctmri",
            finding="intrahepatic_recurrence",
            recurrence_sites=("lungs", "bone"),
            value=3.0,
        )

    assert [line[:34] for line in refused.value.message.splitlines()] == [
        "the examination of P-1 was not rec",
        "- there is no procedure liver_ctmr",
        "- the result of 2027-01-02 is fina",
        "- lungs: not among the sites of re",
        "- the recurrence is intrahepatic o",
        "- liver_ctmri has no value; only t",
    ]
    assert stored(followed) == before


REFUSED = [
    pytest.param({"result_status": "final"}, "a final result needs a finding", id="no finding"),
    pytest.param({"result_status": "pending", "finding": "suspicious"}, "with either it is final", id="pending, found"),
    pytest.param({"result_status": "pending", "reviewed_by": "x"}, "nobody can have reviewed it", id="pending, read"),
    pytest.param({"result_status": "preliminary"}, "it is one of pending and final", id="another status"),
    pytest.param({"finding": "clear"}, "the finding clear is none of no_recurrence", id="another finding"),
    pytest.param(
        {"finding": "suspicious", "recurrence_sites": ("lung",)}, "the finding is no recurrence", id="sites of nothing"
    ),
    pytest.param(
        {"finding": "extrahepatic_recurrence", "recurrence_sites": ("liver",)}, "extrahepatic only", id="liver outside"
    ),
    pytest.param({"procedure": "afp", "finding": "no_recurrence"}, "its final result is a value", id="no value"),
    pytest.param({"procedure": "afp", "finding": "both"}, "is a marker and locates no", id="a marker that locates"),
    pytest.param({"procedure": "afp", "value": -0.1}, "afp -0.1 is outside 0 to 5,000,000 ng/mL", id="below the range"),
    pytest.param({"procedure": "afp", "value": 5_000_001.0}, "is outside 0 to 5,000,000", id="above the range"),
    pytest.param({"procedure": "pivka_ii", "value": float("nan")}, "pivka_ii nan is outside", id="no number"),
]


@pytest.mark.parametrize(("told", "said"), REFUSED)
def test_what_cannot_be_is_refused(followed: Registry, told: dict[str, Any], said: str) -> None:
    with pytest.raises(ExaminationRefused) as refused:
        examined(followed, **told)

    assert said in refused.value.message


def test_a_value_outside_its_plausible_range_has_to_be_confirmed(followed: Registry) -> None:
    with pytest.raises(ValueNotConfirmed, match="afp 100,001 is unusual; 0 to 100,000 ng/mL needs no confirmation"):
        examined(followed, procedure="afp", value=100_001.0)

    confirmed = examined(followed, procedure="afp", value=100_001.0, confirm=True)

    assert len(confirmed.confirmed) == 1
    assert examined(followed, SECOND_VISIT, "afp", value=100_000.0).confirmed == ()


def test_a_marker_called_by_another_name_is_the_same_marker(followed: Registry) -> None:
    examined(followed, procedure="AFP in serum", value=4.0)

    assert list(verdicts(followed)) == [("afp", FIRST_VISIT, 1)]


def test_an_examination_is_found_by_the_other_name_of_its_marker(followed: Registry) -> None:
    examined(followed, procedure="afp", value=4.0)

    after = corrected(followed, procedure="AFP in serum", value=5.0)

    assert (after.examination.procedure, after.examination.value, after.version) == ("afp", 5.0, 2)


def test_a_suspicious_finding_opens_a_short_interval_visit_and_its_correction_withdraws_it(followed: Registry) -> None:
    suspicious = examined(followed, SECOND_VISIT, finding="suspicious", today=SECOND_VISIT)
    opened = visits(followed)

    corrected(followed, SECOND_VISIT, finding="no_recurrence", today=SECOND_VISIT + DAY)

    assert suspicious.consequences.followed.changes.filter(change="added")["due_on"].to_list() == [date(2026, 12, 31)]
    assert "suspicious-6" in opened
    assert visits(followed, status="withdrawn") == ["suspicious-6"]


def test_a_marker_rise_opens_a_short_interval_visit(followed: Registry) -> None:
    examined(followed, FIRST_VISIT, "afp", value=4.0, today=FIRST_VISIT)

    risen = examined(followed, SECOND_VISIT, "afp", value=8.0, today=SECOND_VISIT)

    added = risen.consequences.followed.changes.filter(change="added")
    assert added["reason"].to_list() == [
        "afp 8.0 is at least 2 times the lowest since surgery, 4.0: liver_ct_mri within 30 days"
    ]
    assert "suspicious-6" in visits(followed)


def test_what_led_to_a_visit_is_kept_with_it(followed: Registry) -> None:
    examined(followed, SECOND_VISIT, finding="suspicious", today=SECOND_VISIT)

    with followed.reading() as reading:
        chain = json.loads(reading.plan_changes_of()["chain"][-1])
    assert chain[0] == {
        "step": "examination",
        "procedure": "liver_ct_mri",
        "performed_on": "2026-12-01",
        "result_status": "final",
        "finding": "suspicious",
    }


def test_an_intrahepatic_recurrence_found_pauses_and_asks_for_a_treatment_decision(followed: Registry) -> None:
    found = examined(followed, finding="intrahepatic_recurrence", recurrence_sites=("liver",))

    opened = found.consequences.opened.select("task", "due_on", "owner").rows()
    assert opened == [("treatment_decision", FIRST_VISIT + 30 * DAY, "treating clinician")]
    assert episodes(followed) == [(RESECTED, "paused")]


def test_a_correction_of_a_recurrence_takes_its_event_with_it(followed: Registry) -> None:
    examined(followed, finding="both", recurrence_sites=("liver", "lung"))

    withdrawn = corrected(followed, finding="no_recurrence")

    assert withdrawn.examination.recurrence_sites == ()
    assert withdrawn.consequences.closed["task"].to_list() == ["acknowledge_hand_over"]
    assert episodes(followed) == [(RESECTED, "active")]


def test_a_correction_to_inadequate_lets_the_next_examination_decide(followed: Registry) -> None:
    examined(followed)
    examined(followed, FIRST_VISIT + DAY)

    after = corrected(followed, finding="inadequate")

    assert after.verdict == "inadequate"
    others = after.consequences.other_verdicts.select("performed_on", "was", "verdict").rows()
    assert others == [(FIRST_VISIT + DAY, "extra", "satisfies")]


def test_a_deleted_examination_counts_for_nothing_and_stays_in_the_record(followed: Registry) -> None:
    examined(followed)

    gone = deleted(followed)

    assert (gone.verdict, gone.version) == (None, 2)
    assert verdicts(followed) == {}
    assert "grid-3" in visits(followed)
    listed = list_examinations(followed, "P-1")
    assert (listed.examinations.height, listed.deleted) == (0, 1)
    with followed.reading() as reading:
        versions = reading.examination_versions().select("version", "state", "reason").rows()
    assert versions == [(1, "recorded", None), (2, "deleted", "of another patient")]
    assert examined(followed).number == 2


def test_a_pending_result_becomes_final_when_it_is_reviewed(followed: Registry) -> None:
    pending = examined(followed, result_status="pending")

    final = reviewed(followed, found=Correction(finding="no_recurrence"))

    assert (pending.verdict, final.verdict, final.version) == ("satisfies", "satisfies", 2)
    listed = list_examinations(followed, "P-1").examinations
    assert listed.select("finding", "reviewed_by").row(0) == ("no_recurrence", "dr.lee")
    assert listed["reviewed_at"][0] is not None


def test_a_review_of_what_is_pending_needs_a_finding(followed: Registry) -> None:
    examined(followed, result_status="pending")

    with pytest.raises(ExaminationRefused, match="nobody can have reviewed it"):
        reviewed(followed)


def test_a_review_changes_no_final_result_and_is_not_given_twice(followed: Registry) -> None:
    examined(followed)

    with pytest.raises(OtherResult):
        reviewed(followed, found=Correction(finding="suspicious"))
    reviewed(followed)
    with pytest.raises(ReviewedAlready):
        reviewed(followed)

    assert reviewed(followed, by="dr.kim").version == 3


def test_a_corrected_result_is_unread_until_somebody_reviews_it(followed: Registry) -> None:
    examined(followed, reviewed_by="dr.lee")

    other_place = corrected(followed, place="Radiology")
    other_result = corrected(followed, finding="suspicious")

    assert other_place.examination.reviewed_by == "dr.lee"
    assert other_result.examination.reviewed_by is None


def test_a_result_may_turn_out_to_be_pending_after_all(followed: Registry) -> None:
    examined(followed, finding="intrahepatic_recurrence")

    pending = corrected(followed, result_status="pending")

    assert (pending.examination.finding, pending.verdict) == (None, "satisfies")
    assert episodes(followed) == [(RESECTED, "active")]


def test_a_correction_needs_a_reason_a_difference_and_an_examination(followed: Registry) -> None:
    examined(followed)

    with pytest.raises(ReasonNeeded):
        corrected(followed, finding="suspicious", reason=" ")
    with pytest.raises(NothingCorrected):
        corrected(followed, finding="no_recurrence")
    with pytest.raises(ExaminationNotFound, match="number 2 of liver_ct_mri on 2026-09-01 is not recorded of P-1"):
        corrected(followed, finding="suspicious", number=2)
    with pytest.raises(ExaminationNotFound, match="liver_ct_mri on 2026-12-01 is not recorded of P-1"):
        deleted(followed, SECOND_VISIT)


def test_a_patient_without_a_plan_may_be_examined(enrolled: Registry) -> None:
    recorded = examined(enrolled)

    assert (recorded.verdict, recorded.reason) == ("extra", "no visit is planned in this episode")


def test_an_unknown_patient_has_no_examinations(followed: Registry) -> None:
    with pytest.raises(PatientNotFound):
        examined(followed, mrn="P-9")
    with pytest.raises(PatientNotFound):
        list_examinations(followed, "P-9")


def test_an_examination_after_a_death_is_kept_and_counts_for_nothing(followed: Registry) -> None:
    happened(followed, "death", FIRST_VISIT)

    recorded = examined(followed, FIRST_VISIT + DAY)

    assert recorded.verdict == "after_end"
    assert recorded.reason == "performed 2026-09-02, after the episode ended on 2026-09-01"


@pytest.mark.parametrize("performed_on", [FIRST_VISIT - DAY, FIRST_VISIT], ids=["the day before", "that day"])
def test_an_examination_before_a_death_counts_the_same_where_it_is_recorded_after_it(
    followed: Registry, performed_on: date
) -> None:
    happened(followed, "death", FIRST_VISIT)

    recorded = examined(followed, performed_on)

    assert recorded.verdict == "satisfies"


def test_a_preview_shows_what_would_follow_and_stores_nothing(followed: Registry) -> None:
    examined(followed)
    before = stored(followed)

    shown = [
        examined(followed, SECOND_VISIT, finding="both", preview=True),
        reviewed(followed, preview=True),
        corrected(followed, finding="suspicious", preview=True),
        deleted(followed, preview=True),
    ]

    assert [each.verdict for each in shown] == ["satisfies", "satisfies", "satisfies", None]
    assert shown[0].consequences.followed.states["state"].to_list() == ["handed_over"]
    assert stored(followed) == before


def test_every_action_leaves_its_audit_row(followed: Registry) -> None:
    examined(followed)
    reviewed(followed)
    corrected(followed, finding="inadequate")
    deleted(followed)

    assert actions_of(followed, 1)[-4:] == [
        "record_examination",
        "review_examination",
        "correct_examination",
        "delete_examination",
    ]


def test_the_listed_examinations_carry_verdict_and_reason(followed: Registry) -> None:
    examined(followed, SECOND_VISIT, finding="both", recurrence_sites=("lung", "liver", "lung"))
    examined(followed, procedure="ultrasound")

    listed = list_examinations(followed, "P-1").examinations.select("procedure", "recurrence_sites", "verdict").rows()
    assert listed == [("ultrasound", [], "inadequate"), ("liver_ct_mri", ["liver", "lung"], "satisfies")]
    assert whose(followed, SECOND_VISIT) == [RESECTED]
