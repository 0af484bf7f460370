"""The way to a Redis that can end in the middle of a reply, or say what nobody has asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent import socket
from gevent.server import StreamServer

from tests.chaos.installation import through


class CutReplies:
    """Passes on everything, until `bytes_left` is a number: so many bytes of replies still come, then all is closed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._server = StreamServer(("127.0.0.1", 0), self._pass_on)
        self._server.start()
        self.port = int(self._server.server_port or 0)
        self.bytes_left: int | None = None
        self._clients: list[Any] = []

    def say(self, reply: bytes) -> None:
        """Send everybody a reply that is not Redis'."""
        for client in self._clients:
            client.sendall(reply)

    def close(self) -> None:
        self._server.stop()

    def _pass_on(self, client: Any, _address: object) -> None:  # noqa: ANN401 - gevent's sockets have no types
        self._clients.append(client)
        with client, socket.create_connection(self._target) as server:
            asking = gevent.spawn(self._ask, client, server)
            while data := server.recv(65536):
                if self.bytes_left is not None:
                    client.sendall(data[: self.bytes_left])
                    self.bytes_left = None
                    break
                client.sendall(data)
            asking.kill()
        self._clients.remove(client)

    @staticmethod
    def _ask(client: Any, server: Any) -> None:  # noqa: ANN401
        while data := client.recv(65536):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)


@contextmanager
def cut_replies(url: str) -> Iterator[tuple[CutReplies, str]]:
    """The proxy, and the URL that leads through it."""
    made = CutReplies(url)
    try:
        yield made, through(url, made)  # type: ignore[arg-type]  # of the proxy it takes the port alone
    finally:
        made.close()
