"""Where the key is looked for, and what is wrong with one that is not accepted."""

from pathlib import Path

import pytest

from scheduler.errors import DeliveryError
from scheduler.store.errors import KeyFileExposed, KeyFileUnreadable, KeyMalformed, KeyMissing
from scheduler.store.identity import Key
from scheduler.store.keys import find_key, load_key, make_key, read_key

ONE, TWO, THREE = "11" * 32, "22" * 32, "33" * 32


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is configured, whatever the machine has set."""
    monkeypatch.delenv("HEPWATCH_KEY", raising=False)
    monkeypatch.delenv("HEPWATCH_KEY_FILE", raising=False)


def a_key_file(path: Path, text: str = ONE, *, mode: int = 0o600) -> Path:
    """A file that holds a key."""
    path.write_text(text)
    path.chmod(mode)
    return path


def fingerprint(text: str) -> str:
    """By which a key is known."""
    return Key(bytes.fromhex(text)).fingerprint


def test_the_setting_wins_over_the_named_file_and_that_over_the_one_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "hepwatch.db"
    found = []

    a_key_file(tmp_path / "hepwatch.key", ONE)
    found.append(load_key(database).fingerprint)
    monkeypatch.setenv("HEPWATCH_KEY_FILE", str(a_key_file(tmp_path / "named", TWO)))
    found.append(load_key(database).fingerprint)
    monkeypatch.setenv("HEPWATCH_KEY", THREE)
    found.append(load_key(database).fingerprint)

    assert found == [fingerprint(ONE), fingerprint(TWO), fingerprint(THREE)]


def test_without_any_key_the_advice_says_how_to_make_one(tmp_path: Path) -> None:
    assert find_key(tmp_path / "hepwatch.db") is None
    assert find_key(None) is None
    with pytest.raises(KeyMissing) as refusal:
        load_key(None)
    assert "openssl rand -hex 32" in refusal.value.advice


@pytest.mark.parametrize(
    ("mode", "accepted"),
    [
        pytest.param(0o600, True, id="owner reads and writes"),
        pytest.param(0o400, True, id="owner reads"),
        pytest.param(0o640, False, id="group reads"),
        pytest.param(0o604, False, id="everybody reads"),
        pytest.param(0o620, False, id="group writes"),
    ],
)
def test_a_key_file_is_for_its_owner_alone(tmp_path: Path, mode: int, accepted: bool) -> None:
    file = a_key_file(tmp_path / "key", mode=mode)

    if accepted:
        assert read_key(file).fingerprint == fingerprint(ONE)
        return
    with pytest.raises(KeyFileExposed) as refusal:
        read_key(file)
    assert refusal.value.advice == f"run `chmod 600 {file}`"


@pytest.mark.parametrize("text", ["", ONE[:-1], ONE + "0", "g" * 64, ONE[:32] + " " + ONE[32:]])
def test_a_malformed_key_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyMalformed) as refusal:
        read_key(a_key_file(tmp_path / "key", text))

    assert ONE[:8] not in refusal.value.message + refusal.value.advice


def test_a_key_may_end_with_a_line_break_and_be_in_capitals(tmp_path: Path) -> None:
    assert read_key(a_key_file(tmp_path / "key", "AB" * 32 + "\n")).fingerprint == fingerprint("ab" * 32)


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("HEPWATCH_KEY_FILE", str(tmp_path / name))

    with pytest.raises(KeyFileUnreadable, match="cannot be read") as refusal:
        find_key(None)

    assert isinstance(refusal.value, DeliveryError)


def test_a_new_key_file_is_private_and_never_overwrites_one(tmp_path: Path) -> None:
    made = make_key(tmp_path / "key")

    assert read_key(tmp_path / "key").fingerprint == made.fingerprint
    with pytest.raises(FileExistsError):
        make_key(tmp_path / "key")
