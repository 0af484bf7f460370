"""`scoreboard quarantine`: list, retry or discard the updates that could not be applied."""

import json
from collections.abc import Iterator

import click
from sqlalchemy import Connection, Engine

from common.core.timestamps import format_instant
from common.postgres import quarantine as store
from common.postgres.quarantine import QuarantinedEntry
from common.redis_store.inbox import Inbox
from scoreboard import operator, pages, tables
from scoreboard.environment import connected, connected_to_redis, load_settings
from scoreboard.whole_numbers import WholeNumber

_ROWS_AT_ONCE = 500


@click.group()
def quarantine() -> None:
    """List, retry and discard updates that could not be applied."""


@quarantine.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List quarantined updates, oldest first, with the reason."""
    with connected() as engine:
        rows = pages.each(
            engine, lambda connection, last: store.page(connection, last.id if last else 0, _ROWS_AT_ONCE)
        )
        if as_json:
            tables.print_json_array(map(_shown, rows))
        else:
            tables.show_all(("id", "quarantined at", "reason", "payload"), map(_cells, rows))


@quarantine.command()
@click.argument("ids", nargs=-1, type=WholeNumber(1))
@click.option("--all", "retry_all", is_flag=True, help="Everything that is in the quarantine.")
def retry(ids: tuple[int, ...], *, retry_all: bool) -> None:
    """Put updates back into the inbox. They count once, in the periods in which they were first accepted.

    An update that fails again is quarantined again, under a new id.
    """
    if bool(ids) == retry_all:
        raise click.UsageError("name the ids, or --all")
    settings = load_settings()
    with connected() as engine, connected_to_redis() as client:
        inbox = Inbox.of(client, settings)
        for row_id in ids or _everything(engine):
            if inbox.is_full():
                raise click.ClickException("the inbox is full: try again once workers have emptied it")
            with engine.begin() as connection:
                row = _found(connection, row_id)
                # First into the inbox, then out of the quarantine: a death in between leaves both, and it counts once.
                inbox.requeue(store.entry(row), store.accepted_at(row))
                store.remove(connection, row_id)
                operator.record(connection, "retry_update", row.inbox_id, payload=row.payload)
            click.echo(f"{row_id}: back in the inbox")


@quarantine.command()
@click.argument("ids", nargs=-1, required=True, type=WholeNumber(1))
def discard(ids: tuple[int, ...]) -> None:
    """Throw entries away for good; each is printed once more."""
    with connected() as engine:
        for row_id in ids:
            with engine.begin() as connection:
                row = _found(connection, row_id)
                store.remove(connection, row_id)
                operator.record(connection, "discard_update", row.inbox_id, reason=row.reason, payload=row.payload)
            click.echo(json.dumps(_shown(row)))


def _found(connection: Connection, row_id: int) -> QuarantinedEntry:
    row = store.find(connection, row_id)
    if row is None:
        raise click.ClickException(f"nothing with the id {row_id} is in the quarantine")
    return row


def _everything(engine: Engine) -> Iterator[int]:
    """Return the ids of what is in the quarantine now, and of nothing that comes meanwhile."""
    with engine.connect() as connection:
        newest = store.greatest_id(connection)
    return pages.each(engine, lambda connection, last: store.ids(connection, last or 0, newest, _ROWS_AT_ONCE))


def _cells(row: QuarantinedEntry) -> tuple[str, ...]:
    return str(row.id), f"{row.created_at:%Y-%m-%d %H:%M:%S}", row.reason, json.dumps(row.payload)


def _shown(row: QuarantinedEntry) -> dict[str, object]:
    accepted_at = format_instant(row.accepted_at) if row.accepted_at else None
    return {**row._asdict(), "created_at": format_instant(row.created_at), "accepted_at": accepted_at}
