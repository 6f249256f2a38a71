"""What goes out: every message of the shipped policy in each of its languages."""

from dataclasses import replace
from datetime import date

import pytest

from scheduler.core.episode_tasks import Task
from scheduler.core.visit_changes import ORIGINS
from scheduler.messages import Contents, Line, render, telling_words
from scheduler.rulebook import load_rulebook

RULEBOOK = load_rulebook()
POLICY = RULEBOOK.reminder_policy()
LANGUAGES = ("en", "ko", "zh-Hans")
PATIENTS = ("patient_upcoming", "patient_due", "patient_overdue")
VISIT = Line(
    shown_as="MRN-1",
    rung="overdue",
    subject="grid",
    procedures=("liver_ct_mri", "afp"),
    opens_on=date(2026, 3, 17),
    due_on=date(2026, 3, 31),
    closes_on=date(2026, 4, 14),
    days_overdue=8,
    occurrence=2,
)
TASK = Line(shown_as="MRN-2", rung="overdue", subject="awaited_result", due_on=date(2026, 4, 1), days_overdue=21)


def told(*lines: Line, site: str = "Seoul clinic") -> Contents:
    """These lines, of one site on one day."""
    return Contents(site=site, on=date(2026, 4, 22), reference="no. 123", lines=lines or (VISIT,))


def test_the_policy_speaks_the_three_languages_and_each_has_every_message() -> None:
    assert tuple(POLICY.languages) == LANGUAGES
    assert {tuple(sorted(spoken.messages)) for spoken in POLICY.languages.values()} == {
        (*sorted(PATIENTS), "staff_digest", "staff_note")
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_word_for_whatever_the_shipped_protocols_name(language: str) -> None:
    procedures = {name for protocol in RULEBOOK.protocols.values() for name in protocol.procedures}

    words = POLICY.languages[language].words

    assert {*procedures, *ORIGINS, *(task.value for task in Task)} - set(words) == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", PATIENTS)
def test_a_patient_is_told_the_clinic_the_days_and_nothing_of_the_disease(message: str, language: str) -> None:
    spoken = POLICY.languages[language]

    rendered = render(POLICY, message, language, told())

    whole = f"{rendered.subject}\n{rendered.text}"
    assert telling_words(whole, spoken) == ()
    assert "Seoul clinic" in rendered.subject
    assert ("14 April 2026" in whole) or ("2026년 4월 14일" in whole) or ("2026年4月14日" in whole)
    assert "MRN-1" not in whole
    assert not any(spoken.words[word] in whole for word in ("grid", "liver_ct_mri", "afp"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", [*PATIENTS, "staff_digest", "staff_note"])
def test_a_message_ends_with_what_a_person_can_look_for(message: str, language: str) -> None:
    assert render(POLICY, message, language, told()).text.endswith("no. 123\n")


def test_a_digest_says_the_most_urgent_first_and_of_one_rung_the_tasks() -> None:
    upcoming = replace(VISIT, rung="upcoming", shown_as="MRN-3", days_overdue=0, occurrence=1)
    lost = replace(VISIT, rung="possibly_lost", shown_as="MRN-4", booked_on=date(2026, 5, 2))
    later = replace(VISIT, shown_as="MRN-5", days_overdue=9, occurrence=1)

    rendered = render(POLICY, "staff_digest", "en", told(upcoming, VISIT, TASK, lost, later))

    assert rendered.subject == "Seoul clinic, 22 April 2026: 5 reminders"
    assert rendered.text.splitlines() == [
        "Seoul clinic, 22 April 2026",
        "Possibly lost: 1",
        "Overdue, tasks: 1",
        "Overdue: 2",
        "Upcoming: 1",
        "",
        "Possibly lost (1)",
        "- MRN-4: planned visit, due 31 March 2026, window 17 March 2026 to 14 April 2026, 8 days overdue, "
        "booked for 2 May 2026; liver CT or MRI, AFP (reminder no. 2)",
        "",
        "Overdue, tasks (1)",
        "- MRN-2: result awaited, due 1 April 2026, 21 days overdue",
        "",
        "Overdue (2)",
        "- MRN-5: planned visit, due 31 March 2026, window 17 March 2026 to 14 April 2026, 9 days overdue; "
        "liver CT or MRI, AFP",
        "- MRN-1: planned visit, due 31 March 2026, window 17 March 2026 to 14 April 2026, 8 days overdue; "
        "liver CT or MRI, AFP (reminder no. 2)",
        "",
        "Upcoming (1)",
        "- MRN-3: planned visit, due 31 March 2026, window 17 March 2026 to 14 April 2026; liver CT or MRI, AFP",
        "",
        "Reference: no. 123",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_digest_of_300_has_a_line_for_each_and_says_at_the_top_how_many(language: str) -> None:
    lines = tuple(replace(VISIT, shown_as=f"MRN-{number:03}") for number in range(300))

    text = render(POLICY, "staff_digest", language, told(*lines)).text

    assert [line.split("MRN-")[1][:3] for line in text.splitlines() if line.startswith("- ")] == [
        f"{number:03}" for number in range(300)
    ]
    assert "300" in text.splitlines()[1]
    assert len(text.splitlines()) < 310


def test_one_of_a_thing_is_not_said_as_many() -> None:
    line = replace(TASK, days_overdue=1)

    rendered = render(POLICY, "staff_digest", "en", told(line))

    assert rendered.subject.endswith(": 1 reminder")
    assert "1 day overdue" in rendered.text


@pytest.mark.parametrize(("language", "nobody"), [("en", "a patient"), ("ko", "환자"), ("zh-Hans", "患者")])
def test_where_a_channel_shows_nothing_a_line_says_that_it_is_a_patient(language: str, nobody: str) -> None:
    rendered = render(POLICY, "staff_digest", language, told(replace(VISIT, shown_as="")))

    assert f"- {nobody}" in rendered.text


def test_a_language_that_the_policy_does_not_speak_becomes_its_own() -> None:
    assert render(POLICY, "patient_due", "fr", told()) == render(POLICY, "patient_due", "en", told())


def test_a_procedure_without_a_word_stands_for_itself() -> None:
    rendered = render(POLICY, "staff_digest", "ko", told(replace(VISIT, procedures=("bone_scan",))))

    assert "bone scan" in rendered.text


def test_a_site_s_title_is_text_and_never_a_template_and_keeps_to_one_line() -> None:
    rendered = render(POLICY, "patient_due", "en", told(site="{{ lines }}\nBcc: all@example.org <b>"))

    assert rendered.subject == "Please arrange your appointment at {{ lines }} Bcc: all@example.org <b>"


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        pytest.param("please contact the doctor", (), id="letters inside a word"),
        pytest.param("your ct scan", ("scan", "CT"), id="lower case"),
        pytest.param("a CT-scan", ("scan", "CT"), id="after a hyphen"),
        pytest.param("the Liver Centre", ("liver",), id="upper case"),
        pytest.param("hepatology", ("hepat",), id="the beginning of a word"),
    ],
)
def test_words_that_tell_a_diagnosis_are_found_where_a_word_begins(text: str, telling: tuple[str, ...]) -> None:
    assert telling_words(text, POLICY.languages["en"]) == telling
