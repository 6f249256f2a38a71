"""The wheel: rules and migrations travel inside it, and are found from wherever it is run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("scheduler", "rules", "migrations", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what goes into it."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel was installed, and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:  # what pip does with a pure wheel, --no-deps and --target
        archive.extractall(target)
    return target


def _python(installed: Path, *arguments: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in a folder, with the installed wheel before all else."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_rules_and_migrations_are_inside_the_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        inside = set(archive.namelist())

    for folder, pattern in (("rules", "*.yaml"), ("migrations", "*.py")):
        shipped = {f"scheduler/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob(pattern)}
        assert len(shipped) > 1
        assert shipped <= inside


def test_nothing_else_is_inside_the_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"scheduler"}


def test_the_command_is_declared(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (declared,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        text = archive.read(declared).decode()

    assert "hepwatch = scheduler.cli:main" in text


def test_the_wheel_runs_its_own_files(installed: Path, tmp_path: Path) -> None:
    where = _python(installed, "-c", "import scheduler; print(scheduler.__file__)", folder=tmp_path)

    assert where.stdout.strip() == str(installed / "scheduler" / "__init__.py")


def test_the_wheel_checks_its_own_rules(installed: Path, tmp_path: Path) -> None:
    ended = _python(installed, "-m", "scheduler.cli", "rules", "check", folder=tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "files are sound" in ended.stdout


def test_the_wheel_makes_a_registry_with_its_own_migrations(installed: Path, tmp_path: Path) -> None:
    settings = {"HEPWATCH_DATABASE_URL": f"sqlite:///{tmp_path / 'r.db'}", "HEPWATCH_KEY": "5a" * 32}

    made, listed = (
        _python(installed, "-m", "scheduler.cli", command, folder=tmp_path, **settings)
        for command in ("init", "worklist")
    )

    assert (made.returncode, made.stderr) == (0, "")
    assert (listed.returncode, "Nobody is in these states." in listed.stdout) == (0, True)
