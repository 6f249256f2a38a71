"""Day after day at two clinics, and a year at a large one: every day balances, and nobody is told of the dead."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from shutil import copy

import polars as pl
import pytest
from holidays import country_holidays

from scheduler.core.reminders.ledger import KEY
from scheduler.store.registry import Registry
from tests.actions.reminders.a_reckoning import Key, Reckoning
from tests.actions.reminders.a_year import SITES, Fate, Year

SEED = 7
FIRST = date(2025, 11, 3)
RANKS = {"upcoming": 0, "due": 1, "overdue": 2, "escalated": 3, "possibly_lost": 4}


@dataclass(frozen=True, kw_only=True)
class Life:
    """How many patients live how many days, where, and about every how many there is a second opinion."""

    sites: Mapping[str, tuple[str, str]]
    patients: int
    days: int
    asked_twice: int


TEN_WEEKS = Life(sites=SITES, patients=200, days=70, asked_twice=5)
A_YEAR = Life(sites={"north": SITES["north"]}, patients=2000, days=365, asked_twice=100)


@dataclass(frozen=True, kw_only=True)
class Lived:
    """The days when they are over: the ledger, the accounts, and where a second opinion differed."""

    year: Year
    ledger: pl.DataFrame
    accounts: pl.DataFrame
    not_told: list[tuple[date, Key]]
    told_without_need: list[tuple[date, Key]]
    told: int


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(TEN_WEEKS, id="ten weeks of 200 patients at two clinics"),
        pytest.param(A_YEAR, id="365 days of 2000 patients", marks=pytest.mark.year),
    ],
)
def lived(
    request: pytest.FixtureRequest, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lived]:
    """The days, lived once for all their laws."""
    file = Path(copy(migrated_file, tmp_path_factory.mktemp("year") / "hepwatch.db"))
    with Registry.open(f"sqlite:///{file}") as registry:
        yield _lived(registry, file, request.param)


def _lived(registry: Registry, file: Path, life: Life) -> Lived:
    third, sixth = life.days // 3, life.days // 6
    year = Year(
        registry=registry,
        first=FIRST,
        days=life.days,
        seed=SEED,
        sites=life.sites,
        asleep=tuple(FIRST + timedelta(days=number) for number in range(third, third + 4)),
        down=tuple(FIRST + timedelta(days=number) for number in range(sixth, sixth + 2)),
    )
    year.begin(life.patients)
    database = sqlite3.connect(file)
    calendars = {
        site: frozenset(country_holidays(country, years=[2025, 2026])) for site, (country, _) in life.sites.items()
    }
    patients = range(1, life.patients + 1, life.asked_twice)
    opinion = Reckoning(database=database, patients=patients, holidays=calendars)
    missing, needless, told_in_all = [], [], 0
    for on in year.every_day():
        year.remind(on)
        if on not in year.asleep:
            owed, told = opinion.owed(on), opinion.told(on)
            missing += [(on, key) for key in sorted(owed - told)]
            needless += [(on, key) for key in sorted(told - owed)]
            told_in_all += len(told)
        year.record(on)
    database.close()
    with registry.reading() as reading:
        ledger = reading.reminders_of(tasks_of=None)
        accounts = reading.job_days("reminders")
    return Lived(
        year=year,
        ledger=ledger,
        accounts=accounts,
        not_told=missing,
        told_without_need=needless,
        told=told_in_all,
    )


def test_every_day_of_every_site_is_accounted_for_once_and_balances(lived: Lived) -> None:
    days = Counter(lived.accounts.select("site", "ran_for").rows())

    assert days == Counter((site, on) for site in lived.year.sites for on in lived.year.every_day())
    missed = lived.accounts.filter(pl.col("state") == "missed")["ran_for"].unique().sort().to_list()
    assert missed == list(lived.year.asleep)
    assert set(lived.accounts["state"]) == {"balanced", "missed"}
    adds_up = pl.sum_horizontal("sent", "failed", "suppressed", "unknown") == pl.col("eligible")
    assert lived.accounts.select(adds_up.all()).item()


def test_every_reason_came_up(lived: Lived) -> None:
    reasons = {reason for balance in lived.year.balances for reason in balance.reasons}

    assert reasons >= {"booked", "done", "ended", "handed_over", "missed", "no_consent", "no_contact", "not_running"}
    assert reasons >= {"paused", "quiet_day"}


def test_by_a_second_opinion_nothing_was_owed_and_not_told_and_nothing_told_without_need(lived: Lived) -> None:
    assert lived.not_told == []
    assert lived.told_without_need == []
    assert lived.told > 200


def test_nothing_was_told_twice_and_what_the_ledger_calls_sent_arrived(lived: Lived) -> None:
    arrived = Counter(_message(reference) for _, _, reference in lived.year.mailbox.arrived)
    unheard = {_message(reference) for _, _, reference in lived.year.mailbox.unheard}

    assert set(arrived.values()) == {1}
    assert _messages(lived.ledger, "sent") == set(arrived)
    assert _messages(lived.ledger, "unknown") <= unheard  # the rest may be resent: a result that lies unread
    of_unheard = lived.ledger.filter(pl.col("message_id").is_in(list(unheard)))
    assert set(of_unheard["state"]) <= {"unknown", "failed"}
    assert not lived.ledger.select(KEY).is_duplicated().any()
    assert lived.accounts["sent"].sum() == lived.ledger.filter(pl.col("state") == "sent").height


def test_what_is_told_of_a_visit_rises_from_rung_to_rung_unless_the_visit_was_moved(lived: Lived) -> None:
    moved = _moved(lived.year.registry)
    told: dict[tuple[int, str], list[tuple[date, int]]] = defaultdict(list)
    for row in lived.ledger.filter(pl.col("visit_id").is_not_null()).sort("owed_on").iter_rows(named=True):
        told[row["visit_id"], row["recipient"]].append((row["owed_on"], RANKS[row["rung"]]))

    fallen = [
        visit
        for (visit, _), ranks in told.items()
        if [rank for _, rank in ranks] != sorted(rank for _, rank in ranks) and visit not in moved
    ]
    assert fallen == []


def test_nothing_is_told_of_a_patient_after_the_day_on_which_the_death_was_recorded(lived: Lived) -> None:
    deaths = {patient: fate for patient, fate in _deaths(lived.year) if fate.recorded_on <= lived.year.last}

    told = [
        (row["patient_id"], row["owed_on"])
        for row in lived.ledger.iter_rows(named=True)
        if row["patient_id"] in deaths and row["owed_on"] > _recorded(lived.year, deaths[row["patient_id"]])
    ]
    assert deaths
    assert told == []


def test_a_death_that_was_reported_late_makes_incidents_of_the_messages_sent_since(lived: Lived) -> None:
    known = {patient: fate for patient, fate in _deaths(lived.year) if _recorded(lived.year, fate) <= lived.year.last}
    expected = [
        row["reminder_id"]
        for row in lived.ledger.sort("reminder_id").iter_rows(named=True)
        if row["patient_id"] in known
        and row["owed_on"] > known[row["patient_id"]].on
        and row["state"] in ("sent", "unknown")
    ]

    with lived.year.registry.reading() as reading:
        incidents = reading.reminders_after_death()["reminder_id"].to_list()

    assert incidents == expected
    assert incidents


def _message(reference: str) -> int:
    return int(reference.removeprefix("hepwatch-"))


def _messages(ledger: pl.DataFrame, state: str) -> set[int]:
    return set(ledger.filter(pl.col("state") == state)["message_id"])


def _moved(registry: Registry) -> set[int]:
    """The visits whose days a later plan changed."""
    with registry.reading() as reading:
        changes = reading.plan_changes_of().filter(pl.col("change") != "added")
        visits = reading.visits_of()
    name = ["episode_id", "origin", "grid_month"]
    return set(visits.join(changes, on=name, how="semi")["visit_id"])


def _deaths(year: Year) -> Iterator[tuple[int, Fate]]:
    yield from ((patient, fate) for patient, fates in year.fates.items() for fate in fates if fate.event == "death")


def _recorded(year: Year, fate: Fate) -> date:
    """The day of the week on which what came to be known in it was recorded."""
    return fate.recorded_on + timedelta(days=-(fate.recorded_on - year.first).days % 7)
