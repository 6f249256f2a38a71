"""Where the key comes from: the setting, the file that a setting names, or the file beside the SQLite database."""

import os
import re
import secrets
from pathlib import Path

from scheduler import settings
from scheduler.private_files import private_text
from scheduler.store.errors import KeyFileExposed, KeyFileUnreadable, KeyMalformed, KeyMissing
from scheduler.store.identity import Key

KEY_FILE = "hepwatch.key"


def find_key(database_file: Path | None) -> Key | None:
    """The configured key, else the one beside the database file, else None. An exposed or malformed one is refused."""
    if text := settings.key_text():
        return _parse(text, source="HEPWATCH_KEY")
    if named := settings.key_file():
        return read_key(named)
    beside = beside_database(database_file)
    return read_key(beside) if beside and beside.exists() else None


def load_key(database_file: Path | None) -> Key:
    """The key; raises `KeyMissing` where there is none."""
    key = find_key(database_file)
    if key is None:
        raise KeyMissing(looked_for=beside_database(database_file))
    return key


def read_key(path: Path) -> Key:
    """The key in this file, which only its owner may read."""
    try:
        text = private_text(path, encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileUnreadable(path=path) from error
    if text is None:
        raise KeyFileExposed(path=path)
    return _parse(text, source=str(path))


def make_key(path: Path) -> Key:
    """A new random key in a new file that only its owner may read; an existing file is never overwritten."""
    text = secrets.token_hex(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
    return _parse(text, source=str(path))


def beside_database(database_file: Path | None) -> Path | None:
    """The key file of an SQLite registry; None on PostgreSQL."""
    return database_file.parent / KEY_FILE if database_file else None


def _parse(text: str, *, source: str) -> Key:
    """The key that 64 hexadecimal digits spell."""
    digits = text.strip()
    if not re.fullmatch("[0-9a-fA-F]{64}", digits):
        raise KeyMalformed(source=source, length=len(digits))
    return Key(bytes.fromhex(digits))
