"""Reading a board: from Redis while Redis serves it, otherwise from PostgreSQL. A page is always of one instant."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import redis
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from common.core import metrics
from common.domain.details import Details, KnownDetails, PlayerVisibility
from common.domain.entries import BoardHead, Entry, Place, Places, Unlisted
from common.domain.pagination import FIRST, Page, Position, Selection, around, before
from common.domain.shown import Gate, Viewer
from common.domain.standing import BoardId, Standing, StandingKey
from common.postgres import engine as database
from common.postgres import history, people, score_places, standings, stored_boards
from common.postgres.history import History
from common.redis_store.board import Board, BoardNotServedError, fill_details, missing_details
from common.services.read_turns import ReadTurns, rebuilding
from common.services.single_flight import SingleFlight

log = structlog.get_logger(__name__)


READS_AT_ONCE = 4
"""The greatest number of simultaneous reads from PostgreSQL in a process, besides updates and logins."""

HISTORY_READS_AT_ONCE = 2
"""The same for periods that are over, which any client may request one after the other."""

LONGEST_READ_SECONDS = 1.5
"""The longest that the places of several users are looked for in PostgreSQL."""


class Leaderboard:
    """Reads boards for viewers and clients.

    Where neither Redis nor PostgreSQL can answer, SQLAlchemyError is raised; `rebuilding`, where Redis shows no board
    and too many ask PostgreSQL for it.
    """

    def __init__(self, board: Board, engine: Engine, gate: Gate) -> None:
        self._board = board
        self._engine = engine
        self._gate = gate
        self._database_reads = SingleFlight[Page]()
        self._reading = ReadTurns(READS_AT_ONCE)
        self._reading_history = ReadTurns(HISTORY_READS_AT_ONCE)
        self._history = History(engine)

    def page(
        self, board_id: str, period_id: str, limit: int, which: Selection, viewer: Viewer = Viewer.ANYBODY
    ) -> Page:
        """Return rows of one instant, as this viewer may see them."""
        found = self._stored_page(board_id, period_id, limit, which)
        if which.kind == "around" and viewer is Viewer.ANYBODY:
            found = self._around_shown_id(board_id, period_id, limit, which, found)
        return self._through_gate(board_id, found, viewer)

    def top(self, board_id: str, period_id: str, limit: int) -> BoardHead:
        """Return the first `limit` entries."""
        return self.page(board_id, period_id, limit, FIRST).rows

    def stored_top(self, board_id: str, period_id: str, limit: int) -> BoardHead:
        """Return the first `limit` entries as they are stored: none may be shown before `shown_entry` has seen it."""
        return self._stored_page(board_id, period_id, limit, FIRST).rows

    def shown_entry(self, board_id: str, entry: Entry, viewer: Viewer) -> Entry:
        """Return a stored entry as this viewer may see it."""
        return self._gate.shown(board_id, entry, viewer)

    def live_top(self, board_id: str, period_id: str, limit: int) -> BoardHead | None:
        """Return the first entries from Redis alone; None if Redis is away or does not serve the board."""
        found = self._live_page(board_id, period_id, limit, FIRST)
        return self._through_gate(board_id, found, Viewer.ANYBODY).rows if found else None

    def shown(self, board_id: str, entries: Iterable[Entry], viewer: Viewer = Viewer.ANYBODY) -> list[Entry]:
        """Return entries that were stored without details as this viewer may see them now.

        An entry of somebody who does not exist any more is nobody's.
        """
        stored = tuple(entries)
        with self._engine.connect() as connection:
            known = people.find_details(connection, {entry.user_id for entry in stored})
        unnamed = Details("-", visibility=PlayerVisibility.UNLISTED)
        found = (entry.with_details(known.get(entry.user_id, KnownDetails(unnamed)).details) for entry in stored)
        return [self._gate.shown(board_id, entry, viewer) for entry in found]

    def _through_gate(self, board_id: str, page: Page, viewer: Viewer) -> Page:
        entries = tuple(self._gate.shown(board_id, entry, viewer) for entry in page.rows.entries)
        return replace(page, rows=replace(page.rows, entries=entries))

    def _around_shown_id(self, board_id: str, period_id: str, limit: int, which: Selection, found: Page) -> Page:
        """Return the page around whoever is shown under the id that was asked for; `found` is around the player.

        A player who is not named is found by their stand-in, and by nothing else.
        """
        if found.found and _is_named(found, which.user_id):
            return found
        for user_id in self._gate.stand_ins.users(board_id, which.user_id):
            masked = self._stored_page(board_id, period_id, limit, around(user_id))
            if masked.found and not _is_named(masked, user_id):
                return masked
        return replace(found, rows=replace(found.rows, entries=()), start=0, found=False, positions=())

    def _stored_page(self, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
        found = self._live_page(board_id, period_id, limit, which)
        if found:
            return found
        if self._history.has_no_standings(board_id, period_id, datetime.now(UTC)):
            return history.empty_page(which)

        def read() -> Page:
            with self._database(board_id, period_id) as connection:
                read_page = score_places.page if which.kind == "around_score" else stored_boards.page
                return read_page(connection, board_id, period_id, limit, which)

        return self._database_reads.get((board_id, period_id, limit, which), read)

    def live_states(self, boards: Sequence[BoardId]) -> Mapping[BoardId, str | None]:
        """Return the versions of boards in Redis in one round trip; nothing if Redis is away."""
        try:
            return self._board.states_of(boards)[1]
        except redis.RedisError:
            return {}

    def live_sizes(self, boards: Sequence[BoardId]) -> Mapping[BoardId, int]:
        """Return how many players Redis holds of boards in one round trip; nothing if Redis is away."""
        try:
            return self._board.sizes(boards)
        except redis.RedisError:
            return {}

    def _live_page(self, board_id: str, period_id: str, limit: int, which: Selection) -> Page | None:
        try:
            page = self._board.page(board_id, period_id, limit, which)
        except (BoardNotServedError, redis.RedisError):
            metrics.CACHE_READS.labels("board", "miss").inc()
            return None
        metrics.CACHE_READS.labels("board", "hit").inc()
        return replace(page, rows=replace(page.rows, entries=self._with_details(page.rows.entries)))

    def place(self, board_id: str, period_id: str, user_id: str, viewer: Viewer = Viewer.ANYBODY) -> Place | None:
        """Return the place of a user; None for one who does not exist, is suspended, or is not named to the viewer."""
        place = self._stored_place(board_id, period_id, user_id)
        if place is None or place.details is None:
            return None
        return place if _is_known_to(viewer, place.details) else None

    def _stored_place(self, board_id: str, period_id: str, user_id: str) -> Place | None:
        try:
            place = self._board.places(board_id, period_id, [user_id]).of[user_id]
        except (BoardNotServedError, redis.RedisError):
            metrics.CACHE_READS.labels("board", "miss").inc()
            return self._place_in_database(board_id, period_id, user_id)
        metrics.CACHE_READS.labels("board", "hit").inc()
        if place.entry is None:
            return self._unranked(place)
        _count_details(hits=int(place.details is not None), misses=int(place.details is None))
        return place.with_details(place.details or self._fetch_details([user_id]).get(user_id))

    def _unranked(self, place: Place) -> Place | None:
        """Return the place of a user without a score; None if PostgreSQL has no such user or says they are suspended.

        While PostgreSQL is away, details in the cache of Redis are taken as proof that the user exists.
        """
        details = place.details
        try:
            with self._engine.connect() as connection:
                known = people.find_details(connection, [place.user_id]).get(place.user_id)
        except SQLAlchemyError:
            if not details:
                raise
        else:
            details = known.details if known and not known.is_suspended else None
        _count_details(hits=int(place.details is not None), misses=int(place.details is None))
        return replace(place, username=details.username, details=details) if details else None

    def own_place(self, board_id: str, period_id: str, user_id: str) -> Place | None:
        """Return the place of a user as they themselves see it; None for one who is suspended."""
        place = self._stored_place(board_id, period_id, user_id)
        if place is None:
            return None
        return self._own_views(board_id, period_id, [place]).get(user_id, place)

    def live_places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places | None:
        """Return their own places to known users, from Redis; None if it is away or does not serve the board.

        Who is unlisted is looked up in PostgreSQL; while that is away their places are missing.
        """
        places = self._live_places(board_id, period_id, user_ids)
        if places is None:
            return None
        of = places.of
        veiled = [place for place in of.values() if _is_veiled(place)]
        if not veiled:
            return places
        named = {user_id: place for user_id, place in of.items() if not _is_veiled(place)}
        try:
            return places._replace(of=named | self._own_views(board_id, period_id, veiled))
        except SQLAlchemyError as error:
            log.warning("unlisted_places_not_read", error=type(error).__name__)
            return places._replace(of=named)

    def _live_places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places | None:
        """Return the places of users with their details, from Redis; None if it is away or does not serve the board."""
        try:
            places = self._board.places(board_id, period_id, user_ids)
        except (BoardNotServedError, redis.RedisError):
            return None
        missing = [place.user_id for place in places.of.values() if not place.details]
        found = self._fetch_details(missing) if missing else {}
        return places._replace(
            of={user_id: place.with_details(found.get(user_id)) for user_id, place in places.of.items()}
        )

    def _own_views(self, board_id: str, period_id: str, places: Sequence[Place]) -> dict[str, Place]:
        """Return the places as their players see them: under which id they are listed, or what they would have."""
        views: dict[str, Place] = {}
        for place in places:
            visibility = place.details.visibility if place.details else PlayerVisibility.NAMED
            if visibility is PlayerVisibility.ANONYMOUS or (place.entry and visibility is PlayerVisibility.UNLISTED):
                listed_as = self._gate.stand_ins.of(board_id, place.user_id)
                views[place.user_id] = replace(place, listed_as=listed_as)
            elif visibility is PlayerVisibility.UNLISTED:
                views[place.user_id] = replace(place, unlisted=Unlisted(0, None, None))
        unlisted = [StandingKey(board_id, period_id, user_id) for user_id, view in views.items() if view.unlisted]
        if unlisted:
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                rows = stored_boards.read(connection, unlisted)
            for row in (row for row in rows if not row.is_empty):
                known = Unlisted(row.score, self._rank_before(row), row.updated_at, row.second or None)
                views[row.key.user_id] = replace(views[row.key.user_id], unlisted=known)
        return views

    def _rank_before(self, row: Standing) -> int:
        """Return the rank that a hidden standing would have on its board."""
        ahead = self._stored_page(*row.key.board, 1, before(Position(row.score, row.tiebreaker, row.second)))
        return ahead.rows.entries[-1].rank + 1 if ahead.rows.entries else 1

    def places(
        self,
        board_id: str,
        period_id: str,
        user_ids: Collection[str],
        viewer: Viewer = Viewer.ANYBODY,
        caller: str | None = None,
    ) -> Places:
        """Return the places of some users at one instant, as this viewer may see them; `caller` may see their own.

        Of one who does not exist, is not ranked, or is not named to the viewer, the entry is None.
        """
        found = self._stored_places(board_id, period_id, user_ids)
        viewers = {user_id: Viewer.INSIDER if user_id == caller else viewer for user_id in found.of}
        shown = {user_id: self._named_place(board_id, place, viewers[user_id]) for user_id, place in found.of.items()}
        return found._replace(of=shown)

    def _named_place(self, board_id: str, place: Place, viewer: Viewer) -> Place:
        """Return the place of a user who was asked for by id, without the entry that the viewer may not know."""
        entry = self._gate.shown(board_id, place.entry, viewer) if place.entry and place.details else None
        if entry is None or entry.user_id != place.user_id:
            return Place(place.user_id, "", place.total, None)
        return replace(place, entry=entry)

    def _stored_places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places:
        live = self._live_places(board_id, period_id, user_ids)
        if live:
            return live
        if self._history.has_no_standings(board_id, period_id, datetime.now(UTC)):
            return Places(standings.DATABASE_EPOCH, 0, {user_id: Place(user_id, "", 0, None) for user_id in user_ids})
        until = time.monotonic() + LONGEST_READ_SECONDS
        with self._database(board_id, period_id) as connection:
            head = stored_boards.top(connection, board_id, period_id, 1)
            known = people.find_details(connection, user_ids)
            place_of = stored_boards.places_of(connection, board_id, period_id)
            found = {}
            for user_id in user_ids:
                if time.monotonic() > until:
                    raise rebuilding()
                found[user_id] = (
                    place_of(user_id, known[user_id].details)
                    if user_id in known
                    else Place(user_id, "", head.total, None)
                )
        return Places(head.epoch, head.seq, found)

    def places_of(
        self, user_id: str, boards: Collection[BoardId], viewer: Viewer = Viewer.ANYBODY
    ) -> dict[BoardId, Place]:
        """Return the places of a user on those of these (board, period) where they are ranked, each of its own instant.

        They are those that this viewer may see. The cost follows the boards on which the user has scored, and not those
        that there are; Redis tells hundreds of them in one round trip.
        """
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            rows = stored_boards.read(connection, [StandingKey(*board, user_id) for board in boards])
            known = people.find_details(connection, [user_id]).get(user_id)
        if known is None or known.is_suspended or not _is_known_to(viewer, known.details):
            return {}
        scored_on = [row.key.board for row in rows if not row.hidden]
        found = self._live_places_on(scored_on, user_id)
        lacking = [board for board in scored_on if found.get(board) is None]
        places = {board: place.with_details(known.details) for board, place in found.items() if place and place.entry}
        return places | self._places_in_database(lacking, user_id, known.details)

    def _live_places_on(self, boards: Sequence[BoardId], user_id: str) -> Mapping[BoardId, Place | None]:
        """Return the places on these boards in Redis, None where it does not serve one; nothing if Redis is away."""
        try:
            found = self._board.places_on(boards, user_id)
        except redis.RedisError:
            found = {}
        hits = sum(place is not None for place in found.values())
        metrics.CACHE_READS.labels("board", "hit").inc(hits)
        metrics.CACHE_READS.labels("board", "miss").inc(len(boards) - hits)
        return found

    def _places_in_database(self, boards: Sequence[BoardId], user_id: str, details: Details) -> dict[BoardId, Place]:
        """Return the places on boards that Redis does not serve. Raises `rebuilding` where that takes too long."""
        found = {}
        until = time.monotonic() + LONGEST_READ_SECONDS
        for board in boards:
            if time.monotonic() > until:
                raise rebuilding()
            with self._database(*board) as connection:
                place = stored_boards.place(connection, *board, user_id, details)
            if place.entry:
                found[board] = place
        return found

    def is_known(self, user_id: str, viewer: Viewer = Viewer.ANYBODY) -> bool:
        """Return whether there is such a user whom this viewer may know of, and who is not suspended."""
        with self._engine.connect() as connection:
            known = people.find_details(connection, [user_id]).get(user_id)
        return known is not None and not known.is_suspended and _is_known_to(viewer, known.details)

    def _place_in_database(self, board_id: str, period_id: str, user_id: str) -> Place | None:
        has_no_standings = self._history.has_no_standings(board_id, period_id, datetime.now(UTC))
        with self._database(board_id, period_id) as connection:
            known = people.find_details(connection, [user_id]).get(user_id)
            if known is None or known.is_suspended:
                return None
            if has_no_standings:
                return Place(user_id, known.details.username, 0, None, known.details)
            return stored_boards.place(connection, board_id, period_id, user_id, known.details)

    @contextmanager
    def _database(self, board_id: str, period_id: str) -> Iterator[Connection]:
        """Open a connection for reads of one instant that Redis does not serve, when it is their turn (`ReadTurns`).

        Reads of old periods wait only for other reads of old periods. Raises `rebuilding` for whoever waits too long,
        also for a board that is too large to be read in time.
        """
        is_over = self._history.is_over(board_id, period_id, datetime.now(UTC))
        turns = self._reading_history if is_over else self._reading
        with turns.turn():
            try:
                with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                    yield connection
            except OperationalError as error:
                if database.was_too_slow(error):
                    raise rebuilding() from error
                raise

    def _with_details(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        missing = missing_details(entries)
        _count_details(hits=len(entries) - len(missing), misses=len(missing))
        return fill_details(entries, self._fetch_details(missing)) if missing else entries

    def _fetch_details(self, user_ids: list[str]) -> dict[str, Details]:
        """Read details from PostgreSQL, and cache them in Redis for an hour if Redis is there."""
        with self._engine.connect() as connection:
            known = people.find_details(connection, user_ids)
        try:
            self._board.remember_details(known)
        except redis.RedisError:
            log.warning("usernames_not_remembered", users=len(known))
        return {user_id: found.details for user_id, found in known.items()}


def _is_known_to(viewer: Viewer, details: Details) -> bool:
    """Return whether the viewer may know who this is."""
    return viewer is Viewer.INSIDER or details.visibility is PlayerVisibility.NAMED


def _is_veiled(place: Place) -> bool:
    """Return whether the player is another one on the board than in their own view, or not there."""
    return place.details is not None and place.details.visibility is not PlayerVisibility.NAMED


def _is_named(page: Page, user_id: str) -> bool:
    """Return whether the player around whom a page was read is named on it."""
    return any(entry.user_id == user_id and entry.visibility is PlayerVisibility.NAMED for entry in page.rows.entries)


def count_named_place() -> None:
    """Count, for the metrics, the place of a player that Redis has told, and their username with it."""
    metrics.CACHE_READS.labels("board", "hit").inc()
    _count_details(hits=1, misses=0)


def _count_details(*, hits: int, misses: int) -> None:
    metrics.CACHE_READS.labels("user_details", "hit").inc(hits)
    metrics.CACHE_READS.labels("user_details", "miss").inc(misses)
