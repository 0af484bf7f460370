"""What a feed reads from: a leaderboard, a Redis that is away, and sessions that are over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import gevent
import redis
from sqlalchemy import Engine

from common.domain.entries import BoardHead, Entry, Place, Places
from common.postgres.catalogue import CatalogueCache
from common.redis_store.client import Client
from common.services.leaderboard import Leaderboard
from common.services.revocations import Revocations
from web.live.feed import Feed
from web.live.heartbeats import Heartbeats
from web.live.hub import Hub
from web.live.unlocks import UnlockFeed


@dataclass
class FakeLeaderboard:
    """Heads by (board, period id); an exception is raised, None is a board that is not served."""

    heads: dict[tuple[str, str], BoardHead | Exception | None]
    scores: dict[str, int] = field(default_factory=dict)
    """Of those who are asked for by id; who is missing is not ranked."""
    tells_versions: bool = False
    """Whether it says of which version a board is, so that one that has not moved need not be read."""

    def live_states(self, boards: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
        heads = {board: self.heads.get(board) for board in boards} if self.tells_versions else {}
        return {board: head.version for board, head in heads.items() if isinstance(head, BoardHead)}

    def live_places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places | None:
        head = self.heads[board_id, period_id]
        assert isinstance(head, BoardHead)
        self.places_read += len(user_ids)
        order = sorted(self.scores, key=lambda user_id: -self.scores[user_id])
        of = {user_id: Place(user_id, user_id, len(order), None) for user_id in user_ids}
        for rank, user_id in enumerate(order, start=1):
            if user_id in of:
                entry = Entry(user_id, user_id, self.scores[user_id], rank, 0)
                of[user_id] = replace(of[user_id], entry=entry)
        return Places(head.epoch, head.seq, of)

    def __post_init__(self) -> None:
        self.reads: list[tuple[str, str, int]] = []
        self.places_read = 0

    def live_top(self, board_id: str, period_id: str, limit: int) -> BoardHead | None:
        self.reads.append((board_id, period_id, limit))
        found = self.heads.get((board_id, period_id))
        if isinstance(found, Exception):
            raise found
        return found


class SlowLeaderboard(FakeLeaderboard):
    """One whose reads give way to others, and that counts how many there were at the same time."""

    at_once = most_at_once = 0

    def live_top(self, board_id: str, period_id: str, limit: int) -> BoardHead | None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        gevent.sleep(0.001)
        self.at_once -= 1
        return super().live_top(board_id, period_id, limit)


class NoNews:
    """A Redis that is never there."""

    def __init__(self) -> None:
        self.attempts = 0

    def pubsub(self) -> None:
        self.attempts += 1
        raise redis.ConnectionError("away")


class FakeRevocations:
    """Sessions that are over."""

    def __init__(self, *over: str) -> None:
        self.over = set(over)

    def ended(self, session_ids: Collection[str]) -> set[str]:
        return self.over & set(session_ids)


def feed_of(hub: Hub, board: FakeLeaderboard, listener: object = None, *over: str) -> Feed:
    revocations = cast(Revocations, FakeRevocations(*over))
    unlocks = UnlockFeed(hub, cast(Engine, None), cast(CatalogueCache, None))
    leaderboard, redis_client = cast(Leaderboard, board), cast(Client, listener)
    return Feed(hub, leaderboard, revocations, redis_client, Heartbeats(), unlocks=unlocks)
