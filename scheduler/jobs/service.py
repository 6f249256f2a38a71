"""The service: the bell and an hourly gap check put sites into a line, one worker does their days, a monitor answers.

Whatever the bell leaves out the gap check finds, since it asks the registry which days are not accounted for.
"""

from signal import Signals
from threading import Event, Thread

from scheduler import __version__
from scheduler.errors import HepwatchError
from scheduler.jobs.bell import Bell
from scheduler.jobs.keeping import Keeping
from scheduler.jobs.leaving import Ending, Leaving, leave_at_once
from scheduler.jobs.metrics import metrics_text
from scheduler.jobs.monitoring import Monitor
from scheduler.jobs.waiting import Waiting

STOP_WITHIN_SECONDS = 60.0  # for the message in hand; systemd waits longer (`TimeoutStopSec`)


def serve(keeping: Keeping, leaving: Leaving, *, port: int) -> None:
    """Serve until a signal comes, then finish what is in hand; port 0: nothing is monitored.

    Raises `MonitorPortTaken`, and what the first gap check raises: a registry that is not there, a wrong key.
    """
    service = Service(keeping, leaving, port=port)
    service.start()
    ending = leaving.wait()
    keeping.told("stopping", **_named(ending))
    if not service.stop(within_seconds=STOP_WITHIN_SECONDS):
        keeping.told("stop_overran", seconds=STOP_WITHIN_SECONDS)
        leave_at_once()
    keeping.told("stopped")
    if isinstance(ending, HepwatchError):
        raise ending


def serve_once(keeping: Keeping, leaving: Leaving) -> bool:
    """One gap check and the days that are owed, then the end: what cron calls. Whether every day balances.

    One site's error keeps no other waiting; the first is raised at the end.
    """
    outcomes: list[bool | HepwatchError | None] = []

    def work() -> None:
        found = keeping.guarded(keeping.check)
        if isinstance(found, HepwatchError):
            outcomes.append(found)
        owed = found[1] if isinstance(found, tuple) else []
        if owed:  # else it is silent
            keeping.guarded(keeping.look_for_unreached)
        for site in owed:
            if not keeping.stop.is_set():
                outcomes.append(keeping.guarded(lambda: keeping.do(site), site=site))  # noqa: B023 (called at once)
        leaving.say(None)

    thread = Thread(target=work, name="once", daemon=True)
    thread.start()
    ending = leaving.wait()
    keeping.stop.set()
    thread.join(STOP_WITHIN_SECONDS)
    if thread.is_alive():
        keeping.told("stop_overran", seconds=STOP_WITHIN_SECONDS, **_named(ending))
        leave_at_once()
    for outcome in outcomes:
        if isinstance(outcome, HepwatchError):
            raise outcome
    return all(outcomes)


class Service:
    """The threads of one instance, from `start` to `stop`."""

    def __init__(self, keeping: Keeping, leaving: Leaving, *, port: int) -> None:
        self._keeping = keeping
        self._leaving = leaving
        self._waiting = Waiting()
        self._to_check = Event()
        serving = keeping.serving
        self._monitor = (
            Monitor(
                port,
                reasons=lambda: keeping.stood().reasons(now=serving.now(), at=serving.at),
                metrics=lambda: metrics_text(keeping.stood(), now=serving.now(), at=serving.at, version=__version__),
            )
            if port
            else None
        )
        self._bell = Bell(at=serving.at, ring=self._waiting.put, check=self._to_check.set)
        self._threads = [
            Thread(target=work, name=name, daemon=True)
            for name, work in (("gap check", self._check_gaps), ("worker", self._do_days))
        ]

    def start(self) -> None:
        """Ring, check and work from now on; the first gap check is at once."""
        at = self._keeping.serving.at
        self._keeping.told("started", version=__version__, ring_at=at, port=self._monitor.port if self._monitor else 0)
        if self._monitor:
            self._monitor.start()
        self._bell.start()
        self._to_check.set()
        for thread in self._threads:
            thread.start()

    def stop(self, *, within_seconds: float) -> bool:
        """Ring no more, finish what is in hand and leave the rest; whether that was done in time."""
        self._bell.stop()
        self._keeping.stop.set()
        self._waiting.close()
        self._to_check.set()
        for thread in self._threads:
            thread.join(within_seconds / len(self._threads))
        if self._monitor:
            self._monitor.stop()
        return not any(thread.is_alive() for thread in self._threads)

    def _check_gaps(self) -> None:
        while self._to_check.wait() and not self._keeping.stop.is_set():
            self._to_check.clear()
            found = self._keeping.guarded(self._keeping.check)
            if isinstance(found, tuple):
                look, owed = found
                self._keeping.told("gap_checked", sites=len(look.zones), owed=len(owed))
                self._bell.follow(look.zones)
                self._keeping.guarded(self._keeping.look_for_unreached)
                for site in owed:
                    self._waiting.put(site)
            elif isinstance(found, HepwatchError) and self._keeping.stood().checked_at is None:
                self._leaving.say(found)
                return

    def _do_days(self) -> None:
        while (site := self._waiting.take()) is not None:
            self._keeping.guarded(lambda: self._keeping.do(site), site=site)


def _named(ending: Ending) -> dict[str, str]:
    """A signal by its name, for the log."""
    return {"signal": Signals(ending).name} if isinstance(ending, int) else {}
