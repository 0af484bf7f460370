"""gunicorn's gevent worker, changed so that it ends soon after SIGTERM.

gunicorn calls `worker_exit` only when the last connection is gone, and browsers keep idle ones open for as long as
they may: the viewers would not be told, and the master's SIGKILL would come first.
"""

import os
import socket
from contextlib import suppress
from types import FrameType
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

from web.lane.middleware import BEFORE_WSGI
from web.server import gunicorn_lane

GRACE_SECONDS = 0.3
"""How long a request that is on its way when the signal comes may take to arrive."""

DISCARD_SECONDS = 1.0
LONGEST_LEFTOVER_BYTES = 4 * 1024 * 1024
"""How much of a refused body is discarded at most: four times the largest accepted body."""

_CHUNK_BYTES = 64 * 1024
_OF_A_BODY = ("CONTENT-LENGTH", "TRANSFER-ENCODING")


class Worker(GeventWorker):
    """After SIGTERM it closes viewers and idle connections at once; requests under way get their answers."""

    def init_process(self) -> None:
        self._idle: set[socket.socket] = set()
        super().init_process()

    @property
    def _lane(self) -> Any:  # noqa: ANN401 - the application is known as a WSGI callable
        application: Any = self.wsgi
        return application.extensions.get(BEFORE_WSGI)

    def handle(self, listener: socket.socket, client: socket.socket, addr: Any) -> None:  # noqa: ANN401
        """Handle a connection, from its first request to its last."""
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> bool:  # noqa: ANN401
        """Handle one request."""
        self._idle.discard(sock)
        try:
            if self.alive and self._lane and gunicorn_lane.answer(self._lane, req, sock, addr):
                return True
            return super().handle_request(listener_name, req, sock, addr)
        except StopIteration:
            if any(name in _OF_A_BODY for name, _ in req.headers):
                _discard_body(sock)
            raise
        finally:
            self._idle.add(sock)
            # A client that sends requests without a pause would otherwise keep the process alive: its next request
            # is there before the connection is idle.
            gevent.sleep(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle SIGTERM, which the master sends when it stops or reloads."""
        super().handle_exit(sig, frame)
        gevent.spawn(self.close_viewers)
        gevent.spawn(self._hang_up)

    def close_viewers(self) -> None:
        """Close all viewers and wait until they are gone.

        Does nothing in the master, or before the application is loaded.
        """
        application: Any = getattr(self, "wsgi", None)
        if application is not None:
            application.extensions["live"].hub.stop()

    def _hang_up(self) -> None:
        """Close idle connections until the process ends. Requests that were sent already are still answered."""
        while True:
            gevent.sleep(GRACE_SECONDS)
            for client in tuple(self._idle):
                with suppress(OSError), socket.socket(fileno=os.dup(client.fileno())) as same:
                    same.shutdown(socket.SHUT_RD)  # on `client` itself it would fail the read that waits


def _discard_body(client: socket.socket) -> None:
    """Read and discard the rest of a body before its connection is closed.

    Otherwise the kernel resets the connection, and the client, or the proxy that still sends, loses the response.
    """
    left = LONGEST_LEFTOVER_BYTES
    with suppress(OSError, gevent.Timeout), gevent.Timeout(DISCARD_SECONDS):
        client.shutdown(socket.SHUT_WR)
        while left > 0 and (data := client.recv(_CHUNK_BYTES)):
            left -= len(data)
