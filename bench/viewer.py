"""One viewer of the live socket, and how long an update takes to reach them at a given rate."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import websocket

from bench import claims, cpu, generator, load
from bench.delays import Seen, Sent, delays
from bench.generator import Driver, result_of
from bench.meter import NOT_HELD, OWN
from bench.place import Place
from bench.rows import Round, problem_of

_LIMIT = 100
_LAST_FRAME_SECONDS = 10.0
_CONNECTIONS = 32


class Viewer:
    """A viewer in a thread, who notes the scores of every frame and when it came."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(f"{url.replace('http', 'ws', 1)}/ws/scoreboard?limit={_LIMIT}")
        self.start = _scores(json.loads(self._socket.recv()))
        self.frames: list[Seen] = []
        self.scores = dict(self.start)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def wait_for(self, user_ids: Sequence[str], updates: int) -> None:
        """Wait until the frames show so many more points of these players in all, but not for long."""
        expected = sum(self.start[user_id] for user_id in user_ids) + updates
        deadline = time.monotonic() + _LAST_FRAME_SECONDS
        while sum(self.scores[user_id] for user_id in user_ids) < expected and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        """End the connection, and with it the thread, which may be waiting for a frame."""
        if self._socket.sock:
            self._socket.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # websocket-client

    def _watch(self) -> None:
        with suppress(websocket.WebSocketException, OSError):
            while text := self._socket.recv():
                frame = Seen(time.monotonic(), _scores(json.loads(text)))
                self.frames.append(frame)
                self.scores.update(frame.scores)


def measure(place: Place, per_second: float, seconds: float) -> Round:
    """Send updates at a rate and measure from when each was due to the frame that shows it."""
    planned = max(1, round(per_second * seconds))
    requests = claims.updates(place.players, planned, waits=False)
    users = [player.user_id for player in place.players]
    with _viewer(place) as viewer:
        before = cpu.read(place.product.kinds())
        driven = Driver(generator.paced(place.product.port, requests, _CONNECTIONS, per_second)).finish()
        count = len(driven.latencies)
        place.product.wait_until_applied()
        viewer.wait_for(users, count)
        used = cpu.between(before, cpu.read(place.product.kinds()))
        frames = tuple(viewer.frames)
    sent = [Sent(users[n % len(users)], driven.began + n / per_second) for n in range(count)]
    found = sorted(delays(viewer.start, sent, frames))
    result = result_of(driven)
    missing = f"the viewer has not seen {count - len(found)} updates" if len(found) < count else ""
    return Round(
        per_second=result.per_second,
        compares=False,
        p50=load.percentile(found or [0.0], 50),
        p99=load.percentile(found or [0.0], 99),
        cpu=cpu.per_request(used, count),
        statuses=result.statuses,
        generator=OWN,
        note=NOT_HELD if count < planned else "",
        problem=problem_of(result.statuses, [202], result.failures) or missing,
    )


@contextmanager
def _viewer(place: Place) -> Iterator[Viewer]:
    viewer = Viewer(place.product.url)
    try:
        yield viewer
    finally:
        viewer.close()


def _scores(message: dict[str, list[dict[str, object]]]) -> dict[str, int]:
    return {str(entry["userId"]): int(str(entry["score"])) for entry in message.get("entries", [])}
