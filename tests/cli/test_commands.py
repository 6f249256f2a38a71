"""Every command explains itself, and a user's mistake is told in a sentence with its own exit status."""

import json
from pathlib import Path

import click
import pytest

from scheduler.cli.root import COMMANDS
from scheduler.cli.root import hepwatch as root
from tests.actions.tables import a_patient, a_table, without
from tests.cli.conftest import Hepwatch


def _commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    """Every command and group below a group, by its words."""
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        found.append((*names, name))
        if isinstance(command, click.Group):
            found += _commands(command, *names, name)
    return found


@pytest.mark.parametrize("words", _commands(root), ids=" ".join)
def test_every_command_explains_itself(hepwatch: Hepwatch, words: tuple[str, ...]) -> None:
    answer = hepwatch(*words, "--help")

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: hepwatch {' '.join(words)}")
    assert len(answer.out.splitlines()) > 3


def test_the_first_help_names_every_command(hepwatch: Hepwatch) -> None:
    answer = hepwatch("--help")

    assert all(name in answer.out for name in COMMANDS)
    assert "not a medical device" in " ".join(answer.out.split())


MISTAKES = [
    pytest.param(["frobnicate"], 2, "There is no command frobnicate", id="unknown command"),
    pytest.param(["worklst"], 2, "Did you mean worklist?", id="misspelt command"),
    pytest.param(["--colour"], 2, "No such option", id="unknown option"),
    pytest.param(["patient"], 2, "Usage: hepwatch patient", id="half a command"),
    pytest.param(["patient", "import"], 2, "Missing argument 'FILE'", id="no file named"),
    pytest.param(["patient", "import", "no.csv"], 5, "no.csv: there is no such file", id="file absent"),
    pytest.param(["patient", "import", "."], 5, "is a folder", id="a folder"),
    pytest.param(["patient", "import", "{table}", "--sign", "histology"], 2, "choose surgery", id="unknown stage"),
    pytest.param(["patient", "import", "{table}", "--map", "no.yaml"], 5, "no.yaml", id="map absent"),
    pytest.param(["patient", "import", "{table}", "--protocol", "x"], 5, "there is no protocol x", id="protocol"),
    pytest.param(["patient", "import", "{table}", "--problems", "no/p.csv"], 2, "no folder no", id="nowhere to write"),
    pytest.param(["patient", "import", "{table}", "--rules", "no"], 2, "does not exist", id="rules absent"),
    pytest.param(["patient", "import", "{table}", "--rules", "{empty}"], 5, "no rule files", id="no rules in it"),
    pytest.param(["patient", "import", "{table}", "--rules", "{wrong}"], 3, "a.v1.yaml:1: ", id="wrong rules"),
    pytest.param(["patient", "import", "{table}", "--site", "busan"], 4, "has a column site", id="site twice"),
    pytest.param(["patient", "import", "{headless}"], 4, "is missing; expected a column mrn", id="no mrn"),
    pytest.param(["patient", "show"], 2, "Missing argument 'MRN'", id="nobody named"),
    pytest.param(["patient", "show", "P-9"], 5, "there is no patient P-9", id="patient absent"),
    pytest.param(["report", "sign", "surgery", "P-9"], 5, "there is no patient P-9", id="signing for nobody"),
    pytest.param(["report", "sign", "histology", "P-1"], 2, "'histology' is not one of", id="unknown form"),
    pytest.param(["report", "sign", "surgery", "P-3", "--set", "albumin"], 2, "write NAME=VALUE", id="no value"),
    pytest.param(["report", "sign", "surgery", "P-3", "--set", "a=1", "--set", "a=2"], 2, "given twice", id="twice"),
    pytest.param(["report", "sign", "surgery", "P-3", "--set", "row=1"], 4, "not a known finding", id="row"),
    pytest.param(["report", "sign", "surgery", "P-3", "--file", "no.csv"], 5, "no such file", id="no findings file"),
    pytest.param(["report", "sign", "surgery", "P-3", "--file", "{two}"], 2, "has 2 rows", id="two rows of findings"),
    pytest.param(["report", "sign", "surgery", "P-1"], 6, "is signed already", id="signed already"),
    pytest.param(["report", "sign", "pathology", "P-3"], 6, "surgery report of P-3 is not signed", id="too early"),
    pytest.param(["report", "sign", "surgery", "P-3", "--set", "inr=9"], 4, "these findings are unusual", id="unusual"),
    pytest.param(["worklist", "--as-of", "tomorrow"], 2, "tomorrow is not a date", id="not a date"),
    pytest.param(["worklist", "--state", "late"], 2, "late; choose from overdue", id="unknown state"),
    pytest.param(["worklist", "--state", ","], 2, "nothing; choose from overdue", id="no state"),
    pytest.param(["worklist", "--site", "busan"], 5, "there is no site busan", id="unknown site"),
    pytest.param(["plan", "--intensity", "basic"], 2, "Missing option '--resected'", id="no day"),
    pytest.param(["plan", "--intensity", "weekly", "--resected", "2026-01-31"], 2, "is not one of", id="intensity"),
    pytest.param(["plan", "--intensity", "basic", "--resected", "2026-02-30"], 2, "is not a date", id="no such day"),
    pytest.param(
        ["plan", "--intensity", "basic", "--resected", "2026-01-31", "--country", "ZZ"], 5, "ZZ", id="unknown country"
    ),
    pytest.param(["rules", "show", "no"], 5, "there is no rule no", id="rule absent"),
    pytest.param(["rules", "check", "no"], 2, "does not exist", id="rules folder absent"),
    pytest.param(["score", "{table}", "--model", "no"], 5, "there is no risk model no", id="model absent"),
    pytest.param(["score", "{table}", "--out", "a.txt"], 2, "ends neither in .csv nor in .parquet", id="ending"),
    pytest.param(["score", "{headless}"], 4, "expected a column mrn", id="nobody to score"),
    pytest.param(["site", "set", "x", "--time-zone", "Mars"], 5, "there is no time zone Mars", id="time zone"),
    pytest.param(["demo", "--keep", "{table}/x"], 2, "cannot be made", id="nowhere to keep"),
    pytest.param(["demo", "--patients", "3"], 2, "20<=x<=100000", id="too few patients"),
]


