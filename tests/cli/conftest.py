"""The command line in this process: what it prints, and its exit status."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import Any

import pytest

from scheduler.cli.root import run
from tests.actions.tables import HIGH, a_patient, a_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one command left behind."""

    status: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What `--json` printed."""
        return loads(self.out)


Hepwatch = Callable[..., Answer]


@pytest.fixture
def hepwatch(capsys: pytest.CaptureFixture[str]) -> Hepwatch:
    """Run a command as `hepwatch("patient", "show", "P-1")`."""

    def command(*arguments: object) -> Answer:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(status=status, out=out, err=err)

    return command


@pytest.fixture(scope="session")
def clinic_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry in a file: P-1 and P-2 signed, P-3 a draft with an odd name, at site seoul; and their table."""
    folder = tmp_path_factory.mktemp("clinic")
    file = Path(shutil.copy(migrated_file, folder / "hepwatch.db"))
    signed = a_table(folder, a_patient(), a_patient(mrn="P-2", **HIGH), name="signed.csv")
    draft = a_table(folder, a_patient(mrn="P-3", name="Kim [bold]Minji[/]"), name="draft.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEPWATCH_DATABASE_URL", f"sqlite:///{file}")
        assert run(["patient", "import", str(signed), "--sign", "surgery,pathology", "--by", "anna"]) == 0
        assert run(["patient", "import", str(draft), "--by", "anna"]) == 0
    return file


@pytest.fixture
def clinic(clinic_file: Path, sqlite_url: str) -> Path:
    """A copy of that registry, which the settings name."""
    return Path(shutil.copy(clinic_file, sqlite_url.removeprefix("sqlite:///")))
