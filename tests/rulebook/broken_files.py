"""A site's folder with one rule file in it: a shipped file under the site's own id, with one small edit."""

from dataclasses import dataclass
from pathlib import Path

from scheduler.rulebook import check_rules
from scheduler.rulebook.places import FileProblem

RULES = Path(__file__).parents[2] / "rules"


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A shipped file that is copied: where it stands, its id, and what the copy is called."""

    folder: str
    id: str

    @property
    def file_name(self) -> str:
        """The name of the copy in the site's folder."""
        return f"{self.folder}/at-our-site.v1.yaml" if self.folder else "variables.yaml"

    @property
    def text(self) -> str:
        """The copy's text, under the site's own id."""
        path = RULES / self.folder / f"{self.id}.v1.yaml" if self.folder else RULES / "variables.yaml"
        return path.read_text(encoding="utf-8").replace(f"\nid: {self.id}\n", "\nid: at-our-site\n")


POSTOP = Shipped(folder="models", id="ehr-postop")
PREOP = Shipped(folder="models", id="ehr-preop")
WANG = Shipped(folder="models", id="wang-distant-metastasis")
PROTOCOL = Shipped(folder="protocols", id="risk-adapted")
REMINDERS = Shipped(folder="reminders", id="default")
DICTIONARY = Shipped(folder="", id="")


def write(folder: Path, shipped: Shipped, *edits: tuple[str, str], file_name: str | None = None) -> str:
    """Write the copy with its edits into a site's folder; gives its text. Each old text must be there."""
    text = shipped.text
    for old, new in edits:
        assert old in text, f"{old!r} is no longer in {shipped.id}"
        text = text.replace(old, new, 1)
    path = folder / (file_name or shipped.file_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return text


def problems_of(folder: Path) -> tuple[FileProblem, ...]:
    """Everything wrong with the shipped rules and a site's folder."""
    return check_rules(folder)[0]


def line_of(fragment: str, text: str) -> int:
    """The first line (counted from 1) that holds a fragment."""
    return text[: text.index(fragment)].count("\n") + 1
