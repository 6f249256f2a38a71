"""From folders of rule files to a rulebook: everything at once, a site's own rules, versions, digests."""

import hashlib
import json
from pathlib import Path

import pytest

from scheduler.rulebook import NoRules, RulesRefused, UnknownRule, check_rules, load_rulebook
from scheduler.rulebook.reading import read_rule_file
from tests.rulebook.broken_files import (
    DICTIONARY,
    POSTOP,
    PREOP,
    PROTOCOL,
    REMINDERS,
    RULES,
    line_of,
    problems_of,
    write,
)

RULEBOOK = load_rulebook()


def test_the_shipped_rules_load_without_a_problem() -> None:
    assert sorted(RULEBOOK.models) == ["ehr-postop@1", "ehr-preop@1", "wang-distant-metastasis@1"]
    assert sorted(RULEBOOK.protocols) == ["bmj-best-practice@1", "lee-2025@1", "risk-adapted@1", "wang-2025@1"]
    assert sorted(RULEBOOK.reminders) == ["default@1"]
    assert [compiled.model.id for compiled in RULEBOOK.newest_models()] == [
        "ehr-postop",
        "ehr-preop",
        "wang-distant-metastasis",
    ]


def test_ehr_preop_s_cut_offs_are_warned_of_with_their_arithmetic() -> None:
    [warning] = RULEBOOK.warnings

    text = read_rule_file(RULES / "models" / "ehr-preop.v1.yaml", name="-").text
    assert (warning.file, warning.line) == ("rules/models/ehr-preop.v1.yaml", line_of("\n  groups:", text) + 1)
    assert "low 98% instead of 50%, intermediate 2% instead of 35%, high 0% instead of 15%" in warning.found
    assert "-4.09 and -3.37" in warning.found


def test_every_problem_of_every_file_is_reported_at_once_and_sorted(tmp_path: Path) -> None:
    write(tmp_path, PROTOCOL, ("required: true", "required: maybe"), ("every_months: 2}", "every_month: 2}"))
    write(tmp_path, POSTOP, ("value: ln(age_years)", "value: ln(age)"), ("source: paper}", "source: papers}"))

    problems = problems_of(tmp_path)

    assert list(problems) == sorted(problems)
    assert [(problem.file.split("/")[1], problem.what) for problem in problems] == [
        ("models", "unknown source"),
        ("models", "unknown variable"),
        ("protocols", "wrong type"),
        ("protocols", "missing key"),
        ("protocols", "unknown key"),
    ]


def test_a_broken_dictionary_does_not_hide_what_is_wrong_with_the_shape_of_other_files(tmp_path: Path) -> None:
    write(tmp_path, DICTIONARY, ("expression: afp_ng_ml > 400", "expression: afp > 400"))
    write(tmp_path, POSTOP, ("scored_at: pathology", "scored_at: follow-up"))
    write(tmp_path, PROTOCOL, ("required: true", "required: maybe"))
    write(tmp_path, REMINDERS, ("digest: false", "digest: maybe"))

    problems, rulebook = check_rules(tmp_path)

    assert rulebook is None
    assert [problem.file.split("/", 1)[1] for problem in problems] == [
        "models/at-our-site.v1.yaml",
        "protocols/at-our-site.v1.yaml",
        "reminders/at-our-site.v1.yaml",
        "variables.yaml",
    ]


def test_an_empty_dictionary_is_a_problem_and_not_a_silence(tmp_path: Path) -> None:
    (tmp_path / "variables.yaml").write_text("# to be written\n", encoding="utf-8")

    with pytest.raises(RulesRefused, match="empty file"):
        load_rulebook(tmp_path)


def test_loading_refuses_with_every_problem_in_its_message(tmp_path: Path) -> None:
    write(tmp_path, POSTOP, ("value: ln(age_years)", "value: ln(age)"), ("coefficient: 0.979", "coefficient: high"))

    with pytest.raises(RulesRefused) as refusal:
        load_rulebook(tmp_path)

    assert refusal.value.message.splitlines() == [
        "1 problem in the rule files",
        *map(str, refusal.value.problems),
    ]
    assert refusal.value.exit_status == 3


def test_a_site_s_folder_stands_on_the_shipped_rules(tmp_path: Path) -> None:
    write(tmp_path, POSTOP, ("title: EHR-postop", "title: Ours"))
    write(
        tmp_path,
        PROTOCOL,
        ("from: [ehr-postop@1, wang-", "from: [at-our-site@1, wang-"),
        ("id: at-our-site", "id: ours"),
        file_name="protocols/ours.v1.yaml",
    )

    rulebook = load_rulebook(tmp_path)

    assert rulebook.model("at-our-site").model.title == "Ours"
    assert rulebook.model("ehr-postop").model.title == "EHR-postop"
    assert rulebook.protocol("ours").version == 1
    assert rulebook.protocol().id == "risk-adapted"


def test_a_site_s_folder_may_hold_a_reminder_policy_alone(tmp_path: Path) -> None:
    write(tmp_path, REMINDERS, ("title: Who is reminded, of what and when", "title: Ours"))

    rulebook = load_rulebook(tmp_path)

    assert rulebook.reminder_policy("at-our-site").title == "Ours"
    assert rulebook.reminder_policy().reference == "default@1"
    assert rulebook.file("at-our-site").digest != rulebook.file("default").digest


