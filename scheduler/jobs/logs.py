"""The log of the service: one line on stderr for each thing done, a stable action word and facts without identity.

Only the facts in `ALLOWED` are written, and only as numbers, truths, days, moments or short words; whatever else is
told is left out, and the line says how many facts were (`left_out`). So a name or a note cannot get in by mistake.
"""

import sys
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import date, datetime, time
from re import fullmatch
from typing import Any, TextIO

import structlog

ALLOWED = frozenset(
    {
        *("site", "on", "job", "state", "eligible", "sent", "failed", "suppressed", "unknown", "reasons"),
        *("count", "sites", "owed", "channel", "message", "outcome"),
        *("error", "place", "tries", "wait_seconds", "seconds"),
        *("version", "port", "ring_at", "signal", "patients", "moved", "rungs", "recipients"),
    }
)
OURS = ("action", "at", "worker", "left_out")
WORD = r"[\w.:@/+-]{1,80}"  # a code, a class, a place in a file: no blanks, so no sentence and hardly a name

Told = Callable[..., None]


def log_to(stream: TextIO, *, worker: str, now: Callable[[], datetime]) -> Told:
    """A function `told(action, **facts)` that writes one line: `key=value` on a terminal, JSON elsewhere.

    Each line has `action`, `at` (UTC) and `worker`. A stream that takes no more lines stops nothing.
    """
    draw = structlog.processors.KeyValueRenderer(key_order=["at", "action"], drop_missing=True)
    renderer = draw if stream.isatty() else structlog.processors.JSONRenderer()
    log = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[_keep_allowed, _stamp(worker, now), renderer],
        wrapper_class=structlog.BoundLogger,
    )

    def told(action: str, **facts: object) -> None:
        with suppress(OSError, ValueError):  # a full disk, a closed pipe
            log.info(action, **facts)

    return told


def log_to_stderr(*, worker: str, now: Callable[[], datetime]) -> Told:
    """The same on stderr."""
    return log_to(sys.stderr, worker=worker, now=now)


def _keep_allowed(_log: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The line with nothing in it but allowed facts in a plain form."""
    action = event.pop("event")
    kept = {name: _plain(fact) for name, fact in event.items() if name in ALLOWED and _is_plain(fact)}
    left_out = len(event) - len(kept)
    return {"action": action, **kept, **({"left_out": left_out} if left_out else {})}


def _stamp(worker: str, now: Callable[[], datetime]) -> Callable[..., MutableMapping[str, Any]]:
    def stamp(_log: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"at": now().isoformat(timespec="milliseconds"), **event, "worker": worker}

    return stamp


def _is_plain(fact: object) -> bool:
    """Whether a fact is a number, a truth, a day, a moment, a short word, or a count by short words."""
    if isinstance(fact, dict):
        return all(isinstance(number, int) and _is_plain(word) for word, number in fact.items())
    if isinstance(fact, str):
        return fullmatch(WORD, fact) is not None
    return fact is None or isinstance(fact, int | float | date | time)


def _plain(fact: object) -> object:
    return fact.isoformat() if isinstance(fact, date | time) else fact
