"""What keeps messages from leaving, as values that say themselves: to a person, to `/healthz` and to the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from scheduler.errors import counted, listed

MOST_SITES = 3  # that a sentence names


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlistedChannel:
    """A channel that the channels file does not list, and who uses it.

    `rungs` of the policy name it; `recipients` (by site) and `patients` would be told by it, be it theirs or the
    policy's.
    """

    action: ClassVar[str] = "channel_missing"
    advice: ClassVar[str] = (
        "list it in the file that HEPWATCH_CHANNELS_FILE names, or give those who use it another one "
        "(hepwatch recipient set, hepwatch contact set)"
    )

    channel: str
    rungs: int
    recipients: Mapping[str, int]
    patients: int

    @property
    def is_felt(self) -> bool:
        """Whether somebody would be told by it as things stand, and is not."""
        return bool(self.recipients or self.patients)

    @property
    def message(self) -> str:
        """What is missing, and who uses it.

        >>> UnlistedChannel(channel="sms", rungs=0, recipients={"bonn": 1, "seoul": 2}, patients=40).message
        'channel sms is not in the channels file, and 1 recipient of bonn, 2 recipients of seoul and 40 patients are to
         be told by it'
        >>> UnlistedChannel(channel="sms", rungs=3, recipients={}, patients=0).message
        'channel sms is not in the channels file, and 3 rungs of the reminder policy name it; nobody is told by it now'
        """
        users = [*_recipients(self.recipients), *([counted(self.patients, "patient")] if self.patients else [])]
        rungs = [f"{counted(self.rungs, 'rung')} of the reminder policy"] if self.rungs else []
        missing = f"channel {self.channel} is not in the channels file, and "
        if not users:
            return f"{missing}{listed(rungs)} {'names' if self.rungs == 1 else 'name'} it; nobody is told by it now"
        one = sum(self.recipients.values()) + self.patients == 1
        named = f" ({listed(rungs)} {'names' if self.rungs == 1 else 'name'} it)" if rungs else ""
        return f"{missing}{listed(users)} {'is' if one else 'are'} to be told by it{named}"

    @property
    def facts(self) -> dict[str, object]:
        """The same for the log."""
        counts = {"rungs": self.rungs, "recipients": sum(self.recipients.values()), "patients": self.patients}
        return {"channel": self.channel, **counts, "sites": len(self.recipients)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWithoutRecipients:
    """A site with patients, at which nobody is named, while messages leave the machine: its staff is told nothing."""

    action: ClassVar[str] = "nobody_named"
    is_felt: ClassVar[bool] = True

    site: str
    patients: int

    @property
    def message(self) -> str:
        """What is missing, and who it is about.

        >>> SiteWithoutRecipients(site="bonn", patients=12).message
        'site bonn has named nobody who is told, so that nobody of its staff hears of its 12 patients'
        """
        patients = counted(self.patients, "patient")
        return f"site {self.site} has named nobody who is told, so that nobody of its staff hears of its {patients}"

    @property
    def advice(self) -> str:
        """What to do."""
        return f"name somebody with hepwatch recipient set {self.site} coordinator CODE"

    @property
    def facts(self) -> dict[str, object]:
        """The same for the log."""
        return {"site": self.site, "patients": self.patients}


Unreached = UnlistedChannel | SiteWithoutRecipients


def _recipients(by_site: Mapping[str, int]) -> list[str]:
    """How many of which sites; of many sites only how many."""
    if len(by_site) > MOST_SITES:
        return [f"{counted(sum(by_site.values()), 'recipient')} of {len(by_site)} sites"]
    return [f"{counted(count, 'recipient')} of {site}" for site, count in by_site.items()]
