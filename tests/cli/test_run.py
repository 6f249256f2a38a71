"""The service as an operator has it: a process that does the day, answers on its port, and leaves when it is told."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests.cli.conftest import Hepwatch
from tests.delivery.ways import a_channels_file

MIDNIGHT = ("--at", "00:00")
PATIENCE_SECONDS = 120  # a watchdog for a process that never speaks; nothing is timed


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service that runs, and the port on which it answers."""

    process: "subprocess.Popen[str]"
    port: int

    def until(self, action: str) -> list[dict[str, Any]]:
        """The lines of its log up to one with this action."""
        assert self.process.stderr
        lines = []
        for line in self.process.stderr:
            lines.append(json.loads(line))
            if lines[-1]["action"] == action:
                return lines
        raise AssertionError(f"it ended before {action}; it said {lines}")

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[dict[str, Any]]]:
        """Exit status and last lines after a signal."""
        assert self.process.stderr
        self.process.send_signal(number)
        lines = [json.loads(line) for line in self.process.stderr]
        return self.process.wait(), lines


@contextmanager
def a_service(*arguments: str, **environment: str) -> Iterator[Running]:
    """`hepwatch run` as a process of its own, with the registry of the settings; it is gone afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "scheduler.cli", "run", *MIDNIGHT, "--port", str(port), *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = Timer(PATIENCE_SECONDS, process.kill)
        watchdog.start()
        try:
            yield Running(process=process, port=port)
        finally:
            watchdog.cancel()
            process.kill()


@contextmanager
def somebody_writes(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program that holds the registry's write lock until it says `ROLLBACK`."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_the_service_does_the_day_at_its_start_and_says_how_it_is(hepwatch: Hepwatch, clinic: Path) -> None:
    with a_service() as service:
        said = service.until("day_done")
        metrics = service.ask("/metrics")[1]
        health = service.ask("/healthz")
        status, last = service.end()

    assert [line["action"] for line in said if line["action"] in ("started", "gap_checked")] == [
        "started",
        "gap_checked",
    ]
    assert (said[-1]["site"], said[-1]["state"]) == ("seoul", "balanced")
    assert health == (200, "well\n")
    assert "hepwatch_database_reachable 1.0" in metrics
    assert (status, [line["action"] for line in last][-2:]) == (0, ["stopping", "stopped"])
    assert last[-2]["signal"] == "SIGTERM"
    (job,) = hepwatch("jobs", "list", *MIDNIGHT, "--json").value
    assert (job["state"], job["owed"]) == ("balanced", [])


def test_whom_no_message_can_reach_is_said_in_the_log_and_to_who_asks(
    hepwatch: Hepwatch, clinic: Path, tmp_path: Path
) -> None:
    channels = a_channels_file(tmp_path, "channels:\n  email: {url: 'file:sent.jsonl'}\n")
    teams = ("--channel", "teams")
    assert hepwatch("recipient", "set", "seoul", "coordinator", "anna", *teams).status == 0

    with a_service(HEPWATCH_CHANNELS_FILE=str(channels)) as service:
        said = service.until("day_done")
        health = service.ask("/healthz")
        service.end()

    facts = {"channel": "teams", "rungs": 0, "recipients": 1, "patients": 0, "sites": 1}
    (missing,) = [line for line in said if line["action"] == "channel_missing"]
    assert {name: missing[name] for name in facts} == facts
    assert health == (
        503,
        "channel teams is not in the channels file, and 1 recipient of seoul is to be told by it\n",
    )


def test_an_interrupt_from_the_keyboard_ends_it_too_and_a_closed_terminal_does_not(clinic: Path) -> None:
    with a_service() as service:
        service.until("day_done")
        service.process.send_signal(signal.SIGHUP)
        health = service.ask("/healthz")
        status, _ = service.end(signal.SIGINT)

    assert (health, status) == ((200, "well\n"), 0)


def test_the_log_names_no_patient(clinic: Path) -> None:
    with a_service() as service:
        said = service.until("day_done")
        _, last = service.end()

    text = json.dumps([*said, *last])
    assert not re.search(r"P-\d|Kim|Minji|SYN|196\d-", text)
    assert not any("left_out" in line for line in [*said, *last])


def test_a_registry_that_is_busy_is_waited_for_and_the_day_is_done_when_it_is_free(clinic: Path) -> None:
    with (
        somebody_writes(clinic) as other,
        a_service(HEPWATCH_DATABASE_URL=f"sqlite:///{clinic}?timeout=0.1") as service,
    ):
        away = service.until("database_away")[-1]
        health = service.ask("/healthz")
        other.execute("ROLLBACK")
        said = service.until("day_done")
        status, _ = service.end()

    assert (away["error"], away["tries"], away["wait_seconds"] <= 1.2) == ("RegistryBusy", 1, True)
    assert (health[0], health[1].splitlines()[0]) == (503, "the database did not answer at the last try")
    assert "database_back" in [line["action"] for line in said]
    assert (said[-1]["state"], status) == ("balanced", 0)


def test_a_service_that_waits_for_its_database_leaves_at_once_when_it_is_told(clinic: Path) -> None:
    with somebody_writes(clinic), a_service(HEPWATCH_DATABASE_URL=f"sqlite:///{clinic}?timeout=0.1") as service:
        service.until("database_away")
        status, last = service.end()

    assert (status, last[-1]["action"]) == (0, "stopped")


def test_a_second_signal_ends_it_in_the_middle_of_its_work(clinic: Path) -> None:
    with somebody_writes(clinic), a_service(HEPWATCH_DATABASE_URL=f"sqlite:///{clinic}?timeout=100") as service:
        service.until("gap_checked")
        service.process.send_signal(signal.SIGTERM)
        service.until("stopping")
        status, last = service.end()

    assert (status, [line["action"] for line in last]) == (128 + signal.SIGTERM, [])


def test_two_services_at_once_do_the_day_once(hepwatch: Hepwatch, clinic: Path) -> None:
    with a_service() as one, a_service() as other:
        said = [one.until("day_done")[-1], other.until("day_done")[-1]]
        statuses = [one.end()[0], other.end()[0]]

    (job,) = hepwatch("jobs", "list", *MIDNIGHT, "--json").value
    assert (statuses, job["state"]) == ([0, 0], "balanced")
    assert {line["state"] for line in said} == {"balanced"}


def test_cron_calls_it_once_and_hears_nothing_where_nothing_is_owed(hepwatch: Hepwatch, clinic: Path) -> None:
    first, again = (
        subprocess.run(
            [sys.executable, "-m", "scheduler.cli", "run", "--once", *MIDNIGHT],
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(2)
    )

    assert (first.returncode, json.loads(first.stderr.splitlines()[-1])["state"]) == (0, "balanced")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "words"),
    [
        pytest.param(["--at", "7 am"], {}, 2, "7 am is not a time of day; write HH:MM", id="no time"),
        pytest.param(["--at", "23:30"], {}, 2, "23:30 is too late", id="too late in the day"),
        pytest.param(["--site", "soul"], {}, 5, "there is no site soul", id="no such site"),
        pytest.param([], {"HEPWATCH_MONITOR_PORT": "many"}, 2, "HEPWATCH_MONITOR_PORT", id="no port"),
        pytest.param([], {"HEPWATCH_HEARTBEAT_URL": "ping me"}, 7, "HEPWATCH_HEARTBEAT_URL is not", id="no address"),
        pytest.param([], {"HEPWATCH_DATABASE_URL": "sqlite:///none.db"}, 5, "there is no registry", id="no registry"),
    ],
)
def test_what_is_wrong_is_said_before_the_service_stays(
    clinic: Path, arguments: list[str], environment: dict[str, str], status: int, words: str
) -> None:
    port = [] if "HEPWATCH_MONITOR_PORT" in environment else ["--port", "0"]

    ended = subprocess.run(
        [sys.executable, "-m", "scheduler.cli", "run", *port, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, words in ended.stderr) == (status, True)


def test_a_port_that_another_program_has_is_said(clinic: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        ended = subprocess.run(
            [sys.executable, "-m", "scheduler.cli", "run", "--port", port], capture_output=True, text=True, check=False
        )

    assert (ended.returncode, f"port {port} of this machine cannot be listened on" in ended.stderr) == (7, True)
