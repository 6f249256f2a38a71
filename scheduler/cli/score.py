"""`hepwatch score`: a table in, assessments out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scheduler.cli.options import NewFile, map_option, rules_option

if TYPE_CHECKING:
    from scheduler.actions.reports.score_table import Scores


@click.command("score")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--model", "models", multiple=True, metavar="ID", help="Score by this model only; may be repeated.")
@click.option(
    "--out", type=NewFile(".csv", ".parquet"), metavar="FILE", help="Write a .csv or .parquet file instead of stdout."
)
@click.option("--explain", is_flag=True, help="Add each term's contribution and the inputs used, as JSON.")
@map_option
@rules_option
def command(
    file: Path, models: tuple[str, ...], out: Path | None, explain: bool, map_file: Path | None, rules: Path | None
) -> None:
    """Score a CSV, XLSX or Parquet table by published risk models. Nothing is stored.

    One row comes out per patient and model. A missing input never counts as zero or "no": it bounds the score, and
    `settled_by` names what would settle the group. Columns are named as in `hepwatch rules show variables`.
    """
    from scheduler import clock
    from scheduler.actions.reports.score_table import score_table
    from scheduler.cli.showing import echo_csv, progress_bar
    from scheduler.intake import load_mapping
    from scheduler.rulebook import load_rulebook

    rulebook = load_rulebook(rules)
    chosen = [rulebook.model(each) for each in models] or list(rulebook.newest_models())
    mapping = load_mapping(map_file, rulebook.dictionary) if map_file else None
    with progress_bar(f"scoring {file.name}") as progress:
        scores = score_table(
            file,
            chosen,
            rulebook.dictionary,
            today=clock.today(),
            mapping=mapping,
            explain=explain,
            progress=progress,
        )
    if out is None:
        echo_csv(scores.assessments)
    else:
        _write(scores, out)
    _tell(scores, out)


def _write(scores: "Scores", out: Path) -> None:
    from scheduler.cli.showing import as_csv

    if out.suffix.lower() == ".parquet":
        scores.assessments.write_parquet(out)
    else:
        out.write_text(as_csv(scores.assessments), encoding="utf-8")


def _tell(scores: "Scores", out: Path | None) -> None:
    """On stderr: how many came out how, what could not be read, and each model's caveats."""
    import polars as pl
    from rich.markup import escape

    from scheduler.actions.reports.caveats import caveats_of
    from scheduler.cli.showing import caveat_lines, console, frame_table, problems_table

    talk = console(err=True)
    if scores.problems.height:
        talk.print(problems_table(scores.problems, title="Cells that could not be used, or that look odd"))
    if out is None and not sys.stdout.isatty():
        return
    counts = scores.assessments.group_by("model", "status", "risk_group").agg(pl.len().alias("rows"))
    headings = {"model": "model", "status": "status", "risk_group": "risk group", "rows": "rows"}
    talk.print(frame_table(counts.sort("model", "status", "risk_group", nulls_last=True), headings))
    for note in scores.notes:
        talk.print(escape(note))
    for line in caveat_lines(caveats_of(scores.assessments)):
        talk.print(line)
    if out is not None:
        talk.print(f"wrote {scores.assessments.height:,} rows to {escape(str(out))}")
