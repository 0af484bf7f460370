"""The boards in Redis: reads of pages and places, and the projection that writes standings to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast

from common.domain.entries import BoardHead, Entry, Place, Places
from common.domain.pagination import Page, Position, Selection
from common.domain.ranking import tiebreaker_of, user_of
from common.domain.standing import BoardId, Moved, Standing
from common.redis_store import keys
from common.redis_store.client import Client, call_all, script
from common.redis_store.keys import BoardKeys

ROWS_PER_CALL = 100
"""Redis does nothing else while a call lasts: so many rows take it a few milliseconds (docs/scaling.md)."""

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

    def page(self, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
        """Return up to `limit` rows. A username that the cache does not hold is empty. Raises BoardNotServedError."""
        of = BoardKeys(board_id, period_id)
        arguments = [limit, _DETAILS_PREFIX, _DETAILS_SUFFIX, which.kind, *_place_of(which)]
        reply = self._read_page(keys=[of.scores, of.members, of.meta], args=arguments)
        if not reply:
            raise BoardNotServedError(of.scores)
        epoch, seq, at, ascending, total, found, start, *cells = reply
        rows = list(zip(cells[0::4], cells[1::4], cells[2::4], cells[3::4], strict=True))
        entries = tuple(
            Entry(user_of(member), username or "", int(score), rank, _updated_at(info))
            for rank, (member, score, info, username) in enumerate(rows, start=start + 1)
        )
        positions = tuple(
            Position(int(score), tiebreaker_of(member, ascending=bool(ascending)))
            for member, score, _info, _username in rows
        )
        return Page(BoardHead(epoch, int(seq), int(at), total, entries), start, bool(found), positions)

    def places(self, board_id: str, period_id: str, user_ids: Collection[str]) -> Places:
        """Return the places of players at one instant. An unknown username is empty. Raises BoardNotServedError."""
        of = BoardKeys(board_id, period_id)
        arguments = [_DETAILS_PREFIX, _DETAILS_SUFFIX, *user_ids]
        reply = self._read_players(keys=[of.scores, of.members, of.meta], args=arguments)
        if not reply:
            raise BoardNotServedError(of.scores)
        epoch, seq, total, *cells = reply
        rows = zip(user_ids, cells[0::4], cells[1::4], cells[2::4], cells[3::4], strict=True)
        return Places(epoch, int(seq), {user_id: _place(user_id, total, cells) for user_id, *cells in rows})

    def project(
        self, boards: Sequence[Sequence[Standing]], committed_at: int, moves_of: BoardId
    ) -> list[Projected | NotServed]:
        """Write rows to several boards in one round trip: one group of rows and one result for each.

        The rows must be committed. Rows for a board that is not served need not be sent again: its rebuild includes
        them. `moves_of` names the board whose moves are returned.
        """
        calls: list[tuple[str | int, ...]] = []
        owners: list[int] = []
        for index, rows in enumerate(boards):
            of = BoardKeys(*rows[0].key.board)
            wanted = int(rows[0].key.board == moves_of)
            for start in range(0, len(rows), ROWS_PER_CALL):
                values = script_values(rows[start : start + ROWS_PER_CALL])
                calls.append((4, of.scores, of.members, of.meta, of.rebuilding, committed_at, wanted, *values))
                owners.append(index)
        replies: list[list[list[Any]]] = [[] for _ in boards]
        for index, reply in zip(owners, call_all(self._client, self._project, calls), strict=True):
            replies[index].append(reply)
        return [_projected(rows, answers) for rows, answers in zip(boards, replies, strict=True)]

    def state_of(self, board_id: str, period_id: str) -> str | None:
        """Return a text that changes whenever the board does; None if Redis does not have the board."""
        state = self._client.hmget(BoardKeys(board_id, period_id).meta, "epoch", "seq")
        return ":".join(map(str, state)) if all(state) else None

    def states_of(self, boards: Sequence[BoardId]) -> tuple[str, dict[BoardId, str | None]]:
        """Return the server's run id and, by board, what `state_of` returns, all in one round trip."""
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

    def states(self, wanted: Mapping[BoardId, Sequence[str]]) -> dict[BoardId, list[tuple[int, int] | None] | None]:
        """Return (score, tiebreaker) of these players by board, in one round trip.

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
        found: dict[BoardId, list[tuple[int, int] | None] | None] = {board: [] for board in wanted}
        for board, reply in zip(owners, pipeline.execute(), strict=True):
            states, before = _states(reply), found[board]
            found[board] = None if states is None or before is None else before + states
        return found

    def find_unserved(self, boards: Sequence[BoardId]) -> list[BoardId]:
        """Return those of these boards that Redis does not serve, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for board in boards:
            of = BoardKeys(*board)
            self._is_served(keys=[of.scores, of.members, of.meta], client=pipeline)
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

    def forget_username(self, user_id: str) -> None:
        self._client.delete(keys.user_details(user_id))

    def remember_usernames(self, usernames: Mapping[str, str]) -> None:
        """Fill the details cache."""
        pipeline = self._client.pipeline(transaction=False)
        for user_id, username in usernames.items():
            pipeline.hset(keys.user_details(user_id), "username", username)
            pipeline.expire(keys.user_details(user_id), DETAILS_TTL_SECONDS)
        pipeline.execute()


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
        values += (row.key.user_id, row.score, row.tiebreaker, row.version, row.updated_at, int(row.hidden))
    return values


def missing_usernames(entries: Iterable[Entry]) -> list[str]:
    return [entry.user_id for entry in entries if not entry.username]


def fill_usernames(entries: Iterable[Entry], usernames: Mapping[str, str]) -> tuple[Entry, ...]:
    """Return the entries with the usernames that were missing filled in."""
    return tuple(
        entry if entry.username else replace(entry, username=usernames.get(entry.user_id, "")) for entry in entries
    )


def _place_of(which: Selection) -> list[str | int]:
    """Return the arguments that tell the script `read_page` where to start."""
    if which.kind == "around":
        return [which.user_id]
    return list(which.position)


def _place(user_id: str, total: int, cells: Sequence[Any]) -> Place:
    """Return the place for the four values that the script `read_players` returns for a player."""
    username, score, info, rank = cells
    name = username or ""
    entry = Entry(user_id, name, int(score), rank + 1, _updated_at(info)) if info else None
    return Place(user_id, name, total, entry)


def _states(reply: tuple[int, list[str | None]] | None) -> list[tuple[int, int] | None] | None:
    """Read the reply of the script `read_standings`."""
    if not reply:
        return None
    ascending, cells = reply
    return [
        (int(score), tiebreaker_of(info.split(":")[1], ascending=bool(ascending)))
        if info and score is not None
        else None
        for info, score in zip(cells[0::2], cells[1::2], strict=True)
    ]


def _updated_at(info: str) -> int:
    return int(info.rpartition(":")[2])


def _from_one(rank: int) -> int | None:
    return rank + 1 if rank >= 0 else None
