"""The only reader of the clock. Everything else takes `today` or a moment as an argument."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Today's date where this process runs (the local calendar day of the machine's time zone)."""
    return datetime.now().astimezone().date()
