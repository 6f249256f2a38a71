"""One deliberately broken reminder policy per mistake: the line it is found at, and the words of its message."""

from pathlib import Path

import pytest

from scheduler.rulebook import RulesRefused, load_rulebook
from tests.rulebook.broken_files import REMINDERS, line_of, problems_of, write

STAFF = "channel: email, message: staff_digest, digest: true, resend_when_unknown: false, sends_on: working_days"
POSSIBLY_LOST = f"      - {{role: site_lead, {STAFF}}}\n      - {{role: coordinator, {STAFF}}}\n    because: >-"
WITHDRAWN = REMINDERS.text[REMINDERS.text.index("  - name: a patient who withdrew") :]

MISTAKES: dict[str, tuple[str, str, str, str]] = {  # old text, new text, a fragment of the line named, the message
    "a rung named twice": (
        "  - rung: due\n",
        "  - rung: upcoming  # again\n",
        "rung: upcoming  # again",
        "rung named twice: found upcoming; expected a name of its own for each rung",
    ),
    "a visit counted from the day a task came up": (
        "counted_from: opens\n",
        "counted_from: opened\n",
        "counted_from: opened",
        "a day that is not there: found opened; expected one of opens, due and closes",
    ),
    "a task counted from a window": (
        "counted_from: opened\n    offset_days: 0",
        "counted_from: opens  # of what?\n    offset_days: 0",
        "opens  # of what?",
        "a day that is not there: found opens; expected one of opened and due",
    ),
    "a rung counted from an earlier day than the one below": (
        "counted_from: closes\n    offset_days: 1\n",
        "counted_from: opens\n    offset_days: 1\n",
        "counted_from: opens\n    offset_days: 1\n",
        "rungs out of order: found overdue (opens +1) after due (due +0); expected opens, due and closes in this order",
    ),
    "a rung that a short window would turn round": (
        "counted_from: closes\n    offset_days: 1\n",
        "counted_from: closes\n    offset_days: -1\n",
        "offset_days: -1\n",
        "rungs out of order: found overdue (closes -1) after due (due +0); expected an offset that does not fall",
    ),
    "a rung before the one below": (
        "offset_days: 28",
        "offset_days: 13",
        "offset_days: 13",
        "rungs out of order: found possibly_lost (closes +13) after escalated (closes +14)",
    ),
    "two rungs on one day": (
        "offset_days: 28",
        "offset_days: 14  # too",
        "offset_days: 14  # too",
        "rungs out of order: found possibly_lost (closes +14) after escalated (closes +14); expected a day of its own",
    ),
    "a task's rungs out of order": (
        "offset_days: 30",
        "offset_days: -1  # day",
        "offset_days: -1  # day",
        "rungs out of order: found escalated (opened -1) after due (opened +0)",
    ),
    "a repeat without a day between": (
        "repeats_every_days: 7",
        "repeats_every_days: 0",
        "repeats_every_days: 0",
        "wrong value: found 0; expected greater than or equal to 1",
    ),
    "an escalation that only the patient hears": (
        POSSIBLY_LOST,
        "      - {role: patient, channel: sms, message: patient_overdue, digest: false, resend_when_unknown: false, "
        "sends_on: working_days}\n    because: >-",
        "    to:\n      - {role: patient, channel: sms",
        "an escalation that ends with the patient: found possibly_lost reaches the patient only",
    ),
    "a task that nobody knows": (
        "task: marker_rise",
        "task: marker_rose",
        "task: marker_rose",
        "wrong value: found marker_rose; expected 'treatment_decision', ",
    ),
    "a recipient named twice": (
        f"role: coordinator, {STAFF}",
        f"role: patient, {STAFF}",
        f"role: patient, {STAFF}",
        "recipient named twice: found patient; expected each role once on a rung",
    ),
    "a role that nobody has": (
        "{role: site_lead",
        "{role: director",
        "{role: director",
        "wrong value: found director; expected 'patient', 'coordinator', 'clinician', 'surgeon' or 'site_lead'",
    ),
    "a channel that nobody knows": (
        "channel: email",
        "channel: pigeon",
        "channel: pigeon",
        "unknown channel: found pigeon; expected one of console, file, email, sms, chat and webhook",
    ),
    "no console": (
        "  console: {shows: mrn, because: printed where the service runs and sent nowhere}\n",
        "",
        "\nchannels:",
        "channel missing: found no console",
    ),
    "a patient told by a digest": (
        "message: patient_due, digest: false",
        "message: patient_due, digest: true",
        "message: patient_due, digest: true",
        "a patient is told by a digest: found digest: true; expected digest: false",
    ),
    "a patient who may be told twice": (
        "message: patient_due, digest: false, resend_when_unknown: false",
        "message: patient_due, digest: false, resend_when_unknown: true",
        "message: patient_due, digest: false, resend_when_unknown: true",
        "a patient may be told twice: found resend_when_unknown: true",
    ),
    "a patient told of a task": (
        "{role: clinician, channel: email, message: staff_note",
        "{role: patient, channel: email, message: staff_note",
        "{role: patient, channel: email, message: staff_note",
        "a patient is told of a task: found patient; expected a role of the clinic",
    ),
    "overdue visits that no coordinator sees": (
        "  - rung: overdue\n",
        "  - rung: late\n",
        "\nvisits:",
        "a visit that nobody sees: found no digest to a coordinator on the rung overdue",
    ),
    "a rung's source that is none": (
        "still left to find one\n    source: policy",
        "still left to find one\n    source: paper",
        "source: paper",
        "unknown source: found paper; expected one of policy",
    ),
    "an appointment's source that is none": (
        "appointment\n  source: policy",
        "appointment\n  source: paper",
        "source: paper",
        "unknown source: found paper; expected one of policy",
    ),
    "a default language that is not spoken": (
        "default_language: en",
        "default_language: fr",
        "default_language: fr",
        "unknown language: found fr; expected one of en, ko and zh-Hans",
    ),
    "a message that is named and not written": (
        "message: patient_upcoming",
        "message: patient_soon",
        "    messages:\n",
        "message missing: found no patient_soon; expected each message that a rung names",
    ),
    "a message that no rung names": (
        "message: patient_upcoming",
        "message: patient_due",
        "      patient_upcoming:\n",
        "unused message: found patient_upcoming; expected a message that a rung names",
    ),
    "a rung without a word": (
        "      possibly_lost: Possibly lost\n",
        "",
        "    words:\n",
        "word missing: found none for possibly_lost",
    ),
    "a word that the other languages have": (
        "      chest_ct: chest CT\n",
        "",
        "    words:\n",
        "word missing: found none for chest_ct",
    ),
    "a date without its year": (
        '"{day} {month} {year}"',
        '"{day} {month}"',
        '"{day} {month}"',
        "a date that lacks a part: found {day} {month} without {year}; expected {day}, {month} and {year}",
    ),
    "a year of eleven months": (
        ", November, December]",
        ", December]",
        "    months: [January",
        "expected at least 12",
    ),
    "an example that expects another day": (
        '"2026-04-15", rung: overdue',
        '"2026-04-16", rung: overdue',
        '"2026-04-16", rung: overdue',
        "a worked example fails: found 2026-04-16 overdue 1; expected 2026-04-15 overdue 1, as the rungs say",
    ),
    "an example that expects too little": (
        '      - {on: "2026-06-09", rung: possibly_lost, occurrence: 2}\n',
        "",
        "    expect:\n",
        "a worked example fails: found nothing more; expected 2026-06-09 possibly_lost 2",
    ),
    "an example that expects too much": (
        '    until: "2026-06-09"',
        '    until: "2026-06-08"',
        '{on: "2026-06-09", rung: possibly_lost, occurrence: 2}',
        "a worked example fails: found 2026-06-09 possibly_lost 2; expected nothing more until 2026-06-08",
    ),
    "a task's example that fails": (
        '{on: "2026-05-11", rung: due, occurrence: 2}',
        '{on: "2026-05-12", rung: due, occurrence: 2}',
        '{on: "2026-05-12", rung: due, occurrence: 2}',
        "a worked example fails: found 2026-05-12 due 2; expected 2026-05-11 due 2",
    ),
    "an example whose window closes before it opens": (
        'closes_on: "2026-04-14"',
        'closes_on: "2026-03-14"',
        'closes_on: "2026-03-14"',
        "days out of order: found closes_on 2026-03-14 before due_on 2026-03-31",
    ),
    "a rung without an example": (
        WITHDRAWN,
        "",
        "\nworked_tasks:",
        "example missing: found none reaches due of remove_from_registry",
    ),
    "a text that is no template": (
        'subject: "Please call {{ site }}"',
        'subject: "Please call {{ site"',
        'subject: "Please call {{ site"',
        "not a template: found ",
    ),
    "a name that nobody fills": (
        'subject: "Please call {{ site }}"',
        'subject: "Please call {{ clinic }}"',
        'subject: "Please call {{ clinic }}"',
        "unknown name in a template: found clinic; expected one of groups, line, lines, on, reference and site",
    ),
    "a part that a line does not have": (
        "between {{ line.opens_on }}",
        "between {{ line.opens }}",
        "        text: |",
        "ToldLine object' has no attribute 'opens'; expected a message for one line, and for many",
    ),
    "a template that reaches behind its values": (
        'subject: "Please call {{ site }}"',
        'subject: "Please call {{ site.__class__ }}"',
        'subject: "Please call {{ site.__class__ }}"',
        "a template that cannot be filled: found access to attribute '__class__' of 'str' object is unsafe",
    ),
    "a message that cannot be found again": (
        "          Reference: {{ reference }}\n",
        "",
        "        text: |",
        "no reference at the end: found ",
    ),
    "a patient's message that names the patient": (
        'subject: "Please call {{ site }}"',
        'subject: "Please call {{ site }}, {{ line.shown_as }}"',
        'subject: "Please call {{ site }}, ',
        "a patient's message tells too much: found who the patient is; expected the clinic, the days and whom to call",
    ),
    "a patient's message that says what is done": (
        'subject: "Please call {{ site }}"',
        "subject: \"Please call {{ site }}: {{ line.procedures | join(', ') }}\"",
        'subject: "Please call {{ site }}: ',
        "a patient's message tells too much: found what is done at the visit",
    ),
    "a patient's message that tells a diagnosis": (
        'subject: "Please call {{ site }}"',
        'subject: "Please call {{ site }} about your CT-scan"',
        "about your CT-scan",
        "a patient's message tells a diagnosis: found CT; expected none of never_to_patients",
    ),
    "a patient's message that tells it only to some": (
        'subject: "Please call {{ site }}"',
        'subject: "Please call {{ site }}{% if line.occurrence == 90 %} about your liver{% endif %}"',
        "about your liver",
        "a patient's message tells a diagnosis: found liver",
    ),
    "a patient's message that names only some": (
        'subject: "Please call {{ site }}"',
        "subject: \"Please call {{ site }}{% if line.occurrence == 90 %}{{ line['shown_as'] }}{% endif %}\"",
        "line.occurrence == 90",
        "a patient's message tells too much: found who the patient is",
    ),
    "a patient's message that prints all there is of a line": (
        'subject: "Please call {{ site }}"',
        'subject: "Please call {{ site }} {{ line }}"',
        "{{ site }} {{ line }}",
        "a patient's message tells too much: found who the patient is",
    ),
    "a patient's message that tells it in Korean": (
        'subject: "[{{ site }}] 전화 부탁드립니다"',
        'subject: "[{{ site }}] 간암 진료 전화 부탁드립니다"',
        "간암 진료",
        "a patient's message tells a diagnosis: found 암",
    ),
    "a digest that does not say of whom": (
        "          - {{ line.shown_as or 'a patient' }}: ",
        "          - a patient: ",
        "        text: |\n          {{ site }}, {{ on }}\n          {% for group",
        "a message that leaves patients out: found 30 of 30 patients left out; expected line.shown_as of every line",
    ),
    "a note whose subject names the patient": (
        'subject: "{{ site }}: {{ line.subject }}, ',
        'subject: "{{ site }}: {{ line.shown_as }}, ',
        'subject: "{{ site }}: {{ line.shown_as }}, ',
        "a subject that names patients: found line.shown_as; expected patients in the text only",
    ),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_a_mistake_is_reported_at_its_line(tmp_path: Path, mistake: str) -> None:
    old, new, at, words = MISTAKES[mistake]
    text = write(tmp_path, REMINDERS, (old, new))

    problems = problems_of(tmp_path)

    line = line_of(at, text) + at.startswith("\n")
    place = f"{tmp_path.name}/{REMINDERS.file_name}:{line}: "
    assert [problem for problem in map(str, problems) if problem.startswith(place) and words in problem], problems


def test_a_policy_whose_templates_are_wrong_is_not_given_to_whoever_sends(tmp_path: Path) -> None:
    write(tmp_path, REMINDERS, ('subject: "Please call {{ site }}"', 'subject: "Please call {{ clinic }}"'))
    rulebook = load_rulebook(tmp_path)

    with pytest.raises(RulesRefused, match="unknown name in a template"):
        rulebook.reminder_policy("at-our-site")

    assert rulebook.reminder_policy().reference == "default@1"
