"""The worklist as a page: the visits that are to be held, and what else is to be done."""

from typing import TYPE_CHECKING

import polars as pl

from scheduler.cli.showing import named_procedures, titled
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

VISIT_HEADINGS = ("mrn", "site", "visit", "state", "due", "closes", "procedures", "intensity", "")
TASK_HEADINGS = ("mrn", "site", "to do", "due", "", "who", "why")
STYLES = {"overdue": "red", "due": "bold"}


def visits_table(visits: pl.DataFrame, *, title: str | None = None) -> "RenderableType":
    """The visits: who, what, by when; overdue rows stand out where there is colour."""
    from rich.text import Text

    drawn = _table(VISIT_HEADINGS)
    for row in visits.iter_rows(named=True):
        state = f"{row['state']} {row['days_overdue']} d" if row["days_overdue"] else row["state"]
        cells = (row["mrn"], row["site"], row["visit"], state, str(row["due_on"]), str(row["closes_on"]))
        words = (*cells, named_procedures(row["procedures"]), row["intensity"], ", ".join(_notes(row)))
        drawn.add_row(*(Text(word, style=STYLES.get(row["state"], "")) for word in words))
    return titled(drawn, title)


def tasks_table(tasks: pl.DataFrame, *, title: str | None = None) -> "RenderableType":
    """The open tasks: whose, what, by when, who does it and why; overdue rows stand out where there is colour."""
    from rich.text import Text

    drawn = _table(TASK_HEADINGS)
    for row in tasks.iter_rows(named=True):
        late = f"{row['days_overdue']} d overdue" if row["days_overdue"] else ""
        why = "; ".join(filter(None, (row["reason"], row["note"])))
        words = (row["mrn"], row["site"], row["task"].replace("_", " "), str(row["due_on"]), late, row["owner"], why)
        drawn.add_row(*(Text(word, style="red" if late else "") for word in words))
    return titled(drawn, title)


def closing(visits: pl.DataFrame, tasks: pl.DataFrame, *, limit: int) -> list[str]:
    """How many there are of each, and whether some are not shown."""
    states = ", ".join(f"{count:,} {state}" for state, count in visits["state"].value_counts().sort("state").rows())
    late = tasks.filter(pl.col("days_overdue") > 0).height
    said = [f"{counted(visits.height, 'visit')}: {states}" if visits.height else "Nobody is in these states."]
    said += [f"{counted(tasks.height, 'task')}: {late:,} overdue" if tasks.height else "Nothing else is to be done."]
    shown = [f"; the first {limit} are shown (--limit)" if rows.height > limit else "" for rows in (visits, tasks)]
    return [sentence + more for sentence, more in zip(said, shown, strict=True)]


def _notes(row: dict[str, object]) -> list[str]:
    """What a coordinator has to know of a visit beside its row."""
    notes = [str(row["note"])] if row["note"] else []
    booked = " ".join(str(row[name]) for name in ("booked_on", "booked_at") if row[name])
    notes += [f"booked {booked}"] if booked else []
    notes += ["provisional"] if row["provisional"] else []
    return notes + ([f"{row['missed_before']} missed before"] if row["missed_before"] else [])


def _table(headings: tuple[str, ...]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*headings, box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
