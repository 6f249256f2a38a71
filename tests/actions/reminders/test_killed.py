"""Workers killed with SIGKILL at every step from claim to mark, and several at once: nothing is lost, nothing doubled.

The mail server is real and in this process; the workers are processes of their own. After each killing others go on,
until one ends by itself. Whoever is owed a message then has it once, or is on the ledger as unknown.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from scheduler.actions.reminders.accounting import balance_of
from scheduler.store.registry import Registry
from tests.actions.conftest import Copies
from tests.actions.reminders.post import in_seoul, with_staff
from tests.actions.reminders.zygote import Order
from tests.actions.tables import a_patient, a_table, import_table, shipped_rules
from tests.delivery.servers import RecordingMailServer

REPOSITORY = Path(__file__).parents[3]
PATIENTS = 7
ON = date(2026, 9, 1)
OWN_STEPS = ("claimed", "attempting", "delivered", "marked", "accounted")
SERVER_STEPS = ("connect", "mail", "rcpt", "data", "content", "answered")
KILLS = 200
SEED = 20261122


@dataclass(kw_only=True)
class Scene:
    """A registry on a day on which every patient is owed a message, a mail server, and workers to be killed."""

    url: str
    server: RecordingMailServer
    channels: Path
    workers: "list[Workers]"
    to_kill: dict[str, tuple[str, int, int]] = field(default_factory=dict)  # server step → (step, nth, pid)

    def order(self, worker: str, moment: datetime, **killed: object) -> Order:
        """One worker's order."""
        return Order(
            url=self.url,
            channels=str(self.channels),
            moment=moment.isoformat(),
            worker=worker,
            **killed,  # type: ignore[arg-type]
        )


@dataclass(kw_only=True)
class Workers:
    """One zygote."""

    process: subprocess.Popen[str]

    def start(self, order: Order) -> int:
        """Fork a worker; gives its pid."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        return self._read()

    def ended(self) -> int:
        """Wait for the worker; gives its exit status, below 0 the signal that killed it."""
        return self._read()

    def stop(self) -> None:
        """End the zygote."""
        self.process.kill()
        self.process.communicate()

    def _read(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@pytest.fixture(scope="session")
def pickled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped rules, tried and pickled."""
    rulebook = shipped_rules()
    rulebook.reminder_policy()
    file = tmp_path_factory.mktemp("rules") / "rulebook.pickle"
    file.write_bytes(pickle.dumps(rulebook))
    return file


@pytest.fixture
def scene(copies: Copies, tmp_path: Path, pickled: Path) -> Iterator[Scene]:
    """Seven patients who are due and may be told, staff, one zygote."""
    with staged(copies, tmp_path, pickled, workers=1) as one:
        yield one


def test_killed_at_every_step_two_hundred_times_nobody_is_lost_and_nobody_told_twice(
    scene: Scene, copies: Copies
) -> None:
    chance = Random(SEED)
    kills = KILLS if scene.url.startswith("sqlite") else KILLS // 5
    killed: Counter[str] = Counter()
    unknown = days = 0

    while killed.total() < kills:
        scene.url = _a_day(copies)
        scene.server.mails.clear()
        killed += _until_one_ends(scene, chance, days)
        unknown += _check(scene)
        days += 1

    assert killed.total() >= kills
    assert set(killed) == {*OWN_STEPS, *SERVER_STEPS} or kills < KILLS
    assert unknown > 0  # some were killed between the server's keeping and our hearing of it
    print(f"{killed.total()} kills on {days} days, {unknown} unknown: {dict(killed)}")


@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers_at_once_some_of_them_killed_say_everything_once(
    copies: Copies, tmp_path: Path, pickled: Path, workers: int
) -> None:
    chance = Random(SEED + workers)
    with staged(copies, tmp_path, pickled, workers=workers) as scene:
        for number in range(6):
            scene.url = _a_day(copies)
            scene.server.mails.clear()
            for each, zygote in enumerate(scene.workers):
                doom = _own_doom(chance) if chance.random() < 0.5 else {}
                zygote.start(scene.order(f"w{number}-{each}", _moment(0), **doom))
            statuses = [zygote.ended() for zygote in scene.workers]
            assert set(statuses) <= {0, -signal.SIGKILL}
            scene.workers[0].start(scene.order("last", _moment(1)))
            assert scene.workers[0].ended() == 0
            _check(scene)


