"""A viewer who comes back whenever the connection ends, and believes no frame that does not follow the one before."""

import threading

import websocket

from tests.live_client import LiveClient, Screen

_PAUSE_SECONDS = 0.2


class Viewer(threading.Thread):
    """`screen` is what is seen now; `problems` what no viewer may be sent."""

    def __init__(self, url: str) -> None:
        super().__init__(name="viewer")
        self._url = url
        self._ends = threading.Event()
        self.screen = Screen()
        self.problems: list[str] = []

    def run(self) -> None:
        while not self._ends.wait(_PAUSE_SECONDS):
            try:
                with LiveClient(self._url, seconds=2.0) as connection:
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
            self.screen = connection.screen
