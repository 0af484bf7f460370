"""A server whose pages come in parts: between two of them it waits until the test has looked at what is there."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue

from tests.thread_proxy import CHUNK, ThreadProxy

_BEGIN, _END = b"<!doctype html>", b"</html>"
_REFUSED = (b"Accept-Encoding:", b"If-None-Match:")
"""What is compressed, or not sent because the browser has it, has no places to stop at."""


class SlowPages(ThreadProxy):
    """Passes on to a port of this machine, until it is closed. While `stops` are set, a page stops before each."""

    def __init__(self, target: int) -> None:
        self.stops: Sequence[bytes] = ()
        self._turns: SimpleQueue[bool] = SimpleQueue()
        super().__init__(target)
        self.url = f"http://127.0.0.1:{self.port}"

    def go_on(self) -> None:
        """Let the page that waits come as far as the next stop."""
        self._turns.put(True)

    def close(self) -> None:
        self._turns.put(False)
        super().close()

    def _serve(self, client: socket.socket) -> None:
        server = self._connect()
        self._start(self._answer, server, client)
        with suppress(OSError):
            while data := client.recv(CHUNK):
                for header in _REFUSED:
                    data = data.replace(header, b"X-" + header)
                server.sendall(data)
        _end(server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(CHUNK):
                if self.stops and _BEGIN in data:
                    self._send_in_parts(server, client, data)
                else:
                    client.sendall(data)
        _end(client)

    def _send_in_parts(self, server: socket.socket, client: socket.socket, data: bytes) -> None:
        while _END not in data:
            data += server.recv(CHUNK)
        for stop in self.stops:
            part, found, rest = data.partition(stop)
            assert found, f"the page has no {stop!r} where it was to stop"
            client.sendall(part)
            if not self._turns.get():
                return
            data = found + rest
        client.sendall(data)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
