"""One examination as a person tells it: what was done, on which day, and what was found.

Takes what is said of it, a protocol, the data dictionary and a day; gives everything that is wrong with it at once,
and what is merely unusual. What the examination counts for is for `verdicts`. It knows no patient.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import isfinite

from scheduler.core.markers import VARIABLES, marker_variables
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.recurrence_findings import FOUND
from scheduler.core.validation.headings import unit_in_words
from scheduler.core.validation.limits import hard_range, likely_range
from scheduler.core.variables import VariableDictionary
from scheduler.errors import listed


class ResultStatus(StrEnum):
    """Whether the result is there."""

    PENDING = "pending"
    FINAL = "final"


class Finding(StrEnum):
    """What an examination found."""

    NO_RECURRENCE = "no_recurrence"
    INDETERMINATE = "indeterminate"
    SUSPICIOUS = "suspicious"
    INADEQUATE = "inadequate"
    INTRAHEPATIC_RECURRENCE = "intrahepatic_recurrence"
    EXTRAHEPATIC_RECURRENCE = "extrahepatic_recurrence"
    BOTH = "both"


LIVER = "liver"
RECURRENCE_SITES = (
    LIVER,
    "lung",
    "bone",
    "lymph_node",
    "adrenal",
    "peritoneum",
    "brain",
    "extrahepatic_vessel",
    "other",
)
OTHER_PROCEDURES = ("ultrasound", "bone_scan", "brain_imaging", "pet_ct")  # recorded, though no visit asks for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """A procedure that happened: a result that is pending has neither finding nor value yet.

    `value` is a marker's, in the unit of its variable (`markers`); `reviewed_by` is who read the final result.
    """

    procedure: str
    performed_on: date
    result_status: str = ResultStatus.FINAL
    finding: str | None = None
    recurrence_sites: tuple[str, ...] = ()
    value: float | None = None
    place: str | None = None
    reviewed_by: str | None = None

    @property
    def result(self) -> tuple[object, ...]:
        """What makes two examinations of one procedure and day the same."""
        return self.result_status, self.finding, self.value, self.recurrence_sites


def named_by(protocol: SurveillanceProtocol, procedure: str) -> str:
    """A marker by the protocol's own name, so that its values are one series; any other procedure as it was called.

    >>> from scheduler.core.protocols import Procedure
    >>> afp = Procedure(title="AFP", any_of=("AFP in serum",), required=False, source="policy")
    >>> protocol = SurveillanceProtocol.model_construct(procedures={"afp": afp})
    >>> named_by(protocol, "AFP in serum"), named_by(protocol, "ultrasound")
    ('afp', 'ultrasound')
    """
    names = (name for name, known in protocol.procedures.items() if name in VARIABLES and procedure in known.any_of)
    return next(names, procedure)


def problems(
    examination: Examination, protocol: SurveillanceProtocol, dictionary: VariableDictionary, *, today: date
) -> list[str]:
    """Everything for which it cannot be recorded as of today, each in a sentence without a full stop.

    A pending result of a day to come may be recorded, a final one not: nothing was found yet.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> protocol = SurveillanceProtocol.model_construct(procedures={})
    >>> scan = Examination(procedure="ultrasound", performed_on=date(2026, 3, 4), finding="none")
    >>> for problem in problems(scan, protocol, DICTIONARY, today=date(2026, 3, 3)):
    ...     print(problem)
    the result of 2026-03-04 is final, but that day is in the future; today is 2026-03-03
    the finding none is none of no_recurrence, indeterminate, suspicious, inadequate, intrahepatic_recurrence,
    extrahepatic_recurrence and both
    """
    return [
        *_of_procedure(examination, protocol),
        *_of_status(examination, today),
        *_of_finding(examination),
        *_of_sites(examination),
        *_of_value(examination, dictionary),
    ]


def unusual(examination: Examination, dictionary: VariableDictionary) -> list[str]:
    """What is outside its plausible range, both ends inclusive, and has to be confirmed; a sentence each.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> unusual(Examination(procedure="ultrasound", performed_on=date(2026, 3, 4)), DICTIONARY)
    []
    """
    variable = marker_variables(dictionary).get(examination.procedure)
    if examination.value is None or variable is None:
        return []
    low, high = likely_range(variable)
    if low <= examination.value <= high:
        return []
    usual = f"{low:,.10g} to {high:,.10g} {unit_in_words(variable.unit)}"
    return [f"{examination.procedure} {examination.value:,.10g} is unusual; {usual} needs no confirmation"]


def _of_procedure(examination: Examination, protocol: SurveillanceProtocol) -> Iterator[str]:
    answering = [each for procedure in protocol.procedures.values() for each in procedure.any_of]
    known = [*protocol.procedures, *answering, *OTHER_PROCEDURES]
    if examination.procedure not in known:
        yield f"there is no procedure {examination.procedure}; it is one of {listed(known)}"


def _of_status(examination: Examination, today: date) -> Iterator[str]:
    status, day = examination.result_status, examination.performed_on
    is_told = examination.finding is not None or examination.value is not None
    if status not in list(ResultStatus):
        yield f"the result is {status}; it is one of {listed(list(ResultStatus))}"
    elif status == ResultStatus.PENDING and is_told:
        yield "the result is pending, and yet a finding or a value is given; with either it is final"
    elif status == ResultStatus.PENDING and examination.reviewed_by is not None:
        yield "the result is pending: nobody can have reviewed it before there is a finding or a value"
    elif status == ResultStatus.FINAL and day > today:
        yield f"the result of {day} is final, but that day is in the future; today is {today}"
    if status == ResultStatus.FINAL and not is_told:
        yield "a final result needs a finding, or of a marker a value"


def _of_finding(examination: Examination) -> Iterator[str]:
    finding = examination.finding
    if finding is not None and finding not in list(Finding):
        yield f"the finding {finding} is none of {listed(list(Finding))}"
    elif finding in FOUND and examination.procedure in VARIABLES:
        yield f"{examination.procedure} is a marker and locates no recurrence; record the imaging that found it"
    elif finding not in (None, Finding.INADEQUATE) and examination.procedure in VARIABLES and examination.value is None:
        yield f"{examination.procedure} is a marker: its final result is a value, not {finding}"


def _of_sites(examination: Examination) -> Iterator[str]:
    sites, found = examination.recurrence_sites, FOUND.get(examination.finding or "")
    if unknown := [site for site in sites if site not in RECURRENCE_SITES]:
        yield f"{listed(unknown)}: not among the sites of recurrence, which are {listed(RECURRENCE_SITES)}"
    if sites and found is None:
        yield "sites of recurrence are named, but the finding is no recurrence"
    elif found == "intrahepatic" and any(site != LIVER for site in sites):
        yield "the recurrence is intrahepatic only, but sites outside the liver are named"
    elif found == "extrahepatic" and LIVER in sites:
        yield "the recurrence is extrahepatic only, but the liver is named as a site"


def _of_value(examination: Examination, dictionary: VariableDictionary) -> Iterator[str]:
    value, markers = examination.value, marker_variables(dictionary)
    if value is None:
        return
    if examination.procedure not in markers:
        yield f"{examination.procedure} has no value; only the markers have: {listed(list(markers))}"
        return
    variable = markers[examination.procedure]
    low, high = hard_range(variable)
    if not isfinite(value) or not low <= value <= high:
        range_in_words = f"{low:,.10g} to {high:,.10g} {unit_in_words(variable.unit)}"
        yield f"{examination.procedure} {value:,.10g} is outside {range_in_words}"
