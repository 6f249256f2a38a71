"""Help comes at once: nothing heavy is imported until a command needs it."""

import json
import subprocess
import sys

import pytest

HEAVY = (
    "polars",
    "sqlalchemy",
    "sqlglot",
    "pydantic",
    "rich",
    "alembic",
    "holidays",
    "cryptography",
    "apprise",
    "apscheduler",
    "jinja2",
    "prometheus_client",
    "structlog",
    "yaml",
    "psycopg",
)
IMPORT = "import scheduler.cli.root"
HELP = "from scheduler.cli.root import run; status = run(['--help'])"
VERSION = "from scheduler.cli.root import run; status = run(['--version'])"
MISTAKE = "from scheduler.cli.root import run; status = run(['worklst'])"
GROUP_HELP = "from scheduler.cli.root import run; status = run(['patient', '--help'])"
COMMAND_HELP = "from scheduler.cli.root import run; status = run(['worklist', '--help'])"


@pytest.mark.parametrize(
    "start",
    [IMPORT, HELP, VERSION, MISTAKE, GROUP_HELP, COMMAND_HELP],
    ids=["import", "help", "version", "misspelt", "help of a group", "help of a command"],
)
def test_nothing_heavy_is_imported_to_start(start: str) -> None:
    code = f"import json, sys; {start}; print(json.dumps(sorted(sys.modules)))"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)
