"""Sending by the apprise library: one URL for each service that it knows.

Apprise itself says only whether a message was accepted; what a failure means is told from what was seen of it.
"""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

from scheduler.delivery.outcome import Attempt, Outcome, Outgoing
from scheduler.delivery.verdict import judge
from scheduler.delivery.witness import Witness, heard_by

ADDRESS = "{address}"
NEUTRAL = "clinic"  # what a message says of who sends it: to a patient our own name would tell a diagnosis
NO_PART_OF_AN_ADDRESS = frozenset(',;<>"')
SEES_ALL = {"requests"}
HIDES = {"threading", "asyncio", "socket", "subprocess"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByApprise:
    """Sends to one URL, in which `{address}` stands for the recipient's address."""

    url: str = field(repr=False)
    timeout_seconds: float

    def attempt(self, address: str, outgoing: Outgoing) -> Attempt:
        """One try; it logs nothing and raises nothing that comes from the network."""
        if ADDRESS in self.url and not is_one_address(address):
            return Attempt(outcome=Outcome.REFUSED, why="the recipient's address is not one address")
        witness = Witness(seconds=self.timeout_seconds)
        with heard_by(witness):
            service = _service(self.url.replace(ADDRESS, quote(address, safe="")), self.timeout_seconds)
        if service is None or (ADDRESS in self.url and not _goes_to(service, address)):
            return Attempt(outcome=Outcome.REFUSED, why="the channel cannot use the recipient's address")
        with witness.watching():
            accepted = _accepted(service, outgoing)
        if accepted:
            return Attempt(outcome=Outcome.SENT, why="accepted")
        return judge(witness.seen, seen_whole=is_seen_whole(service))


def is_one_address(address: str) -> bool:
    """Whether an address cannot be taken for several, for none, or for an address with a name.

    >>> is_one_address("kim@example.org"), is_one_address("+821012345678")
    (True, True)
    >>> is_one_address("kim@example.org,lee@example.org"), is_one_address("")
    (False, False)
    """
    return bool(address) and not any(
        letter in NO_PART_OF_AN_ADDRESS or letter.isspace() or not letter.isprintable() for letter in address
    )


def is_known(url: str) -> bool:
    """Whether apprise knows this kind of URL and can read it, whatever the address."""
    with heard_by(Witness(seconds=0)):  # apprise logs what it cannot read
        return _parts(url.replace(ADDRESS, quote("someone@example.org", safe=""))) is not None


def is_seen_whole(service: Any) -> bool:
    """Whether all that a service hands over goes by Python's own mail client, or by requests, in this thread."""
    from apprise.plugins.email import NotifyEmail

    if isinstance(service, NotifyEmail):
        return True
    modules = {each.__module__ for each in type(service).__mro__ if each.__module__.startswith("apprise.plugins.")}
    names = set().union(*(vars(sys.modules[module]) for module in modules - {"apprise.plugins.base"}))
    return names >= SEES_ALL and not names & HIDES


def _goes_to(service: Any, address: str) -> bool:
    """Whether a mail goes to this very address: apprise picks out of a text what looks like one to it."""
    from apprise.plugins.email import NotifyEmail

    if not isinstance(service, NotifyEmail):
        return True
    return address.casefold() in {target.casefold() for _, target in service.targets}


def _service(url: str, seconds: float) -> Any | None:
    """What apprise makes of a URL: each socket bounded in time, plain text, one try, every failure told."""
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(app_id=NEUTRAL, app_desc=NEUTRAL, app_url="", async_mode=False, service_timeout=0)
    parts = _parts(url)
    if parts is None:
        return None
    bounds = {"cto": str(seconds), "rto": str(seconds), "retry": "0", "optional": False}
    mail = {"format": "text"} if parts["schema"].startswith("mailto") else {}
    return Apprise.instantiate({**parts, **bounds, **mail}, asset=asset)


def _parts(url: str) -> dict[str, Any] | None:
    """What apprise reads in a URL; None where it knows no such service."""
    _load_services()
    from apprise.plugins import url_to_dict

    read: Callable[[str], dict[str, Any] | None] = url_to_dict
    return read(url)


@cache
def _load_services() -> None:
    """Once, and without what Python says of an old module that one of them still imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from apprise.plugins import N_MGR

        load: Callable[[], object] = N_MGR.load_modules
        load()


def _accepted(service: Any, outgoing: Outgoing) -> bool:
    """Whether apprise says that the message was accepted; it swallows every exception of its services."""
    from apprise import Apprise, NotifyFormat

    sender = Apprise(asset=service.asset)
    sender.add(service)
    return bool(sender.notify(body=outgoing.text, title=outgoing.subject, body_format=NotifyFormat.TEXT))
