"""What one instance does when it is rung: the gap check, and one site's day. Both wait for a database that is away.

Nothing here assumes to be alone: a day that another instance does at the same moment is done once, by the ledger's
constraint. The service calls it from its threads, `--once` from cron.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from threading import Event
from traceback import extract_tb
from typing import Protocol, TypeVar

from scheduler.actions.reminders.accounting import BALANCED, MISSED, Balance
from scheduler.actions.reminders.patience import AWAY, with_patience
from scheduler.actions.reminders.running import Reminding
from scheduler.actions.reminders.unreached import Unreached
from scheduler.core.calendar import local_day
from scheduler.errors import DeliveryError, HepwatchError
from scheduler.jobs.duty import is_rung_today, owed_sites
from scheduler.jobs.heartbeat import beat, is_for_each_site
from scheduler.jobs.rounds import Stopped
from scheduler.jobs.standing import Look, Stood
from scheduler.store.errors import RegistryNotFound

AFTER_AN_ANSWER = ("database_back", "replanned", "claimed", "marked", "released", "accounted")  # of the database

Done = TypeVar("Done")


class Work(Protocol):
    """What is rung; `rounds.Rounds` is the one there is. Done again it changes nothing that is done."""

    def look(self, now: datetime) -> Look:
        """Which days are accounted for and which are not."""
        ...

    def unreached(self, now: datetime) -> tuple[Unreached, ...]:
        """What keeps messages from leaving, whatever is owed."""
        ...

    def do(self, reminding: Reminding) -> Sequence[Balance]:
        """The day of one site, and those that it missed; today's balance last."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How an instance serves: at which local time, by which clock, under which name, and where it tells what it does.

    `most_tries` of a database that is away; None: until it is to stop. `pause` waits so many seconds, or until the
    event is set.
    """

    at: time
    now: Callable[[], datetime]
    worker: str
    told: Callable[..., None]
    heartbeat_url: str | None = None
    most_tries: int | None = None
    pause: Callable[[Event, float], object] = Event.wait


class Keeping:
    """One instance at work. `stood` is how it stands, `stop` says that it is to stop."""

    def __init__(self, work: Work, serving: Serving) -> None:
        self.serving = serving
        self.stood = Stood(serving.now())
        self.stop = Event()
        self._work = work
        self._beaten_until: date | None = None  # what was balanced before the first check, others have told

    def check(self) -> tuple[Look, list[str]]:
        """The gap check: what it saw, and the sites to be done now."""
        look = self._patiently(lambda: self._work.look(self.serving.now()))
        now = self.serving.now()  # after the waiting, which may have taken hours
        if self.stood().checked_at is None:
            self._beaten_until = look.balanced_until
        self.stood.seen(look)
        self.stood.checked(now)
        return look, owed_sites(look.gaps, now=now, at=self.serving.at)

    def look_for_unreached(self) -> None:
        """What keeps messages from leaving, whatever is owed: kept for `/healthz`, told where it is new."""
        found = self._work.unreached(self.serving.now())
        for each in found:
            if each not in self.stood().unreached:
                self.told(each.action, **each.facts)
        self.stood.reaches_all_but(found)

    def do(self, site: str) -> bool:
        """The site's day and those that it missed; whether today balances. After a balanced day the heartbeat goes.

        Raises `Stopped` where it is to stop, or where the site waited so long that its day is over.
        """
        balances = self._patiently(lambda: self._done_in_its_day(site))
        self.stood.seen(self._patiently(lambda: self._work.look(self.serving.now())))
        today = [balance for balance in balances if balance.state != MISSED]
        balanced = bool(today) and today[-1].state == BALANCED
        self.told("day_done", site=site, state=today[-1].state if today else "stopped")
        if balanced:
            self._beat(site)
        return balanced

    def guarded(self, work: Callable[[], Done], *, site: str | None = None) -> Done | HepwatchError | None:
        """What the work gives; an error that stopped it, told by its name alone; None where it was to stop.

        A defect of ours in one site's day must not silence the other sites: it is told and counted, and the day that
        is not accounted for shows in `/healthz`. No text of an error is told, since it may repeat what a person wrote.
        """
        where = {} if site is None else {"site": site}
        try:
            return work()
        except Stopped:
            return None
        except HepwatchError as error:
            self.told("refused", error=type(error).__name__, **where)
            return error
        except Exception as error:  # noqa: BLE001 (said above)
            last = extract_tb(error.__traceback__)[-1]
            place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
            self.stood.defect()
            self.told("defect", error=type(error).__name__, place=place, **where)
            return DefectMet()

    def wait(self, seconds: float) -> None:
        """Pause, or shorter where it is to stop."""
        self.serving.pause(self.stop, seconds)

    def told(self, action: str, **facts: object) -> None:
        """Tell it, and keep in mind whether the database answers."""
        if action == "database_away" or action in AFTER_AN_ANSWER:
            self.stood.database(answers=action in AFTER_AN_ANSWER)
        if action == "replan_failed":
            self.stood.defect()
        self.serving.told(action, **facts)

    def _done_in_its_day(self, site: str) -> Sequence[Balance]:
        """The balances. Between a site's midnight and its ring nothing is done: nobody is written to at night."""
        zone, now = self.stood().look.zones.get(site), self.serving.now()
        if zone and not is_rung_today(now, at=self.serving.at, time_zone=zone):
            self.told("put_off", site=site, on=local_day(now, zone))
            raise Stopped
        return self._work.do(
            Reminding(
                now=self.serving.now,
                worker=self.serving.worker,
                site=site,
                told=self.told,
                stopping=self.stop.is_set,
                wait=self.wait,
                most_tries=self.serving.most_tries,
            )
        )

    def _beat(self, site: str) -> None:
        """The heartbeat: the site's own, or one for all of them, once the last of them has had a day's balance."""
        url, until, before = self.serving.heartbeat_url, self.stood().look.balanced_until, self._beaten_until
        is_the_last = until is not None and (before is None or before < until)
        if url and (is_for_each_site(url) or is_the_last):
            self._beaten_until = until
            beat(url, site=site, told=self.told)

    def _patiently(self, work: Callable[[], Done]) -> Done:
        """As soon as the database lets it. A registry that was there and is gone is away, too."""
        was_there = self.stood().checked_at is not None
        return with_patience(
            work,
            wait=self.wait,
            told=self.told,
            stopping=self.stop.is_set,
            most_tries=self.serving.most_tries,
            away=(*AWAY, RegistryNotFound) if was_there else AWAY,
        )


class DefectMet(DeliveryError):
    """Something in hepwatch itself went wrong."""

    def __init__(self) -> None:
        super().__init__(
            "something in hepwatch itself went wrong; the log names the place",
            advice="report the line with the action `defect`; the day is tried again every hour",
        )
