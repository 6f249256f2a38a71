"""What README says of rule files: the excerpt, the whole model, and what the loader refuses."""

from itertools import chain
from pathlib import Path

from scheduler.rulebook import check_rules
from tests.documents.readme import ROOT, blocks, quoted, rows, section

READING = section("## How to read a rule, and add one")
EXCERPT, WHOLE_MODEL = blocks(READING, "yaml")


def test_the_excerpt_stands_in_the_rule_file_line_for_line() -> None:
    file = ROOT / "rules" / "models" / "ehr-postop.v1.yaml"
    lines = iter(file.read_text(encoding="utf-8").splitlines())

    assert all(line in lines for line in EXCERPT.splitlines() if not line.startswith("#"))


def test_the_whole_model_loads(tmp_path: Path) -> None:
    models = tmp_path / "my-rules" / "models"
    models.mkdir(parents=True)
    (models / "two-terms.v1.yaml").write_text(WHOLE_MODEL, encoding="utf-8")

    problems, rulebook = check_rules(tmp_path / "my-rules")

    assert problems == ()
    assert rulebook is not None
    assert "two-terms@1" in rulebook.models


def test_what_the_loader_is_said_to_refuse_is_what_it_says() -> None:
    said = list(chain.from_iterable(quoted(refused) for _, refused in rows(READING)))
    rooms = [ROOT / "scheduler" / room for room in ("core", "rulebook", "messages")]
    sources = "".join(path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py"))

    assert [words for words in said if f'"{words}"' not in sources] == []
    assert len(said) > 20
