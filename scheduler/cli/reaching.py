"""What `hepwatch contact set` and `hepwatch recipient set` share: how somebody is reached, the address hidden."""

import sys

import click

from scheduler.cli.acting import with_options

FROM_STANDARD_INPUT = "-"


def read_address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """The address as given, or the first line of standard input, so that no shell keeps it; a person is asked."""
    if value != FROM_STANDARD_INPUT:
        return value
    if sys.stdin.isatty():
        return str(click.prompt("Address", hide_input=True, err=True))
    line = sys.stdin.readline().strip()
    if not line:
        raise click.BadParameter("standard input is empty; expected the address in its first line")
    return line


reach_options = with_options(
    click.option("--channel", metavar="NAME", help="By which channel, such as email or sms; else as the policy says."),
    click.option(
        "--address",
        callback=read_address,
        metavar="ADDRESS",
        help="Kept encrypted. With `-` it is read from standard input, so that the shell's history does not keep it.",
    ),
    click.option("--language", metavar="TAG", help="Such as en, ko or zh-Hans; else as the policy says."),
)
