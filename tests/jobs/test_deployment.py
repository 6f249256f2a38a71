"""The systemd unit and the container file against the command, the settings and the files that they name."""

import json
import re
import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest

from scheduler.cli.root import hepwatch
from scheduler.cli.run import command
from scheduler.jobs.service import STOP_WITHIN_SECONDS
from scheduler.settings import SETTINGS

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "service" / "hepwatch.service"
CONTAINERFILE = (ROOT / "service" / "Containerfile").read_text(encoding="utf-8")


@pytest.fixture
def service() -> dict[str, str]:
    """The keys of the unit's section `Service`."""
    unit = RawConfigParser(strict=False, comment_prefixes=("#",), delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys know upper and lower case
    unit.read(UNIT, encoding="utf-8")
    return dict(unit["Service"])


def test_the_unit_starts_the_service_with_options_that_exist(service: dict[str, str]) -> None:
    program, *arguments = shlex.split(service["ExecStart"])

    assert (Path(program).name, arguments[0]) == ("hepwatch", "run")
    command.make_context("run", arguments[1:])


def test_the_unit_comes_back_always_and_runs_as_a_user_of_its_own(service: dict[str, str]) -> None:
    assert (service["Restart"], service["User"]) == ("always", "hepwatch")
    assert (service["NoNewPrivileges"], service["ProtectSystem"], service["UMask"]) == ("yes", "strict", "0077")


def test_systemd_waits_longer_than_the_service_needs_to_stop(service: dict[str, str]) -> None:
    assert float(service["TimeoutStopSec"]) > STOP_WITHIN_SECONDS


@pytest.mark.parametrize("text", [UNIT.read_text(encoding="utf-8"), CONTAINERFILE], ids=["unit", "container file"])
def test_every_setting_that_is_named_exists(text: str) -> None:
    named = set(re.findall(r"HEPWATCH_\w+", text))

    assert named <= {setting.name for setting in SETTINGS}
    assert "HEPWATCH_DATABASE_URL" in named


def test_the_container_is_built_from_files_of_the_project() -> None:
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE) for word in line.split()
    ]

    assert {"requirements.lock", "scheduler", "rules", "migrations"} <= set(copied)
    assert [name for name in copied if name != "./" and not (ROOT / name).exists()] == []


def test_the_container_installs_nothing_that_the_lock_does_not_name() -> None:
    installs = re.findall(r"pip install (.*)", CONTAINERFILE)

    assert installs
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation ." in line for line in installs)


def test_the_container_runs_the_service_without_being_root_and_asks_how_it_is() -> None:
    entry, arguments = (_said(word) for word in ("ENTRYPOINT", "CMD"))
    called = [*entry, *arguments]
    stages = CONTAINERFILE.split("\nFROM ")

    assert called[0] == hepwatch.name
    command.make_context("run", called[2:])
    assert "\nUSER hepwatch\n" in stages[-1]
    assert "HEALTHCHECK" in stages[-1]
    assert "/healthz" in stages[-1]


def test_the_health_check_of_the_container_is_a_program_that_compiles() -> None:
    (check,) = re.findall(r"^ +CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    python, option, program = json.loads(check)

    assert (python, option) == ("python", "-c")
    compile(program, "healthcheck", "exec")


def _said(word: str) -> list[str]:
    """The words of an instruction that is written as a list."""
    (written,) = re.findall(rf"^{word} (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    words: list[str] = json.loads(written)
    return words
