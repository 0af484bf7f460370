"""The viewers of this process: admission, what each is sent, heartbeats and pings, and closing."""

import socket
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import gevent
import orjson
import structlog
from gevent import Greenlet

from common.contract.errors import ErrorCode, ScoreboardError
from common.core import metrics
from common.domain.boards import Visibility
from common.domain.entries import BoardHead, Places
from common.domain.seasons import Season
from common.redis_store.tickets import Ticket
from web.live import frames
from web.live.connection_limits import TRY_AGAIN_SECONDS, ConnectionLimits
from web.live.followers import Follower, Followers
from web.live.group import Group, Watch
from web.live.viewer import Viewer

log = structlog.get_logger(__name__)

QUIET_SECONDS = 25.0
"""After this long without a message a viewer is sent a heartbeat; a silent one is sent a ping, and then dropped."""

STALLED_SECONDS = 10.0
CLOSE_TIMEOUT_SECONDS = 2.0
_COUNTED_EVERY = 10
_SHUTDOWN_STEPS = 100
_LAST_WAIT_SECONDS = 0.5


@dataclass(eq=False)
class Slot:
    """A connection that was admitted before its handshake, with the group that its viewer will join."""

    address: str
    group: Group | None = None
    ticket: Ticket | None = None
    is_resolved: bool = False


