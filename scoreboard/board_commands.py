"""`scoreboard boards`: list boards, close them and open them again."""

import json
from datetime import UTC, datetime, timedelta

import click
from rich.table import Table

from common.core.timestamps import format_instant, parse_instant
from common.postgres import catalogue
from scoreboard import operator, tables
from scoreboard.environment import connected

NOTICE = timedelta(seconds=catalogue.FRESH_SECONDS + 1)
"""How long after a decision every process knows of it."""


@click.group()
def boards() -> None:
    """List, close and open boards."""


@boards.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List all boards and when they close."""
    with connected() as engine, engine.connect() as connection:
        known = catalogue.load(connection)
    rows = [
        {"boardId": board_id, "closesAt": format_instant(closes_at) if closes_at else None}
        for board_id in sorted(known.boards)
        for closes_at in [known.closes_at.get(board_id)]
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("board", "closes at")
    for row in rows:
        table.add_row(row["boardId"], row["closesAt"] or "-")
    tables.show(table)


@boards.command()
@click.argument("board_id")
@click.option("--at", "instant", help="ISO 8601 with an offset. Default: as soon as every process knows, in 6 seconds.")
def close(board_id: str, instant: str | None) -> None:
    """Close BOARD_ID: an update that is accepted from then on does not count on it. It stays readable."""
    earliest = datetime.now(UTC) + NOTICE
    try:
        closes_at = parse_instant(instant) if instant else earliest
    except ValueError:
        raise click.BadParameter("must be ISO 8601 with an offset", param_hint="--at") from None
    if closes_at < earliest:
        raise click.BadParameter(f"must be at least {NOTICE.seconds} seconds from now", param_hint="--at")
    _set(board_id, closes_at)
    click.echo(f"{board_id}: closes at {format_instant(closes_at)}")


@boards.command("open")
@click.argument("board_id")
def reopen(board_id: str) -> None:
    """Open BOARD_ID again, or call its closing off. What was refused meanwhile stays so."""
    _set(board_id, None)
    click.echo(f"{board_id}: open")


def _set(board_id: str, closes_at: datetime | None) -> None:
    with connected() as engine, engine.begin() as connection:
        if not catalogue.close(connection, board_id, closes_at):
            raise click.ClickException(f"there is no board {board_id}")
        if closes_at:
            operator.record(connection, "close_board", board_id, closesAt=format_instant(closes_at))
        else:
            operator.record(connection, "open_board", board_id)
