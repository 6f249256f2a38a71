"""What a coordinator sees who records, withdraws and shows how a patient is reached."""

from io import StringIO
from pathlib import Path

import pytest

from tests.actions.tables import a_table
from tests.cli.conftest import Answer, Hepwatch

ADDRESS = "minji@example.org"
FULL = ("--channel", "email", "--address", ADDRESS, "--language", "ko", "--consented-on", "2026-06-15", "--by", "anna")


def recorded(hepwatch: Hepwatch) -> Answer:
    """The contact of P-1, recorded."""
    answer = hepwatch("contact", "set", "P-1", *FULL)
    assert (answer.status, answer.err) == (0, "")
    return answer


def test_a_contact_is_recorded_and_its_address_hidden(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = recorded(hepwatch)

    assert answer.out.splitlines() == [
        "stored the contact of P-1, version 1",
        "channel email, language ko, address •••",
        "consented on 2026-06-15",
        "may be contacted",
    ]


def test_the_same_again_says_that_nothing_was_changed(hepwatch: Hepwatch, clinic: Path) -> None:
    recorded(hepwatch)

    answer = hepwatch("contact", "set", "P-1", *FULL)

    assert (answer.status, answer.out.splitlines()[0]) == (0, "the contact of P-1 is so already: nothing was changed")


def test_a_contact_is_shown_with_its_address_only_where_that_is_asked_for(hepwatch: Hepwatch, clinic: Path) -> None:
    recorded(hepwatch)

    shown, revealed = hepwatch("contact", "show", "P-1"), hepwatch("contact", "show", "P-1", "--reveal")

    assert shown.out.startswith("P-1 · contact, version 1, recorded by anna on ")
    assert "channel email, language ko, address •••\n" in shown.out
    assert f"channel email, language ko, address {ADDRESS}\n" in revealed.out
    assert ADDRESS not in shown.out


def test_a_contact_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    recorded(hepwatch)

    shown = hepwatch("contact", "show", "P-1", "--json").value
    revealed = hepwatch("contact", "show", "P-1", "--json", "--reveal").value
    again = hepwatch("contact", "set", "P-1", *FULL, "--json").value

    recorded_at = shown["contact"].pop("recorded_at")
    assert shown == {
        "mrn": "P-1",
        "contact": {
            "version": 1,
            "state": "given",
            "channel": "email",
            "language": "ko",
            "consented_on": "2026-06-15",
            "reason": None,
            "recorded_by": "anna",
            "address": "•••",
        },
        "why_not": None,
    }
    assert recorded_at.endswith("+00:00")
    assert revealed["contact"]["address"] == ADDRESS
    assert (again["is_changed"], again["address"]) == (False, "•••")


def test_an_address_is_read_from_standard_input(
    hepwatch: Hepwatch, clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("+82 10-1234-5678\n"))

    answer = hepwatch("contact", "set", "P-1", "--channel", "sms", "--address", "-", "--consented-on", "2026-06-15")

    assert answer.status == 0
    assert "address +821012345678\n" in hepwatch("contact", "show", "P-1", "--reveal").out


def test_empty_standard_input_is_wrong_usage(hepwatch: Hepwatch, clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))

    answer = hepwatch("contact", "set", "P-1", "--address", "-")

    assert (answer.status, answer.out) == (2, "")
    assert "standard input is empty" in answer.err


def test_the_help_says_how_to_keep_an_address_out_of_the_shells_history(hepwatch: Hepwatch) -> None:
    help_text = " ".join(hepwatch("contact", "set", "--help").out.split())

    assert "With `-` it is read from standard input, so that the shell's history does not keep it." in help_text


def test_a_contact_is_withdrawn_with_a_reason(hepwatch: Hepwatch, clinic: Path) -> None:
    recorded(hepwatch)

    withdrawn = hepwatch("contact", "withdraw", "P-1", "--reason", "moved [away]")

    shown = hepwatch("contact", "show", "P-1")
    assert withdrawn.out.splitlines() == [
        "withdrew the contact of P-1, version 2: no message goes to the patient any more"
    ]
    assert "withdrawn: moved [away]\nnot to be contacted: no contact is in force\n" in shown.out
    assert hepwatch("contact", "show", "P-1", "--json", "--reveal").value["contact"]["address"] is None


