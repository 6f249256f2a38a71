"""README's map, settings, exit statuses and list of rules against what is there."""

from pathlib import Path

from scheduler.errors import FAMILIES
from scheduler.settings import SETTINGS
from tests.documents.readme import ROOT, quoted, readme, rows, section

HOUSE = ROOT / "scheduler"
WORDS = ("patient", "variable", "risk group", "intensity", "term", "contribution", "linear predictor", "cut-off")
MORE_WORDS = ("assessment", "protocol", "phase", "plan", "visit", "procedure", "window", "examination", "episode")


def test_the_map_lists_every_module_in_its_room() -> None:
    cells = [(quoted(room)[0], quoted(modules)) for room, _, modules in rows(section("## Map of the house"))]
    mapped = [f"{room}{module}" for room, modules in cells for module in modules]

    assert set(_modules()) - set(mapped) == set(), "modules that README's map lacks"
    assert set(mapped) - set(_modules()) == set(), "modules that are only in README's map"
    assert len(mapped) == len(set(mapped))


def test_the_map_says_what_each_room_is_for() -> None:
    purposes = [purpose for _, purpose, _ in rows(section("## Map of the house"))]

    assert all(purposes)


def test_the_settings_are_those_that_are_read() -> None:
    settings = [f"| `{each.name}` | {each.does} | {each.without} |" for each in SETTINGS]

    assert [line for line in section("## Settings").splitlines() if line.startswith("| `HEPWATCH")] == settings


def test_the_exit_statuses_are_those_of_the_families_of_errors() -> None:
    statuses = [[str(family.exit_status), f"`{family.__name__}`", family.__doc__] for family in FAMILIES]

    assert [row for row in rows(section("## Settings")) if row[0].isdigit()] == statuses


def test_every_rule_file_is_named() -> None:
    rules = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "rules").rglob("*.yaml"))

    assert sorted(quoted(row[0])[0] for row in rows(section("## The rules that are shipped"))) == rules


def test_the_glossary_holds_the_words_of_the_design() -> None:
    explained = {word for row in rows(section("## Glossary")) for word in row[0].split(", ")}

    assert {*WORDS, *MORE_WORDS, "resection", "rulebook", "registry"} <= explained


def test_the_setting_up_is_said_as_it_is() -> None:
    install = section("## Install")

    assert all(words in install for words in ("make demo", "make test", "`uv`", "`python3 -m venv`"))
    written, _, generated = readme().partition("<!-- commands -->")
    assert len(written.splitlines()) + len(generated.partition("<!-- /commands -->")[2].splitlines()) <= 600


def _modules() -> list[str]:
    """Every module as the map writes it, room and name: `core/bounds`, and `scheduler/clock` for those in no room."""
    modules = [path for path in HOUSE.rglob("*.py") if not path.stem.startswith("__")]
    return [f"{_room(path.parent)}{path.stem}" for path in modules]


def _room(folder: Path) -> str:
    return f"{folder.relative_to(HOUSE)}/" if folder != HOUSE else "scheduler/"
