"""What a person has to say with an event, and which days it may be of.

Takes one event as it is told; gives everything that is wrong with it. What the event does is for `episodes`.
"""

from collections.abc import Iterator
from datetime import date

from scheduler.core.events import CONSENTS, RECURRENCES, Event
from scheduler.errors import listed

WORDS = {Event.RECURRENCE: RECURRENCES, Event.CONSENT_WITHDRAWN: CONSENTS}
ASKED = {  # what is missing where nothing is said
    Event.RECURRENCE: "where the recurrence is",
    Event.CONSENT_WITHDRAWN: "what the consent was for",
    Event.REOPENED: "why the episode is re-opened",
    Event.TRANSFER: "where the patient goes",
}


def problems(event: str, on: date, detail: str, *, resected_on: date, today: date) -> list[str]:
    """Everything for which an event cannot be recorded as of today, each in a sentence without a full stop.

    An event of a day before the resection may be recorded, and changes nothing; a death may not be, since the patient
    was operated on afterwards.

    >>> said = {"resected_on": date(2026, 1, 31), "today": date(2026, 5, 2)}
    >>> problems("recurrence", date(2026, 5, 3), "lung", **said)
    ['2026-05-03 is in the future; today is 2026-05-02',
     'the detail says where the recurrence is: intrahepatic, extrahepatic or both']
    >>> problems("death", date(2026, 5, 2), "", **said)
    []
    """
    if event not in list(Event):
        return [f"there is no event {event}; it is one of {listed(list(Event))}"]
    return [*_of_day(Event(event), on, resected_on, today), *_of_detail(Event(event), detail)]


def _of_day(event: Event, on: date, resected_on: date, today: date) -> Iterator[str]:
    if on > today:
        yield f"{on} is in the future; today is {today}"
    if event is Event.DEATH and on < resected_on:
        yield f"a death on {on} is before the resection on {resected_on}"


def _of_detail(event: Event, detail: str) -> Iterator[str]:
    if event in WORDS and detail not in WORDS[event]:
        yield f"the detail says {ASKED[event]}: {_either(WORDS[event])}"
    elif event in ASKED and not detail.strip():
        yield f"the detail says {ASKED[event]}; it is empty"


def _either(words: tuple[str, ...]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]])
