"""What no file of the project may hold: a registry's host, a machine's own path, a note that nobody owns."""

import re
import shutil
import subprocess

import pytest

from tests.documents.readme import ROOT

FORBIDDEN = {
    "a package registry's host": r"\b(?:pypi|pythonhosted|npmjs|anaconda|jfrog|nexus)\.[a-z]+\b",
    "an address on the web": r"https?://(?!www\.apache\.org/licenses/)[\w.-]+",
    "a machine's own path": r"(?<![\w.~>}-])/(?:home|Users|root|work|tmp|opt|mnt|srv)/\w+",
    "a note without owner and date": r"\b(?:T[O]DO|FIX[M]E|X[X]X)\b(?! \(\w[\w .-]*, \d{4}-\d{2}-\d{2}\))",
}


def _files() -> list[str]:
    """Every file that git keeps, or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git and a checkout to list the files"
)
@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_file_holds(kind: str) -> None:
    pattern = re.compile(FORBIDDEN[kind])
    texts = {name: (ROOT / name).read_text(encoding="utf-8", errors="replace") for name in _files()}

    found = [
        f"{name}:{number}: {match[0]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        for match in pattern.finditer(line)
    ]

    assert not found
