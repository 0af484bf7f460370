"""`scoreboard boards`: list and show boards, make and change them, open, close and archive them."""

import json
from datetime import UTC, datetime
from typing import Any

import click
from pydantic import ValidationError
from rich.table import Table
from sqlalchemy import Connection

from common.contract.catalogue import BoardSpec
from common.contract.constants import DEFAULT_BOARD
from common.contract.errors import ScoreboardError
from common.core.timestamps import format_instant, parse_instant
from common.domain import board_moments, catalogue_file, cost
from common.domain.board_moments import Moment
from common.domain.boards import Board
from common.domain.catalogue_plan import Place, Plan, Stored, add_board, check_room
from common.domain.catalogue_wire import board_to_wire, described_board
from common.postgres import catalogue_changes
from scoreboard import board_options, operator, tables
from scoreboard.environment import connected, load_settings

_AT = Place("", "BOARD_ID", str)

_at = click.option("--at", "instant", help="ISO 8601 with an offset. Default: in 6 seconds, when every process knows.")


@click.group()
def boards() -> None:
    """List, make, change, open, close and archive boards."""


@boards.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List all boards, hidden and archived ones too."""
    now = datetime.now(UTC)
    with connected() as engine, engine.connect() as connection:
        known = catalogue_changes.stored(connection).boards
    rows = [board_to_wire(board, now) for _, board in sorted(known.items())]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("board", "title", "category", "rule", "periods", "visibility", "state", "closes at")
    for row in rows:
        plain = (row["boardId"], row["title"] or "-", row["category"] or "-", row["rule"], ", ".join(row["periods"]))
        table.add_row(*plain, row["visibility"], row["state"], row["closesAt"] or "-")
    tables.show(table)


@boards.command()
@click.argument("board_id", default=DEFAULT_BOARD)
def show(board_id: str) -> None:
    """Show BOARD_ID (main) as one JSON object."""
    with connected() as engine, engine.connect() as connection:
        board = _find(catalogue_changes.stored(connection), board_id)
    click.echo(json.dumps(board_to_wire(board, datetime.now(UTC)), indent=2, ensure_ascii=False))


@boards.command()
@click.argument("board_id")
@board_options.immutable
@board_options.changeable
def create(board_id: str, **options: Any) -> None:  # noqa: ANN401 - click's
    """Make the board BOARD_ID. Its rule, order, second score and periods never change.

    It is empty; nothing that was scored before counts on it.
    """
    fields = board_options.given(options)
    with connected() as engine, engine.begin() as connection:
        stored = catalogue_changes.hold(connection)
        if board_id in stored.boards:
            raise click.ClickException(f"there is a board {board_id} already; see: scoreboard boards set --help")
        _put(connection, stored, board_id, fields, "create_board")
        click.echo(f"{board_id}: made")
        _tell_cost(catalogue_changes.stored(connection), board_id)


@boards.command("set")
@click.argument("board_id")
@board_options.changeable
def change(board_id: str, **options: Any) -> None:  # noqa: ANN401 - click's
    """Change the board BOARD_ID. What is not given stays as it is. Every process follows within five seconds."""
    fields = board_options.given(options)
    with connected() as engine, engine.begin() as connection:
        stored = catalogue_changes.hold(connection)
        known = described_board(_find(stored, board_id))
        del known["boardId"]
        plan = _put(connection, stored, board_id, {**known, **fields}, "set_board")
        click.echo(f"{board_id}: {'changed' if plan.changes else 'nothing to do'}")
        _tell_cost(catalogue_changes.stored(connection), board_id)


@boards.command()
@click.argument("board_id")
@_at
def close(board_id: str, instant: str | None) -> None:
    """Close BOARD_ID: an update that is accepted from then on does not count on it. It stays readable."""
    board = _move(board_id, instant, "close_board", board_moments.closed)
    click.echo(f"{board_id}: closes at {format_instant(board.closes_at)}" if board.closes_at else f"{board_id}: open")


@boards.command("open")
@click.argument("board_id")
@_at
def reopen(board_id: str, instant: str | None) -> None:
    """Open BOARD_ID, also again, and call a closing off. What was refused meanwhile stays so."""
    now = datetime.now(UTC)
    board = _move(board_id, instant, "open_board", board_moments.opened)
    later = board.opens_at if board.opens_at is not None and board.opens_at > now else None
    click.echo(f"{board_id}: opens at {format_instant(later)}" if later else f"{board_id}: open")


@boards.command()
@click.argument("board_id")
def archive(board_id: str) -> None:
    """Archive BOARD_ID, for good: it leaves every list, takes no more updates, and stays readable by its id."""
    _move(board_id, None, "archive_board", board_moments.archived)
    click.echo(f"{board_id}: archived")


def _find(stored: Stored, board_id: str) -> Board:
    if board_id not in stored.boards:
        raise click.ClickException(f"there is no board {board_id}")
    return stored.boards[board_id]


def _put(connection: Connection, stored: Stored, board_id: str, fields: dict[str, Any], name: str) -> Plan:
    """Bring a board to these fields, in their form as JSON. Raises click.ClickException, and nothing is changed."""
    plan = Plan()
    try:
        spec = BoardSpec.model_validate(fields, strict=True)
    except ValidationError as error:
        plan.problems += catalogue_file.problems_of(error, _AT)
    else:
        add_board(plan, _AT, board_id, spec, known=stored.boards.get(board_id), now=datetime.now(UTC))
    check_room(plan, stored, load_settings().max_boards, "boards")
    if plan.problems:
        told = "; ".join(f"{problem.path}: {problem.message}" for problem in plan.problems)
        raise click.ClickException(told)
    if plan.changes:
        catalogue_changes.write(connection, plan)
        operator.record(connection, name, board_id, changes=plan.described_changes())
    return plan


def _tell_cost(stored: Stored, board_id: str) -> None:
    enabled = [action for action, is_enabled in stored.actions.values() if is_enabled and not action.reserved]
    for sentence in cost.sentences(stored.boards[board_id], stored.boards, enabled):
        click.echo(f"cost: {sentence}")


def _move(board_id: str, instant: str | None, name: str, moment: Moment) -> Board:
    """Open, close or archive a board, and return it as it is now."""
    try:
        at = parse_instant(instant) if instant else None
    except ValueError:
        raise click.BadParameter("must be ISO 8601 with an offset", param_hint="--at") from None
    with connected() as engine, engine.begin() as connection:
        stored = catalogue_changes.hold(connection)
        before = _find(stored, board_id)
        try:
            after, plan = catalogue_changes.move(connection, before, moment, at, datetime.now(UTC))
        except ScoreboardError as refusal:
            problems = (refusal.details or {}).get("fields")
            if not problems:
                raise
            raise click.BadParameter(problems[0]["message"], param_hint="--at") from None
        if plan.changes:
            operator.record(connection, name, board_id, changes=plan.described_changes())
    return after
