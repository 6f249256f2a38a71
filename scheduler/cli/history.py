"""`hepwatch exam import` and `hepwatch event import`: tables of what happened, applied in the order of its days."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scheduler.cli.acting import with_options
from scheduler.cli.options import NewFile, by_option, json_option, preview_option, protocol_option, rules_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scheduler.actions.history.telling_imports import HistoryImported

COUNTED = {  # frame of the answer → its title
    "verdicts": "What the examinations of the table count for",
    "states": "Episodes",
    "visits": "Visits",
}
DIFFERENCES = {
    "row": "row",
    "mrn": "mrn",
    "procedure": "procedure",
    "performed_on": "on",
    "variable": "what",
    "old": "stored",
    "new": "in the table",
}
MOST_DIFFERENCES = 30
import_options = with_options(
    click.argument("file", type=click.Path(path_type=Path)),
    preview_option,
    click.option(
        "--problems", "problems_file", type=NewFile(), metavar="FILE.csv", help="Write every problem to a CSV file."
    ),
    click.option("--site", metavar="CODE", help="The site of every row, where the table has no column site."),
    by_option,
    protocol_option,
    rules_option,
    json_option,
)


@click.command("import")
@import_options
def import_examinations_command(**options: Any) -> int:
    """Import a table of examinations, each applied as of the day it was performed.

    Columns: mrn, procedure, performed_on, finding; and where wanted site, result (pending or final),
    recurrence_sites (joined by |), value, place, reviewed_by. A column afp_ng_ml or pivka_ii_mau_ml becomes an
    examination of its own. Every bad cell is named at once; nothing of a bad row is stored, nothing good is lost. What
    is stored otherwise is told and left. An examination after a death counts for nothing and fails nothing. The same
    file twice changes nothing. Exit status 4 where a row was refused or is stored otherwise.
    """
    from scheduler.actions.history.import_examinations import import_examinations

    return _import(import_examinations, **options)


@click.command("import")
@import_options
def import_events_command(**options: Any) -> int:
    """Import a table of events, each applied as of the day it happened.

    Columns: mrn, event, on, detail; and where wanted site. Every bad cell is named at once; nothing of a bad row is
    stored, nothing good is lost. The same file twice changes nothing. Exit status 4 where a row was refused.
    """
    from scheduler.actions.history.import_events import import_events

    return _import(import_events, **options)


def _import(
    act: "Callable[..., HistoryImported]",
    *,
    file: Path,
    preview: bool,
    problems_file: Path | None,
    site: str | None,
    by: str | None,
    protocol: str,
    rules: Path | None,
    as_json: bool,
) -> int:
    """Import the file, and show what was done."""
    from scheduler import clock
    from scheduler.actions.history.history_tables import HistoryFile
    from scheduler.cli.registry import actor, open_registry, rules_for
    from scheduler.cli.showing import as_csv, echo_json, progress_bar, say
    from scheduler.errors import ClinicalDataError

    wanted = HistoryFile(path=file, today=clock.today(), actor=actor(by), site=site, dry_run=preview)
    with open_registry() as registry, progress_bar(f"importing {file.name}") as progress:
        imported = act(
            registry,
            wanted,
            rules_for(registry, protocol=protocol, rules=rules),
            after_round=lambda done: progress(done.number, done.of),
        )
    if problems_file is not None:
        problems_file.write_text(as_csv(imported.problems), encoding="utf-8")
    if as_json:
        echo_json(_as_value(imported, preview=preview))
    else:
        say(*_page(imported, preview=preview))
    return 0 if imported.is_whole else ClinicalDataError.exit_status


def _page(imported: "HistoryImported", *, preview: bool) -> "list[RenderableType]":
    """The page for people."""
    from rich.markup import escape

    from scheduler.cli.changes_page import preview_line
    from scheduler.cli.showing import frame_table, problems_table
    from scheduler.errors import counted

    good = imported.rows - imported.refused_rows
    parts: list[RenderableType] = [
        *preview_line(preview=preview),
        f"[bold]{counted(imported.rows, 'row')} read: {good:,} good, {imported.refused_rows:,} refused; "
        f"{imported.stored:,} {'would be ' if preview else ''}stored, {imported.there_already:,} there already[/]",
        *(escape(note) for note in imported.notes),
    ]
    if imported.problems.height:
        warnings = int((imported.problems["severity"] == "warning").sum())
        title = f"{counted(imported.problems.height - warnings, 'problem')}, {counted(warnings, 'warning')}"
        parts += ["", problems_table(imported.problems, title=title)]
    if imported.differences.height:
        title = f"{counted(imported.differences.height, 'difference')} from what is stored; nothing was changed"
        parts += ["", frame_table(imported.differences.head(MOST_DIFFERENCES), DIFFERENCES, title=title)]
    for name, title in COUNTED.items():
        frame = getattr(imported, name)
        if frame.height:
            parts += ["", frame_table(frame, {each: each for each in frame.columns}, title=title)]
    return parts


def _as_value(imported: "HistoryImported", *, preview: bool) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "preview": preview,
        "rows": imported.rows,
        "refused_rows": imported.refused_rows,
        "stored": imported.stored,
        "there_already": imported.there_already,
        **{name: getattr(imported, name).to_dicts() for name in (*COUNTED, "differences", "problems")},
        "notes": list(imported.notes),
    }
