"""Whether a reminder policy can say in every language what it has to say.

Takes a `ReminderPolicy`; gives problems at their places. Whether its templates can be filled is checked where messages
are written.
"""

from collections.abc import Iterator

from scheduler.core.problems import Location, Problem
from scheduler.core.reminders.policy import Language, ReminderPolicy
from scheduler.core.visit_changes import ORIGINS
from scheduler.errors import listed

PARTS_OF_DATE = ("{day}", "{month}", "{year}")


def wrong_languages(policy: ReminderPolicy) -> Iterator[Problem]:
    """Languages, messages and words that are named and not there, or there and of no use."""
    if policy.default_language not in policy.languages:
        known = f"one of {listed(list(policy.languages))}"
        yield _problem(("default_language",), "unknown language", policy.default_language, known)
    messages = {to.message for rung in policy.rungs for to in rung.to}
    words = _needed_words(policy)
    for tag, spoken in policy.languages.items():
        for problem in _wrong_language(spoken, messages, words):
            yield problem.below("languages", tag)


def _needed_words(policy: ReminderPolicy) -> set[str]:
    """What every language has a word for: rungs, tasks, origins of visits, and whatever another language names."""
    tasks = {str(rung.task) for rung in policy.tasks}
    elsewhere = {word for spoken in policy.languages.values() for word in spoken.words}
    return {*(rung.rung for rung in policy.rungs), *tasks, *ORIGINS, *elsewhere}


def _wrong_language(spoken: Language, messages: set[str], words: set[str]) -> Iterator[Problem]:
    for message in sorted(messages - set(spoken.messages)):
        yield _problem(("messages",), "message missing", f"no {message}", "each message that a rung names")
    for message in sorted(set(spoken.messages) - messages):
        yield _problem(("messages", message), "unused message", message, "a message that a rung names")
    for word in sorted(words - set(spoken.words)):
        expected = "a word for each rung, task and origin of a visit, and for what other languages name"
        yield _problem(("words",), "word missing", f"none for {word}", expected)
    if absent := [part for part in PARTS_OF_DATE if part not in spoken.date_as]:
        expected = listed(PARTS_OF_DATE)
        yield _problem(("date_as",), "a date that lacks a part", f"{spoken.date_as} without {listed(absent)}", expected)


def _problem(location: Location, what: str, found: str, expected: str) -> Problem:
    return Problem(location=location, what=what, found=found, expected=expected)
