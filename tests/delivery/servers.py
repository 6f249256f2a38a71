"""Servers that record what they are given and fail as they are told: a mail server and a web server, on loopback.

They speak on plain sockets, so that they can fail at places where a well-behaved server cannot. Each runs in threads of
its own; `on_step` is called in the thread that serves, at every step, before the server answers it.
"""

import json
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from enum import StrEnum
from typing import Any

STEPS = ("connect", "mail", "rcpt", "data", "content", "answered")


class MailFault(StrEnum):
    """How the mail server fails; it does the rest as it should."""

    NONE = "none"
    REFUSES_US = "554 instead of a banner"
    HANGS_BEFORE_BANNER = "says nothing"
    TRICKLES_BANNER = "a banner without end, a letter at a time"
    REFUSES_LOGIN = "535 to AUTH"
    REFUSES_SENDER = "550 to MAIL"
    REFUSES_RECIPIENT = "550 to RCPT"
    GREYLISTS = "451 to RCPT"
    REFUSES_DATA = "451 to DATA"
    HANGS_AFTER_DATA = "says nothing to DATA"
    DROPS_WITHIN_CONTENT = "drops the connection within the content"
    REFUSES_CONTENT_FOR_GOOD = "554 to the content"
    REFUSES_CONTENT_FOR_NOW = "451 to the content"
    BABBLES_AFTER_CONTENT = "no number after the content"
    HANGS_AFTER_CONTENT = "keeps the message and says nothing"
    DROPS_AFTER_CONTENT = "keeps the message and drops the connection"
    HANGS_AFTER_QUIT = "keeps the message, says so, and says nothing to QUIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message that the mail server kept."""

    recipient: str
    subject: str
    text: str
    raw: bytes = field(repr=False)


class _Listening(ABC):
    """A socket that listens, a thread for each connection, and an orderly end."""

    def __init__(self) -> None:
        self.connections = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Any:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes every connection and waits for the threads."""
        self._over.set()
        with self._lock:
            for each in (self._socket, *self._open):
                _break(each)
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            self._start(self._serve_safely, connection)

    def _serve_safely(self, connection: socket.socket) -> None:
        try:
            self.serve(connection)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            _break(connection)

    def hang(self) -> None:
        """Says nothing until the server is stopped, or for long enough that every client has given up."""
        self._over.wait(10)

    def trickle(self, connection: socket.socket, text: bytes) -> None:
        """The text again and again, a letter every twentieth of a second."""
        while not self._over.is_set():
            for position in range(len(text)):
                connection.sendall(text[position : position + 1])
                if self._over.wait(0.05):
                    return

    @abstractmethod
    def serve(self, connection: socket.socket) -> None:
        """One connection."""


class RecordingMailServer(_Listening):
    """A mail server that keeps what it accepts, in `mails`, and fails as `fault` says.

    `on_step(step)` is called at `connect`, `mail`, `rcpt`, `data`, at `content` (the message is kept, not answered) and
    at `answered` (the client was told). `tls` is offered by STARTTLS where given.
    """

    def __init__(
        self,
        fault: MailFault = MailFault.NONE,
        *,
        on_step: Callable[[str], object] = str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self.fault = fault
        self.on_step = on_step
        self.mails: list[Mail] = []
        self._tls = tls

    def serve(self, connection: socket.socket) -> None:
        self.on_step("connect")
        if self.fault is MailFault.HANGS_BEFORE_BANNER:
            return self.hang()
        if self.fault is MailFault.TRICKLES_BANNER:
            return self.trickle(connection, b"220-please wait\r\n")
        if self.fault is MailFault.REFUSES_US:
            return connection.sendall(b"554 no service\r\n")
        connection.sendall(b"220 recording\r\n")
        return self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        reader, recipients = connection.makefile("rb"), list[str]()
        while line := reader.readline():
            verb = line.strip().split(b" ")[0].split(b":")[0].lower().decode()
            if verb == "starttls" and self._tls:
                return self._secure(connection, self._tls)
            if verb == "quit":
                return self.hang() if self.fault is MailFault.HANGS_AFTER_QUIT else connection.sendall(b"221 bye\r\n")
            if verb == "data":
                if not self._take(connection, reader, recipients):
                    return None
            else:
                self._answer(connection, verb, line, recipients)
        return None

    def _secure(self, connection: socket.socket, tls: ssl.SSLContext) -> None:
        """The rest of the conversation, encrypted."""
        connection.sendall(b"220 go ahead\r\n")
        encrypted = tls.wrap_socket(connection, server_side=True)
        with self._lock:
            self._open.append(encrypted)
        try:
            self._converse(encrypted)
        finally:
            _break(encrypted)

    def _answer(self, connection: socket.socket, verb: str, line: bytes, recipients: list[str]) -> None:
        """Everything but the content."""
        if verb in ("mail", "rcpt"):
            self.on_step(verb)
        if verb == "mail":
            recipients.clear()
        if verb == "rcpt":
            recipients.append(line.decode().split("<")[1].split(">")[0])
        tls = b"250-STARTTLS\r\n" if self._tls else b""
        answers = {
            ("auth", self.fault): b"235 come in\r\n",
            ("auth", MailFault.REFUSES_LOGIN): b"535 5.7.8 wrong password\r\n",
            ("mail", MailFault.REFUSES_SENDER): b"550 not from you\r\n",
            ("rcpt", MailFault.REFUSES_RECIPIENT): b"550 5.1.1 nobody of that name\r\n",
            ("rcpt", MailFault.GREYLISTS): b"451 4.7.1 come back later\r\n",
            ("ehlo", self.fault): b"250-recording\r\n" + tls + b"250-AUTH PLAIN\r\n250 8BITMIME\r\n",
        }
        connection.sendall(answers.get((verb, self.fault), b"250 fine\r\n"))

    def _take(self, connection: socket.socket, reader: Any, recipients: list[str]) -> bool:
        """The content, and whether to go on listening."""
        self.on_step("data")
        if self.fault is MailFault.REFUSES_DATA:
            connection.sendall(b"451 not now\r\n")
            return True
        if self.fault is MailFault.HANGS_AFTER_DATA:
            self.hang()
            return False
        connection.sendall(b"354 go ahead\r\n")
        if self.fault is MailFault.DROPS_WITHIN_CONTENT:
            reader.read(10)
            return False
        return self._finish(connection, _content(reader), recipients)

    def _finish(self, connection: socket.socket, content: bytes, recipients: list[str]) -> bool:
        """After the final full stop."""
        refusals = {
            MailFault.REFUSES_CONTENT_FOR_GOOD: b"554 5.7.1 not this\r\n",
            MailFault.REFUSES_CONTENT_FOR_NOW: b"451 4.3.0 later\r\n",
        }
        if refusal := refusals.get(self.fault):
            connection.sendall(refusal)
            return True
        self.mails.extend(_mail(recipient, content) for recipient in recipients)
        self.on_step("content")
        if self.fault is MailFault.HANGS_AFTER_CONTENT:
            self.hang()
        if self.fault in (MailFault.HANGS_AFTER_CONTENT, MailFault.DROPS_AFTER_CONTENT):
            return False
        babble = self.fault is MailFault.BABBLES_AFTER_CONTENT
        connection.sendall(b"well then\r\n" if babble else b"250 kept\r\n")
        self.on_step("answered")
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that the web server read whole."""

    path: str
    body: Any


