"""What a coordinator reads: one patient, a signature, the worklist; and the same for programs."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.actions.tables import PATHOLOGY, a_patient, a_table, without
from tests.cli.conftest import Hepwatch

CAVEAT = "The printed EHR-preop cut-offs do not fit the printed formula"
PROMISED = {
    "mrn",
    "site",
    "visit",
    "procedures",
    "opens_on",
    "due_on",
    "closes_on",
    "state",
    "intensity",
    "provisional",
}


def test_one_patient_shows_findings_assessments_plan_and_history(hepwatch: Hepwatch, clinic: Path) -> None:
    page = hepwatch("patient", "show", "P-2").out

    assert "intensive follow-up (policy) by risk-adapted@1" in page
    assert "ehr-postop high → intensive" in page
    assert "EHR-preop: low (published cut-offs, unreliable: see caveat) · extrahepatic recurrence" in page
    assert CAVEAT in page
    assert "Albumin, serum" in page
    assert page.index("Surgery report, version 1, signed by anna") < page.index("Pathology report, version 1")
    assert "sign pathology report" in page


def test_a_contribution_is_drawn_as_a_bar_on_its_side(hepwatch: Hepwatch, clinic: Path) -> None:
    page = hepwatch("patient", "show", "P-2").out

    bars = {line.split("  ")[0]: line for line in page.splitlines() if "┊" in line}
    assert "█┊" in bars["age"]
    assert "┊█" in bars["microvascular invasion"]


def test_numbers_are_written_as_a_person_writes_them_and_units_as_they_are_printed(
    hepwatch: Hepwatch, clinic: Path
) -> None:
    lines = [" ".join(line.split()) for line in hepwatch("patient", "show", "P-2").out.splitlines()]

    assert "Albumin, serum 41 g/L" in lines
    assert "Bilirubin, total, serum 10 µmol/L" in lines
    assert "Largest tumour on imaging 3.5 cm" in lines
    assert "Age at resection 65 years" in lines


def test_an_odd_name_is_shown_as_it_is(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("patient", "show", "P-3")

    assert "P-3 · Kim [bold]Minji[/], born 1961-02-03 · site seoul" in answer.out
    assert "no surveillance plan: no report is signed yet" in answer.out
    assert "a draft, not signed" in answer.out


def test_one_patient_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    shown = hepwatch("patient", "show", "P-2", "--json").value

    assert (shown["mrn"], shown["site"], shown["plan"]["intensity"]) == ("P-2", "seoul", "intensive")
    preop = next(each for each in shown["assessments"] if each["model_id"] == "ehr-preop")
    assert preop["caveats"][0].startswith(CAVEAT)
    assert [report["stage"] for report in shown["reports"]] == ["surgery", "pathology"]


def test_signing_surgery_shows_the_groups_the_caveat_the_intensity_and_why(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("report", "sign", "surgery", "P-3", "--by", "dr.lee")

    assert (answer.status, answer.err) == (0, "")
    assert "signed the surgery report of P-3, version 1" in answer.out
    assert CAVEAT in answer.out
    assert "intensive follow-up (policy), provisional, because:" in answer.out
    assert "  - at least standard on the surgery report alone" in answer.out
    assert "  - pathology is not signed by the first visit, 2026-08-01: intensive" in answer.out
    assert "liver CT/MRI, AFP, PIVKA-II" in answer.out


def test_signing_pathology_shows_what_changed_and_why(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("report", "sign", "surgery", "P-3")
    finding = ("--set", "tumor_necrosis=yes", "--reason", "second reading")

    answer = hepwatch("report", "sign", "pathology", "P-3", *finding)

    assert answer.status == 0
    assert "intensive → basic follow-up (policy), because:" in answer.out
    assert "  - ehr-postop low → basic" in answer.out
    assert "tumor_necrosis false true" in " ".join(answer.out.split())
    assert "the plan: " in answer.out
    assert "not in the new plan" in answer.out


def test_signing_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    signed = hepwatch("report", "sign", "surgery", "P-3", "--set", "inr=4", "--confirm", "--json").value

    assert (signed["mrn"], signed["report"], signed["version"]) == ("P-3", "surgery", 1)
    assert (signed["intensity"], signed["provisional"]) == ("intensive", True)
    assert signed["confirmed"] == ["inr 4 is unusual, outside 0.8–3"]
    assert signed["assessments"][0]["caveats"][0].startswith(CAVEAT)
    assert signed["changes"][0]["change"] == "added"


def test_findings_come_from_a_file_of_this_patient(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    row = without(a_patient(mrn="P-3", inr="1.1"), *_pathology_names())
    table = a_table(tmp_path, row)

    answer = hepwatch("report", "sign", "surgery", "P-3", "--file", table, "--json")

    assert (answer.status, answer.value["differences"]) == (0, [{"variable": "inr", "old": None, "new": "1.1"}])


def test_findings_from_a_file_of_another_patient_are_refused(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    table = a_table(tmp_path, {"mrn": "P-2", "inr": "1.1"})

    answer = hepwatch("report", "sign", "surgery", "P-3", "--file", table)

    assert answer.status == 4
    assert "mrn P-2 is of another patient; expected P-3" in answer.err


def test_the_worklist_lists_the_most_urgent_first(hepwatch: Hepwatch, clinic: Path) -> None:
    page = hepwatch("worklist", "--as-of", "2026-09-16").out

    assert page.startswith("Worklist of Wednesday 2026-09-16\n\nVisits\n")
    assert page.index("P-2 ") < page.index("P-1 ")
    assert "2 visits: 2 overdue\n" in page


def test_the_worklist_for_programs_has_what_was_promised(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("worklist", "--as-of", "2026-09-16", "--state", "overdue,due,upcoming,missed", "--json")

    listed = answer.value["visits"]
    assert {row["mrn"] for row in listed} == {"P-1", "P-2"}
    assert all(set(row) >= PROMISED for row in listed)
    assert listed[0]["due_on"] == "2026-08-03"


def test_the_worklist_as_csv_parses_back(hepwatch: Hepwatch, clinic: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(hepwatch("worklist", "--as-of", "2026-09-16", "--csv").out)))

    assert [row["mrn"] for row in rows] == ["P-2", "P-1"]
    assert rows[0]["procedures"].split("|") == ["afp", "liver_ct_mri", "pivka_ii"]
    assert set(rows[0]) >= PROMISED


def test_an_empty_worklist_says_so(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("worklist", "--as-of", "2026-06-02")

    assert (answer.status, answer.out.splitlines()[-2:]) == (
        0,
        ["Nobody is in these states.", "Nothing else is to be done."],
    )
    assert hepwatch("worklist", "--as-of", "2026-06-02", "--json").value == {"visits": [], "tasks": []}


def test_a_patient_of_two_sites_needs_the_site(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    hepwatch("patient", "import", a_table(tmp_path, a_patient(site="busan")))

    unclear, clear = hepwatch("patient", "show", "P-1"), hepwatch("patient", "show", "P-1", "--site", "busan")

    assert (unclear.status, clear.status) == (6, 0)
    assert "P-1 is a patient at 2 sites: busan and seoul\nSay which one with --site." in unclear.err
    assert "site busan" in clear.out


def test_no_surveillance_is_said_with_its_reason(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("report", "sign", "pathology", "P-1", "--set", "residual_tumor=R2", "--reason", "read again")

    page = hepwatch("patient", "show", "P-1").out

    assert "no surveillance plan: tumour was left behind; the surgeon decides what follows" in page


@pytest.mark.parametrize("rule", ["ehr-preop", "ehr-postop@1", "risk-adapted", "variables"])
def test_every_kind_of_rule_has_a_page_and_a_value(hepwatch: Hepwatch, rule: str) -> None:
    page, value = hepwatch("rules", "show", rule), hepwatch("rules", "show", rule, "--json")

    assert (page.status, page.err) == (0, "")
    assert "Sources" in page.out
    assert value.value["kind"] in page.out or len(value.value["digest"]) == 64


def test_the_rules_are_sound_and_the_misfit_of_ehr_preop_is_warned_of(hepwatch: Hepwatch) -> None:
    answer = hepwatch("rules", "check")

    assert answer.status == 0
    assert "warning: " in answer.out
    assert "the printed cut-offs cannot come from the published shares" in answer.out
    assert answer.out.splitlines()[-1].startswith("9 files are sound")


def test_wrong_rules_are_told_in_json_too(hepwatch: Hepwatch, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.v1.yaml").write_text("kind: guess\n", encoding="utf-8")

    answer = hepwatch("rules", "check", tmp_path, "--json")

    assert answer.status == 3
    assert "a.v1.yaml:1: " in answer.err
    assert answer.value["problems"][0]["line"] == 1


def test_a_score_as_csv_carries_the_caveat_in_every_row_of_ehr_preop(hepwatch: Hepwatch, tmp_path: Path) -> None:
    answer = hepwatch("score", a_table(tmp_path, a_patient(), a_patient(mrn="P-2", albumin_g_l="")))

    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert answer.status == 0
    assert len(rows) == 6
    assert all((CAVEAT in row["caveats"]) == (row["model"] == "ehr-preop") for row in rows)
    assert {row["model"]: row["possible_groups"] for row in rows if row["mrn"] == "P-2"}["ehr-preop"] == "low"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_score_is_written_to_a_file(hepwatch: Hepwatch, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"scores.{ending}"

    answer = hepwatch("score", a_table(tmp_path, a_patient()), "--model", "ehr-postop", "--out", out, "--explain")

    assert (answer.status, answer.out) == (0, "")
    assert f"wrote 1 rows to {out}" in " ".join(answer.err.split())
    assert out.stat().st_size > 0


def test_cells_that_cannot_be_used_are_told_beside_the_scores(hepwatch: Hepwatch, tmp_path: Path) -> None:
    answer = hepwatch("score", a_table(tmp_path, a_patient(sex="?", zodiac="lion")))

    assert answer.status == 0
    assert "zodiac" in answer.err
    assert "is not one of the choices" in answer.err


def test_a_plan_is_printed_with_its_caveats(hepwatch: Hepwatch) -> None:
    answer = hepwatch(
        "plan", "--intensity", "intensive", "--resected", "2026-01-31", "--country", "KR", "--until", "12"
    )

    assert (answer.status, answer.err) == (0, "")
    assert "intensive follow-up by Risk-adapted surveillance (risk-adapted@1), resection on 2026-01-31" in answer.out
    assert "Tue 2026-03-31" in answer.out
    assert "the holidays of KR" in answer.out
    assert "hepwatch policy inside published bands" in answer.out


def test_a_plan_comes_as_json_csv_and_calendar(hepwatch: Hepwatch) -> None:
    asked = ("plan", "--intensity", "basic", "--resected", "2026-01-31", "--until", "12")

    as_json, as_csv, as_ics = (hepwatch(*asked, f"--{kind}").out for kind in ("json", "csv", "ics"))

    months = [visit["grid_month"] for visit in json.loads(as_json)]
    assert months == [int(row["grid_month"]) for row in csv.DictReader(io.StringIO(as_csv))] == [3, 6, 9, 12]
    assert as_ics.count("BEGIN:VEVENT") == 4
    assert "DTSTART;VALUE=DATE:20260430" in as_ics


def test_a_demonstration_ends_with_what_to_try_next(hepwatch: Hepwatch, tmp_path: Path) -> None:
    answer = hepwatch("demo", "--patients", "20", "--keep", tmp_path / "kept")

    assert (answer.status, answer.err) == (0, "")
    assert all(f"{number}. " in answer.out for number in (1, 2, 3, 4))
    assert f"export HEPWATCH_DATABASE_URL=sqlite:///{tmp_path / 'kept' / 'hepwatch.db'}" in answer.out
    assert CAVEAT in answer.out
    assert hepwatch("demo", "--keep", tmp_path / "kept").status == 2


def _pathology_names() -> tuple[str, ...]:
    from tests.actions.tables import shipped_rules

    return shipped_rules().dictionary.collected_at(PATHOLOGY)
