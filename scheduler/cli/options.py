"""Options that several commands share, so that each has one name and one meaning."""

from datetime import date
from pathlib import Path

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
    "--protocol", default="risk-adapted", show_default=True, metavar="ID", help="The surveillance protocol to follow."
)
site_option = click.option("--site", metavar="CODE", help="One site only.")
by_option = click.option("--by", metavar="NAME", help="Who acts; otherwise HEPWATCH_ACTOR or the login name.")
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="As CSV, for programs and spreadsheets.")


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
