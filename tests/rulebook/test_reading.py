"""Reading one YAML file: its values, the line of each, and what is wrong with its writing."""

from pathlib import Path

import pytest

from scheduler.rulebook.reading import RuleFile, read_rule_file


def read(folder: Path, content: str | bytes) -> RuleFile:
    """A rule file with this content, called `rule.yaml`."""
    path = folder / "rule.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rule_file(path, name="rule.yaml")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0.50", 0.5),
        ("-.5", -0.5),
        ("1e-7", 1e-7),
        ("2026-01-31", "2026-01-31"),
        ("12:30", "12:30"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("'yes'", "yes"),
        ("'12'", "12"),
        ("NOT prior_hcc_treatment", "NOT prior_hcc_treatment"),
    ],
)
def test_a_value_is_what_yaml_1_2_says(tmp_path: Path, written: str, value: object) -> None:
    file = read(tmp_path, f"key: {written}\n")

    assert (file.data, file.problems) == ({"key": value}, ())
    assert type(file.data["key"]) is type(value)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "NO", "y", "N"])
def test_a_word_that_some_readers_take_for_a_truth_is_refused(tmp_path: Path, word: str) -> None:
    [problem] = read(tmp_path, f"one: 1\nkey: {word}\n").problems

    assert str(problem) == (f"rule.yaml:2: ambiguous word: found {word}; expected true or false, or the word in quotes")


def test_every_key_that_is_written_again_is_reported_with_both_lines(tmp_path: Path) -> None:
    file = read(tmp_path, "one: 1\ntwo: {a: 1, a: 2}\none: 2\none: 3\n")

    assert [str(problem) for problem in file.problems] == [
        "rule.yaml:2: duplicate key: found a, also on line 2; expected each key once",
        "rule.yaml:3: duplicate key: found one, also on line 1; expected each key once",
        "rule.yaml:4: duplicate key: found one, also on line 1; expected each key once",
    ]
    assert file.data == {"one": 1, "two": {"a": 1}}


def test_a_value_has_the_line_of_its_key_and_an_item_its_own(tmp_path: Path) -> None:
    file = read(tmp_path, "one:\n  - a: 1\n  - a: 2\n    b: >-\n      long\n      text\n")

    assert [file.line(place) for place in [("one",), ("one", 0), ("one", 1, "a"), ("one", 1, "b")]] == [1, 2, 3, 4]


def test_a_place_that_is_not_there_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    file = read(tmp_path, "one:\n  - a: 1\n")

    assert file.line(("one", 0, "missing")) == 2
    assert file.line(("nowhere",)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"title: \xff\n",
            "rule.yaml:1: not readable: found a byte that is not UTF-8 at position 7; expected YAML in UTF-8",
        ),
        (b"title: [a\nb: c\n", "rule.yaml:2: not readable: found "),
        (b"a: b: c\n", "rule.yaml:1: not readable: found mapping values are not allowed"),
        (b"a: \x00\n", "rule.yaml:1: not readable: found "),
        (b"a: 1\n---\nb: 2\n", "rule.yaml:2: not readable: found but found another document"),
        (b"", "rule.yaml:1: empty file: found nothing; expected a rule"),
        (b"# only a remark\n", "rule.yaml:1: empty file: found nothing; expected a rule"),
        (b"a: &all [*all]\n", "rule.yaml:1: anchor: found a value that is used again as *alias"),
        (b"a: 99999999999999999999\n", "rule.yaml:1: number too large: found 99999999999999999999; expected at most"),
    ],
    ids=["not UTF-8", "broken", "two colons", "NUL", "two documents", "empty", "remark only", "inside itself", "large"],
)
def test_what_cannot_be_read_is_a_problem_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    [problem] = read(tmp_path, content).problems

    assert str(problem).startswith(message)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\n").data == {"a": 1}
