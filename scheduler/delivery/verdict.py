"""What the evidence of a failed attempt proves. What is not proved is unknown.

Certain is: nothing was handed over; or everything that was handed over was answered by a refusal.
"""

from collections.abc import Iterable

from scheduler.delivery.evidence import Evidence, HandOver, Protocol
from scheduler.delivery.outcome import Attempt, Outcome

REQUEST_TIMEOUT, TOO_MANY_REQUESTS = 408, 429
NOT_LET_IN = {401, 403, 407}  # the channel's own credentials are wrong, whoever the recipient is


def judge(seen: Evidence, *, seen_whole: bool) -> Attempt:
    """What became of a message that was not reported as accepted.

    `seen_whole`: whether everything that the channel hands over can be seen; where not, nothing is certain.

    >>> judge(Evidence(tried=True), seen_whole=True).outcome
    <Outcome.UNREACHED: 'unreached'>
    >>> judge(Evidence(tried=True), seen_whole=False).outcome
    <Outcome.UNKNOWN: 'unknown'>
    """
    if seen.hand_overs:
        return _judge_hand_overs(seen)
    if not seen_whole:
        return _unknown("the channel reported a failure, and cannot be watched closely enough to know more")
    if seen.refusals:
        return _judge_refusals(seen)
    if seen.crashed:
        why = "the message could not be made for this channel; nothing was handed over"
        return Attempt(outcome=Outcome.UNREACHED, why=why, channels_fault=True)
    if not seen.tried:
        return Attempt(outcome=Outcome.REFUSED, why="the channel cannot use the recipient's address")
    return _unreached(_silence(seen))


def _judge_hand_overs(seen: Evidence) -> Attempt:
    """After something was handed over: certain only if every hand-over was refused."""
    answers = [each.answer for each in seen.hand_overs if each.answer is not None]
    if not all(map(_is_refused, seen.hand_overs)):
        return _unknown(_doubt(seen, answers))
    said = f"the server did not take the message ({_numbers(answers)})"
    if any(map(_is_temporary, seen.hand_overs)):
        return _unreached(f"{said}; it may take it later")
    if any(answer in NOT_LET_IN for answer in answers):
        return Attempt(outcome=Outcome.UNREACHED, why=f"{said}: it did not let us in", channels_fault=True)
    return Attempt(outcome=Outcome.REFUSED, why=said)


def _is_refused(hand_over: HandOver) -> bool:
    """Whether the answer says for certain that the message was not kept; a web server's 5xx does not."""
    answer, last = hand_over.answer, 599 if hand_over.protocol is Protocol.SMTP else 499
    return answer is not None and 400 <= answer <= last and answer != REQUEST_TIMEOUT


def _is_temporary(hand_over: HandOver) -> bool:
    if hand_over.protocol is Protocol.SMTP:
        return hand_over.answer is not None and hand_over.answer < 500
    return hand_over.answer == TOO_MANY_REQUESTS


def _judge_refusals(seen: Evidence) -> Attempt:
    """Before anything was handed over: the server refused a recipient, or us."""
    answers = [answer for each in seen.refusals for answer in each.answers]
    for_good = all(answer >= 500 for answer in answers)
    if not all(each.of_recipient for each in seen.refusals):
        why = f"the mail server did not let us send ({_numbers(answers)}); nothing was handed over"
        return Attempt(outcome=Outcome.UNREACHED, why=why, again=not for_good, channels_fault=True)
    why = f"the mail server refused the recipient ({_numbers(answers)})"
    return Attempt(outcome=Outcome.REFUSED, why=why) if for_good else _unreached(f"{why}, for now")


def _silence(seen: Evidence) -> str:
    """How it ended without an answer and without a hand-over."""
    if seen.out_of_time:
        return "the server took too long; nothing of the message was handed over"
    if not seen.connected:
        return "the server could not be reached"
    return "the server broke off before anything of the message was handed over"


def _doubt(seen: Evidence, answers: Iterable[int]) -> str:
    """Why nobody knows."""
    if said := _numbers(answers):
        return f"the message was handed over, and the answer ({said}) does not tell whether it was kept"
    waited = "in time " if seen.out_of_time else ""
    return f"the message was handed over, but no answer came {waited}that tells whether it was kept"


def _numbers(answers: Iterable[int]) -> str:
    return ", ".join(map(str, answers))


def _unreached(why: str) -> Attempt:
    return Attempt(outcome=Outcome.UNREACHED, why=why, again=True, channels_fault=True)


def _unknown(why: str) -> Attempt:
    return Attempt(outcome=Outcome.UNKNOWN, why=why, channels_fault=True)
