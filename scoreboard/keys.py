"""`scoreboard keys`: API keys for game servers. A secret is shown once, when it is made."""

import json

import click
from rich.table import Table

from common.core.timestamps import format_instant
from common.domain import permissions
from common.domain.permissions import DEFAULT_REALM, SUBMITTING, Permissions, Scope
from common.postgres import api_keys
from common.postgres.api_keys import ApiKey
from scoreboard import operator, tables
from scoreboard.environment import connected, load_settings
from scoreboard.whole_numbers import WholeNumber

_LONGEST_NAME = 64
_LONGEST_OVERLAP_HOURS = 24 * 30

_as_json = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")


@click.group()
def keys() -> None:
    """Create, list, rotate and revoke API keys."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help=f"What it may do: one or more of {', '.join(Scope)}, with commas between them.  [default: submit]",
)
@click.option(
    "--realm", default=DEFAULT_REALM, show_default=True, help="The game whose players it names by external ids."
)
@click.option(
    "--action",
    "actions",
    multiple=True,
    help="An action that it may submit, or the beginning of some, such as 'lap-*'. May be repeated.  [default: all]",
)
@_as_json
def create(name: str, scopes: tuple[str, ...], realm: str, actions: tuple[str, ...], *, as_json: bool) -> None:
    """Create an API key called NAME and show its secret, once. A live key has its name alone: see `rotate`."""
    allowed = Permissions(_scopes(scopes), _realm(realm), _actions(actions))
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(f"1 to {_LONGEST_NAME} printable characters", param_hint="NAME")
    with connected() as engine, engine.begin() as connection:
        if known := api_keys.lock_name(connection, name):
            raise click.ClickException(
                f"there is a live API key called {name}: `scoreboard keys rotate {known}` gives it a new secret"
            )
        key = api_keys.create(connection, name, allowed)
        operator.record(connection, "create_key", key.id, name=name, **_permission_fields(allowed))
    _show_secret(key, as_json=as_json)


@keys.command("list")
@_as_json
def listing(*, as_json: bool) -> None:
    """List all API keys, oldest first, without their secrets."""
    with connected() as engine, engine.connect() as connection:
        rows = [_shown(key) for key in api_keys.list_all(connection)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("id", "name", "created at", "old secret until", "revoked at", "scopes", "realm", "actions")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    tables.show(table)


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap-hours",
    type=WholeNumber(0, _LONGEST_OVERLAP_HOURS),
    default=0,
    show_default=True,
    help="For how long the old secret still signs.",
)
@_as_json
def rotate(key_id: str, overlap_hours: int, *, as_json: bool) -> None:
    """Give the key ID a new secret and show it, once. A third secret is never valid: the one before last dies."""
    with connected() as engine, engine.begin() as connection:
        key = api_keys.rotate(connection, key_id, overlap_seconds=overlap_hours * 3600)
        if key is None:
            raise click.ClickException(f"there is no live API key {key_id}")
        operator.record(connection, "rotate_key", key_id, generation=key.generation, overlap_hours=overlap_hours)
    _show_secret(key, as_json=as_json)


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """End the key ID, at once and for good. What it has submitted stays."""
    with connected() as engine, engine.begin() as connection:
        if not api_keys.revoke(connection, key_id):
            raise click.ClickException(f"there is no API key {key_id}")
        operator.record(connection, "revoke_key", key_id)
    click.echo(f"{key_id}: revoked")


def _show_secret(key: ApiKey, *, as_json: bool) -> None:
    secret = api_keys.current_secret(key, load_settings().secret_key.get_secret_value())
    if as_json:
        click.echo(json.dumps({"id": key.id, "name": key.name, "secret": secret}))
        return
    click.echo(f"id: {key.id}\nsecret: {secret}")
    click.echo("Keep the secret now: it is not shown again.", err=True)


def _shown(key: ApiKey) -> dict[str, str | list[str] | None]:
    return {
        "id": key.id,
        "name": key.name,
        "createdAt": format_instant(key.created_at),
        "oldSecretUntil": format_instant(key.previous_until) if key.previous_until else None,
        "revokedAt": format_instant(key.revoked_at) if key.revoked_at else None,
        **_permission_fields(key.permissions),
    }


def _permission_fields(allowed: Permissions) -> dict[str, str | list[str] | None]:
    actions = None if allowed.actions is None else list(allowed.actions)
    return {"scopes": sorted(allowed.scopes), "realm": allowed.realm, "actions": actions}


def _cell(value: str | list[str] | None) -> str:
    return (", ".join(value) if isinstance(value, list) else value) or "-"


def _scopes(given: tuple[str, ...]) -> frozenset[Scope]:
    names = [name for text in given for name in text.split(",")]
    for name in names:
        if name not in tuple(Scope):
            raise click.BadParameter(f"{name!r} is not one of {', '.join(Scope)}", param_hint="--scope")
    return frozenset(map(Scope, names)) or SUBMITTING.scopes


def _realm(given: str) -> str:
    if not permissions.is_realm(given):
        raise click.BadParameter("a realm is 1 to 64 of a-z 0-9 _ - and begins with none of _ -", param_hint="--realm")
    return given


def _actions(given: tuple[str, ...]) -> tuple[str, ...] | None:
    for pattern in given:
        if not permissions.is_pattern(pattern):
            raise click.BadParameter(
                f"{pattern!r} is neither an action's id nor the beginning of one with a * behind it",
                param_hint="--action",
            )
    return given or None
