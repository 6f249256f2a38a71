"""A registry of synthetic patients, imported, signed, scored and planned, for somebody who has no data at hand."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from scheduler.actions.patients.import_patients import Import, Imported, Progress, import_patients
from scheduler.actions.plans.rules import Rules
from scheduler.actions.sites.describe_site import calendars, describe_site
from scheduler.cohort import draw_cohort
from scheduler.core.variables import CollectedAt
from scheduler.rulebook import DEFAULT_PROTOCOL, Rulebook
from scheduler.store.registry import Registry

ACTOR = "demo"
SEED = 2025
SITES = {"seoul": ("Seoul clinic", "KR", "Asia/Seoul"), "shanghai": ("Shanghai clinic", "CN", "Asia/Shanghai")}
RESECTED_WITHIN_DAYS = 100


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """What the demonstration made: the imports, and one patient who is followed intensively."""

    imports: tuple[Imported, ...]
    intensive_mrn: str


def demonstrate(
    registry: Registry, rulebook: Rulebook, folder: Path, *, patients: int, today: date, progress: Progress
) -> Demonstration:
    """Fill an empty registry with so many synthetic patients, resected within the last hundred days.

    Their tables are written to `folder` as CSV and imported from there. Those of the last month have no pathology
    report yet. The same day gives the same patients.
    """
    for code, (title, country, time_zone) in SITES.items():
        describe_site(registry, code, title=title, country=country, subdivision=None, time_zone=time_zone, actor=ACTOR)
    cohort = draw_cohort(
        patients,
        seed=SEED,
        resected_between=(today - timedelta(days=RESECTED_WITHIN_DAYS), today - timedelta(days=3)),
        missing_share=0.03,
        sites=tuple(SITES),
    )
    rules = Rules(rulebook=rulebook, protocol_id=DEFAULT_PROTOCOL, working_days=calendars(registry))
    recent = pl.col("resected_on") > today - timedelta(days=30)
    pathology = rulebook.dictionary.collected_at(CollectedAt.PATHOLOGY)
    tables = {
        "patients.csv": (cohort.filter(~recent), frozenset({CollectedAt.SURGERY, CollectedAt.PATHOLOGY})),
        "waiting-for-pathology.csv": (
            cohort.filter(recent).drop(name for name in pathology if name in cohort.columns),
            frozenset({CollectedAt.SURGERY}),
        ),
    }
    imports = []
    for name, (frame, sign) in tables.items():
        if frame.is_empty():
            continue
        frame.write_csv(folder / name)
        wanted = Import(path=folder / name, today=today, actor=ACTOR, sign=sign)
        imports.append(import_patients(registry, wanted, rules, progress=progress))
    return Demonstration(imports=tuple(imports), intensive_mrn=_somebody_intensive(registry))


def _somebody_intensive(registry: Registry) -> str:
    """The patient resected last of those who are followed intensively, if possible for good reasons known by now."""
    with registry.reading() as reading:
        episodes = reading.episodes_of().join(reading.current_plans(), on="episode_id")
        fitting = (pl.col("intensity") == "intensive", ~pl.col("provisional"), "anchor_on", "episode_id")
        latest = episodes.sort(*fitting).row(-1, named=True)
        return str(reading.identities([latest["patient_id"]])["mrn"][0])