def test_a_reminder_policy_that_is_not_there_is_named_with_what_there_is() -> None:
    with pytest.raises(UnknownRule, match="there is no reminder policy nightly; there are: default@1"):
        RULEBOOK.reminder_policy("nightly")


def test_a_site_s_dictionary_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, DICTIONARY, ("version: 1", "version: 2"), ("label: AFP above 400 ng/mL", "label: Raised AFP"))

    rulebook = load_rulebook(tmp_path)

    assert rulebook.dictionary.derived["afp_above_400"].label == "Raised AFP"
    assert rulebook.file("variables").path == tmp_path / "variables.yaml"
    assert rulebook.model("ehr-postop").dictionary is rulebook.dictionary


def test_a_released_version_is_not_edited_in_another_file(tmp_path: Path) -> None:
    text = write(tmp_path, POSTOP, ("id: at-our-site", "id: ehr-postop"), file_name="models/ehr-postop.v1.yaml")

    [problem] = problems_of(tmp_path)

    assert str(problem) == (
        f"{tmp_path.name}/models/ehr-postop.v1.yaml:{line_of('version: 1', text)}: released already: "
        "found ehr-postop@1, also in rules/models/ehr-postop.v1.yaml; "
        "expected a new version: a released file is never edited"
    )


@pytest.mark.parametrize(
    "file_name", ["models/ours.v1.yaml", "models/at-our-site.v2.yaml", "models/at-our-site.v1.yml"]
)
def test_a_file_is_called_after_its_id_and_version(tmp_path: Path, file_name: str) -> None:
    text = write(tmp_path, POSTOP, file_name=file_name)

    [problem] = problems_of(tmp_path)

    assert str(problem) == (
        f"{tmp_path.name}/{file_name}:{line_of('id: at-our-site', text)}: file name: found {Path(file_name).name}; "
        "expected at-our-site.v1.yaml"
    )


def test_the_newest_version_is_the_highest_number_and_older_ones_stay(tmp_path: Path) -> None:
    for version in (2, 10):
        edit = ("version: 1\n", f"version: {version}\n")
        write(
            tmp_path,
            POSTOP,
            ("id: at-our-site", "id: ehr-postop"),
            edit,
            file_name=f"models/ehr-postop.v{version}.yaml",
        )

    rulebook = load_rulebook(tmp_path)

    assert rulebook.model("ehr-postop").model.version == 10
    assert rulebook.model("ehr-postop@2").model.version == 2
    assert "ehr-postop@1" in rulebook.models
    assert [compiled.model.version for compiled in rulebook.newest_models()] == [10, 1, 1]


def test_an_unknown_rule_is_named_with_what_there_is() -> None:
    with pytest.raises(UnknownRule) as refusal:
        RULEBOOK.model("ehr-prop")

    assert refusal.value.message == (
        "there is no risk model ehr-prop; there are: ehr-postop@1, ehr-preop@1, wang-distant-metastasis@1"
    )


def test_a_folder_without_rules_is_not_taken_for_one_without_problems(tmp_path: Path) -> None:
    with pytest.raises(NoRules, match="no rule files"):
        check_rules(tmp_path)


def test_a_model_with_problems_is_not_unknown_to_a_protocol_as_well(tmp_path: Path) -> None:
    write(tmp_path, PREOP, ("kind: risk_model", "kind: risk"))
    write(
        tmp_path,
        PROTOCOL,
        ("from: [ehr-preop@1]", "from: [at-our-site@1]"),
        ("id: at-our-site", "id: ours"),
        file_name="protocols/ours.v1.yaml",
    )

    assert [problem.what for problem in problems_of(tmp_path)] == ["wrong value"]


def test_the_digest_is_of_the_values_in_canonical_json() -> None:
    file = RULEBOOK.file("ehr-postop")

    assert json.loads(file.json) == file.data
    assert RULEBOOK.model("ehr-postop").digest == file.digest
    assert len(file.digest) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize(
    ("edit", "same"),
    [
        pytest.param(("title: EHR-postop", "# a remark\ntitle:   EHR-postop"), True, id="comments and layout"),
        pytest.param(("version: 1\ntitle: EHR-postop", "title: EHR-postop\nversion: 1"), True, id="order of keys"),
        pytest.param(("title: EHR-postop", "title: 'EHR-postop'"), True, id="quotes"),
        pytest.param(("coefficient: 0.979", "coefficient: 0.9790"), True, id="a number written longer"),
        pytest.param(("coefficient: 0.979", "coefficient: 0.978"), False, id="a number"),
        pytest.param(("title: EHR-postop", "title: EHR-Postop"), False, id="a word"),
        pytest.param(("- {must: NOT prior_hcc", "- {must: not prior_hcc"), False, id="the text of an expression"),
    ],
)
def test_the_digest_changes_with_the_values_only(tmp_path: Path, edit: tuple[str, str], same: bool) -> None:
    write(tmp_path, POSTOP)
    before = read_rule_file(tmp_path / POSTOP.file_name, name="-").digest
    write(tmp_path, POSTOP, edit)

    after = read_rule_file(tmp_path / POSTOP.file_name, name="-").digest

    assert (before == after) is same


def test_the_digest_is_the_one_of_rfc_8785(tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text("b: 1.0\na: [true, null, 'é', 1e-7]\n", encoding="utf-8")

    digest = read_rule_file(tmp_path / "rule.yaml", name="-").digest

    assert digest == hashlib.sha256('{"a":[true,null,"é",1e-7],"b":1}'.encode()).hexdigest()
