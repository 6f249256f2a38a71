"""Messages with made-up contents: to whom, on which channel, in which words."""

import pytest

from scheduler.actions.reminders.preview import NotTold, UnknownLanguage, UnknownRung, UnknownTask, Wanted, preview
from scheduler.core.reminders.policy import Role, ShownAs
from scheduler.rulebook import load_rulebook

POLICY = load_rulebook().reminder_policy()


def test_everybody_who_is_told_of_a_rung_is_shown_what_they_get() -> None:
    shown = preview(POLICY, Wanted(rung="overdue", language="en"))

    assert [(each.role, each.channel, each.message, each.digest, each.shows) for each in shown] == [
        (Role.PATIENT, "email", "patient_overdue", False, ShownAs.NOTHING),
        (Role.COORDINATOR, "email", "staff_digest", True, ShownAs.NUMBER),
    ]


def test_a_digest_is_shown_with_three_made_up_patients_by_number_where_mail_may_not_show_the_mrn() -> None:
    [shown] = preview(POLICY, Wanted(rung="overdue", language="en", to="coordinator"))

    assert shown.rendered.subject == "Example clinic, 15 April 2026: 3 reminders"
    assert [line.split(",")[0] for line in shown.rendered.text.splitlines() if line.startswith("- ")] == [
        "- #17: planned visit",
        "- #18: catch-up visit",
        "- #19: additional visit",
    ]


def test_a_patient_s_message_shows_no_patient() -> None:
    [shown] = preview(POLICY, Wanted(rung="due", language="ko", to="patient"))

    assert "#17" not in shown.rendered.text
    assert "2026년 4월 14일" in shown.rendered.text


@pytest.mark.parametrize("language", ["en", "ko", "zh-Hans"])
def test_every_rung_can_be_shown_in_every_language(language: str) -> None:
    wanted = [Wanted(rung=rung.rung, language=language) for rung in POLICY.visits]
    wanted += [Wanted(rung=rung.rung, language=language, task=rung.task.value) for rung in POLICY.tasks]

    shown = [preview(POLICY, each) for each in wanted]

    assert [len(each) for each in shown] == [len(rung.to) for rung in POLICY.rungs]


def test_a_rung_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UnknownRung, match="no rung late for visits; there are: upcoming, due, overdue, escalated and"):
        preview(POLICY, Wanted(rung="late", language="en"))

    with pytest.raises(UnknownRung, match="no rung overdue for unread_result; there are: due and escalated"):
        preview(POLICY, Wanted(rung="overdue", language="en", task="unread_result"))


def test_a_task_a_language_or_a_role_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UnknownTask, match="says nothing of a task sing; it speaks of: unread_result, "):
        preview(POLICY, Wanted(rung="due", language="en", task="sing"))

    with pytest.raises(UnknownLanguage, match="does not speak fr; its languages: en, ko and zh-Hans"):
        preview(POLICY, Wanted(rung="due", language="fr"))

    with pytest.raises(NotTold, match="tells a surgeon of the rung due; told are: patient and coordinator"):
        preview(POLICY, Wanted(rung="due", language="en", to="surgeon"))
