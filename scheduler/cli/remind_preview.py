"""`hepwatch remind preview`: what the messages of a rung look like."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scheduler.cli.options import json_option, rules_option

if TYPE_CHECKING:
    from scheduler.actions.reminders.preview import Previewed


@click.command("preview")
@click.option("--rung", required=True, metavar="RUNG", help="Such as due, overdue or escalated.")
@click.option("--language", metavar="TAG", help="Such as en, ko or zh-Hans; otherwise the policy's own.")
@click.option("--task", metavar="TASK", help="A rung about a task, such as unread_result, instead of about visits.")
@click.option(
    "--to", metavar="ROLE", help="Only what goes to the patient, coordinator, clinician, surgeon or site_lead."
)
@click.option("--policy", "policy_id", default="default", show_default=True, metavar="ID", help="The reminder policy.")
@rules_option
@json_option
def preview_command(
    rung: str,
    language: str | None,
    task: str | None,
    to: str | None,
    policy_id: str,
    rules: Path | None,
    as_json: bool,
) -> None:
    """Print every message of a rung with made-up contents, and to whom it goes on which channel. Sends nothing.

    A person's own channel and language, where stored, go before the policy's.
    """
    from scheduler.actions.reminders.preview import Wanted, preview
    from scheduler.cli.showing import echo_json
    from scheduler.rulebook import load_rulebook

    policy = load_rulebook(rules).reminder_policy(policy_id)
    wanted = Wanted(rung=rung, language=language or policy.default_language, task=task, to=to)
    previewed = preview(policy, wanted)
    if as_json:
        echo_json([_as_value(each) for each in previewed])
    else:
        click.echo("\n\n".join(_page(each) for each in previewed))


def _as_value(previewed: "Previewed") -> dict[str, Any]:
    names = ("role", "channel", "message", "digest", "sends_on", "shows")
    told = {name: getattr(previewed, name) for name in names}
    return told | {"subject": previewed.rendered.subject, "text": previewed.rendered.text}


def _page(previewed: "Previewed") -> str:
    role, days = str(previewed.role).replace("_", " "), str(previewed.sends_on).replace("_", " ")
    how = "one message for everything of a day" if previewed.digest else "a message of its own"
    return (
        f"== to the {role}, by {previewed.channel}: {previewed.message}, {how}, on {days}; "
        f"shows of the patient: {previewed.shows}\n"
        f"{previewed.rendered.subject}\n\n{previewed.rendered.text.rstrip()}"
    )
