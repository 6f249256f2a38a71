"""README's sessions run as they stand there, on any day."""

from pathlib import Path

import pytest

from tests.documents.readme import blocks, readme
from tests.documents.sessions import agree, answer, steps

SESSIONS = blocks(readme(), "console")


@pytest.mark.parametrize("session", SESSIONS, ids=[f"session {number + 1}" for number in range(len(SESSIONS))])
def test_a_session_gives_what_the_document_shows(session: str, tmp_path: Path) -> None:
    for step in steps(session):
        status, lines = answer(step.command, tmp_path)

        printed = "\n".join([f"$ {step.command}", *lines])
        assert status == 0, f"exit status {status}\n{printed}"
        assert agree(step.shown, lines), f"README shows something else than\n{printed}"


def test_the_first_session_scores_and_plans() -> None:
    commands = [step.command.split()[:2] for step in steps(SESSIONS[0])]

    assert ["hepwatch", "score"] in commands
    assert ["hepwatch", "plan"] in commands
