"""Who stops the day's messages, from the keyboard, by a signal or with its terminal, loses none and doubles none."""

import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import pytest

from tests.cli.conftest import Hepwatch
from tests.delivery.servers import MailFault, RecordingMailServer

TEN, ELEVEN = "2026-09-01T01:00:00+00:00", "2026-09-01T02:00:00+00:00"  # in Seoul; P-1 is due, P-2 escalated
EVERYBODY = ["anna@example.org", "han@example.org", "patient@example.org"]
PATIENCE_SECONDS = 120  # a watchdog for a process that never ends; nothing is timed
STOPS = [
    pytest.param(signal.SIGINT, 130, id="from the keyboard"),
    pytest.param(signal.SIGTERM, 143, id="by SIGTERM"),
    pytest.param(signal.SIGHUP, 129, id="by its terminal"),
]


@dataclass(kw_only=True)
class Post:
    """A mail server that stops whoever sends, at a step of the first message."""

    server: RecordingMailServer
    stop_at: str | None = None
    stop: Callable[[], None] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)

    def on_step(self, step: str) -> None:
        if step == self.stop_at:
            self.stop_at = None
            self.stop()

    @property
    def came(self) -> list[str]:
        """To whom something came."""
        return sorted(mail.recipient for mail in self.server.mails)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """A mail server, and a channels file that leads to it."""
    with RecordingMailServer() as server:
        post = Post(server=server)
        server.on_step = post.on_step
        file = tmp_path / "channels.yaml"
        url = f"mailto://127.0.0.1:{server.port}?from=clinic@example.org&to={{address}}"
        file.write_text(f"channels:\n  email: {{url: '{url}', attempts: 3, timeout_seconds: 9}}\n", "utf-8")
        file.chmod(0o600)
        post.environment["HEPWATCH_CHANNELS_FILE"] = str(file)
        yield post


@pytest.fixture
def told(hepwatch: Hepwatch, clinic: Path) -> Hepwatch:
    """A clinic at which a patient, anna and han are told."""
    anna, han, patient = (("--channel", "email", "--address", address) for address in EVERYBODY)
    assert hepwatch("recipient", "set", "seoul", "coordinator", "anna", *anna).status == 0
    assert hepwatch("recipient", "set", "seoul", "clinician", "han", *han).status == 0
    assert hepwatch("contact", "set", "P-1", *patient, "--consented-on", "2026-06-02").status == 0
    return hepwatch


@contextmanager
def reminding(post: Post, moment: str = TEN, *, writes_to: int = subprocess.PIPE) -> "Iterator[subprocess.Popen[str]]":
    """`hepwatch remind` as a process of its own on that day."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cli.at_a_moment", moment, "remind"],
        env={**os.environ, **post.environment},
        stdout=writes_to,
        stderr=writes_to,
        text=True,
    ) as process:
        watchdog = Timer(PATIENCE_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def run(
    post: Post, moment: str = TEN, *, stopped_at: str | None = None, by: signal.Signals = signal.SIGTERM
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a run, which may be stopped at a step."""
    with reminding(post, moment) as process:
        post.stop = lambda: process.send_signal(by)
        post.stop_at = stopped_at
        out, err = process.communicate()
    return process.returncode, out, err


@pytest.mark.parametrize(("number", "status"), STOPS)
def test_a_run_that_is_stopped_finishes_its_message_gives_the_rest_back_and_the_next_sends_it(
    told: Hepwatch, post: Post, number: signal.Signals, status: int
) -> None:
    ended, out, err = run(post, stopped_at="data", by=number)
    after_the_stop = (list(post.came), told("remind", "list", "--state", "claimed,unknown,failed", "--json").value)
    again, _, _ = run(post, ELEVEN)

    assert (ended, out.splitlines()[2].split()[:3]) == (status, ["seoul", "2026-09-01", "unbalanced"])
    assert err.splitlines()[-1] == (
        f"stopped by {number.name}: the message in hand was finished, and what is left goes out with the next run"
    )
    assert (len(after_the_stop[0]), after_the_stop[1]) == (1, [])
    assert (again, post.came) == (0, EVERYBODY)


def test_a_run_that_waits_to_try_again_leaves_without_waiting(told: Hepwatch, post: Post) -> None:
    post.server.fault = MailFault.GREYLISTS

    ended, _, _ = run(post, stopped_at="rcpt")
    waiting = told("remind", "list", "--state", "claimed,unknown", "--json").value
    failed = told("remind", "list", "--state", "failed", "--json").value
    post.server.fault = MailFault.NONE
    again, _, _ = run(post, ELEVEN)

    assert (ended, waiting) == (143, [])
    assert [row["goes_out_again"] for row in failed] == [True] * len(failed)
    assert (again, post.came) == (0, EVERYBODY)


def test_a_second_signal_stops_at_once(told: Hepwatch, post: Post) -> None:
    post.server.fault = MailFault.HANGS_BEFORE_BANNER

    with reminding(post) as process:
        post.stop = lambda: process.send_signal(signal.SIGINT)
        post.stop_at = "connect"
        assert process.stderr
        heard = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        status = process.wait()

    assert (status, "once more stops at once" in heard) == (130, True)


def test_a_terminal_that_is_gone_takes_no_message_with_it(told: Hepwatch, post: Post) -> None:
    seen, terminal = pty.openpty()

    with reminding(post, writes_to=terminal) as process:
        os.close(terminal)

        def close() -> None:
            os.close(seen)
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGHUP)  # its shell, and the system

        post.stop, post.stop_at = close, "data"
        status = process.wait()
    after_the_stop = (len(post.came), told("remind", "list", "--state", "claimed,unknown,failed", "--json").value)
    again, _, _ = run(post, ELEVEN)

    assert (status, after_the_stop) == (129, (1, []))
    assert (again, post.came) == (0, EVERYBODY)


def test_a_run_that_waits_for_its_database_leaves_at_once(told: Hepwatch, clinic: Path, post: Post) -> None:
    post.environment["HEPWATCH_DATABASE_URL"] = f"sqlite:///{clinic}?timeout=0.1"

    with closing(sqlite3.connect(clinic, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with reminding(post) as process:
            assert process.stderr
            away = process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate()

    assert (away.startswith("database away: error RegistryBusy"), process.returncode) == (True, 143)
    assert err.splitlines()[-1].startswith("stopped by SIGTERM while the database was away; ")


def test_after_a_run_signals_do_what_they_did_before(told: Hepwatch) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]

    told("remind")

    assert [signal.getsignal(number) for number in numbers] == before
