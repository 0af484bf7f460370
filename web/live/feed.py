"""The hub's source of changes: a message says only that a board changed; the board is then read once for all viewers.

A lost message costs at most a second, because watched boards are read that often anyway. Only a period that is long
over is read without a message once a minute: nothing but a suspension or a repair changes it.
"""

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import gevent
import orjson
import redis
import structlog
from gevent import Greenlet
from gevent.event import Event
from gevent.pool import Pool
from sqlalchemy.exc import SQLAlchemyError

from common.contract.constants import PERIOD_NAMES, SEASON
from common.core import metrics
from common.domain import periods
from common.domain.entries import BoardHead, Places
from common.domain.seasons import names_a_season
from common.domain.standing import BoardId
from common.redis_store import keys
from common.redis_store.client import Client, listen
from common.services import unlock_news
from common.services.leaderboard import Leaderboard
from common.services.revocations import Revocations
from web.live.group import Group
from web.live.heartbeats import Heartbeats
from web.live.hub import Hub
from web.live.unlocks import UnlockFeed

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.105
"""The least time between two frames of a board: changes in between are merged. It is a little more than a tenth of a
second, so that a viewer counts at most ten frames a second although their delays differ."""

POLL_SECONDS = 1.0
OVER_POLL_SECONDS = 60.0
LATE_UPDATES = timedelta(hours=1)
"""For this long after its end a period is read like an open one: updates accepted in it may still be on their way."""

BOARDS_AT_ONCE = 16
"""How many boards are read at the same time. They share one connection, and so mostly one round trip."""

SESSION_POLL_SECONDS = 10.0
"""The end of a session is noticed after at most this long if its message was lost."""

PLACES_PER_READ = 1000
FAN_OUT_SHARE = 4
"""A fan-out may take a quarter of the time; when it takes longer, frames are fewer."""

_LONGEST_PAUSE = 5.0


