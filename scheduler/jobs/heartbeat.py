"""A sign of life to an address outside, after each balanced day, so that silence is noticed there.

An address with `{site}` in it is called for each site; one without it once a day, after the last site, so that no
site's sign hides that another is silent.

The address may be a secret: it is never told. Whatever goes wrong is told and stops nothing.
"""

from collections.abc import Callable
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

from scheduler.errors import DeliveryError

TIMEOUT_SECONDS = 10.0
SITE = "{site}"


class HeartbeatUrlNotUnderstood(DeliveryError):
    """HEPWATCH_HEARTBEAT_URL is no address that can be called."""

    def __init__(self) -> None:
        super().__init__(
            "HEPWATCH_HEARTBEAT_URL is not an address of HTTP or HTTPS",
            advice="give an address that begins with http or https; {site} in it stands for the site's code",
        )


def check_heartbeat_url(url: str | None) -> None:
    """Raises `HeartbeatUrlNotUnderstood` for what is no address of HTTP or HTTPS; no address is fine."""
    if url is None:
        return
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise HeartbeatUrlNotUnderstood from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HeartbeatUrlNotUnderstood


def is_for_each_site(url: str) -> bool:
    """Whether each site has an address of its own; otherwise one beat speaks for all of them.

    >>> [is_for_each_site(url) for url in ("ping/{site}", "ping")]
    [True, False]
    """
    return SITE in url


def beat(url: str, *, site: str, told: Callable[..., None], timeout_seconds: float = TIMEOUT_SECONDS) -> None:
    """Call the address for a site, whose code stands where it says `{site}`; tells `heartbeat_sent` or
    `heartbeat_failed`.

    It takes no longer than the timeout, however slowly the other side answers.
    """
    outcome: SimpleQueue[str | None] = SimpleQueue()
    called = url.replace(SITE, quote(site, safe=""))
    Thread(target=lambda: outcome.put(_call(called, timeout_seconds)), name="heartbeat", daemon=True).start()
    try:
        error = outcome.get(timeout=timeout_seconds)
    except Empty:
        error = "TimeoutError"
    if error is None:
        told("heartbeat_sent", site=site)
    else:
        told("heartbeat_failed", site=site, error=error)


def _call(url: str, timeout_seconds: float) -> str | None:
    """The name of what went wrong, or None; a status of 400 and above is an error too."""
    try:
        with urlopen(url, timeout=timeout_seconds):
            return None
    except (OSError, HTTPException, ValueError) as error:
        return type(error).__name__
