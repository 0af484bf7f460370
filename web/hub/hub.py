"""The viewers of this process: who may come, who sees what, who is still there, and how everybody leaves."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import gevent
import orjson
import structlog
from simple_websocket import Server

from common import metrics
from common.entries import Top
from common.errors import ErrorCode, ScoreboardError
from web.hub import frames
from web.hub.group import Group, Watch
from web.hub.viewer import Viewer

log = structlog.get_logger(__name__)

QUIET_SECONDS = 25.0
"""Without a message for this long a viewer gets a heartbeat; without a sign of it, a ping, and then the end."""

STALLED_SECONDS = 10.0
GOODBYE_SECONDS = 2.0
MESSAGES_PER_BEAT = 100
"""What a viewer may say between two counts (10 s)."""

_COUNTED_EVERY = 10
_FAREWELL_SLICE = 100


@dataclass
class Slot:
    """A place that was given to a request before its handshake."""

    group: Group
    address: str
    is_taken: bool = False


class Hub:
    """Groups of viewers. Give each method the time to finish: none of them waits, but for `stop`."""

    def __init__(self, *, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._groups: dict[Watch, Group] = {}
        self._group_of: dict[Viewer, Group] = {}
        self._leaving: set[Viewer] = set()
        self._by_address: Counter[str] = Counter()
        self._beats = 0
        self.is_closing = False

    # -- coming ----------------------------------------------------------------------------------------------------

    def admit(self, watch: Watch, address: str, period_id: str, top: Top) -> Slot:
        """Reserve a place. Raises `too_many_connections` or `dependency_unavailable` when there is none.

        `top` is what to show if nobody watches this yet.
        """
        if self.is_closing:
            raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, "This server is restarting.", None, 1)
        if self._by_address.total() >= self._most:
            raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, "All places for viewers are taken.", None, 10)
        if self._by_address[address] >= self._most_per_address:
            message = "Too many live connections from this address."
            raise ScoreboardError(ErrorCode.TOO_MANY_CONNECTIONS, message, None, 10)
        group = self._groups.setdefault(watch, Group(watch, period_id, top))
        group.expected += 1
        self._by_address[address] += 1
        return Slot(group, address)

    def is_watched(self, watch: Watch) -> bool:
        return watch in self._groups

    def adopt(self, ws: Server, slot: Slot, since: str | None) -> None:
        """Take a connection over from its request, which may then end."""
        viewer = Viewer(self, ws, slot.address)
        slot.is_taken = True
        slot.group.expected -= 1
        slot.group.viewers.add(viewer)
        self._group_of[viewer] = slot.group
        metrics.VIEWERS.inc()
        viewer.send(slot.group.welcome(since))
        viewer.listen()

    def give_back(self, slot: Slot) -> None:
        """The handshake came to nothing."""
        if not slot.is_taken:
            slot.is_taken = True
            slot.group.expected -= 1
            self._vacate(slot.group, slot.address)

    # -- seeing ----------------------------------------------------------------------------------------------------

    def watched(self) -> Iterator[Group]:
        """The groups that somebody watches, as of now."""
        return iter(tuple(self._groups.values()))

    def broadcast(self, group: Group, frame: bytes) -> None:
        """The same bytes to everybody. One who has not read the last ones gets a snapshot when they have."""
        group.told_at = time.monotonic()
        for viewer in tuple(group.viewers):
            if viewer.is_waiting:
                viewer.behind = True
            else:
                viewer.send(frame)

    def caught_up(self, viewer: Viewer) -> None:
        if viewer.behind:
            viewer.behind = False
            viewer.send(self._group_of[viewer].snapshot)

    def heard(self, viewer: Viewer, text: str | bytes) -> None:
        """The one message that is understood asks for a snapshot."""
        viewer.messages += 1
        if viewer.messages > MESSAGES_PER_BEAT:
            self._see_off(viewer, frames.POLICY, "too many messages")
        elif _asks_for_resync(text):
            if viewer.is_waiting:
                viewer.behind = True
            else:
                viewer.send(self._group_of[viewer].snapshot)

    # -- staying ---------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Once a second: heartbeats and pings, and an end to those who are gone or do not read."""
        now = time.monotonic()
        self._beats += 1
        for viewer, group in tuple(self._group_of.items()):
            if self._beats % _COUNTED_EVERY == 0:
                viewer.messages = 0
            self._look_after(viewer, group, now)
        for viewer in tuple(self._leaving):
            if now - viewer.left_at > GOODBYE_SECONDS:
                viewer.reset(viewer.leaving_for) if viewer.is_waiting else viewer.drop(viewer.leaving_for)

    def _look_after(self, viewer: Viewer, group: Group, now: float) -> None:
        if viewer.leaving_for:
            self._leaving.add(viewer)
        elif viewer.is_waiting:
            if now - viewer.stalled_at > STALLED_SECONDS:
                viewer.reset("stalled")
        elif now - viewer.heard_at > 2 * QUIET_SECONDS:
            self._see_off(viewer, frames.PING_TIMEOUT, "ping timeout")
        else:
            if now - viewer.heard_at > QUIET_SECONDS and not viewer.pinged:
                viewer.pinged = True
                viewer.send(frames.PING)
            if now - max(viewer.told_at, group.told_at) > QUIET_SECONDS:
                viewer.told_at = now
                viewer.send(frames.HEARTBEAT)

    # -- leaving ---------------------------------------------------------------------------------------------------

    def ended(self, viewer: Viewer, reason: str) -> None:
        group = self._group_of.pop(viewer)
        self._leaving.discard(viewer)
        group.viewers.discard(viewer)
        self._vacate(group, viewer.address)
        metrics.VIEWERS.dec()
        metrics.VIEWERS_ENDED.labels(reason).inc()

    def failed(self, viewer: Viewer, error: Exception) -> None:
        log.error("viewer_failed", address=viewer.address, exc_info=error)

    def stop(self) -> None:
        """Tell everybody to come back later, in slices over two seconds so that they do not all come at once."""
        self.is_closing = True
        viewers = tuple(self._group_of)
        slices = max(1, -(-len(viewers) // _FAREWELL_SLICE))
        for start in range(0, len(viewers), _FAREWELL_SLICE):
            for viewer in viewers[start : start + _FAREWELL_SLICE]:
                self._see_off(viewer, frames.RESTART, "restart")
            gevent.sleep(GOODBYE_SECONDS / slices if slices > 1 else 0)
        deadline = time.monotonic() + 1.0
        while self._group_of and time.monotonic() < deadline:
            gevent.sleep(0.02)

    def _see_off(self, viewer: Viewer, code: int, reason: str) -> None:
        self._leaving.add(viewer)
        viewer.leave(frames.close_frame(code, reason), reason)

    def _vacate(self, group: Group, address: str) -> None:
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        if group.is_deserted:
            self._groups.pop(group.watch, None)


def _asks_for_resync(text: str | bytes) -> bool:
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(message, dict) and message.get("type") == "resync"
