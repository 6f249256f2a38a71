"""The only reader of the environment: where the database, the key and the shipped folders are.

Every setting is named once in `SETTINGS`; README's table is compared with it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One environment variable: its name, what it does, what holds without it."""

    name: str
    does: str
    without: str


SETTINGS = (
    Setting(
        name="HEPWATCH_DATABASE_URL",
        does="where the registry is, as an SQLAlchemy URL (`sqlite:///…` or `postgresql+psycopg://…`)",
        without="an SQLite file `hepwatch.db` in your data folder, readable by you alone",
    ),
    Setting(
        name="HEPWATCH_KEY",
        does="the key that encrypts identities: 32 bytes as 64 hexadecimal digits",
        without="`HEPWATCH_KEY_FILE` is read",
    ),
    Setting(
        name="HEPWATCH_KEY_FILE",
        does="a file that holds the key, readable by you alone",
        without="`hepwatch.key` beside the SQLite file, made by `hepwatch init`",
    ),
    Setting(
        name="HEPWATCH_ACTOR",
        does="who signs and records, when a command has no `--by`",
        without="the name you are logged in with",
    ),
    Setting(
        name="HEPWATCH_CHANNELS_FILE",
        does="a file that says by which channels messages go out, readable by you alone",
        without="every message is written to standard output",
    ),
    Setting(
        name="HEPWATCH_HEARTBEAT_URL",
        does=(
            "an address that `hepwatch run` calls once a day when every site's day is balanced; with `{site}` in it,"
            " which stands for the site's code, after each site's"
        ),
        without="nobody outside notices when the service falls silent",
    ),
    Setting(
        name="HEPWATCH_MONITOR_PORT",
        does="the loopback port on which `hepwatch run` answers `/healthz` and `/metrics`; 0: none",
        without="8431",
    ),
)


def database_url() -> str:
    """Where the registry is: `HEPWATCH_DATABASE_URL`, or an SQLite file in the user's data folder."""
    return os.environ.get("HEPWATCH_DATABASE_URL") or f"sqlite:///{data_folder() / 'hepwatch.db'}"


def data_folder() -> Path:
    """The user's own data folder for hepwatch; it need not exist yet."""
    from platformdirs import user_data_path

    return user_data_path("hepwatch", appauthor=False)


def key_text() -> str | None:
    """The key as `HEPWATCH_KEY` gives it, or None."""
    return os.environ.get("HEPWATCH_KEY") or None


def key_file() -> Path | None:
    """The file that `HEPWATCH_KEY_FILE` names, or None."""
    named = os.environ.get("HEPWATCH_KEY_FILE")
    return Path(named) if named else None


def actor() -> str:
    """Who acts: `HEPWATCH_ACTOR`, else the login name, else `unknown`."""
    import getpass

    try:
        return os.environ.get("HEPWATCH_ACTOR") or getpass.getuser()
    except (OSError, KeyError):  # no login name, as in some containers
        return "unknown"


def channels_file() -> Path | None:
    """The file that `HEPWATCH_CHANNELS_FILE` names, or None."""
    named = os.environ.get("HEPWATCH_CHANNELS_FILE")
    return Path(named) if named else None


def heartbeat_url() -> str | None:
    """The address that `HEPWATCH_HEARTBEAT_URL` gives, or None."""
    return os.environ.get("HEPWATCH_HEARTBEAT_URL") or None


def monitor_port_text() -> str:
    """The port that `HEPWATCH_MONITOR_PORT` gives, as it is written, or 8431."""
    return os.environ.get("HEPWATCH_MONITOR_PORT") or "8431"


def shipped_folder(name: str) -> Path:
    """`rules` or `migrations`: inside the package when installed from a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
