"""Names and birth dates are shown to who looks at one patient, and are nowhere else."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scheduler.cohort import draw_cohort
from tests.cli.conftest import Hepwatch

DAYS = (date(2026, 1, 5), date(2026, 6, 1))


@pytest.fixture
def cohort(tmp_path: Path) -> pl.DataFrame:
    """Forty people whose names and birth dates are easy to search for."""
    drawn = draw_cohort(40, seed=8, resected_between=DAYS, missing_share=0.1)
    return drawn.with_columns(pl.format("Identity-{} [bold]x[/]", pl.int_range(pl.len())).alias("name"))


def _told(everything: str | bytes, cohort: pl.DataFrame) -> list[str]:
    """The names and birth dates of the cohort that stand in a text."""
    written = [*cohort["name"], *(f"{day}" for day in cohort["birth_date"]), "Identity-"]
    days = set(map(str, cohort["resected_on"]))
    searched = everything if isinstance(everything, bytes) else everything.encode()
    return [each for each in written if each not in days and each.encode() in searched]


def test_no_identity_is_in_what_is_printed_audited_or_stored_in_the_clear(
    hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path, cohort: pl.DataFrame
) -> None:
    bad = pl.when(pl.int_range(pl.len()) % 10 == 3)
    wrong = cohort.with_columns(
        bad.then(pl.lit("=1+1 Identity-")).otherwise("name").alias("name"),
        bad.then(pl.lit("1961-13-45")).otherwise(pl.col("birth_date").cast(pl.String)).alias("birth_date"),
        bad.then(pl.lit(400.0)).otherwise("albumin_g_l").alias("albumin_g_l"),
    )
    renamed = cohort.with_columns(pl.concat_str("name", pl.lit(" changed")).alias("name"))
    files = {"wrong.csv": wrong, "right.csv": cohort, "renamed.csv": renamed}
    for name, frame in files.items():
        frame.write_csv(tmp_path / name)
    first = cohort["mrn"][0]

    answers = [
        hepwatch("patient", "import", tmp_path / "wrong.csv", "--problems", tmp_path / "problems.csv"),
        hepwatch("patient", "import", tmp_path / "right.csv", "--sign", "surgery,pathology"),
        hepwatch("patient", "import", tmp_path / "renamed.csv"),
        hepwatch("patient", "import", tmp_path / "renamed.csv", "--json", "--reason", "misspelt"),
        hepwatch("report", "sign", "surgery", first, "--set", "albumin_g_l=4", "--set", "name=Identity"),
        hepwatch("worklist", "--as-of", "2026-08-01"),
        hepwatch("worklist", "--as-of", "2026-08-01", "--json"),
        hepwatch("score", tmp_path / "wrong.csv"),
        hepwatch("audit", "verify"),
    ]

    printed = "".join(answer.out + answer.err for answer in answers)
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    stored = b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
    assert [answer.status for answer in answers] == [4, 0, 4, 0, 4, 0, 0, 0, 0]
    assert _told(printed, cohort) == []
    assert _told((tmp_path / "problems.csv").read_bytes(), cohort) == []
    assert _told(stored, cohort) == []
    assert "1961-13-45" not in printed


def test_the_patient_page_shows_the_name_as_it_is_written(
    hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path, cohort: pl.DataFrame
) -> None:
    cohort.write_csv(tmp_path / "cohort.csv")
    hepwatch("patient", "import", tmp_path / "cohort.csv")

    answer = hepwatch("patient", "show", cohort["mrn"][7])

    assert answer.out.startswith(f"SYN-000008 · Identity-7 [bold]x[/], born {cohort['birth_date'][7]} · site ")


def test_no_address_is_printed_audited_or_stored_in_the_clear_unless_it_is_asked_for(
    hepwatch: Hepwatch, clinic: Path
) -> None:
    addresses = ("minji-private@example.org", "+821012345678", "anna-private@example.org")
    consented = ("--consented-on", "2026-06-15")

    answers = [
        hepwatch("contact", "set", "P-1", "--channel", "email", "--address", addresses[0], *consented),
        hepwatch("contact", "set", "P-1", "--channel", "sms", "--address", addresses[1], "--json"),
        hepwatch("contact", "set", "P-1", "--channel", "sms", "--address", addresses[0]),
        hepwatch("contact", "set", "P-1", "--channel", addresses[0]),
        hepwatch("contact", "set", "P-2", "--address", addresses[0], "--consented-on", "2999-01-01"),
        hepwatch("contact", "show", "P-1"),
        hepwatch("contact", "show", "P-1", "--json"),
        hepwatch("recipient", "set", "seoul", "coordinator", "anna", "--channel", "email", "--address", addresses[2]),
        hepwatch("recipient", "set", "seoul", "coordinator", addresses[2]),
        hepwatch("recipient", "list"),
        hepwatch("recipient", "list", "--json"),
        hepwatch("recipient", "withdraw", "seoul", "coordinator", addresses[2], "--reason", "on leave"),
        hepwatch("patient", "show", "P-1"),
        hepwatch("contact", "withdraw", "P-1", "--reason", "moved away"),
    ]

    printed = "".join(answer.out + answer.err for answer in answers).encode()
    stored = b"".join(file.read_bytes() for file in clinic.parent.glob(f"{clinic.name}*"))
    assert [answer.status for answer in answers] == [0, 0, 4, 4, 4, 0, 0, 0, 4, 0, 0, 5, 0, 0]
    assert not [each for each in addresses if each.encode() in printed + stored]
