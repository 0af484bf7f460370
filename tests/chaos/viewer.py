"""Those who watch the live socket, come back whenever the connection ends, and believe no frame out of order."""

import threading

import websocket

from tests.live_client import LiveClient, Message, Screen

_PAUSE_SECONDS = 0.2


class Returning(threading.Thread):
    """Watches until it is ended. `problems` is what nobody who watches may be sent."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._ends = threading.Event()
        self.problems: list[str] = []

    def connect(self) -> LiveClient:
        """A new connection. Raises OSError or WebSocketException while there is none to be had."""
        raise NotImplementedError

    def take_in(self, message: Message, connection: LiveClient) -> None:
        """Note a message, which the screen of its connection shows already."""
        raise NotImplementedError

    def run(self) -> None:
        while not self._ends.wait(_PAUSE_SECONDS):
            try:
                with self.connect() as connection:
                    self._watch(connection)
            except (OSError, websocket.WebSocketException):
                continue

    def end(self) -> None:
        self._ends.set()
        self.join()

    def _watch(self, connection: LiveClient) -> None:
        while not self._ends.is_set():
            try:
                message = connection.receive(1.0)
            except TimeoutError:
                continue
            except AssertionError as error:
                self.problems.append(str(error))
                return
            if message is None:
                return
            self.take_in(message, connection)


class Viewer(Returning):
    """`screen` is what is seen now."""

    def __init__(self, url: str) -> None:
        super().__init__("viewer")
        self._url = url
        self.screen = Screen()

    def connect(self) -> LiveClient:
        return LiveClient(self._url, seconds=2.0)

    def take_in(self, message: Message, connection: LiveClient) -> None:
        self.screen = connection.screen
