"""`hepwatch exam`: examinations at follow-up."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Unpack

import click

from scheduler.cli.acting import Acting, act, acting_options, mrn_argument, with_options
from scheduler.cli.history import import_examinations_command
from scheduler.cli.options import Day, json_option, site_option

if TYPE_CHECKING:
    from scheduler.actions.examinations.examination_versions import Recorded

FINDINGS = (
    "no_recurrence, indeterminate, suspicious, inadequate, intrahepatic_recurrence, extrahepatic_recurrence, both"
)
RESULTS = click.Choice(["pending", "final"])

which = with_options(
    mrn_argument,
    click.option(
        "--procedure",
        required=True,
        metavar="NAME",
        help="What was done, such as liver_ct_mri, chest_ct, afp, ultrasound.",
    ),
    click.option("--on", "performed_on", type=Day(), required=True, help="The day it was done."),
)
number_option = click.option(
    "--number", type=click.IntRange(1), default=1, show_default=True, help="2 for the second of its kind that day."
)
found = with_options(
    click.option("--finding", metavar="FINDING", help=f"One of {FINDINGS}."),
    click.option("--site-of-recurrence", "where", multiple=True, metavar="SITE", help="Such as lung; may be repeated."),
    click.option("--value", type=float, help="Of a marker: AFP in ng/mL, PIVKA-II in mAU/mL."),
    click.option("--place", help="Where it was done."),
)
confirm_option = click.option("--confirm", is_flag=True, help="An unusual value has been checked and is right.")
reason_option = click.option("--reason", required=True, help="Why; kept with the new version.")


@click.group("exam")
def command() -> None:
    """Record, review, correct and list examinations.

    An examination is a procedure that happened. Recording one brings the plan in line: what the examination counts
    for, a short-interval visit after a suspicious finding or a marker rise, a treatment decision after a recurrence.
    """


@command.command("record")
@which
@click.option("--result", type=RESULTS, default="final", show_default=True, help="Whether there is a result yet.")
@found
@click.option("--reviewed-by", metavar="NAME", help="Who has read the result already.")
@click.option("--again", is_flag=True, help="A second one of its kind, with the same result, was done that day.")
@confirm_option
@acting_options
def record(
    mrn: str,
    procedure: str,
    performed_on: date,
    result: str,
    finding: str | None,
    where: tuple[str, ...],
    value: float | None,
    place: str | None,
    reviewed_by: str | None,
    again: bool,
    confirm: bool,
    **acting: Unpack[Acting],
) -> None:
    """Record an examination.

    Stores it with what it counts for and why, and changes the plan where it asks for that. In whatever order
    examinations are recorded, the verdicts are the same. One of a day to come may be recorded as pending.
    """
    from scheduler.actions.examinations.record_examination import record_examination
    from scheduler.core.examination import Examination

    examination = Examination(
        procedure=procedure,
        performed_on=performed_on,
        result_status=result,
        finding=finding,
        recurrence_sites=where,
        value=value,
        place=place,
        reviewed_by=reviewed_by,
    )
    recording = partial(record_examination, mrn=mrn, examination=examination, again=again, confirm=confirm)
    _show(act(recording, acting), acting, did="recorded")


@command.command("review")
@which
@number_option
@found
@click.option("--reviewed-by", required=True, metavar="NAME", help="Who has read the result.")
@click.option("--reason", default="reviewed", show_default=True, help="What is to be remembered of the review.")
@confirm_option
@acting_options
def review(
    mrn: str,
    procedure: str,
    performed_on: date,
    number: int,
    finding: str | None,
    where: tuple[str, ...],
    value: float | None,
    place: str | None,
    reviewed_by: str,
    reason: str,
    confirm: bool,
    **acting: Unpack[Acting],
) -> None:
    """Say who has read a result.

    Stores who read it, now; a pending result becomes final with its finding or value. A final result is not changed
    by reading it: that is what correct is for.
    """
    from scheduler.actions.examinations.correct_examination import Correction
    from scheduler.actions.examinations.review_examination import review_examination

    result = Correction(finding=finding, recurrence_sites=where or None, value=value, place=place)
    reviewing = partial(
        review_examination,
        mrn=mrn,
        procedure=procedure,
        performed_on=performed_on,
        number=number,
        found=result,
        by=reviewed_by,
        reason=reason,
        confirm=confirm,
    )
    _show(act(reviewing, acting), acting, did="reviewed")


@command.command("correct")
@which
@number_option
@click.option("--result", type=RESULTS, help="Whether there is a result after all.")
@found
@click.option("--reviewed-by", metavar="NAME", help="Who has read the corrected result.")
@reason_option
@confirm_option
@acting_options
def correct(
    mrn: str,
    procedure: str,
    performed_on: date,
    number: int,
    result: str | None,
    finding: str | None,
    where: tuple[str, ...],
    value: float | None,
    place: str | None,
    reviewed_by: str | None,
    reason: str,
    confirm: bool,
    **acting: Unpack[Acting],
) -> None:
    """Correct a result, with a reason.

    Stores a new version; verdicts, episodes and visits become those of the corrected result. Another result is
    unread until somebody reviews it. Another day or procedure is another examination: delete this one and record
    that one.
    """
    from scheduler.actions.examinations.correct_examination import Correction, correct_examination

    correction = Correction(
        result_status=result,
        finding=finding,
        recurrence_sites=where or None,
        value=value,
        place=place,
        reviewed_by=reviewed_by,
    )
    correcting = partial(
        correct_examination,
        mrn=mrn,
        procedure=procedure,
        performed_on=performed_on,
        number=number,
        correction=correction,
        reason=reason,
        confirm=confirm,
    )
    _show(act(correcting, acting), acting, did="corrected")


@command.command("delete")
@which
@number_option
@reason_option
@acting_options
def delete(mrn: str, procedure: str, performed_on: date, number: int, reason: str, **acting: Unpack[Acting]) -> None:
    """Delete an examination, with a reason.

    For one that did not take place, or was another patient's: it stays in the record and counts for nothing.
    """
    from scheduler.actions.examinations.correct_examination import delete_examination

    deleting = partial(
        delete_examination, mrn=mrn, procedure=procedure, performed_on=performed_on, number=number, reason=reason
    )
    _show(act(deleting, acting), acting, did="deleted")


@command.command("list")
@mrn_argument
@site_option
@json_option
def list_all(mrn: str, site: str | None, as_json: bool) -> None:
    """List a patient's examinations.

    What was found, what each counts for, and why. Changes nothing.
    """
    from scheduler.actions.examinations.list_examinations import list_examinations
    from scheduler.cli.exam_page import list_page, list_value
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say

    with open_registry() as registry:
        listed = list_examinations(registry, mrn, site=site)
    if as_json:
        echo_json(list_value(listed))
    else:
        say(*list_page(listed))


def _show(recorded: "Recorded", acting: Acting, *, did: str) -> None:
    from scheduler.cli.exam_page import as_value, page
    from scheduler.cli.showing import echo_json, say

    if acting["as_json"]:
        echo_json(as_value(recorded, preview=acting["preview"]))
    else:
        say(*page(recorded, did=did, preview=acting["preview"]))


command.add_command(import_examinations_command)
