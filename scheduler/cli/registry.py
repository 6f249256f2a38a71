"""Opening the registry and the rules for a command."""

from pathlib import Path
from typing import TYPE_CHECKING

from scheduler import settings

if TYPE_CHECKING:
    from scheduler.actions.plans.rules import Rules
    from scheduler.store.registry import Registry


def open_registry() -> "Registry":
    """The registry that the settings name; raises a family of error where there is none."""
    from scheduler.store.registry import Registry

    return Registry.open(settings.database_url())


def rules_for(registry: "Registry", *, protocol: str | None = None, rules: Path | None = None) -> "Rules":
    """The rulebook, a protocol of it (the default one, unless it is said), and the working days of the sites."""
    from scheduler.actions.plans.rules import Rules
    from scheduler.actions.sites.describe_site import calendars
    from scheduler.rulebook import DEFAULT_PROTOCOL, load_rulebook

    loaded = Rules(
        rulebook=load_rulebook(rules), protocol_id=protocol or DEFAULT_PROTOCOL, working_days=calendars(registry)
    )
    _ = loaded.protocol
    return loaded


def actor(by: str | None) -> str:
    """Who acts: as said on the command line, else as the settings say."""
    return by or settings.actor()
