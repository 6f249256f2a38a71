"""The house rules that no other tool looks after."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 300
VAGUE = {"utils", "helpers", "common", "misc", "manager", "base"}


def _modules() -> list[Path]:
    return sorted((ROOT / "scheduler").rglob("*.py"))


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_a_module_holds_one_idea_in_300_lines() -> None:
    assert [path for path in _modules() if _lines(path) > MOST_LINES] == []


def test_every_room_and_module_is_named_for_an_idea() -> None:
    assert [path for path in _modules() if path.stem in VAGUE or path.parent.name in VAGUE] == []


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in _modules() if not path.read_text(encoding="utf-8").lstrip().startswith('"""')]

    assert silent == []


def test_no_machine_is_named() -> None:
    kept = [*(ROOT / "rules").rglob("*.yaml"), *(ROOT / "tests").rglob("*.py"), *_modules()]
    paths = ["/" + "home/", "/" + "root/", "/" + "work/", "/" + "Users/"]

    assert [path for path in kept if any(each in path.read_text(encoding="utf-8") for each in paths)] == []
