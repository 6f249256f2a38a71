"""What a message says and where it goes: rows of the ledger put into the policy's words, addresses decrypted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.reminders.asking import SiteDay
from scheduler.actions.reminders.running import Run
from scheduler.core.reminders.policy import Role, ShownAs
from scheduler.delivery.outcome import Outgoing
from scheduler.messages import Contents, Line, render, telling_words

NAMELESS = "clinic"
TO_PATIENT = Role.PATIENT.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where messages go, and how their patients may be shown; held in memory for some messages at a time."""

    of_recipients: Mapping[str, str]
    of_patients: Mapping[int, str]
    mrns: Mapping[int, str]
    site_title: str
    title_to_patients: str
    newest_recipient_id: int  # when they were read, so that a change since is noticed

    def of(self, rows: pl.DataFrame) -> str | None:
        """The address of the one recipient of these rows; None where the channel needs none."""
        recipient = str(rows["recipient"][0])
        if recipient == TO_PATIENT:
            return self.of_patients.get(int(rows["patient_id"][0]))
        return self.of_recipients.get(recipient)


def addresses_of(run: Run, day: SiteDay, rows: pl.DataFrame) -> Addresses:
    """The addresses of the recipients of these rows, and the MRNs where a channel of theirs shows them."""
    patients = rows.filter(pl.col("recipient") == TO_PATIENT)["patient_id"].unique()
    shown = rows.filter(pl.col("channel").is_in(_that_show(run, ShownAs.MRN)))["patient_id"].unique()
    with run.registry.reading() as reading:
        title = str(reading.sites().filter(pl.col("site_id") == day.site_id)["title"][0])
        people = reading.recipients_of([day.site_id]).with_columns(recipient=pl.format("{}:{}", "role", "code"))
        of_people = people.join(reading.recipient_addresses(people["recipient_id"]), on="recipient_id")
        return Addresses(
            of_recipients=dict(of_people.select("recipient", "address").rows()),
            of_patients=dict(reading.contact_addresses(patients).select("patient_id", "address").rows()),
            mrns=dict(reading.identities(shown).select("patient_id", "mrn").rows()),
            newest_recipient_id=reading.newest_recipient_id(day.site_id),
            site_title=title,
            title_to_patients=_title_to_patients(run, [title, day.site]),
        )


def worded(run: Run, day: SiteDay, rows: pl.DataFrame, addresses: Addresses, *, reference: str) -> Outgoing:
    """The message that these rows make, in its language, showing of patients what its channel may show."""
    first = rows.row(0, named=True)
    lines = tuple(_line(row, day.on, _shown(run, row, addresses)) for row in rows.iter_rows(named=True))
    title = addresses.title_to_patients if first["recipient"] == TO_PATIENT else addresses.site_title
    contents = Contents(site=title, on=day.on, reference=reference, lines=lines)
    rendered = render(run.policy, first["message"], first["language"], contents)
    return Outgoing(reference=reference, subject=rendered.subject, text=rendered.text)


def _title_to_patients(run: Run, names: Sequence[str]) -> str:
    """The first of these names that tells no diagnosis; none of them, where all would."""
    return next((name for name in names if not _tells(run, name)), NAMELESS)


def _tells(run: Run, name: str) -> bool:
    """Whether a name holds a word of any language of the policy that would tell a diagnosis."""
    return any(telling_words(name, language) for language in run.policy.languages.values())


def _that_show(run: Run, how: ShownAs) -> list[str]:
    return [name for name, channel in run.policy.channels.items() if channel.shows is how]


def _shown(run: Run, row: Mapping[str, object], addresses: Addresses) -> str:
    """How the patient of a row is shown to its recipient: not at all, by number, or by MRN."""
    patient_id = int(str(row["patient_id"]))
    channel = run.policy.channels.get(str(row["channel"]))
    if row["recipient"] == TO_PATIENT or channel is None or channel.shows is ShownAs.NOTHING:
        return ""
    return addresses.mrns[patient_id] if channel.shows is ShownAs.MRN else f"#{patient_id}"


def _line(row: Mapping[str, object], on: date, shown_as: str) -> Line:
    late_after = row["due_on"] if row["visit_id"] is None else row["closes_on"]
    assert late_after is None or isinstance(late_after, date)
    days = {name: value for name, value in row.items() if name in ("opens_on", "due_on", "closes_on", "booked_on")}
    procedures = str(row["procedures"]).split("|") if row["procedures"] else []
    return Line(
        shown_as=shown_as,
        rung=str(row["rung"]),
        subject=str(row["task"] or row["origin"]),
        procedures=tuple(procedures),
        days_overdue=max(0, (on - late_after).days) if late_after else 0,
        occurrence=int(str(row["occurrence"])),
        **days,  # type: ignore[arg-type]  # dates of a frame's row
    )
