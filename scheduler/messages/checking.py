"""Whether a policy's templates say what they may: they are filled with made-up contents, one line and many.

Takes a `ReminderPolicy` that `check_policy` passed; gives problems at the templates. What a patient reads may name
neither the patient nor what is done, and holds no word that would tell a diagnosis.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from scheduler.core.problems import Problem
from scheduler.core.reminders.policy import Language, MessageText, ReminderPolicy
from scheduler.errors import listed
from scheduler.messages.rendering import VARIABLES, Contents, Line, Rendered, compiled, environment, render, values_of

REFERENCE = "REFERENCE-1"
KEPT_FROM_PATIENTS = {  # parts of a line, each with what it tells
    "shown_as": "who the patient is",
    "subject": "what the visit or the task is",
    "procedures": "what is done at the visit",
}
SAMPLES = {"shown_as": "made up patient", "subject": "made up subject", "procedures": "made up procedure"}
VISIT = Line(
    shown_as=SAMPLES["shown_as"],
    rung="due",
    subject=SAMPLES["subject"],
    procedures=(SAMPLES["procedures"],),
    opens_on=date(2026, 3, 17),
    due_on=date(2026, 3, 31),
    closes_on=date(2026, 4, 14),
    days_overdue=1,
    booked_on=date(2026, 4, 1),
    occurrence=2,
)
BARE = Line(shown_as="", rung="overdue", subject=SAMPLES["subject"], due_on=date(2026, 3, 31))
MANY = tuple(replace(VISIT, shown_as=f"made up patient no. {number:02}") for number in range(1, 31))


def message_problems(policy: ReminderPolicy) -> tuple[Problem, ...]:
    """Everything wrong with a policy's templates, all at once.

    Each must be Jinja2 with known names only, fill with one line and with many, tell every line of a digest, and end
    with the reference. For a patient it must keep back `KEPT_FROM_PATIENTS` and every word of `never_to_patients`.
    """
    return tuple(
        problem.below("languages", language, "messages", message)
        for language, spoken in policy.languages.items()
        for message, wording in spoken.messages.items()
        for problem in dict.fromkeys(_wrong_wording(policy, message, language, wording))
    )


def telling_words(text: str, spoken: Language) -> tuple[str, ...]:
    """The words of `never_to_patients` that a text holds, upper or lower case alike.

    A word in Latin letters counts where a word begins with it: `CT` is in "CT-scan" and not in "contact". One in other
    letters counts wherever it stands.

    >>> spoken = Language.model_construct(never_to_patients=("CT", "肝"))
    >>> telling_words("Please contact us", spoken), telling_words("肝脏ct", spoken)
    ((), ('CT', '肝'))
    """
    return tuple(
        word for word in spoken.never_to_patients if re.search(f"(?<![a-z]){re.escape(word)}", text, re.IGNORECASE)
    )


def _wrong_wording(policy: ReminderPolicy, message: str, language: str, wording: MessageText) -> Iterator[Problem]:
    if problems := (*_wrong_template("subject", wording.subject), *_wrong_template("text", wording.text)):
        yield from problems
        return
    digests = {to.message for rung in policy.rungs for to in rung.to if to.digest}
    for lines in ((BARE,), MANY if message in digests else (VISIT,)):
        filled = _fill(policy, message, language, lines)
        if isinstance(filled, Problem):
            yield filled
            return
        if not filled.text.rstrip().endswith(REFERENCE):
            yield _wrong("no reference at the end", filled.text.rstrip()[-40:], "{{ reference }} as the last word")
            return
        if message in policy.patient_messages:
            yield from _told_too_much("subject", wording.subject, filled.subject, policy.languages[language])
            yield from _told_too_much("text", wording.text, filled.text, policy.languages[language])
        else:
            yield from _told_too_little(filled, lines)


def _wrong_template(part: str, template: str) -> Iterator[Problem]:
    """What keeps a template from being one: its syntax, and names that nobody fills."""
    from jinja2 import TemplateSyntaxError
    from jinja2.meta import find_undeclared_variables

    try:
        unknown = find_undeclared_variables(environment().parse(template)) - VARIABLES
    except TemplateSyntaxError as error:
        found = f"{error.message} (line {error.lineno} of the template)"
        yield _wrong("not a template", found, "Jinja2", part)
        return
    for name in sorted(unknown):
        yield _wrong("unknown name in a template", name, f"one of {listed(sorted(VARIABLES))}", part)


def _fill(policy: ReminderPolicy, message: str, language: str, lines: tuple[Line, ...]) -> Rendered | Problem:
    """The message with these lines, or what keeps it from being filled."""
    from jinja2 import TemplateError

    contents = Contents(site="Our clinic", on=date(2026, 4, 15), reference=REFERENCE, lines=lines)
    wording, values = policy.languages[language].messages[message], values_of(policy, language, contents)
    for part, template in (("subject", wording.subject), ("text", wording.text)):
        try:
            compiled(template).render(values)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            return _wrong("a template that cannot be filled", str(error), "a message for one line, and for many", part)
    return render(policy, message, language, contents)


def _told_too_much(part: str, template: str, text: str, spoken: Language) -> Iterator[Problem]:
    """What a patient's message gives away to whoever reads it over a shoulder, in a branch not taken here too."""
    named = _named(template)
    for name, what in KEPT_FROM_PATIENTS.items():
        if name in named or SAMPLES[name] in text:
            yield _wrong("a patient's message tells too much", what, "the clinic, the days and whom to call", part)
    for word in telling_words(f"{template}\n{text}", spoken):
        yield _wrong("a patient's message tells a diagnosis", word, "none of never_to_patients", part)


def _named(template: str) -> set[str]:
    """The parts of values that a template names, by a dot or in quotes."""
    from jinja2.nodes import Const, Getattr

    tree = environment().parse(template)
    return {node.attr for node in tree.find_all(Getattr)} | {str(node.value) for node in tree.find_all(Const)}


def _told_too_little(filled: Rendered, lines: tuple[Line, ...]) -> Iterator[Problem]:
    """Patients of whom a message to staff is silent, and those that its subject names: a subject is seen by others."""
    untold = [line.shown_as for line in lines if line.shown_as not in filled.text]
    if untold:
        found = f"{len(untold)} of {len(lines)} patients left out"
        yield _wrong("a message that leaves patients out", found, "line.shown_as of every line")
    if VISIT.shown_as in filled.subject:
        yield _wrong("a subject that names patients", "line.shown_as", "patients in the text only", "subject")


def _wrong(what: str, found: str, expected: str, part: str = "text") -> Problem:
    return Problem(location=(part,), what=what, found=found, expected=expected)
