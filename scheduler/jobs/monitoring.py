"""What the outside may ask on this machine: `/healthz` for whether all is well, `/metrics` for Prometheus.

It listens on the loopback address alone and shows sites, days and counts, nothing of a patient.
"""

import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from scheduler.errors import DeliveryError

LOOPBACK = "127.0.0.1"
SLOWEST_CLIENT_SECONDS = 10
PLAIN = "text/plain; charset=utf-8"

Reasons = Callable[[], tuple[str, ...]]


class MonitorPortTaken(DeliveryError):
    """Nothing can listen on the port for monitoring."""

    def __init__(self, *, port: int, reason: str) -> None:
        super().__init__(
            f"port {port} of this machine cannot be listened on: {reason}",
            advice="choose another with --port or HEPWATCH_MONITOR_PORT, or 0 for no monitoring",
        )


class Monitor:
    """A small web server: `reasons` say why somebody should look, `metrics` are the text for Prometheus."""

    def __init__(self, port: int, *, reasons: Reasons, metrics: Callable[[], bytes]) -> None:
        """Listen on the port, or on a free one for 0. Raises `MonitorPortTaken`."""
        try:
            self._server = _Server((LOOPBACK, port), _handler(reasons, metrics))
        except (OSError, OverflowError) as error:
            raise MonitorPortTaken(port=port, reason=getattr(error, "strerror", None) or str(error)) from error

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    def start(self) -> None:
        """Answer from now on."""
        Thread(target=self._server.serve_forever, name="monitor", daemon=True).start()

    def stop(self) -> None:
        """Answer no more; the port is free again. Only after `start`."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked and left before the answer is nothing to tell."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(reasons: Reasons, metrics: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    """What answers one request."""
    from prometheus_client import CONTENT_TYPE_LATEST

    class Handler(BaseHTTPRequestHandler):
        timeout = SLOWEST_CLIENT_SECONDS
        server_version = "hepwatch"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                why = reasons()
                self._answer(503 if why else 200, "\n".join(why or ("well",)).encode() + b"\n", PLAIN)
            elif path == "/metrics":
                self._answer(200, metrics(), CONTENT_TYPE_LATEST)
            else:
                self._answer(404, b"/healthz and /metrics are here\n", PLAIN)

        def log_message(self, *_what: object) -> None:
            """Being asked is nothing to tell."""

        def _answer(self, status: int, text: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return Handler
