"""`scoreboard audit`: who changed what, and when."""

import json

import click
from rich.table import Table

from common.core.timestamps import format_instant
from common.postgres import audit as store
from common.postgres.audit import AuditRow
from scoreboard import tables
from scoreboard.environment import connected
from scoreboard.whole_numbers import WholeNumber


@click.group()
def audit() -> None:
    """Read the audit log."""


@audit.command("list")
@click.option("--limit", type=WholeNumber(1, 1_000_000), default=100, show_default=True, help="How many, at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(limit: int, *, as_json: bool) -> None:
    """List the newest changes, oldest first: when, who, what, to whom or what, and the details."""
    with connected() as engine, engine.connect() as connection:
        rows = store.latest(connection, limit)
    if as_json:
        click.echo(json.dumps([{**row._asdict(), "at": format_instant(row.at)} for row in rows]))
        return
    table = Table("at", "who", "what", "to", "details")
    for row in rows:
        table.add_row(format_instant(row.at), _who(row), row.action, row.subject, _details(row))
    tables.show(table)


def _who(row: AuditRow) -> str:
    os_user = row.details.get("os_user")
    return f"{row.actor} ({os_user})" if os_user else row.actor


def _details(row: AuditRow) -> str:
    return json.dumps({name: value for name, value in row.details.items() if name != "os_user"}, ensure_ascii=False)
