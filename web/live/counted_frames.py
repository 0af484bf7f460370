"""The protocol of a viewer's connection, which counts every frame that comes and stops at the greatest number."""

from collections.abc import Iterator

from wsproto.connection import Connection
from wsproto.events import Event

MOST_FRAMES = 100
"""The greatest number of frames that a viewer may send between two counts (10 s)."""


class TooManyFramesError(Exception):
    """A viewer has sent more frames than a viewer has to say."""


class CountedFrames:
    """A wsproto connection for simple-websocket, which goes through `events` after each `receive_data`.

    Frames are parsed one by one as they are asked for, so those after the last one allowed cost nothing.
    """

    __slots__ = ("_connection", "count", "receive_data", "send")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.receive_data = connection.receive_data
        self.send = connection.send
        self.count = 0

    def events(self) -> Iterator[Event]:
        """Yield the events of the data that was received. Raises TooManyFramesError."""
        for event in self._connection.events():
            self.count_one()
            yield event

    def count_one(self) -> None:
        """Count a frame, or data that completes none. Raises TooManyFramesError."""
        self.count += 1
        if self.count > MOST_FRAMES:
            raise TooManyFramesError
