"""The boards in Redis: reads of pages and places, and the projection that writes standings to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, cast

from common.domain.details import Details, KnownDetails, PlayerVisibility
from common.domain.entries import BoardHead, Entry, Place, Places, with_places
from common.domain.pagination import Page, Position, Selection
from common.domain.ranking import PLAIN, Order, second_of, tiebreaker_of, user_of
from common.domain.standing import BoardId, Moved, Standing
from common.redis_store import keys
from common.redis_store.client import Client, call_all, script
from common.redis_store.keys import BoardKeys

ROWS_PER_CALL = 100
"""Redis does nothing else while a call lasts: so many rows take it a few milliseconds (docs/scaling.md)."""

PLACES_AT_ONCE = 500
"""Boards on which the place of a player is read in one round trip; each is a call of its own, of some 20 µs."""

AT_ONCE = 200
"""Boards whose commands go in one round trip."""

DETAILS_TTL_SECONDS = 3600
_DETAILS_PREFIX, _DETAILS_SUFFIX = keys.user_details("|").split("|")


@dataclass(frozen=True)
class Projected:
    """The result of a projection: the board's new seq, and the moves by user id if they were asked for."""

    seq: int
    moves: Mapping[str, Moved]


NotServed = Literal["rebuilding", "absent"]
"""Why rows are not on a board: they went to the rebuild under way, or Redis has lost the board."""


State = tuple[int, int, int]
"""Score, tiebreaker and second score of a player, 0 where a board has none."""


class BoardNotServedError(Exception):
    """Redis does not serve the board: it is missing, incomplete, being rebuilt, or was filled on another server."""