class Feed:
    """The loops of a process: they listen for news, send what changed, and check viewers and sessions."""

    def __init__(
        self,
        hub: Hub,
        leaderboard: Leaderboard,
        revocations: Revocations,
        listener: Client,
        heartbeats: Heartbeats,
        *,
        unlocks: UnlockFeed,
    ) -> None:
        self._hub = hub
        self._heartbeats = heartbeats
        self._leaderboard = leaderboard
        self._revocations = revocations
        self._listener = listener
        self._unlocks = unlocks
        self._changed: dict[BoardId, set[str]] = {}
        self._committed_at: dict[BoardId, int] = {}
        """When the first change was committed that no viewer has been sent, in Unix milliseconds."""
        self._news = Event()
        self._sessions_in_doubt = Event()
        self._held_until = 0.0
        self._loops: list[Greenlet[..., None]] = []
        self._further: list[Callable[[], None]] = []

    def add(self, turn: Callable[[], None]) -> None:
        """Add a loop to those that `start` starts."""
        self._further.append(turn)

    def start(self) -> None:
        """Start the loops, in the process that serves. Further calls do nothing."""
        if not self._loops:
            turns = (self._listen, self._show, self._check_viewers, self._check_sessions, *self._further)
            self._loops = [gevent.spawn(_run_loop, turn, self._heartbeats) for turn in turns]

    def expect_season(self) -> None:
        """Tell viewers soon of what has changed of a season."""
        self._news.set()

    def stop(self) -> None:
        """End the loops."""
        gevent.killall(self._loops)

    def expect_follower(self, group: Group) -> None:
        """Send a new follower their place soon, and check that their session is still live."""
        group.last_read_at = 0.0
        self._news.set()
        self._unlocks.expect()
        self._sessions_in_doubt.set()

    def _listen(self) -> None:
        with self._listener.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py
            subscription.subscribe(keys.UPDATES_CHANNEL, keys.SESSIONS_ENDED)
            for message in listen(subscription):
                self._heartbeats.beat(_name_of(self._listen))
                if message is None:
                    continue
                if message["type"] == "subscribe":  # subscribed first, read after: nothing falls in between
                    self._mark_all_due()
                    self._unlocks.owe_lists()
                    self._sessions_in_doubt.set()
                elif message["channel"] == keys.SESSIONS_ENDED:
                    self._hub.end_sessions([message["data"]])
                    continue
                else:
                    self._take_in(message["data"])
                self._news.set()

    def _take_in(self, message: str) -> None:
        try:
            news = orjson.loads(message)
            players = [str(user_id) for user_id in news["players"]]
            for board in news["boards"]:
                which = (board["board"], board["period"])
                self._changed.setdefault(which, set()).update(players)
                if "at" in news:
                    self._committed_at.setdefault(which, int(news["at"]))
            self._unlocks.take_in(unlock_news.in_news(news))
        except (ValueError, KeyError, TypeError):
            log.warning("live_message_not_understood")
            self._mark_all_due()

    def _mark_all_due(self) -> None:
        for group in self._hub.watched():
            group.last_read_at = 0.0

    def _show(self) -> None:
        """Send a change of an idle board at once, and one of a busy board at the end of its tick.

        A tick runs from the instant at which a read was due, so that a late read does not delay the next one. A read
        without changes starts none.
        """
        has_news = self._news.wait(POLL_SECONDS)
        due_at = time.monotonic()
        if has_news:
            due_at = max(due_at, self._held_until)
            gevent.sleep(max(0.0, due_at - time.monotonic()))
        self._news.clear()
        fan_out = self.look()
        if has_news or fan_out:
            self._held_until = due_at + max(TICK_SECONDS, FAN_OUT_SHARE * fan_out)

    def look(self) -> float:
        """Read each watched board that changed once, and send the changes. Returns the seconds that sending took."""
        changed, self._changed = self._changed, {}
        committed_at, self._committed_at = self._committed_at, {}
        now = datetime.now(UTC)
        due: list[tuple[BoardId, list[Group]]] = []
        polled: list[tuple[BoardId, list[Group]]] = []
        for board, groups in self._watched_boards(now).items():
            self._mark(groups, changed.get(board, ()))
            if board in changed or any(_is_due_at_once(group, board[1]) for group in groups):
                due.append((board, groups))
            elif any(_is_due(group, board[1], now) for group in groups):
                polled.append((board, groups))
        due += self._moved(polled)

        def look_at(one: tuple[BoardId, list[Group]]) -> float:
            return self._look_at(one, committed_at.get(one[0]))

        if len(due) == 1:
            return look_at(due[0])
        return sum(Pool(BOARDS_AT_ONCE).imap_unordered(look_at, due))

    def _moved(self, polled: list[tuple[BoardId, list[Group]]]) -> list[tuple[BoardId, list[Group]]]:
        """Return those boards that are not as they were sent; one round trip asks for the versions of all of them."""
        versions = self._leaderboard.live_states([board for board, _ in polled]) if polled else {}
        moved = []
        for board, groups in polled:
            version = versions.get(board)
            is_known = version is not None and all(group.version == version for group in groups)
            if version is None or not is_known or self._hub.followers.due_followers(groups, version):
                moved.append((board, groups))
                continue
            for group in groups:
                group.last_read_at = time.monotonic()
        return moved

    def _watched_boards(self, now: datetime) -> dict[BoardId, list[Group]]:
        current = dict(zip(PERIOD_NAMES, periods.ids_at(now), strict=True))
        boards: dict[BoardId, list[Group]] = {}
        for group in self._hub.watched():
            period_id = current.get(group.watch.period, group.watch.period)
            if period_id == SEASON:
                period_id = group.season_now.period_id if group.season_now else group.period_id
            boards.setdefault((group.watch.board_id, period_id), []).append(group)
        return boards

    def _look_at(self, due: tuple[BoardId, list[Group]], committed_at: int | None) -> float:
        """Read one board and send what changed. Returns the seconds that sending took.

        The first of the changes was committed at this instant (Unix ms), if that is known.
        """
        (board_id, period_id), groups = due
        top = self._read(board_id, period_id, groups)
        if not top:
            return 0.0
        fan_out = self._send_head(period_id, top, groups)
        if fan_out and committed_at is not None:
            metrics.SHOWN_SECONDS.observe(max(0.0, time.time() - committed_at / 1000))
        return fan_out + self._send_places(board_id, period_id, top.version, groups)

    def _mark(self, groups: list[Group], players: Collection[str]) -> None:
        for group in groups:
            self._hub.followers.mark(group, players)

    def _read(self, board_id: str, period_id: str, groups: list[Group]) -> BoardHead | None:
        """Read the head of a board; None if it cannot be read now. The poll reads it again, and other boards go on."""
        for group in groups:
            group.last_read_at = time.monotonic()
        try:
            return self._leaderboard.live_top(board_id, period_id, max(group.watch.limit for group in groups))
        except SQLAlchemyError as error:  # a username is read from PostgreSQL
            log.warning("live_board_not_read", board=board_id, period=period_id, error=type(error).__name__)
            return None

    def _send_head(self, period_id: str, top: BoardHead, groups: list[Group]) -> float:
        started = time.monotonic()
        frames = [(group, group.advance(period_id, top)) for group in groups]
        for group, frame in frames:
            if frame:
                metrics.FRAMES_SENT.inc()
                self._hub.broadcast(group, frame)
        return time.monotonic() - started if any(frame for _, frame in frames) else 0.0

    def _send_places(self, board_id: str, period_id: str, version: str, groups: list[Group]) -> float:
        """Send followers their own places, after the list itself. Returns the seconds that sending took."""
        told = 0.0
        wanting = self._hub.followers.due_followers(groups, version)
        for start in range(0, len(wanting), PLACES_PER_READ):
            some = wanting[start : start + PLACES_PER_READ]
            users = {follower.ticket.user_id for follower in some}
            places = self._read_places(board_id, period_id, users)
            if places:
                started = time.monotonic()
                self._hub.send_places(some, places)
                told += time.monotonic() - started
        return told

    def _read_places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places | None:
        try:
            return self._leaderboard.live_places(board_id, period_id, user_ids)
        except SQLAlchemyError as error:  # a username is read from PostgreSQL
            log.warning("live_places_not_read", board=board_id, period=period_id, error=type(error).__name__)
            return None

    def _check_sessions(self) -> None:
        """Close the streams of sessions that have ended, also if the message about that was lost."""
        self._sessions_in_doubt.wait(SESSION_POLL_SECONDS)
        self._sessions_in_doubt.clear()
        session_ids = self._hub.followers.sessions()
        if session_ids:
            self._hub.end_sessions(self._revocations.ended(session_ids))
        gevent.sleep(POLL_SECONDS)

    def _check_viewers(self) -> None:
        gevent.sleep(1.0)
        self._hub.beat(time.monotonic())


