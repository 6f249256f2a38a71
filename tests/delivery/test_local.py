"""Messages to standard output and to a file."""

import io
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from scheduler.delivery.local import Console, JsonLines
from scheduler.delivery.outcome import Attempt, Outcome
from tests.delivery.ways import KIM, an_outgoing, channels_to


def append_many(path: Path) -> None:
    """What each of several processes does."""
    for number in range(50):
        JsonLines(path=path, channel="out").attempt(KIM, an_outgoing(number, text="随访" * 2000))


def test_a_file_gets_one_line_of_json_for_each_message(tmp_path: Path) -> None:
    channels = channels_to(tmp_path, "file:sent.jsonl")

    for number in (1, 2):
        channels.deliver("out", KIM, an_outgoing(number, subject="진료", text="您好\n再见"))

    lines = (tmp_path / "sent.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"reference": f"r-{number}", "channel": "out", "address": KIM, "subject": "진료", "text": "您好\n再见"}
        for number in (1, 2)
    ]


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    JsonLines(path=tmp_path / "sent.jsonl", channel="out").attempt(KIM, an_outgoing())

    assert (tmp_path / "sent.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_opened_is_unreached(tmp_path: Path) -> None:
    attempt = JsonLines(path=tmp_path / "nowhere" / "sent.jsonl", channel="out").attempt(KIM, an_outgoing())

    why = "the file cannot be opened; nothing was written"
    assert attempt == Attempt(outcome=Outcome.UNREACHED, why=why, again=True, channels_fault=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_full_disk_is_unknown() -> None:
    attempt = JsonLines(path=Path("/dev/full"), channel="out").attempt(KIM, an_outgoing())

    assert attempt == Attempt(outcome=Outcome.UNKNOWN, why="writing to the file broke off", channels_fault=True)


def test_several_processes_never_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "sent.jsonl"

    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        list(processes.map(append_many, [path] * 3))

    lines = path.read_text(encoding="utf-8").splitlines()
    assert [len(json.loads(line)["text"]) for line in lines] == [4000] * 150


def test_standard_output_without_korean_letters_still_gets_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    attempt = Console().attempt(KIM, an_outgoing(text="진료"))

    assert attempt.outcome is Outcome.SENT
    assert b"\\uc9c4\\ub8cc" in written.getvalue()


class Full(io.StringIO):
    """A standard output that has no room."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_standard_output_that_is_full_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())

    attempt = Console().attempt(KIM, an_outgoing())

    assert attempt.outcome is Outcome.UNKNOWN