class Hub:
    """Groups of viewers. No method but `stop` waits, so each of them is atomic in the event loop."""

    def __init__(self, *, most: int, most_per_address: int, most_groups: int) -> None:
        self._most_groups = most_groups
        self._limits = ConnectionLimits(most=most, most_per_address=most_per_address)
        self._groups: dict[Watch, Group] = {}
        self._group_of: dict[Viewer, Group] = {}
        self._closing: set[Viewer] = set()
        self.followers = Followers()
        self._beats = 0
        self._shutdown: Greenlet[[], None] | None = None

    # -- coming ----------------------------------------------------------------------------------------------------

    def reserve(self, address: str) -> Slot:
        """Admit a connection. Raises `too_many_connections` or `dependency_unavailable` if a limit is reached."""
        if self._shutdown:
            raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, "This server is restarting.", retry_after=1)
        self._limits.acquire(address)
        return Slot(address)

    def is_watched(self, watch: Watch) -> bool:
        return watch in self._groups

    def check_room(self, watch: Watch) -> None:
        """Raise `dependency_unavailable` if this would be one group of viewers more than the process may have."""
        if watch not in self._groups and len(self._groups) >= self._most_groups:
            metrics.GROUPS_REFUSED.inc()
            message = "Too many different lists are watched; those that somebody watches already are open."
            raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, message, retry_after=TRY_AGAIN_SECONDS)

    def open(self, watch: Watch, period_id: str, top: BoardHead, season: Season | None = None) -> None:
        """Open a group with this head, unless there is one already. Raises `dependency_unavailable`, see above."""
        self.check_room(watch)
        if watch not in self._groups:
            self._groups[watch] = Group(watch, period_id, top, season)
            metrics.GROUPS.inc()

    def expect(self, slot: Slot, watch: Watch, visibility: Visibility) -> None:
        """Keep an open group until the viewer of this slot, admitted under this visibility, is connected."""
        slot.group = self._groups[watch]
        slot.group.admit(visibility)

    def adopt(self, connection: socket.socket, slot: Slot, since: str | None, before: bytes = b"") -> None:
        """Take a connection over from its request, which ends afterwards. `before` is sent ahead of the first frame."""
        if slot.group is None:
            raise RuntimeError("a slot without a group")
        viewer = Viewer(self, connection, slot.address)
        slot.is_resolved = True
        slot.group.expected -= 1
        slot.group.viewers.add(viewer)
        self._group_of[viewer] = slot.group
        metrics.VIEWERS.inc()
        metrics.VIEWERS_OF_BOARD.labels(slot.group.watch.board_id).inc()
        if slot.ticket:
            self.followers.add(viewer, slot.group, slot.ticket)
        is_over = self._groups.get(slot.group.watch) is not slot.group
        viewer.send(before if is_over else before + slot.group.welcome(since))
        viewer.listen()
        if self._shutdown:
            self._close(viewer, frames.RESTART, "restart")
        elif is_over:
            self._close(viewer, frames.POLICY, "board_not_public")

    def release(self, slot: Slot) -> None:
        """Release a slot whose handshake failed. Does nothing for a slot whose viewer came."""
        if slot.is_resolved:
            return
        slot.is_resolved = True
        self._limits.release(slot.address)
        if slot.group:
            slot.group.expected -= 1
            self._forget_if_deserted(slot.group)

    # -- seeing ----------------------------------------------------------------------------------------------------

    def watched(self) -> Iterator[Group]:
        """Return the groups that have viewers now."""
        return iter(tuple(self._groups.values()))

    def broadcast(self, group: Group, frame: bytes) -> None:
        """Send the same bytes to all viewers. One that has not read the last frame gets a snapshot once it has."""
        group.last_sent_at = time.monotonic()
        for viewer in tuple(group.viewers):
            if viewer.is_waiting:
                viewer.needs_snapshot = True
            else:
                self._send(viewer, frame)

    def send_places(self, followers: Iterable[Follower], places: Places) -> None:
        """Send each follower their own place if it changed."""
        now = time.monotonic()
        for follower in followers:
            place = places.of.get(follower.ticket.user_id)  # some need PostgreSQL, which may be away
            frame = follower.take_in(place, places.seq, places.version, now) if place else None
            if frame:
                self._send(follower.viewer, frame)

    def tell(self, follower: Follower, frame: bytes) -> None:
        """Send a follower what is for them alone."""
        self._send(follower.viewer, frame)

    def _send(self, viewer: Viewer, frame: bytes) -> None:
        try:
            viewer.send(frame)
        except Exception as error:
            self.on_failed(viewer, error)

    def on_drained(self, viewer: Viewer) -> None:
        if viewer.needs_snapshot:
            viewer.needs_snapshot = False
            viewer.send(self._group_of[viewer].snapshot)

    def on_messages(self, viewer: Viewer, messages: list[str | bytes]) -> None:
        """Handle messages of a viewer. The only known message asks for a snapshot."""
        if any(map(_asks_for_resync, messages)):
            viewer.needs_snapshot = True
            if not viewer.is_waiting:
                self.on_drained(viewer)

    def on_too_many_frames(self, viewer: Viewer) -> None:
        self._close(viewer, frames.POLICY, "too_many_messages")

    # -- staying ---------------------------------------------------------------------------------------------------

    def beat(self, now: float) -> None:
        """Send heartbeats and pings, and drop viewers that are gone or do not read. Called once a second."""
        self._beats += 1
        for viewer, group in tuple(self._group_of.items()):
            if self._beats % _COUNTED_EVERY == 0:
                viewer.forget_frames()
            try:
                self._check_viewer(viewer, group, now)
            except Exception as error:
                self.on_failed(viewer, error)
        for viewer in tuple(self._closing):
            if now - viewer.closing_since > CLOSE_TIMEOUT_SECONDS:
                viewer.reset(viewer.closing_reason) if viewer.is_waiting else viewer.drop(viewer.closing_reason)

    def _check_viewer(self, viewer: Viewer, group: Group, now: float) -> None:
        if viewer.closing_reason:
            self._closing.add(viewer)
        elif viewer.is_waiting:
            if now - viewer.stalled_at > STALLED_SECONDS:
                viewer.reset("stalled")
        elif now - viewer.last_received_at > 2 * QUIET_SECONDS:
            self._close(viewer, frames.PING_TIMEOUT, "ping_timeout")
        else:
            if now - viewer.last_received_at > QUIET_SECONDS and not viewer.pinged:
                viewer.pinged = True
                viewer.send(frames.PING)
            if now - max(viewer.last_sent_at, group.last_sent_at) > QUIET_SECONDS:
                viewer.last_sent_at = now
                viewer.send(frames.HEARTBEAT)

    # -- leaving ---------------------------------------------------------------------------------------------------

    def on_closed(self, viewer: Viewer, reason: str) -> None:
        group = self._group_of.pop(viewer)
        self.followers.forget(viewer)
        self._closing.discard(viewer)
        group.viewers.discard(viewer)
        self._limits.release(viewer.address)
        self._forget_if_deserted(group)
        metrics.VIEWERS.dec()
        metrics.VIEWERS_OF_BOARD.labels(group.watch.board_id).dec()
        metrics.VIEWERS_ENDED.labels(reason).inc()

    def end_sessions(self, session_ids: Collection[str]) -> None:
        """Close the viewers that came with a ticket of these sessions."""
        for viewer in self.followers.in_sessions(session_ids):
            self._close(viewer, frames.POLICY, "session_ended")

    def end_group(self, group: Group) -> None:
        """Close all viewers of a group, and those that are admitted to it and not connected yet once they are.

        Whoever asks for the same from now on opens another group.
        """
        if self._groups.get(group.watch) is group:
            del self._groups[group.watch]
            metrics.GROUPS.dec()
        for viewer in tuple(group.viewers):
            self._close(viewer, frames.POLICY, "board_not_public")

    def on_failed(self, viewer: Viewer, error: Exception) -> None:
        """Drop a viewer whose connection failed, and nobody else."""
        log.error("viewer_failed", address=viewer.address, exc_info=error)
        viewer.drop("error")

    def stop(self) -> None:
        """Close all viewers with code 1012, and wait until they are gone, for less than three seconds.

        Nobody is admitted after the first call. A further call waits for the same end.
        """
        if not self._shutdown:
            self._shutdown = gevent.spawn(self._close_all)
        self._shutdown.join()

    def _close_all(self) -> None:
        """Close all viewers, evenly over two seconds, so that they do not all reconnect at once."""
        viewers = tuple(self._group_of)
        at_once = max(1, len(viewers) // _SHUTDOWN_STEPS)
        started = time.monotonic()
        for number, viewer in enumerate(viewers):
            if number % at_once == 0:
                due_at = started + CLOSE_TIMEOUT_SECONDS * number / len(viewers)
                gevent.sleep(max(0.0, due_at - time.monotonic()))
            self._close(viewer, frames.RESTART, "restart")
        deadline = time.monotonic() + _LAST_WAIT_SECONDS
        while self._group_of and time.monotonic() < deadline:
            gevent.sleep(0.02)

    def _close(self, viewer: Viewer, code: int, reason: str) -> None:
        """Close a viewer. `reason` is a value of the metric's label; the viewer reads it as words."""
        if viewer in self._group_of:
            self._closing.add(viewer)
            viewer.close_gracefully(frames.close_frame(code, reason.replace("_", " ")), reason)

    def _forget_if_deserted(self, group: Group) -> None:
        if group.is_deserted and self._groups.get(group.watch) is group:
            del self._groups[group.watch]
            metrics.GROUPS.dec()


def _asks_for_resync(text: str | bytes) -> bool:
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(message, dict) and message.get("type") == "resync"
