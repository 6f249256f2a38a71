"""Channels that leave the machine by no network: standard output, and a file of JSON lines."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from scheduler.delivery.outcome import Attempt, Outcome, Outgoing


@dataclass(frozen=True, slots=True)
class Console:
    """Writes each message to standard output."""

    def attempt(self, address: str, outgoing: Outgoing) -> Attempt:  # noqa: ARG002 (a journal may keep what is written)
        """The message, readably, between two lines; the address is not written, since a journal may keep it."""
        text = f"--- {outgoing.reference}\nSubject: {outgoing.subject}\n\n{outgoing.text}\n---\n"
        try:
            sys.stdout.write(_printable(text))
            sys.stdout.flush()
        except OSError:
            return Attempt(outcome=Outcome.UNKNOWN, why="writing to standard output broke off", channels_fault=True)
        return Attempt(outcome=Outcome.SENT, why="written to standard output")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLines:
    """Appends each message to a file that only its owner may read, one line of JSON for each."""

    path: Path
    channel: str

    def attempt(self, address: str, outgoing: Outgoing) -> Attempt:
        """Appended and on the disk; unknown where writing broke off."""
        line = {"reference": outgoing.reference, "channel": self.channel, "address": address}
        text = json.dumps({**line, "subject": outgoing.subject, "text": outgoing.text}, ensure_ascii=False)
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError:
            why = "the file cannot be opened; nothing was written"
            return Attempt(outcome=Outcome.UNREACHED, why=why, again=True, channels_fault=True)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                _write_whole(file.fileno(), f"{text}\n".encode())
        except OSError:
            return Attempt(outcome=Outcome.UNKNOWN, why="writing to the file broke off", channels_fault=True)
        return Attempt(outcome=Outcome.SENT, why="written to the file")


def _write_whole(descriptor: int, line: bytes) -> None:
    """All of the line, and on the disk; one write unless the system takes less at once."""
    while line:
        line = line[os.write(descriptor, line) :]
    os.fsync(descriptor)


def _printable(text: str) -> str:
    """The text as standard output can hold it: letters outside its encoding as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, errors="backslashreplace").decode(encoding)
