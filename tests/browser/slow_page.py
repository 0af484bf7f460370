"""A server whose pages come in parts: between two of them it waits until the test has looked at what is there."""

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue

_CHUNK = 65536
_BEGIN, _END = b"<!doctype html>", b"</html>"
_REFUSED = (b"Accept-Encoding:", b"If-None-Match:")
"""What is compressed, or not sent because the browser has it, has no places to stop at."""


class SlowPages:
    """Passes on to a port of this machine, until it is closed. While `stops` are set, a page stops before each."""

    def __init__(self, target: int) -> None:
        self.stops: Sequence[bytes] = ()
        self._target = target
        self._turns: SimpleQueue[bool] = SimpleQueue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._listen)

    def go_on(self) -> None:
        """Let the page that waits come as far as the next stop."""
        self._turns.put(True)

    def close(self) -> None:
        self._turns.put(False)
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()

    def _start(self, act: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=act, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open += [client, server]
            self._start(self._ask, client, server)
            self._start(self._answer, server, client)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                for header in _REFUSED:
                    data = data.replace(header, b"X-" + header)
                server.sendall(data)
        _end(server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                if self.stops and _BEGIN in data:
                    self._send_in_parts(server, client, data)
                else:
                    client.sendall(data)
        _end(client)

    def _send_in_parts(self, server: socket.socket, client: socket.socket, data: bytes) -> None:
        while _END not in data:
            data += server.recv(_CHUNK)
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
