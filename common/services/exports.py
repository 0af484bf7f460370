"""Whole boards, read from PostgreSQL while they are sent, so that no process holds one in memory.

An export is one REPEATABLE READ transaction: its rows are of one instant, however long they take. PostgreSQL sorts them
once and keeps the result; pages of it are fetched as the client takes them. A client that takes none for the time that
a transaction may be idle is cut off by the server, and one that takes too long in all by `LONGEST_SECONDS`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from threading import BoundedSemaphore
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.entries import Entry
from common.domain.shown import Gate, Viewer
from common.postgres import stored_boards

log = structlog.get_logger(__name__)

MOST_ROWS = 50_000
"""The most rows of an export that is made beside the service."""

AT_ONCE = 2
"""The exports of a process at one time: each holds one of its connections to PostgreSQL."""

ROWS_AT_ONCE = 500
LONGEST_WAIT_SECONDS = 1.0
LONGEST_SECONDS = 60.0
"""The longest time from an export's begin to its last page."""

_NOW = text("SELECT now()")

Pages = Iterator[list[Entry]]


class TooLongError(Exception):
    """A client has not taken an export within its time."""


class Export(NamedTuple):
    """A board that is being read: how many rows it has, of which instant, and pages of them.

    Whoever got it calls `close`, also if no page is read. With the last page all is closed by itself.
    """

    total: int
    at: datetime
    pages: Pages
    close: Callable[[], None]


class Exports:
    """Reads whole boards."""

    def __init__(self, engine: Engine, gate: Gate, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._gate = gate
        self._clock = clock
        self._places = BoundedSemaphore(AT_ONCE)

    def open(self, board_id: str, period_id: str, viewer: Viewer) -> Export:
        """Begin to read a board, as this viewer may see it.

        Raises `too_large` for one of too many rows, and `rate_limited` while others are being read.
        """
        if not self._places.acquire(timeout=LONGEST_WAIT_SECONDS):
            message = f"{AT_ONCE} boards are being exported already. Try again in a moment."
            raise ScoreboardError(ErrorCode.RATE_LIMITED, message, retry_after=2)
        held = ExitStack()
        held.callback(self._places.release)
        try:
            connection = held.enter_context(self._engine.connect())
            return self._read(connection, board_id, period_id, viewer, held)
        except BaseException:
            held.close()
            raise

    def _read(self, connection: Connection, board_id: str, period_id: str, viewer: Viewer, held: ExitStack) -> Export:
        connection.execution_options(isolation_level="REPEATABLE READ")
        rows = stored_boards.count(connection, board_id, period_id)
        if rows > MOST_ROWS:
            message = f"This board has {rows:,} rows, and {MOST_ROWS:,} can be had here: use `scoreboard export`."
            raise ScoreboardError(ErrorCode.TOO_LARGE, message)
        at = connection.execute(_NOW).scalar_one()
        total, pages = stored_boards.read_board(connection, board_id, period_id, ROWS_AT_ONCE)
        held.callback(pages.close)
        in_time = self._in_time(pages, self._clock() + LONGEST_SECONDS)
        return Export(total, at, self._shown(board_id, in_time, viewer, held), held.close)

    def _shown(self, board_id: str, pages: Pages, viewer: Viewer, held: ExitStack) -> Pages:
        """Yield pages as the viewer may see them, and let go of what is held when the last one was read.

        Raises TooLongError, or SQLAlchemyError, and logs either.
        """
        rows = 0
        try:
            with held:
                for page in pages:
                    yield [self._gate.shown(board_id, entry, viewer) for entry in page]
                    rows += len(page)
        except (TooLongError, SQLAlchemyError) as error:
            log.warning("export_cut_off", board=board_id, rows=rows, error=type(error).__name__)
            raise

    def _in_time(self, pages: Pages, deadline: float) -> Pages:
        for page in pages:
            if self._clock() > deadline:
                raise TooLongError(f"an export was not taken within {LONGEST_SECONDS:g} s")
            yield page
