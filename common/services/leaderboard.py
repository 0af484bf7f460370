"""Reading a board: from Redis while Redis serves it, otherwise from PostgreSQL. A page is always of one instant."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import BoundedSemaphore

import redis
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from common.contract.errors import ErrorCode, ScoreboardError
from common.core import metrics
from common.domain.entries import BoardHead, Entry, Place, Places
from common.domain.pagination import FIRST, Page, Selection
from common.domain.standing import BoardId
from common.postgres import engine as database
from common.postgres import history, standings, users
from common.postgres.history import History
from common.redis_store.board import Board, BoardNotServedError, fill_usernames, missing_usernames
from common.services.single_flight import SingleFlight

log = structlog.get_logger(__name__)


READS_AT_ONCE = 4
"""The greatest number of simultaneous reads from PostgreSQL in a process, besides updates and logins."""

HISTORY_READS_AT_ONCE = 2
"""The same for periods that are over, which any client may request one after the other."""

LONGEST_WAIT_SECONDS = 1.0


class Leaderboard:
    """Reads boards for viewers and clients.

    Where neither Redis nor PostgreSQL can answer, SQLAlchemyError is raised; `rebuilding`, where Redis shows no board
    and too many ask PostgreSQL for it.
    """

    def __init__(self, board: Board, engine: Engine) -> None:
        self._board = board
        self._engine = engine
        self._database_reads = SingleFlight[Page]()
        self._reading = BoundedSemaphore(READS_AT_ONCE)
        self._reading_history = BoundedSemaphore(HISTORY_READS_AT_ONCE)
        self._history = History(engine)

    def page(self, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
        """Return rows of one instant."""
        found = self._live_page(board_id, period_id, limit, which)
        if found:
            return found
        if self._history.has_no_standings(board_id, period_id, datetime.now(UTC)):
            return history.empty_page(which)

        def read() -> Page:
            with self._database(period_id) as connection:
                connection.execution_options(isolation_level="REPEATABLE READ")
                return standings.page(connection, board_id, period_id, limit, which)

        return self._database_reads.get((board_id, period_id, limit, which), read)

    def top(self, board_id: str, period_id: str, limit: int) -> BoardHead:
        """Return the first `limit` entries."""
        return self.page(board_id, period_id, limit, FIRST).rows

    def live_top(self, board_id: str, period_id: str, limit: int) -> BoardHead | None:
        """Return the first entries from Redis alone; None if Redis is away or does not serve the board."""
        found = self._live_page(board_id, period_id, limit, FIRST)
        return found.rows if found else None

    def live_states(self, boards: Sequence[BoardId]) -> Mapping[BoardId, str | None]:
        """Return the versions of boards in Redis in one round trip; nothing if Redis is away."""
        try:
            return self._board.states_of(boards)[1]
        except redis.RedisError:
            return {}

    def _live_page(self, board_id: str, period_id: str, limit: int, which: Selection) -> Page | None:
        try:
            page = self._board.page(board_id, period_id, limit, which)
        except (BoardNotServedError, redis.RedisError):
            metrics.CACHE_READS.labels("board", "miss").inc()
            return None
        metrics.CACHE_READS.labels("board", "hit").inc()
        return replace(page, rows=replace(page.rows, entries=self._with_names(page.rows.entries)))

    def place(self, board_id: str, period_id: str, user_id: str) -> Place | None:
        """Return the place of a user; None for a user who does not exist or is suspended."""
        try:
            place = self._board.places(board_id, period_id, [user_id]).of[user_id]
        except (BoardNotServedError, redis.RedisError):
            metrics.CACHE_READS.labels("board", "miss").inc()
            return self._place_in_database(board_id, period_id, user_id)
        metrics.CACHE_READS.labels("board", "hit").inc()
        if place.entry is None:
            return self._unranked(place)
        name = place.username or self._fetch_names([user_id]).get(user_id)
        _count_details(hits=int(bool(place.username)), misses=int(not place.username))
        return place.with_username(name) if name is not None else None

    def _unranked(self, place: Place) -> Place | None:
        """Return the place of a user without a score; None if PostgreSQL has no such user or says they are suspended.

        While PostgreSQL is away, a username in the cache of Redis is taken as proof that the user exists.
        """
        try:
            with self._engine.connect() as connection:
                name = users.find_visible_usernames(connection, [place.user_id]).get(place.user_id)
        except SQLAlchemyError:
            if not place.username:
                raise
            name = place.username
        _count_details(hits=int(bool(place.username)), misses=int(not place.username))
        return replace(place, username=name) if name is not None else None

    def live_places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places | None:
        """Return the places of known users from Redis alone; None if Redis is away or does not serve the board."""
        try:
            places = self._board.places(board_id, period_id, user_ids)
        except (BoardNotServedError, redis.RedisError):
            return None
        missing = [place.user_id for place in places.of.values() if not place.username]
        names = self._fetch_names(missing) if missing else {}
        return places._replace(
            of={user_id: place.with_username(names.get(user_id)) for user_id, place in places.of.items()}
        )

    def _place_in_database(self, board_id: str, period_id: str, user_id: str) -> Place | None:
        has_no_standings = self._history.has_no_standings(board_id, period_id, datetime.now(UTC))
        with self._database(period_id) as connection:
            name = users.find_visible_usernames(connection, [user_id]).get(user_id)
            if name is None:
                return None
            if has_no_standings:
                return Place(user_id, name, 0, None)
            return standings.place(connection, board_id, period_id, user_id, name)

    @contextmanager
    def _database(self, period_id: str) -> Iterator[Connection]:
        """Open a connection for reads that Redis does not serve; at most `READS_AT_ONCE` at a time.

        Reads of old periods wait only for other reads of old periods. Raises `rebuilding` for whoever waits too long,
        also for a board that is too large to be read in time.
        """
        turn = self._reading_history if history.is_over(period_id, datetime.now(UTC)) else self._reading
        if not turn.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise _rebuilding()
        try:
            with self._engine.connect() as connection:
                yield connection
        except OperationalError as error:
            if database.was_too_slow(error):
                raise _rebuilding() from error
            raise
        finally:
            turn.release()

    def _with_names(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        missing = missing_usernames(entries)
        _count_details(hits=len(entries) - len(missing), misses=len(missing))
        return fill_usernames(entries, self._fetch_names(missing)) if missing else entries

    def _fetch_names(self, user_ids: list[str]) -> dict[str, str]:
        """Read usernames from PostgreSQL, and cache them in Redis for an hour if Redis is there."""
        with self._engine.connect() as connection:
            names = users.find_usernames(connection, user_ids)
        try:
            self._board.remember_usernames(names)
        except redis.RedisError:
            log.warning("usernames_not_remembered", users=len(names))
        return names


def _rebuilding() -> ScoreboardError:
    return ScoreboardError(ErrorCode.REBUILDING, retry_after=1)


def _count_details(*, hits: int, misses: int) -> None:
    metrics.CACHE_READS.labels("user_details", "hit").inc(hits)
    metrics.CACHE_READS.labels("user_details", "miss").inc(misses)
