"""Each site waits once for the worker, in the order of its first ring."""

from threading import Thread

from scheduler.jobs.waiting import Waiting


def test_a_site_that_is_rung_twice_waits_once() -> None:
    waiting = Waiting()

    for site in ("seoul", "bonn", "seoul"):
        waiting.put(site)
    taken = [waiting.take(), waiting.take()]
    waiting.close()

    assert [*taken, waiting.take()] == ["seoul", "bonn", None]


def test_a_site_that_is_rung_while_it_is_worked_on_is_taken_again() -> None:
    waiting = Waiting()

    waiting.put("seoul")
    first = waiting.take()
    waiting.put("seoul")

    assert (first, waiting.take()) == ("seoul", "seoul")


def test_who_waits_for_a_site_is_let_go_when_the_line_is_closed() -> None:
    waiting = Waiting()
    taken: list[str | None] = []
    taker = Thread(target=lambda: taken.append(waiting.take()))

    taker.start()
    waiting.close()
    taker.join(timeout=60)

    assert taken == [None]


def test_nobody_is_taken_from_a_closed_line() -> None:
    waiting = Waiting()

    waiting.put("seoul")
    waiting.close()

    assert waiting.take() is None
