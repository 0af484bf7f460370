"""The options with which a command chooses boards and periods."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import click
from sqlalchemy import Engine

from common.domain.boards import Board
from common.domain.periods import Period
from common.domain.standing import BoardId
from common.postgres import catalogue

Command = TypeVar("Command", bound=Callable[..., object])


def choosing_boards(command: Command) -> Command:
    """Add the options --board and --period to a command."""
    forms = "all, daily, weekly, monthly, season or an id such as 2026-W48"
    period = click.option("--period", help=f"{forms}. Default: every open one.")
    board = click.option("--board", help="Default: every board.")
    return board(period(command))


def chosen(engine: Engine, board: str | None, period: str | None) -> list[BoardId]:
    """Return the boards that the options name. Raises click.BadParameter."""
    return [(board_id, found.id) for board_id, found in chosen_periods(engine, board, period)]


def chosen_periods(
    engine: Engine, board: str | None, period: str | None, at: datetime | None = None
) -> list[tuple[str, Period]]:
    """Return the ids of boards, and the periods that the options name at an instant or now. Raises click.BadParameter.

    A board has each of its periods that is named, or all that are open.
    """
    with engine.connect() as connection:
        boards = catalogue.load(connection).boards
    known = sorted(boards)
    if board is not None and board not in known:
        raise click.BadParameter(f"there is no board {board!r}; there are: {', '.join(known)}", param_hint="--board")
    now = at or datetime.now(UTC)
    wanted = [boards[board_id] for board_id in ([board] if board else known)]
    try:
        found = [(each.id, of_board) for each in wanted for of_board in _periods(each, period, now)]
    except ValueError:
        raise click.BadParameter(f"there is no period {period!r}", param_hint="--period") from None
    if not found:
        raise click.BadParameter(f"no such board has the period {period!r}", param_hint="--period")
    return found


def _periods(board: Board, name_or_id: str | None, now: datetime) -> list[Period]:
    """Return the period of a board that is named, if it has it, or without a name all open ones. Raises ValueError."""
    if name_or_id is None:
        return board.open_periods(now)
    found = board.find_period(name_or_id, now)
    return [found] if found else []
