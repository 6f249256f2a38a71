"""What can be asked of the registry: one method for each question, a frame for each answer.

Ids may be a series, a list or any number of them, or None for all there are. An answer has a row for what was found and
none for what was not; missing cells are null. The columns are those of the tables, `id` under its role (`visit_id`).
`known_at` (aware, inclusive) asks what had been recorded at a moment; None asks for what is known now.
"""

from scheduler.store.reading.attention import AskingForAttention
from scheduler.store.reading.contacts import AskingAboutContacts
from scheduler.store.reading.findings import AskingAboutFindings
from scheduler.store.reading.follow_up import AskingAboutFollowUp
from scheduler.store.reading.people import AskingAboutPeople
from scheduler.store.reading.records import AskingAboutRecords
from scheduler.store.reading.reminders import AskingAboutReminders
from scheduler.store.reading.schedules import AskingAboutSchedules


class Reading(
    AskingAboutPeople,
    AskingAboutContacts,
    AskingAboutFindings,
    AskingAboutSchedules,
    AskingAboutFollowUp,
    AskingForAttention,
    AskingAboutRecords,
    AskingAboutReminders,
):
    """One consistent state of the registry."""
