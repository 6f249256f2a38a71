"""A real HTTP server on the loopback address, that keeps what it was asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Event, Thread

SCHEME = "http"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where it answers, and the paths that were asked for."""

    url: str
    asked: "SimpleQueue[str]"


@contextmanager
def an_address(*, status: int = 200, hangs: bool = False) -> Iterator[Address]:
    """A server that answers with this status, or never while it hangs."""
    asked: SimpleQueue[str] = SimpleQueue()
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.put(self.path)
            if hangs:
                over.wait(60)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_what: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Address(url=f"{SCHEME}://127.0.0.1:{server.server_port}", asked=asked)
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()
