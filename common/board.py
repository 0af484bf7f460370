"""The board in Redis: reads of a whole head or one place, and the projection that moves it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from common import keys
from common.entries import Entry, Place, Top
from common.keys import BoardKeys
from common.pages import Page, Position, Selection
from common.ranking import GREATEST_TIE, tie_of, tie_rank, user_of
from common.redis import Client, script
from common.scoring import StandingKey

ROWS_PER_CALL = 1000
"""Lua unpacks at most 8,000 values at once."""

DETAILS_TTL_SECONDS = 3600
_DETAILS_PREFIX, _DETAILS_SUFFIX = keys.user_details("|").split("|")


class Standing(NamedTuple):
    """An absolute row of PostgreSQL's standings; `updated_at` in ms."""

    key: StandingKey
    score: int
    tie: int
    version: int
    updated_at: int


BoardId = tuple[str, str]
"""(board id, period id): what one sorted set shows."""


class Moved(NamedTuple):
    """A player's rank before and after a projection, from 1; None for unranked."""

    before: int | None
    after: int | None


@dataclass(frozen=True)
class Projected:
    """What one call changed: the board's new seq, and the moves by user id if they were asked for."""

    seq: int
    moves: Mapping[str, Moved]


class BoardNotServedError(Exception):
    """The board in Redis is missing, foreign or being rebuilt: PostgreSQL has the truth."""


class Board:
    """All boards of one Redis server."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._read_page = script(client, "serving", "read_page")
        self._read_player = script(client, "serving", "read_player")
        self._project = script(client, "serving", "project")

    def page(self, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
        """Up to `limit` rows; a username that the cache does not hold is empty. Raises BoardNotServedError."""
        of = BoardKeys(board_id, period_id)
        arguments = [limit, _DETAILS_PREFIX, _DETAILS_SUFFIX, which.kind, *_place_of(which)]
        reply = self._read_page(keys=[of.scores, of.members, of.meta], args=arguments)
        if not reply:
            raise BoardNotServedError(of.scores)
        epoch, seq, at, total, found, start, *cells = reply
        rows = list(zip(cells[0::4], cells[1::4], cells[2::4], cells[3::4], strict=True))
        entries = tuple(
            Entry(user_of(member), username or "", int(score), rank, _updated_at(info))
            for rank, (member, score, info, username) in enumerate(rows, start=start + 1)
        )
        positions = tuple(Position(int(score), tie_of(member)) for member, score, _info, _username in rows)
        return Page(Top(epoch, int(seq), int(at), total, entries), start, bool(found), positions)

    def place(self, board_id: str, period_id: str, user_id: str) -> Place:
        """Where a player stands; an unknown username is empty. Raises BoardNotServedError."""
        of = BoardKeys(board_id, period_id)
        reply = self._read_player(keys=[of.scores, of.members, of.meta, keys.user_details(user_id)], args=[user_id])
        if not reply:
            raise BoardNotServedError(of.scores)
        _epoch, _seq, total, username, score, info, rank = reply
        name = username or ""
        if info is None:
            return Place(user_id, name, total, None)
        return Place(user_id, name, total, Entry(user_id, name, int(score), rank + 1, _updated_at(info)))

    def project(
        self, boards: Sequence[Sequence[Standing]], committed_at: int, moves_of: BoardId
    ) -> list[Projected | None]:
        """Write rows to several boards in one round trip: one group of rows each, one answer each.

        None stands for a board that is not served, to which nothing was written. `moves_of` names the board whose
        moves are wanted.
        """
        pipeline = self._client.pipeline(transaction=False)
        owners: list[int] = []
        for index, rows in enumerate(boards):
            of = BoardKeys(*rows[0].key[:2])
            wanted = int(rows[0].key[:2] == moves_of)
            for start in range(0, len(rows), ROWS_PER_CALL):
                arguments = [committed_at, wanted, *flat(rows[start : start + ROWS_PER_CALL])]
                self._project(keys=[of.scores, of.members, of.meta], args=arguments, client=pipeline)
                owners.append(index)
        replies: list[list[list[int] | None]] = [[] for _ in boards]
        for index, reply in zip(owners, pipeline.execute(), strict=True):
            replies[index].append(reply)
        return [_projected(rows, answers) for rows, answers in zip(boards, replies, strict=True)]

    def remember_usernames(self, usernames: Mapping[str, str]) -> None:
        """Fill the details cache."""
        pipeline = self._client.pipeline(transaction=False)
        for user_id, username in usernames.items():
            pipeline.hset(keys.user_details(user_id), "username", username)
            pipeline.expire(keys.user_details(user_id), DETAILS_TTL_SECONDS)
        pipeline.execute()


def _projected(rows: Sequence[Standing], replies: Sequence[list[int] | None]) -> Projected | None:
    """What the calls for one board did together."""
    seq, ranks = 0, []
    for reply in replies:
        if not reply:
            return None
        seq = reply[0]
        ranks += reply[1:]
    moved = zip(rows, ranks[0::2], ranks[1::2], strict=False)
    return Projected(seq, {row.key.user_id: Moved(_from_one(before), _from_one(after)) for row, before, after in moved})


def flat(rows: Iterable[Standing]) -> list[str | int]:
    """The five values of a row that the scripts `project` and `gather` read."""
    values: list[str | int] = []
    for row in rows:
        values += (row.key.user_id, row.score, tie_rank(row.tie), row.version, row.updated_at)
    return values


def nameless(entries: Iterable[Entry]) -> list[str]:
    return [entry.user_id for entry in entries if not entry.username]


def named(entries: Iterable[Entry], usernames: Mapping[str, str]) -> tuple[Entry, ...]:
    """The entries with the names that were missing."""
    return tuple(
        entry if entry.username else replace(entry, username=usernames.get(entry.user_id, "")) for entry in entries
    )


def _place_of(which: Selection) -> list[str | int]:
    """The arguments of the script `read_page` that say where."""
    if which.kind == "around":
        return [which.user_id]
    return [which.position.score, GREATEST_TIE - which.position.tie]


def _updated_at(info: str) -> int:
    return int(info.rpartition(":")[2])


def _from_one(rank: int) -> int | None:
    return rank + 1 if rank >= 0 else None
