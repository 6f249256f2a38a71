"""Finding one patient by the MRN, or by hepwatch's own number, as messages show it: `#17`.

A patient whose MRN is itself written so is found first.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from re import ASCII, fullmatch

import polars as pl

from scheduler.core.event_lines import State
from scheduler.errors import Conflict, NotFound, listed
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction


class PatientNotFound(NotFound):
    """No patient with this MRN or number."""

    def __init__(self, *, mrn: str, site: str | None) -> None:
        where = f" at site {site}" if site else ""
        super().__init__(
            f"there is no patient {mrn}{where} in this registry",
            advice="Check the MRN (upper and lower case count) or the number (#17), or import the patient first.",
        )


class SeveralPatients(Conflict):
    """One MRN, patients at several sites."""

    def __init__(self, *, mrn: str, sites: Sequence[str]) -> None:
        super().__init__(
            f"{mrn} is a patient at {len(sites)} sites: {listed(sites)}", advice="Say which one with --site."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One patient, by the ids that the registry's tables share."""

    patient_id: int
    mrn: str
    site: str
    resection_id: int
    resected_on: date
    resection_episode_id: int  # the episode that the resection began
    episode_id: int  # the latest that goes on; the latest where all have ended
    episode_state: str
    version: int  # of the patient's record: rises with every change, so that a stale one is noticed


@contextmanager
def acting_on(
    registry: Registry, mrn: str, *, site: str | None = None, preview: bool = False
) -> Iterator[tuple[Transaction, Patient]]:
    """A transaction with the patient whom it is about, whom nobody else changes meanwhile.

    With `preview` everything is done and nothing is kept. Raises `PatientNotFound` and `SeveralPatients`.
    """
    with registry.transaction(keep=not preview) as transaction:
        patient_id, _ = _id_and_site(transaction, mrn, site)
        transaction.lock_patients([patient_id])
        yield transaction, find_patient(transaction, mrn, site=site)
        transaction.raise_versions([patient_id])


def version_of(registry: Registry, mrn: str, *, site: str | None = None) -> int:
    """The version of a patient's record now. Raises as `find_patient` does."""
    with registry.reading() as reading:
        patient_id, _ = _id_and_site(reading, mrn, site)
        return reading.record_version(patient_id)


def find_patient(reading: Reading, mrn: str, *, site: str | None = None) -> Patient:
    """The patient with this MRN or number. Raises `PatientNotFound`, and `SeveralPatients` where it is at several
    sites."""
    patient_id, found_at = _id_and_site(reading, mrn, site)
    resection = reading.resections_of([patient_id]).sort("resected_on").row(-1, named=True)
    episodes = reading.episodes_of([patient_id]).sort(pl.col("state") != State.ENDED.value, "anchor_on")
    episode = episodes.row(-1, named=True)
    return Patient(
        patient_id=patient_id,
        mrn=str(reading.identities([patient_id])["mrn"][0]),
        site=found_at,
        resection_id=resection["resection_id"],
        resected_on=resection["resected_on"],
        resection_episode_id=episodes.filter(pl.col("resection_id") == resection["resection_id"])["episode_id"][0],
        episode_id=episode["episode_id"],
        episode_state=episode["state"],
        version=reading.record_version(patient_id),
    )


def patients_named(reading: Reading, mrns: Iterable[str], *, site: str | None = None) -> pl.Series:
    """The ids of the patients with these MRNs or numbers, at one site or at all. Raises `PatientNotFound` for one."""
    found = [_found(reading, mrn, site)["patient_id"] for mrn in mrns]
    return pl.concat([pl.Series("patient_id", [], dtype=pl.Int64), *found]).unique().sort()


def _id_and_site(reading: Reading, mrn: str, site: str | None) -> tuple[int, str]:
    """Who has this MRN or number, and where. Raises `PatientNotFound` and `SeveralPatients`."""
    found = _found(reading, mrn, site)
    if found.height > 1:
        raise SeveralPatients(mrn=mrn, sites=found["site"].sort().to_list())
    return int(found["patient_id"][0]), str(found["site"][0])


def _found(reading: Reading, mrn: str, site: str | None) -> pl.DataFrame:
    """`patient_id, site` of whoever has this MRN, else of the patient with this number. Raises `PatientNotFound`."""
    found = reading.patients_by_mrn([mrn], site=site).select("patient_id", "site")
    number = fullmatch(r"#(\d{1,18})", mrn.strip(), ASCII)
    if found.is_empty() and number:
        of_site = pl.col("site") == site if site else pl.lit(value=True)
        found = reading.patients([int(number[1])]).filter(of_site).select("patient_id", "site")
    if found.is_empty():
        raise PatientNotFound(mrn=mrn, site=site)
    return found