def test_a_withdrawal_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    recorded(hepwatch)

    value = hepwatch("contact", "withdraw", "P-1", "--reason", "moved away", "--json").value

    assert (value["mrn"], value["state"], value["reason"], value["address"]) == ("P-1", "withdrawn", "moved away", None)


def test_withdrawn_consent_is_shown_with_the_contact(hepwatch: Hepwatch, clinic: Path) -> None:
    recorded(hepwatch)
    hepwatch("event", "record", "P-1", "consent_withdrawn", "--on", "2026-06-15", "--detail", "contact")

    shown, renewed = (
        hepwatch("contact", "show", "P-1"),
        hepwatch("contact", "set", "P-1", "--consented-on", "2026-06-16"),
    )

    assert "not to be contacted: consent was withdrawn, on the day of the recorded one or later\n" in shown.out
    assert renewed.out.endswith("consented on 2026-06-16\nmay be contacted\n")


def test_who_has_no_contact_is_shown_as_such(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("contact", "show", "P-2")

    assert answer.out == "P-2 has no contact\nnot to be contacted: no contact is in force\n"
    assert hepwatch("contact", "show", "P-2", "--json").value == {
        "mrn": "P-2",
        "contact": None,
        "why_not": "no_contact",
    }


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        pytest.param(["set", "P-1", "--language", "ko"], 4, "P-1 has no contact that is in force", id="nothing yet"),
        pytest.param(["set", "P-1", *FULL[:3], ADDRESS + ",", *FULL[4:]], 4, "address ••• is not one", id="address"),
        pytest.param(["set", "P-1", *FULL, "--consented-on", "2999-01-01"], 4, "is in the future", id="future"),
        pytest.param(["set", "P-1", *FULL, "--consented-on", "soon"], 2, "is not a date", id="no date"),
        pytest.param(["set", "P-9", *FULL], 5, "there is no patient P-9", id="nobody"),
        pytest.param(["withdraw", "P-1", "--reason", "x"], 6, "nothing was changed", id="nothing to withdraw"),
        pytest.param(["withdraw", "P-1"], 2, "Missing option '--reason'", id="no reason"),
        pytest.param(["show", "P-9"], 5, "there is no patient P-9", id="showing nobody"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_without_the_address(
    hepwatch: Hepwatch, clinic: Path, arguments: list[str], status: int, said: str
) -> None:
    answer = hepwatch("contact", *arguments)

    assert (answer.status, answer.out) == (status, "")
    assert said in " ".join(answer.err.split())
    assert ADDRESS not in answer.err


TABLE = {"mrn": "P-1", "channel": "email", "address": ADDRESS, "language": "ko", "consented_on": "2026-06-15"}


def test_a_table_of_contacts_is_imported_once(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    table = a_table(tmp_path, TABLE, {**TABLE, "mrn": "P-2"}, name="contacts.csv")

    preview = hepwatch("contact", "import", table, "--preview")
    first, again = hepwatch("contact", "import", table), hepwatch("contact", "import", table, "--json")

    assert preview.out == (
        "preview: nothing was stored\n2 rows read: 2 good, 0 refused; 2 would be stored, 0 there already\n"
    )
    assert first.out == "2 rows read: 2 good, 0 refused; 2 stored, 0 there already\n"
    assert (again.status, again.value["stored"], again.value["there_already"]) == (0, 0, 2)


def test_refused_rows_of_a_table_are_told_without_their_addresses(
    hepwatch: Hepwatch, clinic: Path, tmp_path: Path
) -> None:
    wrong = {**TABLE, "mrn": "P-2", "channel": "sms"}
    table, problems = a_table(tmp_path, TABLE, wrong, name="contacts.csv"), tmp_path / "problems.csv"

    answer = hepwatch("contact", "import", table, "--problems", problems)

    told = answer.out + answer.err + problems.read_text("utf-8")
    assert answer.status == 4
    assert "2 rows read: 1 good, 1 refused; 1 stored, 0 there already" in answer.out
    assert "reaches nobody" in answer.out
    assert ADDRESS not in told
