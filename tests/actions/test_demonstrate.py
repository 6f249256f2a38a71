"""The demonstration fills an empty registry, whatever the day."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.demonstrate import demonstrate
from scheduler.store.registry import Registry
from tests.actions.tables import shipped_rules, stored


@pytest.mark.parametrize("today", [date(2024, 2, 29), date(2026, 7, 1)], ids=str)
def test_a_small_demonstration_scores_and_plans_everybody(sqlite_url: str, tmp_path: Path, today: date) -> None:
    with Registry.open(sqlite_url) as registry:
        made = demonstrate(
            registry, shipped_rules(), tmp_path, patients=20, today=today, progress=lambda _done, _all: None
        )

        counts, _ = stored(registry)
        with registry.reading() as reading:
            states = reading.reports_of()["state"].value_counts()
            shown = reading.patients_by_mrn([made.intensive_mrn]).height
    assert sum(each.enrolled for each in made.imports) == counts["patients"] == 20
    assert counts["plans"] == 20
    assert states["state"].to_list() == ["signed"]
    assert shown == 1
    assert all(each.is_whole for each in made.imports)


def test_the_same_day_gives_the_same_patients(sqlite_url: str, tmp_path: Path) -> None:
    with Registry.open(sqlite_url) as registry:
        demonstrate(
            registry, shipped_rules(), tmp_path, patients=20, today=date(2026, 7, 1), progress=lambda _done, _all: None
        )

    recent = pl.read_csv(tmp_path / "waiting-for-pathology.csv", try_parse_dates=True)
    assert recent["resected_on"].min() > date(2026, 6, 1)  # type: ignore[operator]
    assert "tumor_necrosis" not in recent.columns
