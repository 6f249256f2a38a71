"""`hepwatch` itself: the commands by name, loaded when they are called; and errors turned into exit statuses."""

import sys
from collections.abc import Sequence
from errno import EIO, EPIPE
from importlib import import_module
from os import devnull
from typing import Any

import click

from scheduler import __version__
from scheduler.errors import HepwatchError

NOBODY_READS = (EPIPE, EIO)  # a pipe whose other end is closed, a terminal that is gone
COMMANDS: dict[str, tuple[str, str]] = {
    "contact": ("scheduler.cli.contact", "Say how a patient who consented is reached, withdraw it, show it."),
    "demo": ("scheduler.cli.demo", "Build a registry of synthetic patients and show what a coordinator sees."),
    "event": ("scheduler.cli.event", "Record what happened to a patient, take it back, list it."),
    "exam": ("scheduler.cli.exam", "Record, review, correct and list examinations."),
    "init": ("scheduler.cli.init", "Make the registry, or bring an older one up to date."),
    "jobs": ("scheduler.cli.jobs", "Show which days were done, which were missed, and what comes next."),
    "override": ("scheduler.cli.override", "Decide otherwise than the plan, with a reason and a last day."),
    "patient": ("scheduler.cli.patient", "Import, list and show patients."),
    "plan": ("scheduler.cli.plan", "Print a plan without a registry, or what changed in a patient's."),
    "recipient": ("scheduler.cli.recipient", "Say who of a site's staff is told, by role, and how."),
    "remind": ("scheduler.cli.remind", "Send the reminders that are owed today; say who is told and who is not."),
    "replan": ("scheduler.cli.replan", "Plan everybody anew, by another protocol or as of today."),
    "report": ("scheduler.cli.report", "Draft, sign and correct the two reports of a patient."),
    "rules": ("scheduler.cli.rules", "Check, list and show the rules."),
    "run": ("scheduler.cli.run", "Be the service: remind every site each day, and tell how it stands."),
    "score": ("scheduler.cli.score", "Score a table of patients, without a registry."),
    "site": ("scheduler.cli.site", "List the sites, say where each is and when it is closed."),
    "audit": ("scheduler.cli.audit", "Verify the audit trail; list findings and overrides."),
    "visit": ("scheduler.cli.visit", "Book, move, cancel and miss the visits of a patient, and list them."),
    "worklist": ("scheduler.cli.worklist", "Show who is due, who is overdue and what is to be done."),
}


class LazyCommands(click.Group):
    """A group whose commands are imported when they are called; help needs only their one-line texts."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"There is no command {args[0]}.{meant}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hepwatch")
def hepwatch() -> None:
    """Surveillance after liver resection for hepatocellular carcinoma.

    hepwatch stores resected patients, scores them at surgery and at pathology sign-off, plans their imaging, and
    tells every day who is due and who is overdue. Decision support for people who know surveillance; not a medical
    device.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status: 0 done, 2 wrong usage, 3 to 7 by the family of error."""
    status = run(arguments)
    for stream in ("stdout", "stderr"):
        try:
            getattr(sys, stream).flush()
        except OSError as error:
            if error.errno not in NOBODY_READS:
                raise
            _stop_writing(stream)
    sys.exit(status)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; gives the exit status. A user's mistake is told in a sentence, never in a traceback."""
    try:
        result: Any = hepwatch.main(args=arguments, prog_name="hepwatch", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped; nothing more was done", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except HepwatchError as error:
        click.echo(f"hepwatch: {error.message}\n{error.advice}", err=True)
        return error.exit_status
    except SystemExit:  # click leaves so where whoever reads the answer has read enough
        _stop_writing()
        return 0
    return result if isinstance(result, int) else 0


def _stop_writing(stream: str = "stdout") -> None:
    """Nobody reads any more: what is still to be written goes nowhere, without a word."""
    setattr(sys, stream, open(devnull, "w", encoding="utf-8"))  # noqa: SIM115 (open until the process ends)
