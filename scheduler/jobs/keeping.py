"""What one instance does when it is rung: the gap check, and one site's day. Both wait for a database that is away.

Nothing here assumes to be alone: a day that another instance does at the same moment is done once, by the ledger's
constraint. The service calls it from its threads, `--once` from cron.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from threading import Event
from traceback import extract_tb
from typing import Protocol, TypeVar

from scheduler.actions.reminders.accounting import BALANCED, MISSED, Balance
from scheduler.actions.reminders.patience import AWAY, with_patience
from scheduler.actions.reminders.running import Reminding
from scheduler.errors import DeliveryError, HepwatchError
from scheduler.jobs.duty import owed_sites
from scheduler.jobs.heartbeat import beat
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

    def check(self) -> tuple[Look, list[str]]:
        """The gap check: what it saw, and the sites to be done now."""
        look = self._patiently(lambda: self._work.look(self.serving.now()))
        now = self.serving.now()  # after the waiting, which may have taken hours
        self.stood.seen(look)
        self.stood.checked(now)
        return look, owed_sites(look.gaps, now=now, at=self.serving.at)

    def do(self, site: str) -> bool:
        """The site's day and those that it missed; whether today balances. After a balanced day the heartbeat goes."""
        reminding = Reminding(
            now=self.serving.now,
            worker=self.serving.worker,
            site=site,
            told=self.told,
            stopping=self.stop.is_set,
            wait=self.wait,
            most_tries=self.serving.most_tries,
        )
        balances = self._patiently(lambda: self._work.do(reminding))
        self.stood.seen(self._patiently(lambda: self._work.look(self.serving.now())))
        today = [balance for balance in balances if balance.state != MISSED]
        balanced = bool(today) and today[-1].state == BALANCED
        self.told("day_done", site=site, state=today[-1].state if today else "stopped")
        if balanced and self.serving.heartbeat_url:
            beat(self.serving.heartbeat_url, site=site, told=self.told)
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
