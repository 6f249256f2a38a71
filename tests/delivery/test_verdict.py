"""What the evidence of a failed attempt proves."""

from itertools import product

import pytest

from scheduler.delivery.evidence import Evidence, HandOver, Protocol, Refusal
from scheduler.delivery.outcome import Outcome
from scheduler.delivery.verdict import judge

SMTP, HTTP = Protocol.SMTP, Protocol.HTTP


def after(*hand_overs: tuple[Protocol, int | None]) -> Evidence:
    """The evidence of these hand-overs and the answers to them."""
    handed = [HandOver(protocol=protocol, answer=answer) for protocol, answer in hand_overs]
    return Evidence(tried=True, connected=True, hand_overs=handed)


@pytest.mark.parametrize(
    ("protocol", "answer", "outcome"),
    [
        (SMTP, 399, Outcome.UNKNOWN),
        (SMTP, 400, Outcome.UNREACHED),
        (SMTP, 499, Outcome.UNREACHED),
        (SMTP, 500, Outcome.REFUSED),
        (SMTP, 599, Outcome.REFUSED),
        (SMTP, 600, Outcome.UNKNOWN),
        (HTTP, 399, Outcome.UNKNOWN),
        (HTTP, 400, Outcome.REFUSED),
        (HTTP, 407, Outcome.UNREACHED),
        (HTTP, 408, Outcome.UNKNOWN),
        (HTTP, 409, Outcome.REFUSED),
        (HTTP, 428, Outcome.REFUSED),
        (HTTP, 429, Outcome.UNREACHED),
        (HTTP, 430, Outcome.REFUSED),
        (HTTP, 499, Outcome.REFUSED),
        (HTTP, 500, Outcome.UNKNOWN),
        (HTTP, None, Outcome.UNKNOWN),
    ],
)
def test_an_answer_to_a_hand_over_decides(protocol: Protocol, answer: int | None, outcome: Outcome) -> None:
    assert judge(after((protocol, answer)), seen_whole=True).outcome is outcome


def test_one_hand_over_without_a_refusal_leaves_everything_unknown() -> None:
    for protocol, answer in product(Protocol, (None, 200, 250, 302)):
        for seen in (after((SMTP, 550), (protocol, answer)), after((protocol, answer), (HTTP, 404))):
            assert judge(seen, seen_whole=True).outcome is Outcome.UNKNOWN


def test_several_refusals_of_which_one_is_for_now_may_be_tried_again() -> None:
    assert judge(after((SMTP, 550), (SMTP, 451)), seen_whole=True).outcome is Outcome.UNREACHED


def test_of_a_channel_that_cannot_be_watched_no_silence_proves_anything() -> None:
    for seen in (Evidence(), Evidence(tried=True), Evidence(crashed=True)):
        assert judge(seen, seen_whole=False).outcome is Outcome.UNKNOWN


def test_a_message_that_could_not_be_made_is_laid_to_the_channel() -> None:
    attempt = judge(Evidence(tried=True, crashed=True), seen_whole=True)

    assert (attempt.outcome, attempt.channels_fault) == (Outcome.UNREACHED, True)


def test_recipients_of_whom_one_is_refused_for_now_may_be_tried_again() -> None:
    refusals = [Refusal(answers=(550, 451), of_recipient=True)]

    assert judge(Evidence(tried=True, refusals=refusals), seen_whole=True).outcome is Outcome.UNREACHED
