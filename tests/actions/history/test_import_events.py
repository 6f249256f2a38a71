"""Tables of events: applied in the order of their days, told where they cannot be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scheduler.actions.history.history_tables import HistoryFile
from scheduler.actions.history.import_events import import_events
from scheduler.actions.history.telling_imports import HistoryImported
from scheduler.store.registry import Registry
from tests.actions.histories import TODAY
from tests.actions.tables import a_table, rules_of, stored


def a_row(event: str, on: str, detail: str = "", **cells: str) -> dict[str, str]:
    """Something that happened to patient P-1."""
    return {"mrn": "P-1", "event": event, "on": on, "detail": detail, **cells}


def import_rows(registry: Registry, folder: Path, *rows: Mapping[str, str], **options: Any) -> HistoryImported:
    """Import the rows as anna."""
    file = HistoryFile(path=a_table(folder, *rows, name="events.csv"), **{"today": TODAY, "actor": "anna", **options})
    return import_events(registry, file, rules_of(registry))


def test_a_recurrence_a_treatment_and_a_death_change_the_episodes(followed: Registry, tmp_path: Path) -> None:
    imported = import_rows(
        followed,
        tmp_path,
        a_row("death", "2027-10-01"),
        a_row("curative_treatment", "2027-04-12", "resection"),
        a_row("recurrence", "2027-03-01", "Intrahepatic".lower()),
    )

    with followed.reading() as reading:
        episodes = reading.episodes_of([1]).select("anchor_on", "state").rows()
    assert [(str(day), state) for day, state in episodes] == [("2026-06-01", "ended"), ("2027-04-12", "ended")]
    assert (imported.stored, imported.is_whole) == (3, True)
    assert dict(imported.states.rows()) == {"active": 1, "ended": 2, "paused": 1}
    assert dict(imported.visits.rows())["censored"] > 0


def test_the_same_file_twice_changes_nothing(followed: Registry, tmp_path: Path) -> None:
    rows = (a_row("last_seen", "2026-09-01"), a_row("lost", "2026-12-01"))
    import_rows(followed, tmp_path, *rows)
    before = stored(followed)

    again = import_rows(followed, tmp_path, *rows)

    assert stored(followed) == before
    assert (again.stored, again.there_already, again.is_whole) == (0, 2, True)


def test_a_preview_stores_nothing(followed: Registry, tmp_path: Path) -> None:
    before = stored(followed)

    preview = import_rows(followed, tmp_path, a_row("death", "2026-12-01"), dry_run=True)

    assert stored(followed) == before
    assert preview.states.rows() == [("ended", 1)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(a_row("died", "2026-12-01"), "is not one of the choices", id="event"),
        pytest.param(a_row("death", ""), "is missing", id="no day"),
        pytest.param(a_row("death", "2030-12-01"), "is in the future", id="future"),
        pytest.param(a_row("death", "2026-05-01"), "is before the resection", id="death before the resection"),
        pytest.param(a_row("recurrence", "2026-12-01", "lung"), "intrahepatic, extrahepatic or both", id="detail"),
        pytest.param(a_row("reopened", "2026-12-01"), "why the episode is re-opened", id="no reason"),
        pytest.param(a_row("lost", "2026-12-01", mrn="P-9"), "is no patient of this registry", id="unknown patient"),
    ],
)
def test_a_row_that_cannot_be_is_told_and_the_others_are_stored(
    followed: Registry, tmp_path: Path, row: dict[str, str], said: str
) -> None:
    imported = import_rows(followed, tmp_path, row, a_row("last_seen", "2026-09-01"))

    (problem,) = imported.problems["problem"].to_list()
    assert said in problem
    assert (imported.refused_rows, imported.stored) == (1, 1)


def test_nobody_dies_twice(followed: Registry, tmp_path: Path) -> None:
    import_rows(followed, tmp_path, a_row("death", "2026-12-01"))

    imported = import_rows(followed, tmp_path, a_row("death", "2026-12-03"))

    assert imported.problems["problem"].to_list() == ["is one of several days of death: 2026-12-01, 2026-12-03"]
    assert imported.stored == 0


def test_what_a_person_wrote_freely_is_not_repeated(followed: Registry, tmp_path: Path) -> None:
    imported = import_rows(followed, tmp_path, a_row("death", "2026-05-01", "told by the sister"))

    assert "sister" not in str(imported.problems.to_dicts())