class Board:
    """All boards of one Redis server."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._read_page = script(client, "read_page")
        self._read_players = script(client, "read_players")
        self._read_standings = script(client, "read_standings")
        self._project = script(client, "project")
        self._is_served = script(client, "is_served")
        self._remember_details = script(client, "remember_details")
        self._touch = script(client, "touch")

    def page(self, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
        """Return up to `limit` rows. Where the cache does not hold the details, the username is empty.

        Raises BoardNotServedError.
        """
        of = BoardKeys(board_id, period_id)
        arguments = [limit, _DETAILS_PREFIX, _DETAILS_SUFFIX, which.kind, *_place_of(which)]
        reply = self._read_page(keys=[of.scores, of.members, of.meta], args=arguments)
        if not reply:
            raise BoardNotServedError(of.scores)
        epoch, seq, at, ascending, second, total, found, start, first_place, *cells = reply
        order = _order(ascending, second)
        rows = list(zip(cells[0::4], cells[1::4], cells[2::4], cells[3::4], strict=True))
        entries = tuple(
            _entry(
                user_of(member),
                (int(score), rank, _updated_at(info), second_of(member, order), None),
                details_in(cached),
            )
            for rank, (member, score, info, cached) in enumerate(rows, start=start + 1)
        )
        positions = tuple(
            Position(entry.score, tiebreaker_of(row[0], ascending=order.ascending), entry.second or 0)
            for entry, row in zip(entries, rows, strict=True)
        )
        if first_place:
            entries = with_places(entries, first_place)
        head = BoardHead(epoch, int(seq), int(at), total, entries)
        return Page(head, start, bool(found), positions, found if which.kind == "around_score" else None)

    def places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places:
        """Return the places of players at one instant, without details that the cache does not hold.

        Raises BoardNotServedError.
        """
        of = BoardKeys(board_id, period_id)
        arguments = [_DETAILS_PREFIX, _DETAILS_SUFFIX, *user_ids]
        reply = self._read_players(keys=[of.scores, of.members, of.meta], args=arguments)
        if not reply:
            raise BoardNotServedError(of.scores)
        return _places(user_ids, reply)

    def places_on(self, boards: Sequence[BoardId], user_id: str) -> dict[BoardId, Place | None]:
        """Return the place of a player on each of these boards, without details that the cache does not hold.

        A board that Redis does not serve has None. `PLACES_AT_ONCE` boards take one round trip.
        """
        found: dict[BoardId, Place | None] = {}
        for start in range(0, len(boards), PLACES_AT_ONCE):
            some = boards[start : start + PLACES_AT_ONCE]
            named = (BoardKeys(*board) for board in some)
            calls = [(3, of.scores, of.members, of.meta, _DETAILS_PREFIX, _DETAILS_SUFFIX, user_id) for of in named]
            replies = call_all(self._client, self._read_players, calls)
            found |= {
                board: _places([user_id], reply).of[user_id] if reply else None
                for board, reply in zip(some, replies, strict=True)
            }
        return found

    def project(
        self, boards: Sequence[Sequence[Standing]], committed_at: int, moves_of: Collection[BoardId]
    ) -> list[Projected | NotServed]:
        """Write rows to several boards in one round trip: one group of rows and one result for each.

        The rows must be committed. Rows for a board that is not served need not be sent again: its rebuild includes
        them. `moves_of` names the boards whose moves are returned.
        """
        calls: list[tuple[str | int, ...]] = []
        owners: list[int] = []
        for index, rows in enumerate(boards):
            of = BoardKeys(*rows[0].key.board)
            wanted = int(rows[0].key.board in moves_of)
            for start in range(0, len(rows), ROWS_PER_CALL):
                values = script_values(rows[start : start + ROWS_PER_CALL])
                calls.append((4, of.scores, of.members, of.meta, of.rebuilding, committed_at, wanted, *values))
                owners.append(index)
        replies: list[list[list[Any]]] = [[] for _ in boards]
        for index, reply in zip(owners, call_all(self._client, self._project, calls), strict=True):
            replies[index].append(reply)
        return [_projected(rows, answers) for rows, answers in zip(boards, replies, strict=True)]

    def states_of(self, boards: Sequence[BoardId]) -> tuple[str, dict[BoardId, str | None]]:
        """Return the server's run id and, by board, a text that changes whenever the board does, in one round trip.

        The text of a board that Redis does not have is None.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.info("server")
        for board in boards:
            pipeline.hmget(BoardKeys(*board).meta, "epoch", "seq")
        server, *states = pipeline.execute()
        told = (":".join(map(str, state)) if all(state) else None for state in states)
        return str(server["run_id"]), dict(zip(boards, told, strict=True))

    def sizes(self, boards: Sequence[BoardId]) -> dict[BoardId, int]:
        """Return what `size` returns, by board, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for board in boards:
            pipeline.hlen(BoardKeys(*board).members)
        return dict(zip(boards, pipeline.execute(), strict=True))

    def size(self, board_id: str, period_id: str) -> int:
        """Return the number of players that Redis holds of a board, whether it is served or not."""
        return self._client.hlen(BoardKeys(board_id, period_id).members)

    def states(self, wanted: Mapping[BoardId, Sequence[str]]) -> dict[BoardId, list[State | None] | None]:
        """Return (score, tiebreaker, second score) of these players by board, in one round trip.

        A player who is missing has None, and so has a whole board that is not served.
        """
        pipeline = self._client.pipeline(transaction=False)
        owners: list[BoardId] = []
        for board, user_ids in wanted.items():
            of = BoardKeys(*board)
            for start in range(0, len(user_ids), ROWS_PER_CALL):
                some = list(user_ids[start : start + ROWS_PER_CALL])
                self._read_standings(keys=[of.scores, of.members, of.meta], args=some, client=pipeline)
                owners.append(board)
        found: dict[BoardId, list[State | None] | None] = {board: [] for board in wanted}
        for board, reply in zip(owners, pipeline.execute(), strict=True):
            states, before = _states(reply), found[board]
            found[board] = None if states is None or before is None else before + states
        return found

    def find_unserved(self, boards: Sequence[BoardId], shared: Collection[str] | None = None) -> list[BoardId]:
        """Return those of these boards that Redis does not serve, in one round trip.

        `shared`, if given, has the ids of the boards on which equal scores share a place: the others learn it here.
        """
        pipeline = self._client.pipeline(transaction=False)
        for board in boards:
            of = BoardKeys(*board)
            told = [] if shared is None else [int(of.board_id in shared)]
            self._is_served(keys=[of.scores, of.members, of.meta], args=told, client=pipeline)
        return [board for board, served in zip(boards, pipeline.execute(), strict=True) if not served]

    def expire(self, at: Mapping[BoardId, datetime]) -> None:
        """Let boards in Redis expire at their instants, at once if these are past. PostgreSQL still has them.

        `AT_ONCE` boards take one round trip and one transaction.
        """
        now = datetime.now(UTC)
        boards = list(at.items())
        for start in range(0, len(boards), AT_ONCE):
            pipeline = self._client.pipeline(transaction=True)
            for board, instant in boards[start : start + AT_ONCE]:
                of = BoardKeys(*board)
                if instant <= now:  # an instant that is past would have Redis free them while it does nothing else
                    pipeline.unlink(of.scores, of.members, of.meta)
                    continue
                for key in (of.scores, of.members, of.meta):
                    pipeline.expireat(key, instant)
            pipeline.execute()

    def touch(self, boards: Sequence[BoardId], user_id: str, at: int) -> dict[BoardId, int]:
        """Move the seq of those of these boards that show the player, since their row looks different now.

        Returns the new seqs. `at` (ms) is when the change was committed.
        """
        calls: list[tuple[str | int, ...]] = []
        for board in boards:
            of = BoardKeys(*board)
            calls.append((3, of.scores, of.members, of.meta, at, user_id))
        moved = zip(boards, call_all(self._client, self._touch, calls), strict=True)
        return {board: seq for board, seq in moved if seq}

    def forget_details(self, user_id: str) -> None:
        self._client.delete(keys.user_details(user_id))

    def remember_details(self, known: Mapping[str, KnownDetails]) -> None:
        """Fill the details cache. What it holds of a later version stays."""
        people = list(known.items())
        for start in range(0, len(people), ROWS_PER_CALL):
            some = people[start : start + ROWS_PER_CALL]
            values = [value for _, (details, version, _) in some for value in (version, *_cached(details))]
            self._remember_details(
                keys=[keys.user_details(user_id) for user_id, _ in some], args=[DETAILS_TTL_SECONDS, *values]
            )


def _projected(rows: Sequence[Standing], replies: Sequence[list[Any]]) -> Projected | NotServed:
    """Combine the replies of all calls for one board."""
    seq, ranks = 0, []
    for state, *shown in replies:
        if state != "shown":
            return cast(NotServed, state)
        seq = shown[0]
        ranks += shown[1:]
    moved = zip(rows, ranks[0::2], ranks[1::2], strict=False)
    return Projected(seq, {row.key.user_id: Moved(_from_one(before), _from_one(after)) for row, before, after in moved})


def script_values(rows: Iterable[Standing]) -> list[str | int]:
    """Return the six values of each row that the scripts `project` and `stage_rebuild` read."""
    values: list[str | int] = []
    for row in rows:
        place = f"{row.second}:{row.tiebreaker}" if row.second else row.tiebreaker
        values += (row.key.user_id, row.score, place, row.version, row.updated_at, int(row.hidden))
    return values


def missing_details(entries: Iterable[Entry]) -> list[str]:
    return [entry.user_id for entry in entries if not entry.username]


def fill_details(entries: Iterable[Entry], details: Mapping[str, Details]) -> tuple[Entry, ...]:
    """Return the entries with the details that were missing filled in."""
    return tuple(
        entry if entry.username or entry.user_id not in details else entry.with_details(details[entry.user_id])
        for entry in entries
    )


def _place_of(which: Selection) -> list[str | int]:
    """Return the arguments that tell the script `read_page` where to start."""
    if which.kind == "around":
        return [which.user_id]
    position = which.position
    return [position.score, f"{position.second}:{position.tiebreaker}" if position.second else position.tiebreaker]


def _order(ascending: int, second: str) -> Order:
    """Read how a script tells the order of a board."""
    return Order(bool(ascending), second == "1" if second else None)


def _places(user_ids: Collection[str], reply: Sequence[Any]) -> Places:
    """Read the reply of the script `read_players` for a board that is served."""
    epoch, seq, total, ascending, second, *cells = reply
    order = _order(ascending, second)
    rows = zip(user_ids, *(cells[i::5] for i in range(5)), strict=True)
    return Places(epoch, int(seq), {user_id: _place(user_id, total, cells, order) for user_id, *cells in rows})


def _place(user_id: str, total: int, cells: Sequence[Any], order: Order) -> Place:
    """Return the place for the five values that the script `read_players` returns for a player."""
    cached, score, info, rank, shared_place = cells
    details = details_in(cached)
    if not info:
        return Place(user_id, details.username if details else "", total, None, details)
    return place_of(user_id, total, details, (score, info, rank), order, shared_place)


def place_of(  # noqa: PLR0917 - most calls leave two of them out
    user_id: str,
    total: int,
    details: Details | None,
    cells: Sequence[Any],
    order: Order = PLAIN,
    shared_place: int | None = None,
) -> Place:
    """Return the place for what the scripts tell of a player who is ranked: score, info and rank from 0."""
    score, info, rank = cells
    second = second_of(info.split(":")[1], order)
    entry = _entry(user_id, (int(score), rank + 1, _updated_at(info), second, shared_place), details)
    return Place(user_id, entry.username, total, entry, details)


def _entry(user_id: str, numbers: tuple[int, int, int, int | None, int | None], details: Details | None) -> Entry:
    if details is None:
        return Entry(user_id, "", *numbers)
    return Entry(user_id, details.username, *numbers, *details[1:])


def details_in(cached: Sequence[str | None]) -> Details | None:
    """Return the details in the cache; None unless all of them are there, as a version before did not store them."""
    username, display_name, country, avatar, visibility = cached
    if not username or not visibility:
        return None
    return _told_details(username, display_name or "", country or "", avatar or "", visibility)


@lru_cache(maxsize=10_000)
def _told_details(username: str, display_name: str, country: str, avatar: str, visibility: str) -> Details:
    picture = int(avatar) if avatar else None
    return Details(username, display_name or None, country or None, picture, PlayerVisibility(visibility))


def _cached(details: Details) -> tuple[str | int, ...]:
    """Return the values of the fields of the cache; an empty text stands for what is not set."""
    avatar = "" if details.avatar is None else details.avatar
    return details.username, details.display_name or "", details.country or "", avatar, details.visibility


def _states(reply: tuple[int, str, list[str | None]] | None) -> list[State | None] | None:
    """Read the reply of the script `read_standings`."""
    if not reply:
        return None
    ascending, second, cells = reply
    order = _order(ascending, second)
    return [
        _state(int(score), info.split(":")[1], order) if info and score is not None else None
        for info, score in zip(cells[0::2], cells[1::2], strict=True)
    ]


def _state(score: int, digits: str, order: Order) -> State:
    return score, tiebreaker_of(digits, ascending=order.ascending), second_of(digits, order) or 0


def _updated_at(info: str) -> int:
    return int(info.rpartition(":")[2])


def _from_one(rank: int) -> int | None:
    return rank + 1 if rank >= 0 else None
