"""A post office for tests: a real channels file whose channels append to a file, days that are handed in, what came."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from scheduler.actions.contacts.reaching import Reach
from scheduler.actions.contacts.set_contact import set_contact
from scheduler.actions.contacts.set_recipient import set_recipient
from scheduler.actions.contacts.site_recipient import Named
from scheduler.actions.reminders.accounting import Balance
from scheduler.actions.reminders.remind import remind
from scheduler.actions.reminders.running import Reminding
from scheduler.actions.sites.describe_site import describe_site
from scheduler.core.reminders.policy import Role
from scheduler.delivery.channels import Channels
from scheduler.store.registry import Registry
from tests.actions.tables import rules_of

STAFF = {Role.COORDINATOR: "anna", Role.CLINICIAN: "han", Role.SURGEON: "lim", Role.SITE_LEAD: "seo"}


@dataclass(kw_only=True)
class Post:
    """Where messages go in a test, and everything that was said while they were sent."""

    folder: Path
    url: str = "file:sent.jsonl"
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def channels(self) -> Channels:
        """The channels as a clinic would configure them: all of them append to one file."""
        file = self.folder / "channels.yaml"
        lines = [f"  {name}: {{url: '{self.url}', attempts: 1}}" for name in ("email", "sms")]
        file.write_text("\n".join(["channels:", *lines]), encoding="utf-8")
        file.chmod(0o600)
        return Channels.read(file)

    def remind(self, registry: Registry, on: date, **options: Any) -> list[Balance]:
        """Remind at one in the morning UTC of a day, which is ten in Seoul."""
        moment = options.pop("at", datetime(on.year, on.month, on.day, 1, tzinfo=UTC))
        usual: dict[str, Any] = {"now": lambda: moment, "worker": "a worker", "told": self.hear}
        channels = options.pop("channels", None) or self.channels
        return list(remind(registry, rules_of(registry), channels, Reminding(**usual | options)))

    def hear(self, action: str, **facts: Any) -> None:
        """Remember an action word and its facts."""
        self.told.append((action, facts))

    def came(self) -> list[dict[str, str]]:
        """Every message that arrived, the first first."""
        file = self.folder / "sent.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def came_to(self, address: str = "patient@example.org") -> list[str]:
        """The subjects of what one address got."""
        return [each["subject"] for each in self.came() if each["address"] == address]


def in_seoul(registry: Registry) -> None:
    """Say that the site is in Seoul's time zone; it keeps weekends only."""
    said = {"title": "Seoul clinic", "country": None, "subdivision": None, "time_zone": "Asia/Seoul"}
    describe_site(registry, "seoul", **said, actor="anna")


def may_be_told(registry: Registry, mrn: str = "P-1", on: date = date(2026, 6, 2), language: str = "en") -> None:
    """Store that a patient may be told by e-mail."""
    reach = Reach(channel="email", address="patient@example.org", language=language)
    set_contact(registry, mrn, reach, today=on, actor="anna", consented_on=on)


def with_staff(registry: Registry, site: str = "seoul") -> None:
    """Store somebody in each role of the site: anna@example.org coordinates."""
    for role, code in STAFF.items():
        reach = Reach(channel="email", address=f"{code}@example.org", language="en")
        set_recipient(registry, Named(site=site, role=role, code=code), reach, actor="anna")


def in_days(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
