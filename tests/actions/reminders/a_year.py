"""A year at two clinics, drawn from a seed: who is followed, what happens to them, and what the service sends each day.

Patients and facts are synthetic. Everything goes through the registry's own ways of writing, with the moment of the
simulated day, so that what was known when is as it would have been.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from random import Random
from typing import Any

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.contacts.patient_contact import TO_STORE, a_version, store_contacts
from scheduler.actions.contacts.reaching import Reach
from scheduler.actions.history.known_history import GIVEN_EVENTS, GIVEN_EXAMINATIONS
from scheduler.actions.history.recording_history import record_history
from scheduler.actions.patients.enrolling import enrol
from scheduler.actions.patients.import_patients import REQUIRED
from scheduler.actions.plans.following import follow
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.accounting import Balance
from scheduler.actions.reminders.remind import remind
from scheduler.actions.reminders.running import Reminding
from scheduler.actions.reports.filing import Signature
from scheduler.actions.reports.signing import STAGES, file_and_assess
from scheduler.actions.sites.describe_site import describe_site
from scheduler.cohort import draw_cohort
from scheduler.core.validation import validate
from scheduler.delivery.channels import Channels
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction
from tests.actions.reminders.a_mailbox import Mailbox
from tests.actions.reminders.post import with_staff
from tests.actions.tables import rules_of

DAY, WEEK = timedelta(days=1), timedelta(days=7)
SITES = {"north": ("KR", "Asia/Seoul"), "south": ("US", "America/New_York")}
REMINDING_AT, RECORDING_AT = time(10, tzinfo=UTC), time(10, 30, tzinfo=UTC)  # of one day in Seoul and in New York
CT = "liver_ct_mri"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happens to one patient on some day of the year, and on which day it is recorded."""

    event: str
    on: date
    recorded_on: date
    detail: str | None = None


