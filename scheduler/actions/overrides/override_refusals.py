"""Why a clinician's override is refused."""

from datetime import date

from scheduler.errors import ClinicalDataError, Conflict, listed


class LastDayPast(ClinicalDataError):
    """An override that would have run out already."""

    def __init__(self, *, until_on: date, today: date) -> None:
        super().__init__(
            f"the override would end on {until_on}; expected today, {today}, or a later day",
            advice="Give its last day with --until.",
        )


class NothingToOverride(Conflict):
    """A patient who follows no plan."""

    def __init__(self, *, mrn: str, state: str) -> None:
        why = "the episode is ended" if state == "ended" else "there is no plan"
        super().__init__(
            f"{mrn} follows no plan that could be overridden: {why}",
            advice=f"`hepwatch patient show {mrn}` says why.",
        )


class ScheduleMissing(ClinicalDataError):
    """An intensity for which the patient's protocol has no schedule."""

    def __init__(self, *, mrn: str, protocol: str, intensity: str, known: list[str]) -> None:
        super().__init__(
            f"{mrn} is followed by {protocol}, which has no schedule for {intensity}; it has {listed(known)}",
            advice="Choose one of these.",
        )


class NotOfTheGrid(Conflict):
    """An override of a visit that does not come from the plan's grid."""

    def __init__(self, *, mrn: str, visit: str) -> None:
        super().__init__(
            f"{visit} of {mrn} is not laid out by the plan but asked for by what was found or missed; only a visit of "
            "the grid can be overridden",
            advice="Book it on the day you want, with --reason where that is outside its window.",
        )


class WindowOver(Conflict):
    """An override of a visit whose window is behind."""

    def __init__(self, *, mrn: str, visit: str, closes_on: date) -> None:
        super().__init__(
            f"the window of {visit} of {mrn} closed on {closes_on}; no plan changes a visit that is past",
            advice=f"Book it, or call it missed: `hepwatch visit miss {mrn} {visit} --final` with --reason.",
        )


class VisitDayRefused(ClinicalDataError):
    """A day for a visit that is past, or on which the override holds no more."""

    def __init__(self, *, due_on: date, today: date, until_on: date) -> None:
        super().__init__(
            f"a visit cannot be put on {due_on}; expected a day from today, {today}, to the last one of the override, "
            f"{until_on}",
            advice="Choose a day in between, or a later --until.",
        )


class AppointmentStands(Conflict):
    """A visit that is not to be held while the patient is expected at it."""

    def __init__(self, *, mrn: str, visit: str, booked_on: date) -> None:
        super().__init__(
            f"{visit} of {mrn} has an appointment on {booked_on}, and a booked visit stays",
            advice=f"Cancel it first: `hepwatch visit cancel {mrn} {visit}` with --reason.",
        )