class WebFault(StrEnum):
    """How the web server fails; where it does not, it answers with its `status`."""

    NONE = "none"
    HANGS_BEFORE_READING = "accepts the connection, reads and says nothing"
    HANGS = "keeps the message and says nothing"
    DROPS = "keeps the message and closes without an answer"
    TRICKLES = "keeps the message and answers without end, a letter at a time"


class RecordingWebServer(_Listening):
    """A web server that keeps every request, in `requests`, and answers with `status`, or fails as `fault` says."""

    def __init__(self, status: int = 200, *, fault: WebFault = WebFault.NONE) -> None:
        super().__init__()
        self.status = status
        self.fault = fault
        self.requests: list[Request] = []

    def serve(self, connection: socket.socket) -> None:
        if self.fault is WebFault.HANGS_BEFORE_READING:
            return self.hang()
        self.requests.append(_request(connection.makefile("rb")))
        if self.fault is WebFault.HANGS:
            return self.hang()
        if self.fault is WebFault.TRICKLES:
            return self.trickle(connection, b"HTTP/1.1 ")
        if self.fault is WebFault.DROPS:
            return None
        answer = f"HTTP/1.1 {self.status} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        return connection.sendall(answer.encode())


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _request(reader: Any) -> Request:
    """One request, read whole."""
    path, length = reader.readline().decode().split(" ")[1], 0
    while line := reader.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return Request(path=path, body=json.loads(reader.read(length)))


def _content(reader: Any) -> bytes:
    """A mail's content up to its full stop; EOFError where it broke off before."""
    lines = []
    while (line := reader.readline()) != b".\r\n":
        if not line:
            raise EOFError
        lines.append(line[1:] if line.startswith(b"..") else line)
    return b"".join(lines)


def _mail(recipient: str, content: bytes) -> Mail:
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return Mail(recipient=recipient, subject=str(message["subject"]), text=text, raw=content)


def _break(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        connection.close()
