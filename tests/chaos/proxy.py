"""A TCP proxy between two parts of the product, which can be slow, deaf, silent or cut in the middle of something."""

import threading
from dataclasses import dataclass
from typing import Any

import gevent
from gevent import get_hub
from gevent import socket as gevent_socket
from gevent.server import StreamServer

_CHUNK = 65536
_LOOK_SECONDS = 0.05


@dataclass
class Manner:
    """How the proxy treats what goes through it. Changed by the test's thread, read by the proxy's."""

    delay_seconds: float = 0.0
    is_silent: bool = False
    drops_replies: bool = False
    is_refusing: bool = False
    """New connections are closed at once."""
    cut_after: bytes | None = None
    """Bytes of a client after which everything is cut, once: they are passed on, their answer is not."""
    cut: bool = False
    """Cut every connection now; new ones are taken."""


class Proxy:
    """Listens on a port of its own and passes on to `target`, until it is told otherwise."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self.manner = Manner()
        self.port = 0
        self._open: set[Any] = set()
        self._is_up = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"proxy to {target[1]}")

    def start(self) -> None:
        self._thread.start()
        self._is_up.wait()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def connections(self) -> int:
        """How many connections go through it now."""
        return len(self._open) // 2

    def _serve(self) -> None:
        server = StreamServer(("127.0.0.1", 0), self._pass_on)
        server.start()
        self.port = int(server.server_port or 0)
        self._is_up.set()
        while not self._stop.is_set():
            gevent.sleep(_LOOK_SECONDS)
            if self.manner.cut:
                self.manner.cut = False
                self._cut_all()
        server.stop()
        self._cut_all()
        get_hub().destroy()

    def _cut_all(self) -> None:
        for connection in tuple(self._open):
            connection.close()

    def _pass_on(self, client: Any, _address: object) -> None:  # noqa: ANN401 - gevent's sockets have no types
        if self.manner.is_refusing:
            client.close()
            return
        try:
            server = gevent_socket.create_connection(self._target, timeout=2)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._open |= {client, server}
        pumps = [gevent.spawn(self._pump, client, server, True), gevent.spawn(self._pump, server, client, False)]
        gevent.joinall(pumps, count=1)
        for connection in (client, server):
            connection.close()
            self._open.discard(connection)
        gevent.killall(pumps)

    def _pump(self, source: Any, sink: Any, is_request: bool) -> None:  # noqa: ANN401
        try:
            while data := source.recv(_CHUNK):
                self._wait()
                if is_request or not self.manner.drops_replies:
                    sink.sendall(data)
                if is_request and self.manner.cut_after and self.manner.cut_after in data:
                    self.manner.cut_after = None
                    return
        except OSError:
            return

    def _wait(self) -> None:
        if self.manner.delay_seconds:
            gevent.sleep(self.manner.delay_seconds)
        while self.manner.is_silent:
            gevent.sleep(_LOOK_SECONDS)
