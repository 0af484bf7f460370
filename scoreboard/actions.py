"""`scoreboard actions`: the actions that give points or carry values, and their rules."""

import json
from typing import Any

import click
from pydantic import ValidationError
from rich.table import Table
from sqlalchemy import Connection

from common.contract.catalogue import GREATEST_LIFETIME_LIMIT, GREATEST_LIMIT, ActionSpec
from common.contract.constants import GREATEST_SCORE
from common.domain import catalogue_file, cost
from common.domain.catalogue_plan import Place, Plan, Stored, add_action
from common.domain.catalogue_wire import described_action
from common.domain.scoring import ClaimedBy, Kind
from common.postgres import catalogue_changes
from scoreboard import operator, tables
from scoreboard.environment import connected
from scoreboard.whole_numbers import WholeNumber

_AT = Place("", "ACTION_ID", str)
_RULE = WholeNumber(0, GREATEST_LIMIT)
_RULE_OPTIONS = {"cooldownSeconds": "cooldown", "dailyLimit": "daily_limit", "lifetimeLimit": "lifetime_limit"}
_SCORE = WholeNumber(-GREATEST_SCORE, GREATEST_SCORE)


@click.group()
def actions() -> None:
    """List and change the actions of the catalogue."""


@actions.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List every action as it is in force."""
    with connected() as engine, engine.connect() as connection:
        stored = catalogue_changes.stored(connection)
    rows = [
        described_action(action, enabled=enabled)
        for action, enabled in stored.actions.values()
        if action.claimed_by is not ClaimedBy.ADMIN
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table(
        *("action", "version", "points", "values", "boards", "claimed by", "cooldown (s)", "a day", "ever", "enabled")
    )
    for row in rows:
        value = row["value"]
        bounds = f"{value['min']} to {value['max']}" if value else None
        cells = (row["actionId"], row["version"], row["points"], bounds, row["boards"], row["claimedBy"])
        rules = (row["cooldownSeconds"], row["dailyLimit"], row["lifetimeLimit"], row["enabled"])
        table.add_row(*(_cell(each) for each in (*cells, *rules)))
    tables.show(table)


@actions.command("set")
@click.argument("action_id")
@click.option("--points", type=_SCORE, help="What one use is worth.")
@click.option("--value-min", type=_SCORE, help="It carries a value, and this is the least.")
@click.option("--value-max", type=_SCORE, help="It carries a value, and this is the greatest.")
@click.option("--board", "--boards", "boards", multiple=True, help="A board that it feeds; may repeat. New: main.")
@click.option("--claimed-by", type=click.Choice(["player", "server", "both"]), help="Who may claim it.")
@click.option("--cooldown", type=_RULE, help="Least seconds between two uses that count; 0: none.")
@click.option("--daily-limit", type=_RULE, help="How many uses count in a UTC day; 0: any number.")
@click.option("--lifetime-limit", type=WholeNumber(0, GREATEST_LIFETIME_LIMIT), help="How many ever count; 0: any.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it can be used at all.")
def change(action_id: str, **options: Any) -> None:  # noqa: ANN401 - click's
    """Change the action ACTION_ID, or make it. What is not given stays as it is.

    Every process follows within five seconds. What players have already is not touched.
    """
    with connected() as engine, engine.begin() as connection:
        stored = catalogue_changes.hold(connection)
        plan = Plan()
        try:
            spec = ActionSpec.model_validate(_fields(stored, action_id, options), strict=True)
        except ValidationError as error:
            plan.problems += catalogue_file.problems_of(error, _AT)
        else:
            known = stored.actions.get(action_id)
            add_action(plan, _AT, action_id, spec, known=known, board_ids=stored.boards)
        if plan.problems:
            raise click.UsageError("; ".join(f"{problem.path}: {problem.message}" for problem in plan.problems))
        _write(connection, plan, action_id)
        after = catalogue_changes.stored(connection)
    action, enabled = after.actions[action_id]
    click.echo(json.dumps(described_action(action, enabled=enabled)))
    moved = cost.standings_moved(action, after.boards)
    told = (
        f"cost: {moved} standings with each update, about {cost.updates_a_second(moved):,} updates a second per worker"
    )
    click.echo(told, err=True)


def _write(connection: Connection, plan: Plan, action_id: str) -> None:
    if not plan.changes:
        return
    catalogue_changes.write(connection, plan)
    action, enabled = plan.actions[0]
    operator.record(connection, "set_action", action_id, **described_action(action, enabled=enabled))


def _fields(stored: Stored, action_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the action that is wanted, as its JSON has them: those that are stored and those given."""
    fields: dict[str, Any] = {}
    if action_id in stored.actions:
        action, enabled = stored.actions[action_id]
        told = described_action(action, enabled=enabled)
        rules = ("cooldownSeconds", "dailyLimit", "lifetimeLimit", "enabled")
        fields = {name: told[name] for name in rules}  # type: ignore[literal-required]  # they are its fields
        becomes_value = options["value_min"] is not None or options["value_max"] is not None
        if not becomes_value and action.kind is Kind.POINTS:
            fields["claimedBy"] = action.claimed_by.value
    for name, option in _RULE_OPTIONS.items():
        if options[option] is not None:
            fields[name] = options[option] or None
    given = {"points": options["points"], "claimedBy": options["claimed_by"], "enabled": options["enabled"]}
    fields |= {name: value for name, value in given.items() if value is not None}
    if options["boards"]:
        fields["boards"] = [board for text in options["boards"] for board in text.split(",")]
    if value := _bounds(stored, action_id, options):
        fields["value"] = value
    return fields


def _bounds(stored: Stored, action_id: str, options: dict[str, Any]) -> dict[str, int]:
    given = {"min": options["value_min"], "max": options["value_max"]}
    value = {name: bound for name, bound in given.items() if bound is not None}
    if value and action_id in stored.actions:
        action, _ = stored.actions[action_id]
        known = {"min": action.value_min, "max": action.value_max}
        value = {name: bound for name, bound in known.items() if bound is not None} | value
    return value


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "-" if value is None else str(value)
