"""`scoreboard actions`: the actions that give points, and their rules."""

import json
from dataclasses import replace

import click
from rich.table import Table
from sqlalchemy.exc import IntegrityError

from common.contract.constants import DEFAULT_BOARD, GREATEST_SCORE
from common.contract.fields import is_action_id
from common.domain.scoring import Action
from common.postgres import catalogue
from scoreboard import operator, tables
from scoreboard.environment import connected
from scoreboard.whole_numbers import WholeNumber

_RULE = WholeNumber(0, 2**31 - 1)


@click.group()
def actions() -> None:
    """List and change the actions of the catalogue."""


@actions.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List every action as it is in force."""
    with connected() as engine, engine.connect() as connection:
        rows = [_shown(action, enabled=enabled) for action, enabled in catalogue.list_all(connection)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("action", "version", "points", "boards", "cooldown (s)", "a day", "enabled")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    tables.show(table)


@actions.command("set")
@click.argument("action_id")
@click.option("--points", type=WholeNumber(-GREATEST_SCORE, GREATEST_SCORE), help="What one use is worth.")
@click.option("--cooldown", type=_RULE, help="Least seconds between two uses that count; 0: none.")
@click.option("--daily-limit", type=_RULE, help="How many uses count in a UTC day; 0: any number.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it can be used at all.")
def change(
    action_id: str, points: int | None, cooldown: int | None, daily_limit: int | None, *, enabled: bool | None
) -> None:
    """Change the action ACTION_ID, or make it. What is not given stays as it is.

    Every process follows within five seconds. What players have already is not touched.
    """
    if not is_action_id(action_id):
        raise click.BadParameter("must match [a-z0-9][a-z0-9_-]{0,63}", param_hint="ACTION_ID")
    with connected() as engine, engine.begin() as connection:
        known = {action.id: (action, is_on) for action, is_on in catalogue.list_all(connection)}
        if action_id not in known and points is None:
            raise click.UsageError("a new action needs --points")
        before, was_enabled = known.get(action_id, (Action(action_id, 0, 0, (DEFAULT_BOARD,)), True))
        after = replace(
            before,
            version=before.version + 1,
            points=before.points if points is None else points,
            cooldown_seconds=before.cooldown_seconds if cooldown is None else cooldown or None,
            daily_limit=before.daily_limit if daily_limit is None else daily_limit or None,
        )
        is_enabled = was_enabled if enabled is None else enabled
        try:
            catalogue.add(connection, after, enabled=is_enabled)
            operator.record(connection, "set_action", action_id, **_shown(after, enabled=is_enabled))
        except IntegrityError:
            raise click.ClickException("somebody else changed this action at the same moment; look again") from None
    click.echo(json.dumps(_shown(after, enabled=is_enabled)))


def _shown(action: Action, *, enabled: bool) -> dict[str, object]:
    return {
        "actionId": action.id,
        "version": action.version,
        "points": action.points,
        "boards": list(action.boards),
        "cooldownSeconds": action.cooldown_seconds,
        "dailyLimit": action.daily_limit,
        "enabled": enabled,
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "-" if value is None else str(value)
