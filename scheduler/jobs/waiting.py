"""The sites that wait for the worker: each stands in the line once, however often it is rung."""

from threading import Condition


class Waiting:
    """A line of sites, shared by the bell, the gap check and the worker."""

    def __init__(self) -> None:
        self._sites: dict[str, None] = {}
        self._closed = False
        self._changed = Condition()

    def put(self, site: str) -> None:
        """Let a site wait; one that waits already keeps its place."""
        with self._changed:
            self._sites.setdefault(site)
            self._changed.notify()

    def take(self) -> str | None:
        """The site that has waited longest, as soon as there is one; None once the line is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._sites or self._closed)
            if self._closed:
                return None
            site = next(iter(self._sites))
            del self._sites[site]
            return site

    def close(self) -> None:
        """Nobody is taken any more, and whoever waits to take is let go. What is left waits for the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
