"""`hepwatch patient`: import patients, list them and show one."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from scheduler.cli.options import (
    NewFile,
    by_option,
    csv_option,
    json_option,
    map_option,
    protocol_option,
    rules_option,
    site_option,
)

if TYPE_CHECKING:
    from scheduler.core.variables import CollectedAt


LIST_HEADINGS = {
    "mrn": "mrn",
    "site": "site",
    "resected_on": "resected",
    "days_since": "days",
    "signed_reports": "signed",
    "state": "episode",
    "intensity": "intensity",
    "provisional": "provisional",
}


@click.group("patient")
def command() -> None:
    """Import patients, list them and show one."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--sign", "stages", default="", metavar="STAGES", help="Sign these reports too: surgery, or surgery,pathology."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; store nothing.")
@map_option
@click.option("--reason", help="Why findings that are stored already are changed.")
@click.option(
    "--problems",
    "problems_file",
    type=NewFile(),
    metavar="FILE.csv",
    help="Write every problem to a CSV file.",
)
@click.option("--site", metavar="CODE", help="The site of every row, where the table has no column site.")
@by_option
@protocol_option
@rules_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def import_command(
    file: Path,
    stages: str,
    dry_run: bool,
    map_file: Path | None,
    reason: str | None,
    problems_file: Path | None,
    site: str | None,
    by: str | None,
    protocol: str,
    rules: Path | None,
    as_json: bool,
) -> int:
    """Import a CSV, XLSX or Parquet table: one row per patient, columns named as in `hepwatch rules show variables`.

    Every bad cell is named at once; nothing of a bad row is stored, nothing good is lost. The same file twice changes
    nothing. With --sign the importing person signs the reports and confirms unusual values: patients are scored and
    planned. Exit status 4 where a row was refused, a change needs a reason, or pathology waits for surgery to be
    signed.
    """
    from scheduler import clock
    from scheduler.actions.patients.import_patients import Import, import_patients
    from scheduler.cli.import_page import as_value, page
    from scheduler.cli.registry import actor, open_registry, rules_for
    from scheduler.cli.showing import as_csv, echo_json, progress_bar, say
    from scheduler.errors import ClinicalDataError
    from scheduler.intake import load_mapping

    with open_registry() as registry, progress_bar(f"importing {file.name}") as progress:
        followed = rules_for(registry, protocol=protocol, rules=rules)
        wanted = Import(
            path=file,
            today=clock.today(),
            actor=actor(by),
            sign=_stages(stages),
            reason=reason,
            mapping=load_mapping(map_file, followed.rulebook.dictionary) if map_file else None,
            site=site,
            dry_run=dry_run,
        )
        imported = import_patients(registry, wanted, followed, progress=progress)
    if problems_file is not None:
        problems_file.write_text(as_csv(imported.problems), encoding="utf-8")
    if as_json:
        echo_json(as_value(imported, dry_run=dry_run))
    else:
        say(*page(imported, dry_run=dry_run))
    return 0 if imported.is_whole else ClinicalDataError.exit_status


@command.command("show")
@click.argument("mrn")
@site_option
@rules_option
@json_option
def show(mrn: str, site: str | None, rules: Path | None, as_json: bool) -> None:
    """Show one patient: findings, assessments with each term's contribution, plan, history. Changes nothing.

    MRN may be hepwatch's own number of the patient, as messages show it: '#17'. So it may wherever an MRN is asked for.
    """
    from scheduler import clock
    from scheduler.actions.patients.show_patient import show_patient
    from scheduler.cli.patient_page import as_value, page
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say
    from scheduler.rulebook import load_rulebook

    rulebook = load_rulebook(rules)
    with open_registry() as registry:
        shown = show_patient(registry, rulebook, mrn, today=clock.today(), site=site)
    if as_json:
        echo_json(as_value(shown))
    else:
        say(*page(shown, rulebook.dictionary, today=clock.today()))


@command.command("list")
@click.option(
    "--awaiting",
    type=click.Choice(("pathology", "surgery")),
    help="Only those whose report of this stage is not signed.",
)
@click.option(
    "--older-than", type=click.IntRange(0), metavar="DAYS", help="Only those resected more than so many days ago."
)
@site_option
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(("active", "paused", "handed_over", "ended")),
    help="Only episodes in this state; may be given several times. Without it: all but ended ones.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="The most rows to print for people."
)
@json_option
@csv_option
def list_command(
    awaiting: Literal["pathology", "surgery"] | None,
    older_than: int | None,
    site: str | None,
    states: tuple[str, ...],
    limit: int,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List patients, the longest since their resection first. Changes nothing.

    `--awaiting pathology --older-than 30` lists whose pathology report is late.
    """
    from scheduler import clock
    from scheduler.actions.patients.list_patients import list_patients
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_csv, echo_json, frame_table, say
    from scheduler.errors import counted

    with open_registry() as registry:
        listed = list_patients(
            registry, today=clock.today(), awaiting=awaiting, older_than=older_than, site=site, states=states
        )
    if as_json:
        echo_json(listed.to_dicts())
    elif as_csv:
        echo_csv(listed)
    else:
        if listed.height:
            say(frame_table(listed.head(limit), LIST_HEADINGS))
        more = f"; the first {limit} are shown (--limit)" if listed.height > limit else ""
        say(f"{counted(listed.height, 'patient')}{more}")


def _stages(text: str) -> "frozenset[CollectedAt]":
    """The stages of `--sign`; pathology is not signed without surgery."""
    from scheduler.core.variables import CollectedAt

    named = [each.strip() for each in text.split(",") if each.strip()]
    if unknown := [each for each in named if each not in ("surgery", "pathology")]:
        raise click.BadParameter(f"{', '.join(unknown)}; choose surgery, or surgery,pathology", param_hint="--sign")
    return frozenset(CollectedAt(each) for each in named)
