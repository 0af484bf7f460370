"""`scoreboard rebuild`: fill boards in Redis again from PostgreSQL, while the service runs."""

import time
from collections.abc import Callable

import click
from rich.progress import TaskID
from sqlalchemy import Engine

from common.contract.errors import ErrorCode, ScoreboardError
from common.core import priority
from common.domain.standing import BoardId
from common.postgres import standings, stored_boards
from common.services.rebuild import LEASE_MS, Rebuilder
from scoreboard import operator
from scoreboard.boards import choosing_boards, chosen
from scoreboard.environment import connected, connected_to_redis
from scoreboard.progress import progress

_PATIENCE_SECONDS = 2 * LEASE_MS / 1000
_PAUSE_SECONDS = 0.2


@click.command()
@choosing_boards
def rebuild(board: str | None, period: str | None) -> None:
    """Fill boards in Redis again from PostgreSQL. Updates and readers go on meanwhile."""
    priority.give_way()
    with connected() as engine, connected_to_redis() as client:
        boards = chosen(engine, board, period)
        _refuse_archived(engine, boards)
        with engine.begin() as connection:
            for board_id, period_id in boards:
                operator.record(connection, "rebuild_board", board_id, period=period_id)
        rebuild_boards(engine, Rebuilder(client, engine), boards)


def _refuse_archived(engine: Engine, boards: list[BoardId]) -> None:
    with engine.connect() as connection:
        for board_id, period_id in boards:
            if stored_boards.is_archived(connection, board_id, period_id):
                message = f"{period_id} of {board_id} is archived: it is read from PostgreSQL and never in Redis"
                raise click.ClickException(message)


def rebuild_boards(engine: Engine, rebuilder: Rebuilder, boards: list[BoardId]) -> None:
    """Rebuild boards with a progress bar. Raises `rebuilding` if another process rebuilds one and does not finish."""
    for board_id, period_id in boards:
        with engine.connect() as connection:
            total = standings.count(connection, board_id, period_id)
        with progress() as bars:
            bar = bars.add_task(f"{board_id} {period_id}", total=total)

            def advance(rows: int, bar: TaskID = bar) -> None:
                bars.advance(bar, rows)

            _rebuild(rebuilder, board_id, period_id, advance)
        click.echo(f"rebuilt {board_id} {period_id}: {total} players")


def _rebuild(rebuilder: Rebuilder, board_id: str, period_id: str, advance: Callable[[int], None]) -> None:
    """Wait until no other rebuild of the board is under way, and rebuild it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not rebuilder.rebuild(board_id, period_id, advance):
        if time.monotonic() > deadline:
            raise ScoreboardError(ErrorCode.REBUILDING, f"somebody else is rebuilding {board_id} {period_id}")
        time.sleep(_PAUSE_SECONDS)
