"""The recipients of a site: one of them as it stands, and a new version of it. Inside somebody's transaction."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.one_patient import Said
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.reminders.policy import Role
from scheduler.core.validation import MASK
from scheduler.errors import ClinicalDataError, NotFound, listed
from scheduler.store.reading import Reading
from scheduler.store.transaction import Transaction

ACTIVE, WITHDRAWN = "active", "withdrawn"
CODE = re.compile("[a-z0-9-]+")
NOBODYS_CODE = "site"  # coordinator:site is a site without a coordinator
TO_STORE: dict[str, pl.DataType] = {
    "id": pl.Int64(),
    "site_id": pl.Int64(),
    "role": pl.String(),
    "code": pl.String(),
    "version": pl.Int64(),
    "channel": pl.String(),  # missing: the policy's, as is the language
    "language": pl.String(),
    "address": pl.String(),  # missing where the channel needs none, and where the recipient is withdrawn
    "state": pl.String(),
    "recorded_by": pl.String(),
}


class CodeRefused(ClinicalDataError):
    """A short name that cannot be one. What was found is masked: it may be a name or an address."""

    def __init__(self) -> None:
        super().__init__(
            f"the short name {MASK} is not of small letters, digits and hyphens, or it is `{NOBODYS_CODE}`, which "
            "stands for a site that has nobody in a role; nothing was stored",
            advice="Write one such as anna or anna-2, without an address in it.",
        )


class RecipientNotFound(NotFound):
    """Nobody of this short name has the role at the site."""

    def __init__(self, *, site: str, role: str, known: Sequence[str]) -> None:
        super().__init__(
            f"site {site} has no {role.replace('_', ' ')} of this short name; there are {listed(known)}",
            advice=f"`hepwatch recipient list --site {site}` shows everybody who is told.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient of a site as its newest version says, without the address.

    A missing channel or language is the policy's.
    """

    site: str
    role: str  # of Role, never the patient
    code: str
    version: int
    channel: str | None
    language: str | None
    has_address: bool
    state: str  # active, withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A recipient as it is named: `coordinator:anna` of a site."""

    site: str
    role: Role
    code: str


def site_id_of(reading: Reading, site: str) -> int:
    """The id of the site with this code. Raises `SiteNotFound`."""
    check_site(reading, site)
    return int(reading.sites().filter(pl.col("site") == site)["site_id"][0])


def newest_recipient(reading: Reading, named: Named) -> Recipient | None:
    """The recipient as it was changed last, also one withdrawn; None where there never was one.

    Raises `SiteNotFound`.
    """
    of_site = reading.latest_recipients([site_id_of(reading, named.site)])
    found = of_site.filter(pl.col("role") == named.role.value, pl.col("code") == named.code)
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Recipient(**{name: row[name] for name in Recipient.__dataclass_fields__})


def in_role(reading: Reading, named: Named) -> list[str]:
    """The short names of those who are told in this role at the site."""
    active = reading.recipients_of([site_id_of(reading, named.site)])
    return active.filter(pl.col("role") == named.role.value)["code"].to_list()


def address_of(reading: Reading, named: Named) -> str | None:
    """The recipient's address, decrypted; None where it has none or is withdrawn."""
    active = reading.recipients_of([site_id_of(reading, named.site)])
    ids = active.filter(pl.col("role") == named.role.value, pl.col("code") == named.code)["recipient_id"]
    found = reading.recipient_addresses(ids)
    return str(found["address"][0]) if found.height else None


def store_version(transaction: Transaction, named: Named, **cells: object) -> None:
    """Store a version of the recipient: `version, channel, language, address, state, recorded_by`."""
    row = {
        "id": transaction.reserve_ids("recipients", 1)[0],
        "site_id": site_id_of(transaction, named.site),
        "role": named.role.value,
        "code": named.code,
        **cells,
    }
    transaction.append("recipients", transaction.sealed_recipients(pl.DataFrame([row], schema=TO_STORE)))


def say_of(transaction: Transaction, named: Named, action: str, said: Said, **details: object) -> None:
    """Write into the audit what was done with a recipient; `details` hold no address."""
    told = {"site": named.site, "role": named.role.value, "code": named.code, **details}
    row = {"action": action, "details": json.dumps(told, separators=(",", ":"))}
    audit(transaction, pl.DataFrame([row]), actor=said.by, reason=said.reason)
