"""What a channels file may say, and what is told where it says something else."""

from pathlib import Path

import pytest

from scheduler import settings
from scheduler.delivery.channel_file import ChannelEntry, read_channel_file
from scheduler.delivery.channels import Channels
from scheduler.delivery.errors import ChannelsFileExposed, ChannelsFileUnreadable, ChannelsRefused
from tests.delivery.ways import a_channels_file

GOOD = """
channels:
  email:
    url: mailtos://user:password@smtp.example.org:587?from=clinic@example.org&to={address}
    per_minute: 60
    timeout_seconds: 20
    attempts: 3
    cool_down_seconds: 600
  chat: {url: 'slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ'}
  book: {url: 'file:sent.jsonl', timeout_seconds: 0.5}
"""
BAD = """
channels:
  email:
    url: nosuchthing://smtp.example.org
    url: mailto://smtp.example.org
    per_minute: often
    atempts: 3
  Text-Message:
    attempts: 0
  book: {url: 'file:', timeout_seconds: 1000}
  desk: [console]
  list:
    url: 'console:'
    attempts: 2.5
somewhere: else
"""


def test_a_file_says_where_each_channel_goes_how_fast_and_how_patiently(tmp_path: Path) -> None:
    entries = read_channel_file(a_channels_file(tmp_path, GOOD))

    assert list(entries) == ["email", "chat", "book"]
    assert entries["email"] == ChannelEntry(
        url="mailtos://user:password@smtp.example.org:587?from=clinic@example.org&to={address}",
        per_minute=60,
        timeout_seconds=20,
        attempts=3,
        cool_down_seconds=600,
    )
    assert entries["book"] == ChannelEntry(
        url="file:sent.jsonl", per_minute=None, timeout_seconds=0.5, attempts=3, cool_down_seconds=300
    )


def test_every_problem_is_told_at_once_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(ChannelsRefused) as refused:
        Channels.read(a_channels_file(tmp_path, BAD))

    keys = "attempts, cool_down_seconds, per_minute, timeout_seconds and url"
    assert refused.value.message.splitlines() == [
        "12 problems in the channels file",
        "channels.yaml:4: a URL that no service knows; expected console:, file:PATH or apprise's",
        "channels.yaml:5: the same key twice; expected each key once",
        "channels.yaml:6: wrong value of per_minute; expected a valid number",
        f"channels.yaml:7: unknown key atempts; expected {keys}",
        "channels.yaml:8: a channel's name with other signs; expected small letters joined by _",
        "channels.yaml:8: no key url; expected the key url",
        "channels.yaml:9: wrong value of attempts; expected greater than or equal to 1",
        "channels.yaml:10: a URL that no service knows; expected console:, file:PATH or apprise's",
        "channels.yaml:10: wrong value of timeout_seconds; expected less than or equal to 600",
        "channels.yaml:11: wrong value of desk; expected keys with values below it",
        "channels.yaml:14: wrong value of attempts; expected a valid integer",
        "channels.yaml:15: unknown key somewhere; expected channels",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "channels.yaml:1: wrong value of a key; expected keys with values below it"),
        ("channels:", "channels.yaml:1: wrong value of channels; expected a valid dictionary"),
        ("channels: {}", "channels.yaml:1: wrong value of channels; expected at least one"),
        ("channels: {out: {url: 'console:'}\n", "channels.yaml:2: no YAML; expected channels: with a name each"),
        ("channels: {out: &a {url: 'console:'}, in: *a}", "channels.yaml:1: a value that is used again as *alias"),
        ("channels: {out: {url: null}}", "channels.yaml:1: wrong value of url; expected a valid string"),
        ("channels: {out: {url: ''}}", "channels.yaml:1: wrong value of url; expected at least one"),
    ],
    ids=["empty", "nothing below", "no channel", "no yaml", "alias", "null", "empty url"],
)
def test_a_file_that_says_nothing_usable_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ChannelsRefused) as refused:
        Channels.read(a_channels_file(tmp_path, text))

    assert problem in refused.value.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660], ids=oct)
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = a_channels_file(tmp_path, GOOD, mode=mode)

    with pytest.raises(ChannelsFileExposed, match=r"others than its owner") as refused:
        Channels.read(path)

    assert refused.value.advice == f"run `chmod 600 {path}`"


def test_a_file_that_is_not_there_or_is_no_text_is_told(tmp_path: Path) -> None:
    garbage = a_channels_file(tmp_path, "")
    garbage.write_bytes(b"\xff\xfe\x00")

    for path in (tmp_path / "nowhere.yaml", garbage):
        with pytest.raises(ChannelsFileUnreadable, match="cannot be read"):
            Channels.read(path)


def test_the_setting_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEPWATCH_CHANNELS_FILE", "channels.yaml")
    named = settings.channels_file()
    monkeypatch.setenv("HEPWATCH_CHANNELS_FILE", "")

    assert (named, settings.channels_file()) == (Path("channels.yaml"), None)
