"""`hepwatch contact import`: a table of contacts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scheduler.cli.options import NewFile, by_option, json_option, preview_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scheduler.actions.contacts.import_contacts import ContactsImported


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@preview_option
@click.option(
    "--problems", "problems_file", type=NewFile(), metavar="FILE.csv", help="Write every problem to a CSV file."
)
@click.option("--site", metavar="CODE", help="The site of every row, where the table has no column site.")
@by_option
@json_option
def import_command(
    file: Path, preview: bool, problems_file: Path | None, site: str | None, by: str | None, as_json: bool
) -> int:
    """Import a table of patients' contacts.

    Columns: mrn, address, consented_on; and where wanted site, channel, language, whose blank cells leave what is
    recorded. A telephone number that begins with + is written tel:+82…, since spreadsheets take the + for a formula.
    Every bad cell is named at once, with its address hidden; nothing of a bad row is stored, nothing good is lost. The
    same file twice changes nothing, and an old one takes back neither a later consent nor a withdrawal. Exit status 4
    where a row was refused.
    """
    from scheduler import clock
    from scheduler.actions.contacts.import_contacts import import_contacts
    from scheduler.actions.history.history_tables import HistoryFile
    from scheduler.cli.registry import actor, open_registry
    from scheduler.cli.showing import as_csv, echo_json, say
    from scheduler.errors import ClinicalDataError
    from scheduler.rulebook import load_rulebook

    wanted = HistoryFile(path=file, today=clock.today(), actor=actor(by), site=site, dry_run=preview)
    with open_registry() as registry:
        imported = import_contacts(registry, wanted, load_rulebook().dictionary)
    if problems_file is not None:
        problems_file.write_text(as_csv(imported.problems), encoding="utf-8")
    if as_json:
        echo_json(_as_value(imported, preview=preview))
    else:
        say(*_page(imported, preview=preview))
    return ClinicalDataError.exit_status if imported.refused_rows else 0


def _page(imported: "ContactsImported", *, preview: bool) -> "list[RenderableType]":
    """The page for people."""
    from rich.markup import escape

    from scheduler.cli.changes_page import preview_line
    from scheduler.cli.showing import problems_table
    from scheduler.errors import counted

    good, would = imported.rows - imported.refused_rows, "would be " if preview else ""
    parts: list[RenderableType] = [
        *preview_line(preview=preview),
        f"[bold]{counted(imported.rows, 'row')} read: {good:,} good, {imported.refused_rows:,} refused; "
        f"{imported.stored:,} {would}stored, {imported.there_already:,} there already[/]",
        *(escape(note) for note in imported.notes),
    ]
    if imported.problems.height:
        parts += ["", problems_table(imported.problems, title=counted(imported.problems.height, "problem"))]
    return parts


def _as_value(imported: "ContactsImported", *, preview: bool) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "preview": preview,
        "rows": imported.rows,
        "refused_rows": imported.refused_rows,
        "stored": imported.stored,
        "there_already": imported.there_already,
        "problems": imported.problems.to_dicts(),
        "notes": list(imported.notes),
    }
