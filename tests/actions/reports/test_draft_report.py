"""Drafting a report: findings are kept, nobody is scored, and a signed report is not touched."""

import pytest

from scheduler.actions.reports.draft_report import AlreadySigned, DraftedReport, draft_report
from scheduler.actions.reports.sign_report import NothingToSign, ReasonMissing
from scheduler.store.registry import Registry
from tests.actions.tables import PATHOLOGY, SURGERY, TODAY, rules_of, sign, stored


def draft(registry: Registry, reason: str | None = None, **findings: str) -> DraftedReport:
    """Draft the pathology report of P-1 as anna."""
    rules = rules_of(registry)
    return draft_report(registry, rules, "P-1", PATHOLOGY, findings, today=TODAY, actor="anna", reason=reason)


def test_findings_are_added_to_the_draft_and_nobody_is_scored(enrolled: Registry) -> None:
    draft(enrolled, tumor_necrosis="yes")
    draft(enrolled, residual_tumor="R0")

    with enrolled.reading() as reading:
        reports = reading.reports_of()
        counts = reading.counts()
    assert reports.select("state", "document").rows() == [("draft", '{"residual_tumor":"R0","tumor_necrosis":true}')]
    assert (counts["assessments"], counts["plans"]) == (0, 0)


def test_changing_what_a_draft_says_needs_a_reason(enrolled: Registry) -> None:
    draft(enrolled, tumor_necrosis="yes")
    before = stored(enrolled)

    with pytest.raises(ReasonMissing, match="tumor_necrosis: true → false"):
        draft(enrolled, tumor_necrosis="no")

    assert stored(enrolled) == before


def test_a_draft_that_says_nothing_new_is_refused(enrolled: Registry) -> None:
    draft(enrolled, tumor_necrosis="yes")

    with pytest.raises(NothingToSign):
        draft(enrolled, tumor_necrosis="yes")


def test_a_signed_report_gets_no_draft_beside_it(followed: Registry) -> None:
    before = stored(followed)

    with pytest.raises(AlreadySigned, match="the pathology report of P-1 is signed"):
        draft(followed, reason="read again", tumor_necrosis="yes")

    assert stored(followed) == before


def test_what_was_drafted_is_what_is_signed(enrolled: Registry) -> None:
    draft(enrolled, tumor_necrosis="yes")
    sign(enrolled, stage=SURGERY, findings={"albumin_g_l": "41"})

    signed = sign(enrolled, stage=PATHOLOGY)

    assert (signed.version, signed.differences.height) == (1, 0)
