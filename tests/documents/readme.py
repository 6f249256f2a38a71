"""README.md as the checks read it: sections, code blocks, tables, and words in backticks."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def readme() -> str:
    """The whole text."""
    return README.read_text(encoding="utf-8")


def section(heading: str) -> str:
    """What stands below a heading, up to the next heading of its level or a higher one."""
    lines = readme().splitlines()
    start = lines.index(heading) + 1
    level = heading.index(" ")
    fenced = False
    for number, line in enumerate(lines[start:], start=start):
        fenced ^= line.startswith("```")
        if not fenced and re.match(rf"#{{1,{level}}} ", line):
            return "\n".join(lines[start:number])
    return "\n".join(lines[start:])


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language, in order.

    >>> blocks("```yaml\\na: 1\\n```", "yaml")
    ['a: 1\\n']
    """
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without headings.

    >>> rows("| word | means |\\n|---|---|\\n| a | b |")
    [['a', 'b']]
    """
    found: list[list[str]] = []
    for line in text.splitlines():
        if re.fullmatch(r"\|[-:| ]+\|", line):
            found.pop()
        elif line.startswith("|"):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def quoted(text: str) -> list[str]:
    """Words in backticks, in order.

    >>> quoted("`a` and `b c`")
    ['a', 'b c']
    """
    return re.findall(r"`([^`\n]+)`", text)
