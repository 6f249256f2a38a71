"""The registry: the one way to read and write. Frames go in, frames come out, one transaction for each action."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Self

from scheduler import clock
from scheduler.store.addresses import database_at
from scheduler.store.database import Database
from scheduler.store.errors import KeyMissing, RegistryNotFound, StoreMisused, WrongKey
from scheduler.store.identity import Key
from scheduler.store.keys import beside_database, find_key, load_key, make_key
from scheduler.store.migrating import HEAD, check_revision, upgrade
from scheduler.store.reading import Reading
from scheduler.store.sqlite import SQLite
from scheduler.store.transaction import Transaction

FINGERPRINT = "key_fingerprint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What `Registry.create` did: whether it made the registry or upgraded it, and the key file that it made."""

    made: bool
    upgraded_from: str | None
    key_file: Path | None


class Registry:
    """All patients and their records, in one database."""

    def __init__(self, database: Database, *, creation: Creation | None = None) -> None:
        self._database = database
        self.creation = creation

    @classmethod
    def create(cls, url: str) -> Self:
        """The registry at this URL, made or upgraded where needed; `creation` says what was done.

        On SQLite the folder, the file (readable by its owner alone) and, where none is configured, the key file are
        made; on PostgreSQL the database must exist and the key be configured. What is there is kept.
        """
        database = database_at(url)
        key = find_key(database.file)
        if key is None and database.file is None:
            raise KeyMissing(looked_for=None)
        if isinstance(database, SQLite):
            database.make_file()
        with _closed_on_error(database):
            with _told_plainly(database), database.migrating() as connection:
                before = upgrade(connection, place=database.place)
            registry = cls(database)
            key_file = registry._settle_key(key)
        upgraded_from = before if before != HEAD else None
        registry.creation = Creation(made=before is None, upgraded_from=upgraded_from, key_file=key_file)
        return registry

    @classmethod
    def open(cls, url: str, *, with_key: bool = True) -> Self:
        """The registry at this URL, which must have this release's schema; a wrong key is told at once.

        `with_key=False` is for who has no key: verifying the audit chain needs none.
        """
        database = database_at(url)
        if database.file is not None and not database.file.exists():
            raise RegistryNotFound(place=database.place)
        with _closed_on_error(database):
            with _told_plainly(database), database.reading() as connection:
                check_revision(connection, place=database.place)
            registry = cls(database)
            if with_key:
                registry.key  # noqa: B018 (looked at once, so that a wrong one is told)
        return registry

    @property
    def place(self) -> str:
        """Where it is, as a person may read it: no password is in it."""
        return self._database.place

    @cached_property
    def key(self) -> Key:
        """The registry's own key; raises `KeyMissing`, `WrongKey` or what is wrong with its file."""
        key = load_key(self._database.file)
        with self.reading() as registry:
            known = registry.fact(FINGERPRINT)
        if known is None:
            raise RegistryNotFound(place=self._database.place)
        if known != key.fingerprint:
            raise WrongKey(place=self._database.place)
        return key

    @contextmanager
    def transaction(self, *, recorded_at: datetime | None = None, keep: bool = True) -> Iterator[Transaction]:
        """One write transaction; it commits at the end of the block, with its audit rows, or changes nothing.

        `recorded_at` is the moment at which its facts became known: now, unless a test says otherwise. Without `keep`
        everything is done and nothing is kept: a preview.
        """
        with _told_plainly(self._database), suppress(_NotKept), self._database.writing() as connection:
            transaction = Transaction(
                self._database, connection, lambda: self.key, recorded_at=recorded_at or clock.now()
            )
            yield transaction
            transaction.finish()
            if not keep:
                raise _NotKept

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One state of the whole registry, whatever others write meanwhile."""
        with _told_plainly(self._database), self._database.reading() as connection:
            yield Reading(self._database, connection, lambda: self.key)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _settle_key(self, key: Key | None) -> Path | None:
        """Tie a new registry to its key, made where none is configured; gives the file that was made.

        A registry that has its key already never gets another.
        """
        with self.transaction() as transaction:
            known = transaction.fact(FINGERPRINT)
            if known is None:
                made = beside_database(self._database.file) if key is None else None
                settled = make_key(made) if made else load_key(self._database.file)
                transaction.keep_fact(FINGERPRINT, settled.fingerprint)
                return made
        _ = self.key  # the one it has; raises where that is missing or another
        return None


class _NotKept(Exception):
    """Leaves a transaction without keeping it."""


@contextmanager
def _closed_on_error(database: Database) -> Iterator[None]:
    """Nobody will close a registry that could not be opened."""
    try:
        yield
    except Exception:
        database.close()
        raise


@contextmanager
def _told_plainly(database: Database) -> Iterator[None]:
    """What the driver raises, in words for a person where it is not a defect of ours."""
    try:
        yield
    except Exception as error:
        meaning = database.meaning(error)
        if meaning is None:
            raise
        raise meaning from (None if isinstance(meaning, StoreMisused) else error)  # its text holds the whole row
