"""`scoreboard seasons`: list, plan, end and delete the seasons of boards."""

import json
from datetime import UTC, datetime

import click
from pydantic import ValidationError
from rich.table import Table

from common.contract.catalogue import SeasonSpec
from common.contract.errors import ScoreboardError, sentence_of
from common.core.timestamps import format_instant
from common.domain import catalogue_file, season_plan
from common.domain.boards import Board
from common.domain.catalogue_plan import Place, Plan, Stored
from common.domain.catalogue_wire import season_to_wire
from common.postgres import catalogue_changes
from scoreboard import operator, tables
from scoreboard.environment import connected
from scoreboard.instants import instant

_AT = Place("", "SEASON_ID", lambda field: {"starts_at": "--from", "ends_at": "--to"}.get(field, field))
_board = click.argument("board_id")
_season = click.argument("season_id")


@click.group()
def seasons() -> None:
    """List, plan, end and delete the seasons of boards."""


@seasons.command("list")
@click.argument("board_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(board_id: str | None, *, as_json: bool) -> None:
    """List the seasons of BOARD_ID, or of all boards."""
    now = datetime.now(UTC)
    with connected() as engine, engine.connect() as connection:
        stored = catalogue_changes.stored(connection)
    boards = [_find(stored, board_id)] if board_id else [board for _, board in sorted(stored.boards.items())]
    rows = [season_to_wire(board.id, season, now) for board in boards for season in board.seasons]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("board", "season", "title", "starts at", "ends at", "state")
    for row in rows:
        table.add_row(row["board"], row["seasonId"], row["title"] or "-", row["startsAt"], row["endsAt"], row["state"])
    tables.show(table)


@seasons.command()
@_board
@_season
@click.option("--from", "starts_at", required=True, help="ISO 8601 with an offset, at least 6 seconds from now.")
@click.option("--to", "ends_at", required=True, help="ISO 8601 with an offset.")
@click.option("--title", default="", help="Its name for people.")
def add(board_id: str, season_id: str, starts_at: str, ends_at: str, title: str) -> None:
    """Plan the season SEASON_ID of BOARD_ID, or move it.

    Its begin may change until it has begun, its end until it is over.
    """
    with connected() as engine, engine.begin() as connection:
        stored = catalogue_changes.hold(connection, with_ledger=True)
        board = _find(stored, board_id)
        plan = Plan()
        try:
            spec = SeasonSpec.model_validate({"startsAt": starts_at, "endsAt": ends_at, "title": title}, strict=True)
        except ValidationError as error:
            plan.problems += catalogue_file.problems_of(error, _AT)
        else:
            known = board.find_season(season_id)
            season_plan.open_for_seasons(plan, board)
            season_plan.add_season(plan, _AT, board_id, season_id, spec, known=known, now=datetime.now(UTC))
            season_plan.check_overlaps(plan, board_id, board.seasons, season_id)
        if plan.problems:
            raise click.ClickException("; ".join(f"{problem.path}: {problem.message}" for problem in plan.problems))
        if plan.changes:
            catalogue_changes.write(connection, plan)
            operator.record(connection, "set_season", board_id, changes=plan.described_changes())
    click.echo(f"{board_id} {season_id}: {'planned' if plan.changes else 'nothing to do'}")


@seasons.command()
@_board
@_season
@click.option(
    "--at", callback=instant, help="ISO 8601 with an offset. Default: in 6 seconds, when every process knows."
)
def end(board_id: str, season_id: str, at: datetime | None) -> None:
    """End the season SEASON_ID of BOARD_ID."""
    with connected() as engine, engine.begin() as connection:
        board = _find(catalogue_changes.hold(connection, with_ledger=True), board_id)
        known = board.find_season(season_id)
        if known is None:
            raise click.ClickException(f"{board_id} has no season {season_id}")
        try:
            after, plan = catalogue_changes.end_season(connection, board, known, at, datetime.now(UTC))
        except ScoreboardError as refusal:
            raise click.ClickException(sentence_of(refusal)) from None
        if plan.changes:
            operator.record(connection, "end_season", board_id, changes=plan.described_changes())
    click.echo(f"{board_id} {season_id}: ends at {format_instant(after.ends_at)}")


@seasons.command()
@_board
@_season
def delete(board_id: str, season_id: str) -> None:
    """Delete the planned season SEASON_ID of BOARD_ID, until 6 seconds before it begins."""
    with connected() as engine, engine.begin() as connection:
        board = _find(catalogue_changes.hold(connection), board_id)
        try:
            plan = catalogue_changes.delete_season(connection, board, season_id, datetime.now(UTC))
        except ScoreboardError as refusal:
            raise click.ClickException(sentence_of(refusal)) from None
        if plan.changes:
            operator.record(connection, "delete_season", board_id, changes=plan.described_changes())
    click.echo(f"{board_id} {season_id}: {'deleted' if plan.changes else 'nothing to do'}")


def _find(stored: Stored, board_id: str) -> Board:
    if board_id not in stored.boards:
        raise click.ClickException(f"there is no board {board_id}")
    return stored.boards[board_id]
