"""`scoreboard achievements`: what players can achieve, and taking it back from one."""

import json
from typing import Any

import click
from pydantic import ValidationError
from rich.table import Table

from common.contract.achievements import GREATEST_GOAL, GREATEST_RANK, ICONS, AchievementSpec, EndingPeriod
from common.contract.constants import GREATEST_SCORE
from common.domain import catalogue_file
from common.domain.achievement_plan import add_achievement, check_achievement_room
from common.domain.achievement_wire import described_achievement, table_of
from common.domain.achievements import Achievement
from common.domain.catalogue_plan import Place, Plan, Stored
from common.postgres import achievements as store
from common.postgres import archiving, catalogue_changes
from common.services import achieving
from scoreboard import operator, tables
from scoreboard.environment import connected
from scoreboard.found_users import found_user
from scoreboard.reason import reason_option
from scoreboard.whole_numbers import WholeNumber

_AT = Place("", "ACHIEVEMENT_ID", str)
_GOAL, _RANK = WholeNumber(1, GREATEST_GOAL), WholeNumber(1, GREATEST_RANK)
_PERIODS = ("all", "daily", "weekly", "monthly", "season")
_REPEATS: tuple[EndingPeriod, ...] = ("daily", "weekly", "monthly", "season")


@click.group()
def achievements() -> None:
    """List, make and change achievements, and take them back."""


@achievements.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List every achievement, and the share of players who have it."""
    with connected() as engine, engine.connect() as connection:
        known = store.load(connection)
        rarities = store.rarities(connection)
    if as_json:
        click.echo(json.dumps([{**described_achievement(each), "rarity": rarities.get(each.id)} for each in known]))
        return
    table = Table(
        "achievement", "title", "kind", "what it takes", "repeats", "secret", "enabled", "players who have it"
    )
    for each in known:
        takes = ", ".join(f"{name} {_told(value)}" for name, value in table_of(each).items())
        share = f"{rarities[each.id]:.1%}" if each.id in rarities else "-"
        flags = ("yes" if flag else "no" for flag in (each.secret, each.enabled))
        table.add_row(each.id, each.title, each.kind.value, takes, each.repeats or "-", *flags, share)
    tables.show(table)


@achievements.command("set")
@click.argument("achievement_id")
@click.option("--title", help="Its name; a new one needs one.")
@click.option("--description", help="What has to be done for it.")
@click.option("--icon", type=click.Choice(ICONS), help="A built-in picture. New: star.")
@click.option("--secret/--no-secret", default=None, help="Nobody is told what it is before they have it.")
@click.option("--enable/--disable", "enabled", default=None, help="Nothing counts while it is disabled.")
@click.option("--retroactive", is_flag=True, help="What happened before it was made counts too. For good.")
@click.option("--repeat", type=click.Choice(_REPEATS), help="Once in each of these periods. Default: once for ever.")
@click.option("--action", "--actions", "actions", multiple=True, help="An action whose uses count; may repeat.")
@click.option("--goal", type=_GOAL, help="How many uses it takes; without --action, how many steps are granted.")
@click.option("--board", help="The board of --reach or --within, or that of --repeat season.")
@click.option("--period", type=click.Choice(_PERIODS), help="A period of the board. With --reach: all by default.")
@click.option("--reach", type=WholeNumber(-GREATEST_SCORE, GREATEST_SCORE), help="A score on the board.")
@click.option("--within", type=_RANK, help="A final rank in a period of the board.")
@click.option("--min-players", type=_RANK, help="With --within: how many must have taken part.")
def change(achievement_id: str, **options: Any) -> None:  # noqa: ANN401 - click's
    """Change the achievement ACHIEVEMENT_ID, or make it. What is not given stays as it is.

    What decides it is given once and never changes: --action and --goal, or --reach, or --within, or --goal alone.
    """
    with connected() as engine, engine.begin() as connection:
        stored = catalogue_changes.hold(connection)
        plan = _plan(stored, achievement_id, options)
        if plan.problems:
            raise click.UsageError("; ".join(f"{problem.path}: {problem.message}" for problem in plan.problems))
        if plan.changes:
            catalogue_changes.write(connection, plan)
            changes = plan.described_changes()
            operator.record(connection, "set_achievement", achievement_id, changes=changes)
        after = catalogue_changes.stored(connection).achievements[achievement_id]
        of_days = after.retroactive and after.period == "daily"
        archived = archiving.archived(connection, after.board_id) if of_days else []
    click.echo(json.dumps(described_achievement(after)))
    if archived:
        click.echo(f"{len(archived)} days are archived: what happened on them does not count", err=True)


@achievements.command()
@click.argument("achievement_id")
@click.argument("name")
@reason_option
@click.option("--scope", help="Only what was unlocked in this period, such as 2026-W48. Default: all of it.")
def revoke(achievement_id: str, name: str, reason: str, scope: str | None) -> None:
    """Take ACHIEVEMENT_ID back from NAME, a username or a user id. It may be earned again."""
    with connected() as engine:
        with engine.connect() as connection:
            user = found_user(connection, name)
            if achievement_id not in catalogue_changes.stored(connection).achievements:
                raise click.ClickException(f"there is no achievement {achievement_id}")
        revoked = achieving.revoke(
            engine, achievement_id, user.id, reason=reason, actor=operator.operator(), scope=scope
        )
    click.echo(f"{user.username}: {achievement_id} revoked" if revoked else f"{user.username} does not have it")


def _plan(stored: Stored, achievement_id: str, options: dict[str, Any]) -> Plan:
    plan = Plan()
    known = stored.achievements.get(achievement_id)
    try:
        spec = AchievementSpec.model_validate(_fields(known, options), strict=True, by_name=True, by_alias=False)
    except ValidationError as error:
        plan.problems += catalogue_file.problems_of(error, _AT)
        return plan
    add_achievement(
        plan,
        _AT,
        achievement_id,
        spec,
        known=known,
        boards=stored.boards,
        action_ids=stored.ordinary_actions,
    )
    check_achievement_room(plan, stored.achievements, "ACHIEVEMENT_ID")
    return plan


def _fields(known: Achievement | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the achievement that is wanted: those that are stored and those that are given."""
    told = ("title", "description", "icon", "secret", "enabled")
    fields = {name: getattr(known, name) for name in told} if known else {}
    fields |= {name: options[name] for name in told if options[name] is not None}
    if options["retroactive"]:
        fields["retroactive"] = True
    if options["repeat"]:
        fields |= {"repeat": "period", "period": options["repeat"]}
    return {**fields, **_table(options)}


def _table(options: dict[str, Any]) -> dict[str, Any]:
    """Return the table of the kind that the options describe; nothing if they describe none."""
    given = {name: options[name] for name in ("board", "period", "reach", "within", "min_players", "goal")}
    given = {name: value for name, value in given.items() if value is not None}
    if options["actions"]:
        return {"count": {**given, "actions": [action for text in options["actions"] for action in text.split(",")]}}
    if "reach" in given:
        return {"score": given}
    if "within" in given or "min_players" in given:
        return {"placement": given}
    if "period" in given:
        raise click.UsageError("--period goes with --reach or --within")
    return {"granted": given} if given else {}


def _told(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
