"""How answers look: tables for people, JSON and CSV for programs. stdout is the answer, stderr the talk."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console, RenderableType

WIDTH_WITHOUT_TERMINAL = 140
DAYS = ("opens_on", "due_on", "closes_on")


def console(*, err: bool = False) -> "Console":
    """Where people read: as wide as the terminal; 140 columns and no colour elsewhere."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def say(*parts: "RenderableType") -> None:
    """Print for people, on stdout."""
    out = console()
    for part in parts:
        out.print(part)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> "RenderableType":
    """A plain table; numbers stand to the right, nothing is cut."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    listed = [[_cell(value) for value in row] for row in rows]
    originals = list(zip(*listed, strict=True)) if listed else [()] * len(headings)
    for heading, column in zip(headings, originals, strict=True):
        numeric = bool(column) and all(_is_number(cell) for cell in column if cell)
        drawn.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        drawn.add_row(*(Text(cell) for cell in row))
    return titled(drawn, title)


def frame_table(frame: "pl.DataFrame", headings: Mapping[str, str], *, title: str | None = None) -> "RenderableType":
    """Some columns of a frame as a table, under these headings."""
    return table(list(headings.values()), frame.select(list(headings)).rows(), title=title)


def visits_table(visits: "pl.DataFrame", *, title: str | None = None) -> "RenderableType":
    """Visits by month (by name where they have an `origin`): what is done and the window; years are set apart."""
    named = "origin" in visits.columns
    rows: list[tuple[object, ...]] = []
    year = 1
    for visit in visits.iter_rows(named=True):
        if rows and (visit["grid_month"] - 1) // 12 + 1 > year:
            rows.append(("", "", "", "", ""))
        year = (visit["grid_month"] - 1) // 12 + 1
        rows.append(
            (
                f"{visit['origin']}-{visit['grid_month']}" if named else visit["grid_month"],
                *(_with_weekday(visit[day]) for day in DAYS),
                named_procedures(visit["procedures"]),
            )
        )
    return table(("visit" if named else "month", "opens", "due", "closes", "procedures"), rows, title=title)


def caveat_lines(caveats: "pl.DataFrame") -> list["RenderableType"]:
    """The caveats that go with the groups above: `model, caveat`."""
    from rich.markup import escape

    return [f"[dim]{escape(model)}: {escape(caveat)}[/]" for model, caveat in caveats.sort("model").iter_rows()]


def named_procedures(procedures: Sequence[str]) -> str:
    """Procedures for a reader, imaging first.

    >>> named_procedures(["afp", "liver_ct_mri"])
    'liver CT/MRI, AFP'
    """
    known = {"liver_ct_mri": "liver CT/MRI", "chest_ct": "chest CT", "afp": "AFP", "pivka_ii": "PIVKA-II"}
    order = list(known)
    listed = sorted(procedures, key=lambda name: order.index(name) if name in known else len(order))
    return ", ".join(known.get(name, name.replace("_", " ")) for name in listed)


def problems_table(problems: "pl.DataFrame", *, title: str, most: int = 20) -> "RenderableType":
    """Problems of a table: row, patient, column, what was found, what was expected; the first of them."""
    import polars as pl
    from rich.console import Group

    headings = {
        "row": "row",
        "mrn": "mrn",
        "column": "column",
        "value": "found",
        "problem": "problem",
        "expected": "expected",
        "severity": "",
    }
    ordered = problems.sort(pl.col("severity") == "warning", "row", maintain_order=True)
    drawn = frame_table(ordered.head(most), headings, title=title)
    return Group(drawn, f"… and {problems.height - most:,} more") if problems.height > most else drawn


def echo_json(value: Any) -> None:
    """A value as JSON on stdout; dates as ISO text."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def echo_csv(frame: "pl.DataFrame") -> None:
    """A frame as CSV on stdout; lists are joined by `|`, and nothing in it runs as a formula."""
    click.echo(as_csv(frame), nl=False)


def as_csv(frame: "pl.DataFrame") -> str:
    """A frame as CSV text; lists are joined by `|`, and no cell runs as a formula in a spreadsheet."""
    import polars.selectors as cs

    from scheduler.core.validation import safe_for_spreadsheets

    flat = frame.with_columns(cs.by_dtype(_list_of_text()).list.join("|"))
    return safe_for_spreadsheets(flat).write_csv()


@contextmanager
def progress_bar(what: str) -> Iterator[Any]:
    """A function `(done, all)` that moves a bar on stderr; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task(escape(what), total=None)
        yield lambda done, everything: bar.update(task, completed=done, total=everything)


def titled(drawn: "RenderableType", title: str | None) -> "RenderableType":
    """The table below its title, which is as wide as it likes and holds no markup."""
    from rich.console import Group
    from rich.text import Text

    return Group(Text(title, style="bold"), drawn) if title else drawn


def _list_of_text() -> Any:
    import polars as pl

    return pl.List(pl.String)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace("-", "", 1).replace(",", "").isdigit() or cell == "–"


def _with_weekday(day: date) -> str:
    return f"{day:%a} {day.isoformat()}"


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else str(value)