@pytest.mark.parametrize(("arguments", "status", "said"), MISTAKES)
def test_a_mistake_is_told_in_a_sentence_with_its_exit_status(
    hepwatch: Hepwatch,
    clinic: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong" / "models").mkdir(parents=True)
    (tmp_path / "wrong" / "models" / "a.v1.yaml").write_text("kind: guess\n", encoding="utf-8")
    places = {
        "empty": tmp_path / "empty",
        "wrong": tmp_path / "wrong",
        "table": a_table(tmp_path, a_patient()),
        "headless": a_table(tmp_path, without(a_patient(), "mrn"), name="headless.csv"),
        "two": a_table(tmp_path, a_patient(), a_patient(mrn="P-2"), name="two.csv"),
    }

    answer = hepwatch(*(argument.format(**places) for argument in arguments))

    assert (answer.status, answer.out) == (status, "")
    assert said in " ".join(answer.err.split())
    assert "Traceback" not in answer.err


def test_a_family_of_error_tells_what_to_do_next(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("report", "sign", "pathology", "P-3")

    assert answer.err == (
        "hepwatch: the surgery report of P-3 is not signed; the pathology models need it\n"
        "Sign it first: hepwatch report sign surgery P-3\n"
    )


@pytest.mark.parametrize("command", [["worklist"], ["patient", "show", "P-1"], ["audit", "verify"], ["site", "list"]])
def test_without_a_registry_each_command_says_how_to_make_one(
    hepwatch: Hepwatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("HEPWATCH_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")

    answer = hepwatch(*command)

    assert (answer.status, answer.out) == (5, "")
    assert "make one with `hepwatch init`" in answer.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("HEPWATCH_DATABASE_URL", "mysql://x", "is not an address of SQLite or PostgreSQL", id="address"),
        pytest.param("HEPWATCH_DATABASE_URL", "postgresql://u@127.0.0.1:1/x", "did not answer", id="no server"),
        pytest.param("HEPWATCH_KEY", "00" * 32, "the key does not belong to the registry", id="another key"),
        pytest.param("HEPWATCH_KEY", "short", "is not 64 hexadecimal digits", id="half a key"),
    ],
)
def test_what_the_operator_must_mend_has_exit_status_7(
    hepwatch: Hepwatch, clinic: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)

    answer = hepwatch("worklist")

    assert (answer.status, answer.out) == (7, "")
    assert said in answer.err


def test_init_makes_a_registry_once_and_says_where_the_key_is(
    hepwatch: Hepwatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEPWATCH_DATABASE_URL", f"sqlite:///{tmp_path / 'new' / 'r.db'}")
    monkeypatch.delenv("HEPWATCH_KEY", raising=False)
    monkeypatch.delenv("HEPWATCH_KEY_FILE", raising=False)

    first, second = hepwatch("init"), hepwatch("init")

    key = tmp_path / "new" / "hepwatch.key"
    assert (first.status, second.status) == (0, 0)
    assert f"made the key file {key}, readable by you alone" in first.out
    assert "keep a copy elsewhere" in first.out
    assert key.stat().st_mode & 0o777 == 0o600
    assert "is up to date" in second.out


def test_the_audit_trail_is_verified_without_a_key(
    hepwatch: Hepwatch, clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEPWATCH_KEY")

    answer = hepwatch("audit", "verify")

    assert (answer.status, answer.err) == (0, "")
    assert answer.out == "the audit trail is whole: 11 rows, none changed, removed, moved or added\n"


def test_a_site_is_stored_and_listed(hepwatch: Hepwatch, clinic: Path) -> None:
    stored = hepwatch("site", "set", "seoul", "--title", "Clinic [7]", "--country", "KR", "--time-zone", "Asia/Seoul")

    listed = hepwatch("site", "list", "--json")

    assert (stored.status, stored.out) == (
        0,
        "stored site seoul; to move the due days of patients who are there already: hepwatch replan --site seoul\n",
    )
    assert listed.value == [
        {"site": "seoul", "title": "Clinic [7]", "country": "KR", "subdivision": None, "time_zone": "Asia/Seoul"}
    ]
    assert "Clinic [7]" in hepwatch("site", "list").out


def test_the_version_is_printed(hepwatch: Hepwatch) -> None:
    assert hepwatch("--version").out.startswith("hepwatch, version 0.")


def test_no_answer_in_json_holds_what_json_does_not_know(hepwatch: Hepwatch, clinic: Path) -> None:
    for command in (["rules", "list"], ["rules", "check"], ["patient", "show", "P-2"], ["worklist"], ["site", "list"]):
        answer = hepwatch(*command, "--json")
        assert json.loads(answer.out, parse_constant=pytest.fail) is not None
