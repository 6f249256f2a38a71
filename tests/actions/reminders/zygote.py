"""Workers that can be killed: a process that has everything imported forks one for each line that it reads.

`python -m tests.actions.reminders.zygote RULEBOOK`: the rules as another process pickled them, since polars must not
have run in a process that forks. A line is an `Order` as JSON; the answers are the pid, then the status at the end.
"""

import json
import os
import pickle
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import apprise

from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.remind import remind
from scheduler.actions.reminders.running import Reminding
from scheduler.actions.sites.describe_site import calendars
from scheduler.delivery.channels import Channels
from scheduler.store.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One worker's work: where, when, and at which of its steps it is killed (none: it is left to end)."""

    url: str
    channels: str
    moment: str
    worker: str
    step: str | None = None
    nth: int = 1
    after_seconds: float = 0.0


class Doomed:
    """Hears the steps of a run, and kills the process at one of them, or a moment after it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._heard = 0

    def __call__(self, action: str, **_facts: Any) -> None:
        if action != self._order.step:
            return
        self._heard += 1
        if self._heard == self._order.nth:
            self._die()

    def _die(self) -> None:
        if not self._order.after_seconds:
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Timer(self._order.after_seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()


def work(order: Order, rulebook: Any) -> None:
    """What a worker does, in the process that may be killed. Claims of others count as abandoned at once."""
    moment = datetime.fromisoformat(order.moment)
    reminding = Reminding(
        now=lambda: moment, worker=order.worker, told=Doomed(order), claims_last_minutes=0, at_a_time=4
    )
    with Registry.open(order.url) as registry:
        rules = Rules(rulebook=rulebook, protocol_id="risk-adapted", working_days=calendars(registry))
        remind(registry, rules, Channels.read(Path(order.channels)), reminding)


def main(pickled: str) -> None:
    """Fork a worker for each order."""
    rulebook = pickle.loads(Path(pickled).read_bytes())
    apprise.Apprise.instantiate("json://127.0.0.1")  # loads what every worker would load for itself
    print("ready", flush=True)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work(order, rulebook)
                code = 0
            finally:
                os._exit(code)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
