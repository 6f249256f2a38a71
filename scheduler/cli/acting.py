"""What the commands that act on one patient share: their last options, and what an action is handed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from scheduler.cli.options import by_option, json_option, preview_option, rules_option, site_option

Command = TypeVar("Command", bound=Callable[..., Any])
Done = TypeVar("Done")


class Acting(TypedDict):
    """The options that each of these commands has, as click gives them."""

    preview: bool
    site: str | None
    by: str | None
    rules: Path | None
    as_json: bool


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order of the help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


acting_options: Callable[[Any], Any] = with_options(preview_option, site_option, by_option, rules_option, json_option)
mrn_argument = click.argument("mrn")


def act(action: Callable[..., Done], options: Acting) -> Done:
    """Do it in the registry that the settings name, by the rules, today; gives what the action gives."""
    from scheduler import clock
    from scheduler.cli.registry import actor, open_registry, rules_for

    with open_registry() as registry:
        return action(
            registry,
            rules_for(registry, rules=options["rules"]),
            today=clock.today(),
            actor=actor(options["by"]),
            site=options["site"],
            preview=options["preview"],
        )
