"""Registries with patients in them, made once for each kind of database and copied for each test."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from scheduler.actions.patients.import_patients import Imported
from scheduler.core.variables import CollectedAt
from scheduler.store.registry import Registry
from tests.actions.tables import BOTH, NOT_SIGNED, PERSON, a_patient, a_table, import_table, without
from tests.conftest import KINDS, PostgreSQLServer

TCGA = Path(__file__).parents[2] / ".." / "shared" / "data" / "tcga-lihc" / "registry.csv"

Fill = Callable[[Registry], object]


@dataclass(kw_only=True)
class Copies:
    """Databases of one kind: a new one is a copy of one that was filled before."""

    folder: Path
    empty: Path | PostgreSQLServer  # the migrated file, or the server that has a migrated database
    filled: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new(self, name: str, fill: Fill) -> str:
        """The URL of a copy of the registry of this name, which is filled when it is asked for first."""
        if name not in self.filled:
            self.filled[name] = self._copy(None)
            with Registry.open(self.filled[name]) as registry:
                fill(registry)
        return self._copy(self.filled[name])

    def drop(self, url: str) -> None:
        """Drop a copy; a file goes with its folder."""
        if not isinstance(self.empty, Path):
            self.empty.drop(url)

    def _copy(self, url: str | None) -> str:
        if isinstance(self.empty, Path):
            source = Path(url.removeprefix("sqlite:///")) if url else self.empty
            return f"sqlite:///{shutil.copy(source, self.folder / f'{next(self.numbers)}.db')}"
        template = url.split("?")[0].rsplit("/", 1)[1] if url else self.empty.migrated
        return self.empty.make(template=template)


@pytest.fixture(scope="session", params=KINDS)
def copies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """Databases to be copied, of each kind."""
    fixture = "migrated_file" if request.param == "sqlite" else "postgresql_server"
    return Copies(folder=tmp_path_factory.mktemp("copies"), empty=request.getfixturevalue(fixture))


@pytest.fixture
def drafted(copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry, which the settings name, with one patient, both of whose reports are drafts."""
    with _copied(copies, "drafted", tmp_path, monkeypatch, a_patient(), NOT_SIGNED) as registry:
        yield registry


@pytest.fixture
def enrolled(copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry, which the settings name, with one patient of whom nothing is reported."""
    with _copied(copies, "enrolled", tmp_path, monkeypatch, without(PERSON, "birth_date"), NOT_SIGNED) as registry:
        yield registry


@pytest.fixture
def followed(copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry, which the settings name, with one patient, both of whose reports are signed."""
    with _copied(copies, "followed", tmp_path, monkeypatch, a_patient(), BOTH) as registry:
        yield registry


@contextmanager
def _copied(
    copies: Copies,
    name: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    row: dict[str, str],
    signed: frozenset[CollectedAt],
) -> Iterator[Registry]:
    """A copy of the registry of this name, which holds one patient, as long as it is needed."""
    url = copies.new(name, lambda registry: import_table(registry, a_table(folder, row), sign=signed))
    monkeypatch.setenv("HEPWATCH_DATABASE_URL", url)
    with Registry.open(url) as registry:
        yield registry
    copies.drop(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPatients:
    """The registry with both reports of everybody signed, and what the import said."""

    registry: Registry
    imported: Imported


@pytest.fixture(scope="session")
def real_patients(copies: Copies) -> Iterator[RealPatients]:
    """The TCGA-LIHC patients, once on each kind of database; nobody writes to it."""
    if not TCGA.exists():
        pytest.skip(f"the real patients are not here: there is no {os.path.normpath(TCGA)}")
    said: list[Imported] = []
    url = copies.new("tcga", lambda registry: said.append(import_table(registry, TCGA)))
    with Registry.open(url) as registry:
        yield RealPatients(registry=registry, imported=said[0])
