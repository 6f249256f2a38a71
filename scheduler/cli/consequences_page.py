"""What followed from one thing recorded of one patient: episodes, visits, what is to be done, other examinations."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.events.consequences import Consequences
from scheduler.cli.changes_page import followed_lines, followed_value
from scheduler.cli.showing import frame_table, named_procedures
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

VERDICTS = {"named": "examination", "performed_on": "on", "was": "counted as", "verdict": "counts as", "reason": "why"}
MOST = 12


def consequences_lines(consequences: Consequences, *, mrn: str) -> list["RenderableType"]:
    """For people: an incident stands first, then what is to be done, since somebody has to do it."""
    return [
        *_incident(consequences.after_death, mrn),
        *task_lines(consequences.opened),
        *_done(consequences.closed),
        *_other_verdicts(consequences.other_verdicts, mrn),
        *followed_lines(consequences.followed, mrn=mrn),
    ]


def consequences_value(consequences: Consequences) -> dict[str, Any]:
    """The same for programs."""
    return {
        "to_do": tasks_value(consequences.opened),
        "no_longer_to_do": tasks_value(consequences.closed),
        "messages_after_death": next(consequences.after_death.drop("patient_id").iter_rows(named=True), None),
        "other_examinations": consequences.other_verdicts.drop("examination_id").to_dicts(),
        **followed_value(consequences.followed),
    }


def task_lines(tasks: pl.DataFrame) -> list["RenderableType"]:
    """What is to be done, by whom and by when."""
    return [
        f"[bold]to do:[/] {_task(row)} by {row['due_on']} ({row['owner']}), because of {escape(row['reason'])}"
        for row in tasks.iter_rows(named=True)
    ]


def tasks_value(tasks: pl.DataFrame) -> list[dict[str, Any]]:
    """The same for programs."""
    return tasks.select("task", "opened_on", "due_on", "owner", "reason").to_dicts()


def in_words(word: str) -> str:
    """One of our words for a sentence: `after end`."""
    return word.replace("_", " ")


def _incident(after_death: pl.DataFrame, mrn: str) -> list["RenderableType"]:
    """The messages that went out since the death."""
    return [
        f"[bold red]{counted(row['messages'], 'message')} about this patient went out, or may have, since the death on"
        f" {row['died_on']}[/], {row['to_patient']} of them to the patient:"
        f" hepwatch remind list --state sent,unknown --since {row['died_on']} --mrn {escape(mrn)}"
        for row in after_death.iter_rows(named=True)
    ]


def _done(tasks: pl.DataFrame) -> list["RenderableType"]:
    return [
        f"no longer to do: {_task(row)}, asked for because of {escape(row['reason'])}"
        for row in tasks.iter_rows(named=True)
    ]


def _other_verdicts(verdicts: pl.DataFrame, mrn: str) -> list["RenderableType"]:
    """The examinations recorded before that count for something else now."""
    if verdicts.is_empty():
        return []
    counts = verdicts["verdict"].value_counts().sort("verdict").rows()
    summary = ", ".join(f"{count} {in_words(verdict)}" for verdict, count in counts)
    shown = verdicts.head(MOST).with_columns(
        pl.Series("named", [named_procedures([each]) for each in verdicts.head(MOST)["procedure"]])
    )
    parts: list[RenderableType] = [
        f"[bold]{counted(verdicts.height, 'other examination')} counted anew:[/] {summary}",
        frame_table(shown.with_columns(pl.col("was", "verdict").str.replace_all("_", " ")), VERDICTS),
    ]
    if verdicts.height > MOST:
        parts.append(f"… and {verdicts.height - MOST} more: hepwatch exam list {escape(mrn)}")
    return parts


def _task(row: dict[str, Any]) -> str:
    return in_words(row["task"])
