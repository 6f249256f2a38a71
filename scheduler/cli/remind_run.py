"""`hepwatch remind` at work: it says whom nothing reaches, waits for the database and stops when it is told to."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scheduler.actions.plans.rules import Rules
    from scheduler.actions.reminders.accounting import Balance
    from scheduler.actions.reminders.running import Reminding
    from scheduler.actions.reminders.unreached import Unreached
    from scheduler.delivery.channels import Channels
    from scheduler.jobs.leaving import Leaving
    from scheduler.store.registry import Registry

TRIES = 8  # of a database that is away: about two minutes
TROUBLE = 7


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for on the command line: a day (None: today), a site (None: all), a folder of rules."""

    as_of: date | None
    site: str | None
    rules: Path | None


@dataclass(kw_only=True)
class Ran:
    """How a run went: its accounts, what nobody is reached by, whose clock was behind, and whether it was cut short."""

    balances: "Sequence[Balance]" = ()
    unreached: "Sequence[Unreached]" = ()
    behind: list[str] = field(default_factory=list)
    has_sites: bool = True
    is_cut_short: bool = False  # stopped while the database was away

    @property
    def status(self) -> int:
        """0, or 7 where a person should look."""
        from scheduler.actions.reminders.accounting import BALANCED, MISSED

        told = all(each.state in (BALANCED, MISSED) and not each.failed and not each.unknown for each in self.balances)
        reached = not any(each.is_felt for each in self.unreached)
        return 0 if told and reached and not self.behind else TROUBLE


def remind_now(asked: Asked, *, as_json: bool) -> int:
    """Send what is owed and print how it adds up; gives the exit status."""
    from scheduler.cli.remind_page import stopped_line
    from scheduler.jobs.leaving import Leaving

    leaving = Leaving(aloud=True)
    with leaving.listening():
        ran = _run(asked, leaving)
    if leaving.signal is None:
        _show(ran, as_json=as_json)
        return ran.status
    with suppress(OSError):  # its terminal may be gone
        _show(ran, as_json=as_json)
        click.echo(stopped_line(leaving.signal.name, is_cut_short=ran.is_cut_short), err=True)
    return 128 + leaving.signal


def foresee_now(asked: Asked, *, as_json: bool, as_csv: bool) -> None:
    """Print who would be told what, and who would not; nothing is sent."""
    from scheduler.actions.reminders.foreseeing import foresee
    from scheduler.cli.registry import open_registry, rules_for
    from scheduler.cli.remind_page import foreseen_page
    from scheduler.cli.showing import echo_csv, echo_json, say
    from scheduler.jobs.leaving import Leaving

    with open_registry() as registry:
        rules, channels = rules_for(registry, rules=asked.rules), _channels()
        _say_unreached(registry, rules, channels, asked.site)
        rows = foresee(registry, rules, channels, _reminding(asked, Ran(), Leaving()), on=asked.as_of)
    if as_json:
        echo_json(rows.to_dicts())
    elif as_csv:
        echo_csv(rows)
    else:
        say(*foreseen_page(rows))


def _run(asked: Asked, leaving: "Leaving") -> Ran:
    """Everything between the first look and the last account."""
    from scheduler.actions.reminders.patience import AWAY
    from scheduler.actions.reminders.remind import account_until, remind
    from scheduler.actions.sites.describe_site import list_sites
    from scheduler.cli.registry import open_registry, rules_for

    ran = Ran()
    with open_registry() as registry:
        rules, channels = rules_for(registry, rules=asked.rules), _channels()
        ran.has_sites = not list_sites(registry).is_empty()
        ran.unreached = _say_unreached(registry, rules, channels, asked.site)
        reminding = _reminding(asked, ran, leaving)
        try:
            if asked.as_of is None:
                ran.balances = remind(registry, rules, channels, reminding)
            else:
                ran.balances = account_until(registry, rules, channels, reminding, on=asked.as_of)
        except AWAY:
            if not leaving.is_asked():
                raise
            ran.is_cut_short = True
    return ran


def _show(ran: Ran, *, as_json: bool) -> None:
    """How the run adds up, on stdout."""
    from scheduler.cli.remind_page import balances_page
    from scheduler.cli.showing import echo_json, say

    if as_json:
        echo_json([asdict(each) for each in ran.balances])
    else:
        say(*balances_page(ran.balances, has_sites=ran.has_sites))


def _channels() -> "Channels":
    from scheduler import settings
    from scheduler.delivery.channels import Channels

    return Channels.read(settings.channels_file())


def _say_unreached(
    registry: "Registry", rules: "Rules", channels: "Channels", site: str | None
) -> "Sequence[Unreached]":
    """Say on stderr what keeps messages from leaving, whatever is owed."""
    from scheduler import clock
    from scheduler.actions.reminders.unreachable import unreachable
    from scheduler.cli.remind_page import unreached_line

    policy = rules.rulebook.reminder_policy()
    found = unreachable(registry, policy, channels, today=clock.today(), sites=[site] if site else [])
    for each in found:
        click.echo(unreached_line(each), err=True)
    return found


def _reminding(asked: Asked, ran: Ran, leaving: "Leaving") -> "Reminding":
    """A run from the command line; the sites whose clock is behind are noted."""
    from scheduler import clock
    from scheduler.actions.reminders.running import Reminding, worker_name
    from scheduler.cli.remind_page import told_line

    def told(action: str, **facts: object) -> None:
        if line := told_line(action, facts):
            with suppress(OSError):  # a terminal that was closed keeps no message back
                click.echo(line, err=True)
        if action == "clock_behind":
            ran.behind.append(str(facts["site"]))

    return Reminding(
        now=clock.now,
        worker=worker_name(),
        site=asked.site,
        stopping=leaving.is_asked,
        wait=leaving.pause,
        most_tries=TRIES,
        told=told,
    )
