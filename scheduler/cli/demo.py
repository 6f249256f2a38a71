"""`hepwatch demo`: see everything work, with no data of your own."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scheduler.actions.patients.import_patients import Imported
    from scheduler.actions.plans.rules import Rules
    from scheduler.store.registry import Registry


@click.command("demo")
@click.option(
    "--patients", type=click.IntRange(20, 100_000), default=500, show_default=True, help="How many to make up."
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Keep the registry and the tables here.",
)
def command(patients: int, keep: Path | None) -> None:
    """Build a registry of synthetic patients, score and plan them, and show what a coordinator would see.

    The patients are made up, drawn from the two papers' printed figures. Your own registry is not touched.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="hepwatch-demo-") as folder:
            _run(Path(folder), patients, kept=False)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{keep} cannot be made: {error.strerror}", param_hint="--keep") from error
    if (keep / "hepwatch.db").exists():
        raise click.BadParameter(f"{keep} holds a registry already; name an empty folder", param_hint="--keep")
    _run(keep.resolve(), patients, kept=True)


def _run(folder: Path, patients: int, *, kept: bool) -> None:
    from scheduler import clock
    from scheduler.actions.demonstrate import demonstrate
    from scheduler.actions.patients.show_patient import show_patient
    from scheduler.actions.worklist.list_worklist import list_worklist
    from scheduler.cli.patient_page import page
    from scheduler.cli.registry import rules_for
    from scheduler.cli.showing import progress_bar, say
    from scheduler.cli.worklist_page import visits_table
    from scheduler.rulebook import load_rulebook
    from scheduler.store.registry import Registry

    today, rulebook = clock.today(), load_rulebook()
    with Registry.create(f"sqlite:///{folder / 'hepwatch.db'}") as registry:
        with progress_bar("building the registry") as progress:
            made = demonstrate(registry, rulebook, folder, patients=patients, today=today, progress=progress)
        say(f"[bold]1. {patients:,} synthetic patients were imported, signed, scored and planned[/]\n")
        say(*_counts(made.imports))
        rules = rules_for(registry)
        worklist = list_worklist(registry, rules, as_of=today, today=today).visits
        overdue = int((worklist["state"] == "overdue").sum())
        say(f"\n[bold]2. The worklist of today, {today}: {overdue} overdue, {worklist.height - overdue} due[/]\n")
        say(visits_table(worklist.head(12)))
        if worklist.height > 12:
            say(f"… and {worklist.height - 12} more")
        shown = show_patient(registry, rulebook, made.intensive_mrn, today=today)
        say(f"\n[bold]3. One patient who is followed intensively: {made.intensive_mrn}[/]\n")
        say(*page(shown, rulebook.dictionary, today=today)[:-2])
        say(*_reminders(registry, rules))
    _what_next(folder, made.intensive_mrn, kept=kept)


def _counts(imports: "tuple[Imported, ...]") -> "list[RenderableType]":
    """How the models and the protocol see these patients."""
    import polars as pl

    from scheduler.cli.showing import caveat_lines, frame_table

    assessed = pl.concat(each.assessments for each in imports).group_by("model", "status", "risk_group")
    followed = pl.concat(each.intensities for each in imports).group_by("intensity", "provisional", "no_surveillance")
    groups, followed_as = (
        frame_table(each, {name: name.replace("_", " ") for name in each.columns})
        for each in (
            assessed.agg(pl.col("patients").sum()).sort("model", "status", "risk_group", nulls_last=True),
            followed.agg(pl.col("patients").sum()).sort("intensity", "provisional"),
        )
    )
    caveats = pl.concat(each.caveats for each in imports).unique(maintain_order=True)
    return [groups, *caveat_lines(caveats), "", followed_as]


def _reminders(registry: "Registry", rules: "Rules") -> "list[RenderableType]":
    """How many reminders would go out today, by rung and recipient, and how many would not."""
    import polars as pl

    from scheduler import clock
    from scheduler.actions.reminders.foreseeing import foresee
    from scheduler.actions.reminders.running import Reminding
    from scheduler.cli.showing import table
    from scheduler.delivery.channels import Channels
    from scheduler.errors import counted

    rows = foresee(registry, rules, Channels.read(None), Reminding(now=clock.now, worker="demo"))
    is_owed = pl.col("outcome") == "owed"
    by_rung = (
        rows.with_columns(to=pl.col("recipient").str.split(":").list.first().str.replace("_", " "))
        .group_by("rung", "to")
        .agg(is_owed.sum().alias("would be sent"), (~is_owed).sum().alias("would not"))
        .sort("would be sent", "rung", "to", descending=[True, False, False])
    )
    owed = int(by_rung["would be sent"].sum())
    heading = f"\n[bold]4. The reminders of today: {owed:,} would be sent, {rows.height - owed:,} would not[/]\n"
    why = rows["why_not"].drop_nulls().value_counts(sort=True).rows()
    said = ", ".join(f"{reason.replace('_', ' ')} {counted(number, 'time')}" for reason, number in why)
    return [heading, table(by_rung.columns, by_rung.rows()), f"Not sent, because: {said}" if said else ""]


def _what_next(folder: Path, mrn: str, *, kept: bool) -> None:
    """What a newcomer may try now."""
    click.echo("\n5. What to try next")
    if kept:
        click.echo(f"  export HEPWATCH_DATABASE_URL=sqlite:///{folder / 'hepwatch.db'}")
        lines = [
            f"hepwatch patient show {mrn}",
            "hepwatch worklist --state overdue,due,upcoming",
            "hepwatch remind --dry-run",
            "hepwatch audit verify",
        ]
    else:
        lines = ["hepwatch demo --keep my-demo        # keeps the registry, to look around in it"]
    lines += [
        "hepwatch plan --intensity intensive --resected 2026-01-31 --country KR",
        "hepwatch rules show ehr-postop",
    ]
    for line in [*lines, "hepwatch --help"]:
        click.echo(f"  {line}")
