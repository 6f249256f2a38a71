"""What a site lead sees who says which of the staff are told."""

from io import StringIO
from pathlib import Path

import pytest

from scheduler.cli.recipient import ROLES
from scheduler.store.tables.contacts import ROLES as KEPT_ROLES
from tests.cli.conftest import Hepwatch

ADDRESS = "anna@example.org"
ANNA = ("seoul", "coordinator", "anna")
BY_MAIL = ("--channel", "email", "--address", ADDRESS, "--language", "ko")


def test_a_recipient_is_recorded_and_the_address_hidden(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("recipient", "set", *ANNA, *BY_MAIL)
    again = hepwatch("recipient", "set", *ANNA, *BY_MAIL)

    assert (answer.status, answer.err) == (0, "")
    assert answer.out == "stored coordinator:anna of seoul, version 1\nchannel email, language ko, address •••\n"
    assert again.out.startswith("coordinator:anna of seoul is told so already: nothing was changed\n")


def test_the_list_shows_who_is_told_and_hides_the_addresses(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("recipient", "set", *ANNA, *BY_MAIL)
    hepwatch("recipient", "set", "seoul", "site_lead", "lee")

    listed = hepwatch("recipient", "list", "--site", "seoul")

    lines = [" ".join(line.split()) for line in listed.out.splitlines()]
    assert "seoul coordinator anna email ko •••" in lines
    assert "seoul site_lead lee the policy's the policy's –" in lines
    assert lines[-3:] == [
        "2 recipients",
        "",
        "seoul names no clinician and no surgeon: coordinator anna is told instead",
    ]


def test_recipients_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    stored = hepwatch("recipient", "set", *ANNA, *BY_MAIL, "--json").value
    anna = {"site": "seoul", "role": "coordinator", "code": "anna", "channel": "email", "language": "ko"}

    assert stored == {"is_changed": True, **anna, "version": 1, "state": "active", "address": "•••"}
    instead = ["clinician", "surgeon", "site_lead"]
    assert hepwatch("recipient", "list", "--json").value == [{**anna, "address": "•••", "in_place_of": instead}]


def test_where_nobody_is_told_the_list_says_so(hepwatch: Hepwatch, clinic: Path) -> None:
    assert hepwatch("recipient", "list").out.splitlines() == [
        "seoul has named nobody: what its staff is to be told is written to standard output",
        "hepwatch recipient set SITE ROLE CODE says who is told.",
    ]
    assert hepwatch("recipient", "list", "--json").value == []


def test_where_messages_leave_the_machine_a_site_that_named_nobody_is_told_nothing(
    hepwatch: Hepwatch, clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEPWATCH_CHANNELS_FILE", str(clinic.parent / "channels.yaml"))
    hepwatch("site", "set", "bonn", "--title", "Bonn clinic", "--country", "DE", "--time-zone", "Europe/Berlin")
    hepwatch("recipient", "set", *ANNA, *BY_MAIL)

    listed = hepwatch("recipient", "list").out.splitlines()
    of_bonn = hepwatch("recipient", "list", "--site", "bonn").out.splitlines()

    assert listed[-1] == "bonn has named nobody: nobody of its staff is told anything"
    assert of_bonn[0] == listed[-1]


def test_a_recipient_is_withdrawn(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("recipient", "set", *ANNA, *BY_MAIL)

    withdrawn = hepwatch("recipient", "withdraw", *ANNA, "--reason", "on leave")
    again = hepwatch("recipient", "withdraw", *ANNA, "--reason", "on leave")

    assert withdrawn.out == "withdrew coordinator:anna of seoul, version 2: not told any more\n"
    assert (again.status, again.out) == (5, "")
    assert "site seoul has no coordinator of this short name; there are none" in again.err


def test_a_withdrawal_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("recipient", "set", *ANNA, *BY_MAIL)

    value = hepwatch("recipient", "withdraw", *ANNA, "--reason", "on leave", "--json").value

    assert (value["code"], value["state"], value["address"]) == ("anna", "withdrawn", None)


def test_an_address_is_read_from_standard_input(
    hepwatch: Hepwatch, clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{ADDRESS}\nand what follows\n"))

    answer = hepwatch("recipient", "set", *ANNA, "--channel", "email", "--address", "-", "--json")

    assert (answer.status, answer.value["address"]) == (0, "•••")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        pytest.param(["set", "busan", "surgeon", "kim"], 5, "there is no site busan", id="unknown site"),
        pytest.param(["set", "seoul", "nurse", "kim"], 2, "'nurse' is not one of", id="unknown role"),
        pytest.param(["set", "seoul", "patient", "kim"], 2, "'patient' is not one of", id="a patient"),
        pytest.param(["set", "seoul", "surgeon", ADDRESS], 4, "the short name ••• is not", id="an address for a name"),
        pytest.param(["set", *ANNA, "--channel", "sms"], 4, "sms reaches nobody without", id="no address"),
        pytest.param(["set", *ANNA, "--channel", "sms", "--address", ADDRESS], 4, "the address ••• is not", id="kind"),
        pytest.param(["withdraw", *ANNA], 2, "Missing option '--reason'", id="no reason"),
        pytest.param(["list", "--site", "busan"], 5, "there is no site busan", id="list of an unknown site"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_without_the_address(
    hepwatch: Hepwatch, clinic: Path, arguments: list[str], status: int, said: str
) -> None:
    answer = hepwatch("recipient", *arguments)

    assert (answer.status, answer.out) == (status, "")
    assert said in " ".join(answer.err.split())
    assert ADDRESS not in answer.err


def test_the_roles_are_those_that_the_registry_keeps() -> None:
    assert ROLES == KEPT_ROLES