@dataclass(kw_only=True)
class Year:
    """One simulated year: the registry, the seed, and what the service did."""

    registry: Registry
    first: date
    days: int
    seed: int
    sites: Mapping[str, tuple[str, str]] = field(default_factory=lambda: SITES)  # country and time zone
    mailbox: Mailbox = field(default_factory=Mailbox)
    balances: list[Balance] = field(default_factory=list)
    fates: dict[int, list[Fate]] = field(default_factory=dict)
    unread: dict[tuple[int, date], date] = field(default_factory=dict)  # patient and day → on which it is read
    asleep: tuple[date, ...] = ()
    down: tuple[date, ...] = ()

    @cached_property
    def rules(self) -> Rules:
        """The shipped rules, and the holidays of both countries."""
        return rules_of(self.registry)

    @cached_property
    def channels(self) -> Channels:
        """The channels that lead to the mailbox."""
        return self.mailbox.channels()

    @property
    def last(self) -> date:
        """The last day of the year."""
        return self.first + (self.days - 1) * DAY

    def every_day(self) -> list[date]:
        """The days of the year."""
        return [self.first + number * DAY for number in range(self.days)]

    def begin(self, patients: int) -> None:
        """Enrol the patients, sign their reports, store who may be told, and draw what will happen to whom."""
        for site, (country, zone) in self.sites.items():
            describe_site(
                self.registry, site, title=None, country=country, subdivision=None, time_zone=zone, actor="anna"
            )
            with_staff(self.registry, site)
        between = (self.first - timedelta(days=300), self.first - 3 * DAY)
        cohort = draw_cohort(
            patients, seed=self.seed, resected_between=between, missing_share=0.02, sites=tuple(self.sites)
        )
        ids = self._enrol(cohort)
        self._may_be_told(ids)
        self.fates = {patient: [*self._fates(patient)] for patient in ids}
        self._record(self.first - DAY, since=self.first - timedelta(days=300))

    def live(self, on: date) -> None:
        """One day: the service reminds, unless it is asleep; then what happened is recorded, once a week."""
        self.remind(on)
        self.record(on)

    def remind(self, on: date) -> None:
        """Let the service do its day, unless it is asleep."""
        self.mailbox.today, self.mailbox.is_down = on, on in self.down
        if on not in self.asleep:
            moment = datetime.combine(on, REMINDING_AT)
            reminding = Reminding(now=lambda: moment, worker="the service")
            self.balances += remind(self.registry, self.rules, self.channels, reminding)

    def record(self, on: date) -> None:
        """Record the facts of the week, where it ends on this day."""
        if (on - self.first).days % 7 == 0:
            self._record(on, since=on - WEEK)

    def _enrol(self, cohort: pl.DataFrame) -> list[int]:
        rules, today = self.rules, self.first - DAY
        text = cohort.with_columns(pl.all().cast(pl.String)).with_row_index("row", offset=2)
        dictionary = rules.rulebook.dictionary
        clean = validate(
            text.with_columns(pl.col("row").cast(pl.Int64)), dictionary, today=today, required=REQUIRED
        ).clean
        signature = Signature(by="dr.lee", signs=True, reason=None)
        with self.registry.transaction(recorded_at=datetime.combine(today, RECORDING_AT)) as transaction:
            people = clean.select("row", "mrn", "site", "name", "birth_date", "resected_on")
            enrolled = enrol(transaction, people, columns=["name", "birth_date"], actor="anna", reason=None).patients
            findings = clean.drop("mrn", "site", "name", "birth_date", "resected_on")
            file_and_assess(
                transaction,
                enrolled.join(findings, on="row", maintain_order="left"),
                rules,
                dict.fromkeys(STAGES, signature),
                columns=[name for name in dictionary.recorded if name in cohort.columns],
                today=today,
            )
        return sorted(enrolled["patient_id"])

    def _may_be_told(self, patients: list[int]) -> None:
        """Two patients in three have given an address and their consent, some of them from a later day on."""
        told = [patient for patient in patients if self._chance("told", patient) < 2 / 3]
        languages = [None, "ko", "zh-Hans"]
        versions = [
            a_version(
                Reach(channel=None, address=f"{patient}@example.org", language=languages[patient % 3]),
                patient_id=patient,
                version=1,
                consented_on=self.first + timedelta(days=90 if patient % 20 == 0 else -1),
                recorded_by="anna",
            )
            for patient in told
        ]
        with self.registry.transaction(recorded_at=datetime.combine(self.first - DAY, RECORDING_AT)) as transaction:
            store_contacts(transaction, pl.DataFrame(versions, schema=TO_STORE))
            said = pl.DataFrame({"action": "set_contact", "details": "{}", "patient_id": told})
            audit(transaction, said, actor="anna")
            transaction.raise_versions(told)

    def _fates(self, patient: int) -> Iterator[Fate]:
        """One thing at most happens to a patient beside visits; of deaths a third is reported months late."""
        on = self.first + timedelta(days=int(self._chance("day", patient) * self.days))
        lot = self._chance("fate", patient)
        if lot < 0.03:
            late = timedelta(days=20 + patient % 80) if patient % 3 == 0 else timedelta()
            yield Fate(event="death", on=on, recorded_on=on + late)
        elif lot < 0.045:
            yield Fate(event="recurrence", on=on, recorded_on=on, detail="intrahepatic")
            if patient % 2:
                yield Fate(event="curative_treatment", on=on + 40 * DAY, recorded_on=on + 45 * DAY, detail="ablation")
        elif lot < 0.06:
            yield Fate(event="consent_withdrawn", on=on, recorded_on=on + 3 * DAY, detail="contact")
        elif lot < 0.065:
            yield Fate(event="lost", on=on, recorded_on=on)
        elif lot < 0.07:
            yield Fate(event="non_curative_treatment", on=on, recorded_on=on, detail="TACE")

    def _record(self, on: date, *, since: date) -> None:
        """Record what happened after a day, up to this one, and the appointments of the week to come."""
        with self.registry.transaction(recorded_at=datetime.combine(on, RECORDING_AT)) as transaction:
            opened = self._opened(transaction, on)
            scans = pl.DataFrame([*self._examined(opened, since, on)], schema=GIVEN_EXAMINATIONS)
            told = [
                {"patient_id": patient, "event": fate.event, "on": fate.on, "detail": fate.detail}
                for patient, fates in self.fates.items()
                for fate in fates
                if since < fate.recorded_on <= on
            ]
            events = pl.DataFrame(told, schema=GIVEN_EVENTS)
            record_history(transaction, self.rules, examinations=scans, events=events, today=on, actor="anna")
            self._read_results(transaction, on)
            self._book(transaction, self._opened(transaction, on), on)

    def _opened(self, transaction: Transaction, on: date) -> list[dict[str, Any]]:
        """The open visits, of patients who live, whose window opens within a week."""
        dead = {
            patient
            for patient, fates in self.fates.items()
            for fate in fates
            if fate.event == "death" and fate.on <= on
        }
        return transaction.open_visits(opening_by=on + WEEK).filter(~pl.col("patient_id").is_in(list(dead))).to_dicts()

    def _examined(self, opened: list[dict[str, Any]], since: date, on: date) -> Iterator[dict[str, Any]]:
        """Most patients come around the due day, some late, some never; few results worry, and some lie unread."""
        for visit in opened:
            name = f"{visit['episode_id']}/{visit['origin']}/{visit['grid_month']}"
            lot, days = self._chance("comes", name), int(self._chance("days", name) * 30)
            if lot > 0.85:
                continue
            came_on = visit["due_on"] if lot < 0.7 else visit["closes_on"] + timedelta(days=2 + days)
            seen_on = came_on + timedelta(days=(on - came_on).days % 7)
            if since < seen_on <= on:
                yield {**dict.fromkeys(GIVEN_EXAMINATIONS), **self._result(visit, name, seen_on)}

    def _result(self, visit: Mapping[str, Any], name: str, came_on: date) -> dict[str, Any]:
        lot = self._chance("finding", name)
        usual = {"patient_id": visit["patient_id"], "procedure": CT, "performed_on": came_on, "recurrence_sites": "[]"}
        if lot < 0.04 and self._chance("read", name) < 0.9:
            self.unread[visit["patient_id"], came_on] = came_on + timedelta(days=7 + int(lot * 1750) % 35)
        if lot < 0.02:
            return {**usual, "result_status": "pending"}
        read = {"result_status": "final", "reviewed_by": "dr.lee"}
        if lot < 0.04:
            return {**usual, "result_status": "final", "finding": "suspicious"}
        if lot < 0.045:
            treated_on = came_on + timedelta(days=20 + int(lot * 20000) % 60)
            treated = Fate(
                event="curative_treatment", on=treated_on, recorded_on=treated_on + 3 * DAY, detail="ablation"
            )
            self.fates[visit["patient_id"]].append(treated)
            return {**usual, **read, "finding": "intrahepatic_recurrence", "recurrence_sites": "[]"}
        return {**usual, **read, "finding": "no_recurrence"}

    def _read_results(self, transaction: Transaction, on: date) -> None:
        """Nine in ten of the results that worry or are awaited are read by somebody one to six weeks later."""
        due = [scan for scan, read_on in self.unread.items() if read_on <= on]
        for scan in due:
            del self.unread[scan]
        if not due:
            return
        these = pl.DataFrame(due, schema={"patient_id": pl.Int64, "performed_on": pl.Date}, orient="row")
        read = transaction.examination_versions(these["patient_id"]).join(these, on=these.columns, how="semi")
        versions = read.with_columns(
            id=pl.Series(transaction.reserve_ids("examinations", read.height)),
            version=pl.col("version") + 1,
            result_status=pl.lit("final"),
            finding=pl.col("finding").fill_null("no_recurrence"),
            reviewed_by=pl.lit("dr.lee"),
            reviewed_at=pl.lit(transaction.recorded_at),
            reason=pl.lit("read"),
        )
        transaction.append("examinations", versions.drop("examination_id", "recorded_at"))
        said = versions.select("patient_id", action=pl.lit("review_examination"), details=pl.lit("{}"))
        audit(transaction, said, actor="dr.lee")
        transaction.raise_versions(versions["patient_id"])
        follow(transaction, versions.select(pl.col("patient_id").unique(), today=pl.lit(on)), self.rules)

    def _book(self, transaction: Transaction, opened: list[dict[str, Any]], on: date) -> None:
        """Two visits in three get an appointment, up to four weeks before their due day."""
        booked = set(transaction.bookings_of([visit["visit_id"] for visit in opened])["visit_id"])
        wanted = [
            visit
            for visit in opened
            if visit["visit_id"] not in booked
            and on < visit["due_on"] <= on + 4 * WEEK
            and self._chance("books", visit["visit_id"]) < 2 / 3
        ]
        if not wanted:
            return
        transaction.append(
            "bookings",
            pl.DataFrame(
                {
                    "id": transaction.reserve_ids("bookings", len(wanted)),
                    "visit_id": [visit["visit_id"] for visit in wanted],
                    "version": 1,
                    "booked_on": [visit["due_on"] for visit in wanted],
                    "state": "booked",
                    "recorded_by": "anna",
                }
            ),
        )
        patients = [visit["patient_id"] for visit in wanted]
        audit(
            transaction, pl.DataFrame({"action": "book_visit", "details": "{}", "patient_id": patients}), actor="anna"
        )
        transaction.raise_versions(patients)

    def _chance(self, *what: object) -> float:
        """A number from 0 to 1 that is this thing's own, whatever else is drawn."""
        return Random(f"{self.seed}/{'/'.join(map(str, what))}").random()