def _until_one_ends(scene: Scene, chance: Random, day: int) -> Counter[str]:
    """Start workers one after another until one is not killed; where they were killed."""
    killed: Counter[str] = Counter()
    for number in range(200):
        step = chance.choice([*OWN_STEPS, *SERVER_STEPS, None])
        doom = _own_doom(chance, step) if step in OWN_STEPS else {}
        scene.to_kill.clear()
        pid = scene.workers[0].start(scene.order(f"d{day}-{number}", _moment(number), **doom))
        if step in SERVER_STEPS:
            scene.to_kill[str(step)] = (str(step), chance.randint(1, 3), pid)
        status = scene.workers[0].ended()
        if status == 0:
            return killed
        assert status == -signal.SIGKILL
        killed[str(step)] += 1
    raise AssertionError("no worker ever ended")


def _own_doom(chance: Random, step: str | None = None) -> dict[str, object]:
    """A step at which a worker kills itself, at once or within the next milliseconds."""
    after = chance.choice([0.0, 0.0, chance.uniform(0, 0.02)])
    return {"step": step or chance.choice(OWN_STEPS), "nth": chance.randint(1, 4), "after_seconds": after}


def _check(scene: Scene) -> int:
    """The law: everything that was owed was told once, or is unknown and was told once at the most; how many are."""
    mails = Counter((_reference(mail.text), mail.recipient) for mail in scene.server.mails)
    with Registry.open(scene.url) as registry, registry.reading() as reading:
        ledger = reading.reminders_of(tasks_of=None)
        balance = balance_of(reading, 1, ON)
        owed = reading.open_visits(opening_by=ON)["patient_id"].n_unique()
    assert balance is not None
    assert balance.state == "balanced"
    assert set(ledger["state"]) <= {"sent", "unknown"}
    assert ledger.filter(recipient="patient")["patient_id"].n_unique() == owed == PATIENTS
    assert ledger.filter(recipient="coordinator:anna")["patient_id"].n_unique() == PATIENTS
    told = ledger.group_by("message_id", "recipient", "state").len()
    counts = [(state, mails[(message, _address(who))]) for message, who, state, _ in told.rows()]
    assert all(count == 1 for state, count in counts if state == "sent")
    assert all(count <= 1 for state, count in counts if state == "unknown")
    assert mails.total() == sum(count for _, count in counts)  # nothing came that the ledger does not know
    assert balance.unknown == ledger.filter(state="unknown").height
    return int(ledger.filter(state="unknown").height)


def _reference(text: str) -> int:
    """The message's number, from its last line."""
    return int(text.split("Reference:")[1].strip().removeprefix("hepwatch-"))


def _address(recipient: str) -> str:
    return "patient@example.org" if recipient == "patient" else f"{recipient.split(':')[1]}@example.org"


def _moment(number: int) -> datetime:
    return datetime(ON.year, ON.month, ON.day, 1, tzinfo=UTC) + timedelta(seconds=number)


def _a_day(copies: Copies) -> str:
    """A fresh copy of the registry on its day."""
    return copies.new(f"due-{PATIENTS}", _fill)


def _fill(registry: Registry) -> None:
    from tempfile import TemporaryDirectory

    from tests.actions.reminders.post import may_be_told

    with TemporaryDirectory() as folder:
        rows = [a_patient(mrn=f"P-{number}") for number in range(1, PATIENTS + 1)]
        import_table(registry, a_table(Path(folder), *rows))
    in_seoul(registry)
    with_staff(registry)
    for number in range(1, PATIENTS + 1):
        may_be_told(registry, f"P-{number}")


@contextmanager
def staged(copies: Copies, folder: Path, pickled: Path, *, workers: int) -> Iterator[Scene]:
    """A scene with so many zygotes."""
    scene: Scene | None = None

    def on_step(step: str) -> None:
        if scene is None or step not in scene.to_kill:
            return
        name, nth, pid = scene.to_kill[step]
        scene.to_kill[step] = (name, nth - 1, pid)
        if nth == 1:
            os.kill(pid, signal.SIGKILL)

    with RecordingMailServer(on_step=on_step) as server:
        channels = folder / "channels.yaml"
        url = f"mailto://127.0.0.1:{server.port}?from=clinic@example.org&to={{address}}"
        channels.write_text(f"channels:\n  email: {{url: '{url}', per_minute: 60000, timeout_seconds: 5}}\n", "utf-8")
        channels.chmod(0o600)
        zygotes = [Workers(process=_zygote(pickled)) for _ in range(workers)]
        try:
            scene = Scene(url=_a_day(copies), server=server, channels=channels, workers=zygotes)
            yield scene
        finally:
            for each in zygotes:
                each.stop()


def _zygote(pickled: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.actions.reminders.zygote", str(pickled)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "SSL_CERT_FILE": os.devnull},  # faster: nothing to read
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
