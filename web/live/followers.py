"""Viewers with a ticket, who are sent their own place too, as long as their session lives."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from common.domain.entries import Place
from common.redis_store.tickets import Ticket
from web.live import frames
from web.live.group import Group
from web.live.viewer import Viewer

RANK_SECONDS = 1.0
"""A rank that only others have changed is sent at most this often."""


@dataclass(eq=False)
class Follower:
    """A viewer with a ticket, and the place that was last sent to them."""

    viewer: Viewer
    group: Group
    ticket: Ticket
    is_due: bool = True
    """Whether something must be sent at once: the first place, a new score, another period."""
    period_id: str = ""
    version: str = ""
    read_at: float = 0.0
    last: Place | None = None
    is_owed_list: bool = True
    """Whether the list of what they have unlocked is still to be sent."""

    def wants(self, version: str, now: float) -> bool:
        """Return whether the place has to be read now that the board has this version."""
        if self.viewer.is_waiting or self.viewer.closing_reason:
            return False
        if self.is_due or self.period_id != self.group.period_id:
            return True
        return version != self.version and now - self.read_at >= RANK_SECONDS

    def take_in(self, place: Place, seq: int, version: str, now: float) -> bytes | None:
        """Store a place, and return the frame for the change since the last one; None if nothing changed."""
        before = self.last if self.period_id == self.group.period_id else None
        self.is_due, self.version, self.read_at = False, version, now
        self.period_id, self.last = self.group.period_id, place
        if before and before.is_told_as(place):
            return None
        return frames.me(place, before.entry.rank if before and before.entry else None, seq)


class Followers:
    """The followers of this process, by viewer."""

    def __init__(self) -> None:
        self._of: dict[Viewer, Follower] = {}
        self._in: dict[Group, dict[Viewer, Follower]] = {}
        self._by_user: dict[str, dict[Viewer, Follower]] = {}

    def add(self, viewer: Viewer, group: Group, ticket: Ticket) -> None:
        follower = Follower(viewer, group, ticket)
        self._of[viewer] = self._in.setdefault(group, {})[viewer] = follower
        self._by_user.setdefault(ticket.user_id, {})[viewer] = follower

    def forget(self, viewer: Viewer) -> None:
        """Remove a viewer. Does nothing for one without a ticket."""
        follower = self._of.pop(viewer, None)
        if follower:
            followers = self._in[follower.group]
            del followers[viewer]
            if not followers:
                del self._in[follower.group]
            same = self._by_user[follower.ticket.user_id]
            del same[viewer]
            if not same:
                del self._by_user[follower.ticket.user_id]

    def sessions(self) -> set[str]:
        """Return every session that has a follower."""
        return {follower.ticket.session_id for follower in self._of.values()}

    def in_sessions(self, session_ids: Collection[str]) -> list[Viewer]:
        return [viewer for viewer, follower in self._of.items() if follower.ticket.session_id in session_ids]

    def of_user(self, user_id: str) -> list[Follower]:
        """Return the followers of this process that are this user."""
        return list(self._by_user.get(user_id, {}).values())

    def owe_lists(self) -> None:
        """Let every follower wait for the list of what they have unlocked."""
        for follower in self._of.values():
            follower.is_owed_list = True

    def owed_lists(self) -> list[Follower]:
        """Return the followers that wait for it."""
        return [follower for follower in self._of.values() if follower.is_owed_list]

    def mark(self, group: Group, user_ids: Collection[str]) -> None:
        """Mark followers whose scores may have changed as due."""
        for follower in self._in.get(group, {}).values():
            if follower.ticket.user_id in user_ids:
                follower.is_due = True

    def due_followers(self, groups: Iterable[Group], version: str) -> list[Follower]:
        """Return the followers whose places have to be read now."""
        now = time.monotonic()
        return [
            follower
            for group in groups
            for follower in self._in.get(group, {}).values()
            if follower.wants(version, now)
        ]
