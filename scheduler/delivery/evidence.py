"""What was seen of one attempt, step by step: what was handed over, and how each hand-over was answered.

Takes what Python tells of its mail and web clients (data handed to the network) and the records that they log
(answers); keeps neither. From an answer it keeps its number alone.
"""

import ast
import logging
import re
from dataclasses import dataclass, field
from enum import StrEnum

FULL_STOP = b"\r\n.\r\n"  # how a mail's content ends, and no command does
REQUEST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/")
SMTP_ANSWER = "Socket Exception: "
HTTP_ANSWER_LOG, HTTP_ANSWER_PARTS, HTTP_STATUS = "urllib3.connectionpool", 8, 6


class Protocol(StrEnum):
    """How a message is handed over."""

    SMTP = "SMTP"
    HTTP = "HTTP"


@dataclass(slots=True, kw_only=True)
class HandOver:
    """One message that was given to the network, and the number that answered it, if one did."""

    protocol: Protocol
    answer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A mail server's answers to a command before the content; `of_recipient`: to the naming of the recipients."""

    answers: tuple[int, ...]
    of_recipient: bool


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What was seen of one attempt so far."""

    tried: bool = False
    connected: bool = False
    out_of_time: bool = False
    crashed: bool = False
    hand_overs: list[HandOver] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    _unanswered: HandOver | None = None

    def smtp_sent(self, data: bytes) -> bool:
        """Notes what went to a mail server; whether it was a message."""
        self.connected = True
        if data.endswith(FULL_STOP):
            return self._handed_over(Protocol.SMTP)
        if data.lower().startswith(b"mail "):
            self._unanswered = None
        return False

    def http_sent(self, data: object) -> bool:
        """Notes what went to a web server; whether a request began with it."""
        self.connected = True
        if not self.hand_overs or (isinstance(data, bytes) and REQUEST_LINE.match(data)):
            return self._handed_over(Protocol.HTTP)
        return False

    def logged(self, record: logging.LogRecord) -> None:
        """Notes the answer that a record tells, if it tells one."""
        if record.name == HTTP_ANSWER_LOG:
            return self._http_answered(record)
        message = record.getMessage()
        if "raised an exception" in message:
            self.crashed = True
        if message.startswith(SMTP_ANSWER):
            return self._smtp_answered(message.removeprefix(SMTP_ANSWER))
        return None

    def _handed_over(self, protocol: Protocol) -> bool:
        self._unanswered = HandOver(protocol=protocol)
        self.hand_overs.append(self._unanswered)
        return True

    def _http_answered(self, record: logging.LogRecord) -> None:
        parts = record.args
        if isinstance(parts, tuple) and len(parts) == HTTP_ANSWER_PARTS and self._unanswered:
            status = parts[HTTP_STATUS]
            self._unanswered.answer = status if isinstance(status, int) else None
            self._unanswered = None

    def _smtp_answered(self, exception: str) -> None:
        refusal = read_smtp_exception(exception)
        if self._unanswered is not None:
            if refusal and not refusal.of_recipient:
                self._unanswered.answer = refusal.answers[0]
            self._unanswered = None
        elif refusal:
            self.refusals.append(refusal)


def read_smtp_exception(text: str) -> Refusal | None:
    """The answers in the words of one of smtplib's exceptions; None where the server gave no number.

    >>> read_smtp_exception("(451, b'try later')")
    Refusal(answers=(451,), of_recipient=False)
    >>> read_smtp_exception("{'someone': (550, b'unknown')}").of_recipient
    True
    >>> read_smtp_exception("Connection unexpectedly closed")
    """
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    each = list(value.values()) if isinstance(value, dict) else [value]
    answers = tuple(one[0] for one in each if isinstance(one, tuple) and one and _is_answer(one[0]))
    if not answers or len(answers) != len(each):
        return None
    return Refusal(answers=answers, of_recipient=isinstance(value, dict))


def _is_answer(value: object) -> bool:
    """Whether it is the number of a whole answer; smtplib writes -1 for none, and half of one for half of one."""
    return isinstance(value, int) and 100 <= value <= 599
