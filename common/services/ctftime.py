"""The feeds that CTFtime reads: whole boards, small and rarely new, in the least form that CTFtime takes.

See https://ctftime.org/json-scoreboard-feed. CTFtime asks once a minute, and so may anybody else: the bytes of a feed
are kept for half a minute, and longer while the board in Redis has not moved. Then nothing is read from PostgreSQL.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore

import orjson
from sqlalchemy import Engine

from common.contract.board_responses import TeamStanding
from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.entries import Entry
from common.domain.shown import Gate, Viewer
from common.domain.standing import BoardId
from common.postgres import standings
from common.services.leaderboard import Leaderboard
from common.services.single_flight import SingleFlight

MOST_ROWS = 5_000
FRESH_SECONDS = 30.0
MOST_KEPT = 100
"""How many feeds a process keeps; those that were made first make room."""

_READS_AT_ONCE = 1
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Feed:
    """The bytes of a feed, a tag that tells them from any others, and the version of the board that they were read of.

    `version` is None where Redis did not know it.
    """

    body: bytes
    etag: str
    version: str | None


class CtftimeFeeds:
    """The feeds of one process."""

    def __init__(
        self, engine: Engine, leaderboard: Leaderboard, gate: Gate, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._leaderboard = leaderboard
        self._gate = gate
        self._clock = clock
        self._kept: dict[BoardId, tuple[float, Feed]] = {}
        self._made = SingleFlight[Feed](clock)
        self._reading = BoundedSemaphore(_READS_AT_ONCE)

    def get(self, board: BoardId) -> Feed:
        """Return the feed of a board. Raises `too_large` for a board of too many rows."""
        kept = self._fresh(board)
        return kept or self._made.get(board, lambda: self._fresh(board) or self._renewed(board))

    def _fresh(self, board: BoardId) -> Feed | None:
        made_at, feed = self._kept.get(board, (0.0, None))
        return feed if feed and self._clock() - made_at < FRESH_SECONDS else None

    def _renewed(self, board: BoardId) -> Feed:
        """Return the feed as it is now, which is the one before if the board has not moved since."""
        now = self._clock()
        version = self._leaderboard.live_states([board]).get(board)  # before the rows: what moves meanwhile moves it
        _, feed = self._kept.pop(board, (0.0, None))
        if feed is None or version is None or feed.version != version:
            with self._reading:
                feed = self._read(board, version)
        self._kept[board] = (now, feed)
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return feed

    def _read(self, board: BoardId, version: str | None) -> Feed:
        board_id, period_id = board
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            rows = standings.count(connection, board_id, period_id)
            if rows > MOST_ROWS:
                message = f"This board has {rows:,} rows, and a feed may have {MOST_ROWS:,}."
                raise ScoreboardError(ErrorCode.TOO_LARGE, message)
            _, pages = standings.read_board(connection, board_id, period_id, _ROWS_AT_ONCE)
            shown = (self._gate.shown(board_id, entry, Viewer.ANYBODY) for page in pages for entry in page)
            told = [_told(entry) for entry in shown]
        body = orjson.dumps({"standings": told}, option=orjson.OPT_APPEND_NEWLINE)
        return Feed(body, hashlib.blake2b(body, digest_size=12).hexdigest(), version)


def _told(entry: Entry) -> TeamStanding:
    told = entry.to_wire()
    return {
        "pos": told["rank"],
        "team": told.get("displayName", told["username"]),
        "score": told["score"],
        "lastAccept": entry.updated_at // 1000,
    }