def _is_due_at_once(group: Group, period_id: str) -> bool:
    """Return whether a board has to be read whatever its version.

    It was asked for, its period has rolled over, or what viewers were told of its season is no longer so.
    """
    return group.last_read_at == 0.0 or group.period_id != period_id or group.has_other_season


def _is_due(group: Group, period_id: str, now: datetime) -> bool:
    """Return whether a board has to be read although no message said that it changed."""
    if group.period_id != period_id:
        return True
    ends_at = _end_of(period_id)
    every = OVER_POLL_SECONDS if ends_at and now - ends_at > LATE_UPDATES else POLL_SECONDS
    return time.monotonic() - group.last_read_at >= every


@lru_cache(maxsize=1024)
def _end_of(period_id: str) -> datetime | None:
    """Return when a period of the calendar ends; a season is polled like all time, whose id does not tell it either."""
    return None if names_a_season(period_id) else periods.parse(period_id).ends_at


def _name_of(turn: Callable[[], None]) -> str:
    """Return the name of a loop in metrics and logs."""
    return f"live {turn.__name__.strip('_').replace('_', ' ')}"


def _run_loop(turn: Callable[[], None], heartbeats: Heartbeats) -> None:
    """Run a loop for ever. After each failure in a row the pause before the next turn is longer."""
    pause = TICK_SECONDS
    while True:
        started = time.monotonic()
        try:
            turn()
            heartbeats.beat(_name_of(turn))
            pause = TICK_SECONDS
            continue
        except (redis.RedisError, SQLAlchemyError) as error:
            log.warning("live_feed_interrupted", loop=_name_of(turn), error=type(error).__name__)
        except Exception:
            log.exception("live_feed_failed", loop=_name_of(turn))
        if time.monotonic() - started > _LONGEST_PAUSE:
            pause = TICK_SECONDS  # the loop had worked for a while
        gevent.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 2)
