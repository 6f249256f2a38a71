"""What the service rings, done in the registry: a look at which days are accounted for, and one site's day.

Each opens the registry anew, so that one that was away is found again, and reads the rules and the sites' calendars
anew, so that a service that runs for months follows what a person changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from scheduler.actions.plans.replan import Replan, replan
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.accounting import Balance
from scheduler.actions.reminders.days import gaps, list_days
from scheduler.actions.reminders.patience import AWAY
from scheduler.actions.reminders.remind import remind
from scheduler.actions.reminders.running import Reminding
from scheduler.actions.reminders.unreachable import unreachable
from scheduler.actions.reminders.unreached import Unreached
from scheduler.actions.sites.describe_site import list_sites
from scheduler.actions.worklist.list_worklist import SiteNotFound
from scheduler.core.calendar import local_day
from scheduler.core.reminders.ledger import Outcome
from scheduler.delivery.channels import Channels
from scheduler.jobs.standing import Look
from scheduler.store.registry import Registry


class Stopped(Exception):
    """The service is to stop, or the site's day is over; what is done so far stays, the rest is done at the next start,
    or ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """The registry, its rules and the channels; who acts; and the sites that are looked after (none named: all)."""

    open_registry: Callable[[], Registry]
    rules_of: Callable[[Registry], Rules]
    channels: Channels
    actor: str
    sites: tuple[str, ...] = ()

    def look(self, now: datetime) -> Look:
        """What is accounted for and what is not. Raises `SiteNotFound` where a named site is not there."""
        with self.open_registry() as registry:
            zones = dict(list_sites(registry).select("site", "time_zone").rows())
            for site in self.sites:
                if site not in zones:
                    raise SiteNotFound(site=site, known=list(zones))
            ours = {site: zone for site, zone in zones.items() if not self.sites or site in self.sites}
            is_ours = pl.col("site").is_in(list(ours))
            return Look(
                zones=ours,
                gaps=gaps(registry, now=now).filter(is_ours),
                days=list_days(registry).filter(is_ours),
                unknown_waiting=_unknown_waiting(registry),
            )

    def unreached(self, now: datetime) -> tuple[Unreached, ...]:
        """What keeps messages from leaving, as the registry, the rules and the channels are now."""
        if not self.channels.are_configured:
            return ()
        with self.open_registry() as registry:
            policy = self.rules_of(registry).rulebook.reminder_policy()
            return unreachable(registry, policy, self.channels, today=now.date(), sites=self.sites)

    def do(self, reminding: Reminding) -> tuple[Balance, ...]:
        """Bring the plans of the site up to its day, then remind; gives the balances.

        Raises `Stopped`, also where its day was over before the plans were done: the next one is done at its own time.
        """
        with self.open_registry() as registry:
            rules = self.rules_of(registry)
            zones = dict(list_sites(registry).select("site", "time_zone").rows())
            today = local_day(reminding.now(), zones[reminding.site])
            self._replan(registry, rules, reminding, today)
            if (later := local_day(reminding.now(), zones[reminding.site])) != today:
                reminding.told("put_off", site=reminding.site, on=later)
                raise Stopped
            return remind(registry, rules, self.channels, reminding)

    def _replan(self, registry: Registry, rules: Rules, reminding: Reminding, today: date) -> None:
        """Bring the plans up to the day; where that fails for somebody, the others are reminded all the same."""
        wanted = Replan(today=today, actor=self.actor, site=reminding.site)
        try:
            done = replan(registry, rules, wanted, progress=_stop_between(reminding.stopping))
        except Stopped:
            raise
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 (what keeps one plan back must keep nobody's reminder back)
            reminding.told("replan_failed", site=reminding.site, on=today, error=type(error).__name__)
        else:
            reminding.told("replanned", site=reminding.site, on=today, patients=done.replanned, moved=done.moved)


def _unknown_waiting(registry: Registry) -> int:
    """How many messages of unknown outcome wait for a person."""
    with registry.reading() as reading:
        return reading.reminders_not_sent([Outcome.UNKNOWN.value])["message_id"].n_unique()


def _stop_between(stopping: Callable[[], bool]) -> Callable[[int, int], None]:
    """A listener that ends planning between two of its transactions."""

    def heard(_done: int, _everything: int) -> None:
        if stopping():
            raise Stopped

    return heard
