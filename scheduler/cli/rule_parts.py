"""What the pages of all rules share: a heading, facts, caveats, sources."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding

from scheduler.cli.showing import table
from scheduler.core.variables import Source

if TYPE_CHECKING:
    from rich.console import RenderableType


def heading(title: str, description: str) -> str:
    """A rule's title, and what it is."""
    return f"[bold]{escape(title)}[/]\n{escape(description)}\n"


def facts_grid(facts: Mapping[str, str]) -> "RenderableType":
    """Facts below one another, each beside its name."""
    from rich.table import Table

    drawn = Table.grid(padding=(0, 2))
    for name, text in facts.items():
        drawn.add_row(f"[bold]{name}[/]", escape(text))
    return drawn


def caveat_list(caveats: Sequence[str]) -> list["RenderableType"]:
    """The caveats, one a line; that there are none is said too."""
    return ["[bold]Caveats[/]", *(Padding(escape(f"- {caveat}"), (0, 2)) for caveat in caveats or ("none",))]


def sources_table(sources: Mapping[str, Source]) -> "RenderableType":
    """Where the numbers come from."""
    rows = [(name, source.citation, source.locator, source.doi or "–") for name, source in sources.items()]
    return table(("source", "citation", "where in it", "doi"), rows, title="Sources")
