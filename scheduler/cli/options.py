"""Options that several commands share, so that each has one name and one meaning."""

from datetime import date
from pathlib import Path
from typing import Any

import click

rules_option = click.option(
    "--rules",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="A site's own rules, added to the shipped ones.",
)
map_option = click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="MAP.yaml",
    help="Says which heading and word of the table is which of ours.",
)
protocol_option = click.option(
    "--protocol",
    default="risk-adapted",
    show_default=True,
    metavar="ID",
    help="The surveillance protocol to follow; whoever has a plan stays with its own.",
)
site_option = click.option("--site", metavar="CODE", help="One site only.")
by_option = click.option("--by", metavar="NAME", help="Who acts; otherwise HEPWATCH_ACTOR or the login name.")
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="As CSV, for programs and spreadsheets.")
preview_option = click.option("--preview", is_flag=True, help="Show what would change; store nothing.")


class NewFile(click.Path):
    """A file to be written: wrong usage where its folder is not there or may not be written to.

    Looked at before the work begins, so that no work is lost for want of a place to write it.
    """

    def __init__(self, *endings: str) -> None:
        super().__init__(path_type=Path, dir_okay=False, writable=True)
        self.endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; wrong usage for one that cannot be written."""
        super().convert(value, param, ctx)
        path = Path(value)
        if self.endings and path.suffix.lower() not in self.endings:
            self.fail(f"{path.name} ends neither in {' nor in '.join(self.endings)}", param, ctx)
        if not path.absolute().parent.is_dir():
            self.fail(f"there is no folder {path.parent}", param, ctx)
        return path


class Day(click.ParamType[date]):
    """A date on the command line: YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date; wrong usage for anything else."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a date; write YYYY-MM-DD, such as 2026-01-31", param, ctx)
