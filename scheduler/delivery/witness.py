"""Watches one attempt in the thread that makes it: what reaches the network, what is logged, how long it takes.

Python announces what its clients do (audit events `socket.connect`, `smtplib.send`, `http.client.send` and others)
before they do it, so a step that comes too late can be refused, and what was refused was certainly not handed over.
What the libraries log while a send is on goes no further than here: it holds addresses, URLs and messages.
"""

import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from scheduler.delivery.evidence import Evidence

WATCHED = frozenset(
    {"socket.getaddrinfo", "socket.connect", "smtplib.send", "http.client.connect", "http.client.send"},
)
TELL_ANSWERS = ("apprise", "urllib3.connectionpool")  # at DEBUG


class Witness:
    """Sees one attempt and ends it in time.

    Each hand-over must begin within `seconds` of the step before it, and be answered within as many. Then the
    connections are broken off and every later step is refused; only the look-up of a name cannot be cut short.
    """

    def __init__(self, *, seconds: float) -> None:
        self.seen = Evidence()
        self._seconds = seconds
        self._deadline = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._connections: list[socket.socket] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While this lasts, what this thread does is seen, and ended in time."""
        self._deadline = time.monotonic() + self._seconds
        clock = threading.Thread(target=self._keep_time, name="delivery-deadline", daemon=True)
        clock.start()
        try:
            with heard_by(self):
                yield
        finally:
            self._over.set()
            clock.join()
            for connection in self._connections:
                connection.close()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Notes a step before it happens; refuses it where the time is up."""
        with self._lock:
            self.seen.tried = True
            if self.seen.out_of_time:
                if event == "smtplib.send":
                    arguments[0].close()  # smtplib would leave it open
                raise TimeoutError("the attempt took too long")
            if self._note(event, arguments):
                self._deadline = time.monotonic() + self._seconds

    def read(self, record: logging.LogRecord) -> None:
        """Notes what a library logged."""
        with self._lock:
            self.seen.logged(record)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Whether a message is being handed over."""
        if event == "smtplib.send":
            return self.seen.smtp_sent(arguments[1])
        if event == "http.client.send":
            return self.seen.http_sent(arguments[1])
        if event == "http.client.connect":
            self.seen.connected = True
        elif event == "socket.connect":
            self._connections.append(arguments[0].dup())  # stays ours while TLS wraps the other in another object
        return False

    def _keep_time(self) -> None:
        """Breaks the connections off once the time is up."""
        while not self._over.wait(max(0.0, self._deadline - time.monotonic())):
            with self._lock:
                if time.monotonic() >= self._deadline:
                    self.seen.out_of_time = True
                    return self._break_off()
        return None

    def _break_off(self) -> None:
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def heard_by(witness: Witness) -> Iterator[None]:
    """While this lasts, nothing that this thread's libraries log goes further than to the witness."""
    _listen()
    token = _present.set(witness)
    try:
        yield
    finally:
        _present.reset(token)


class _Ear(logging.Filter):
    """Gives what is logged to the witness of this thread, and to nobody else; lets it pass where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        witness = _present.get()
        if witness is None:
            return record.name not in TELL_ANSWERS or record.levelno >= logging.getLogger().getEffectiveLevel()
        witness.read(record)
        return False


_present: ContextVar[Witness | None] = ContextVar("present_witness", default=None)
_ear = _Ear()
_hooking = threading.Lock()
_hooked: list[bool] = []


def _listen() -> None:
    """Hears the steps (an audit hook stays for the life of the process) and the loggers, however they are set now."""
    with _hooking:
        if not _hooked:
            sys.addaudithook(_hear)
            _hooked.append(True)
    for name in TELL_ANSWERS:
        logger = logging.getLogger(name)
        logger.disabled = False
        if logger.level != logging.DEBUG:
            logger.setLevel(logging.DEBUG)
    for each in [logging.root, *logging.root.manager.loggerDict.values()]:
        if isinstance(each, logging.Logger) and _ear not in each.filters:
            each.addFilter(_ear)


def _hear(
    event: str,
    arguments: tuple[Any, ...],
    *,
    watched: frozenset[str] = WATCHED,
    present: ContextVar[Witness | None] = _present,
) -> None:
    """Every audit event of the process passes here, even while it ends and module names are gone: hence defaults."""
    if event in watched and (witness := present.get()) is not None:
        witness.hear(event, arguments)
