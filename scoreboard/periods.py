"""`scoreboard periods`: archive days that are long over, list what is archived, and bring days back."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import click
from sqlalchemy import Connection, Engine

from common.core import priority
from common.core.timestamps import format_instant
from common.domain.standing import BoardId
from common.postgres import archived_list, archiving, catalogue, unarchiving
from common.postgres.archiving import AmendedError, Day, NotWholeError, Tell
from common.postgres.unarchiving import BehindError
from common.redis_store.board import Board
from common.services.verification import COMPARED_IN_REDIS
from scoreboard import operator, tables
from scoreboard.archives_held import archives_held
from scoreboard.environment import connected, connected_to_redis
from scoreboard.progress import progress

_CONNECTIONS = 3
"""One has the lock, one a snapshot, and one writes."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_board = click.option("--board", help="Only of this board.  [default: of every board]")


@click.group()
def periods() -> None:
    """Archive days that are long over, and bring them back."""


def _midnight(_context: click.Context, parameter: click.Parameter, given: str) -> datetime:
    """Return the begin of a day that an option gives. Raises click.BadParameter, also for one that is not long over."""
    try:
        day = datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise click.BadParameter("a day such as 2026-01-31", param=parameter) from None
    latest = (datetime.now(UTC) - COMPARED_IN_REDIS).date()
    if day.date() > latest:
        message = f"is later than {latest}: days that ended after that are read from Redis, and stay"
        raise click.BadParameter(message, param=parameter)
    return day


@periods.command()
@click.option("--before", metavar="DATE", required=True, callback=_midnight, help="Days (UTC) before this one.")
@_board
@click.option("--dry-run", is_flag=True, help="Change nothing; say how many days and places it is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def archive(before: datetime, board: str | None, *, dry_run: bool, yes: bool) -> None:
    """Move the final tables of days to compressed archives, in a tenth of their space.

    Lists, places and exports of these days go on from there. They change no more, but for players who are suspended,
    renamed or erased; `periods restore` brings a day back. Weeks, months and seasons stay. Updates go on meanwhile,
    and who is interrupted says the same again. Exit code 1: some days could not be archived.
    """
    priority.give_way()
    with connected(_CONNECTIONS) as engine, connected_to_redis() as client, archives_held(engine):
        _refuse_unknown_board(engine, board)
        with engine.connect() as connection:
            found, left = archiving.days(connection, before, board), archiving.left(connection)
        ranked = [day for day in found if day.is_ranked]
        places = sum(day.total for day in ranked)
        click.echo(f"{len(ranked)} days of {len({day.board_id for day in ranked})} boards, {places:,} places in them")
        if not dry_run and (ranked or left):
            if not yes:
                click.confirm("Archive them?", abort=True)
            problems = _archive(engine, Board(client), ranked, left)
        else:
            problems = []
    problems += [f"{day.period_id} of {day.board_id} is not ranked yet" for day in found if not day.is_ranked]
    for problem in problems:
        click.echo(f"left as it is: {problem}", err=True)
    if problems:
        sys.exit(1)


def _archive(engine: Engine, board: Board, days: list[Day], left: list[BoardId]) -> list[str]:
    """Archive days, and return why some are as they were."""
    problems: list[str] = []
    done = rows = 0
    with progress() as bars:
        bar = bars.add_task("copying and deleting places", total=2 * sum(day.total for day in days))
        tell = _resting(lambda places: bars.advance(bar, places))
        for of in left:
            _delete(engine, board, of, tell)
        for day in days:
            try:
                rows += archiving.archive(engine, day, _recorded("archive_period", day.board), tell)
            except NotWholeError:
                problems.append(f"{day.period_id} of {day.board_id} does not have the digest that it was ranked with")
                continue
            except AmendedError:
                problems.append(f"{day.period_id} of {day.board_id} was amended meanwhile")
                continue
            _delete(engine, board, day.board, tell)
            done += 1
    click.echo(f"{done} days archived, with {rows:,} places")
    return problems


def _resting(tell: Tell) -> Tell:
    """Return what tells of a slice, and then rests for as long as it took: its work is done by PostgreSQL, which does
    not know that updates come first.
    """
    began = time.monotonic()

    def rest(places: int) -> None:
        nonlocal began
        tell(places)
        time.sleep(time.monotonic() - began)
        began = time.monotonic()

    return rest


def _delete(engine: Engine, board: Board, of: BoardId, tell: Tell) -> None:
    """Delete what an archived day was, also in Redis, where somebody may have built it anew."""
    board.expire({of: _LONG_AGO})
    archiving.delete_standings(engine, of, tell)


@periods.command()
@click.argument("period", nargs=-1, required=True)
@_board
def restore(period: tuple[str, ...], board: str | None) -> None:
    """Bring the days PERIOD…, such as 2026-01-31, back from the archives, so that a correction can change them."""
    priority.give_way()
    with connected(_CONNECTIONS) as engine, archives_held(engine):
        _refuse_unknown_board(engine, board)
        with engine.connect() as connection:
            found = {each: archiving.archived(connection, board, each) for each in period}
        for each, boards in found.items():
            if not boards:
                raise click.ClickException(f"{each} is not archived")
            for of in boards:
                _restore(engine, of)


def _restore(engine: Engine, of: BoardId) -> None:
    board_id, period_id = of
    with progress() as bars:
        bar = bars.add_task(f"{period_id} of {board_id}", total=None)
        try:
            tell = _resting(lambda places: bars.advance(bar, places))
            rows = unarchiving.restore(engine, of, _recorded("restore_period", of), tell)
        except BehindError:
            message = f"{period_id} of {board_id}: the ledger is not verified that far; run `scoreboard verify` first"
            raise click.ClickException(message) from None
    click.echo(f"{period_id} of {board_id}: back, with {rows:,} places")


@periods.command("list")
@_board
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(board: str | None, *, as_json: bool) -> None:
    """List the days that are archived, with their places and the space that they take."""
    with connected() as engine:
        _refuse_unknown_board(engine, board)
        with engine.connect() as connection:
            found = archived_list.read(connection, board)
    if as_json:
        told = (
            {
                "board": each.board_id,
                "period": each.period_id,
                "archivedAt": format_instant(each.archived_at),
                "places": each.places,
                "bytes": each.size,
            }
            for each in found
        )
        tables.print_json_array(told)
        return
    rows = (
        (each.board_id, each.period_id, format_instant(each.archived_at), f"{each.places:,}", f"{each.size:,}")
        for each in found
    )
    tables.show_all(("board", "period", "archived at", "places", "bytes"), rows)


def _recorded(action: str, of: BoardId) -> Callable[[Connection, int], None]:
    def record(connection: Connection, places: int) -> None:
        operator.record(connection, action, of[0], period=of[1], places=places)

    return record


def _refuse_unknown_board(engine: Engine, board_id: str | None) -> None:
    if board_id is None:
        return
    with engine.connect() as connection:
        known = catalogue.has_board(connection, board_id)
    if not known:
        raise click.BadParameter(f"there is no board {board_id!r}", param_hint="--board")
