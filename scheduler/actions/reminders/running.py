"""What a run of the reminders is handed, and what it says of itself while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.patience import with_patience
from scheduler.core.reminders.policy import ReminderPolicy
from scheduler.delivery.channels import Channels
from scheduler.rulebook.reading import RuleFile
from scheduler.store.registry import Registry

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminding:
    """How a run is done: by which clock, by whom, for which site (None: all), and when it is to stop.

    `told` hears a stable action word and facts without identity: `claimed`, `attempting`, `delivered`, `marked`,
    `released`, `accounted`. `wait` pauses so many seconds. `at_a_time` patients are claimed in one transaction.
    `claims_last_minutes`: what another worker claimed longer ago it will not come back to.
    """

    now: Callable[[], datetime]
    worker: str
    site: str | None = None
    told: Callable[..., None] = lambda _action, **_facts: None
    stopping: Callable[[], bool] = lambda: False
    wait: Callable[[float], None] = lambda _seconds: None
    at_a_time: int = 500
    claims_last_minutes: float = 15
    most_tries: int | None = None  # of the database, when it is away


def worker_name() -> str:
    """A name for this process that no other has: the machine, the process, and a few random letters."""
    from os import getpid
    from platform import node
    from secrets import token_hex

    return f"{node()}-{getpid()}-{token_hex(3)}"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that a run stands on."""

    registry: Registry
    rules: Rules
    channels: Channels
    reminding: Reminding

    @cached_property
    def policy(self) -> ReminderPolicy:
        """The newest version of the default policy."""
        return self.rules.rulebook.reminder_policy()

    @cached_property
    def policy_file(self) -> RuleFile:
        """Its file, as it is kept with every day's account."""
        return self.rules.rulebook.files[self.policy.reference]

    def patiently(self, work: Callable[[], Done]) -> Done:
        """What the work gives, as soon as the database lets it (`with_patience`)."""
        how = self.reminding
        return with_patience(work, wait=how.wait, told=how.told, stopping=how.stopping, most_tries=how.most_tries)
