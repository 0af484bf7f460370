"""`scoreboard migrate`: the database's schema, its default catalogue, and the rights of the role that serves."""

from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ProgrammingError

from common.core.settings import Settings
from common.domain import catalogue_file
from common.postgres import catalogue, catalogue_changes, grants
from common.postgres import migrate as schema
from common.postgres.grants import ServingRole
from scoreboard import apply, operator
from scoreboard.environment import MisconfiguredError, connected_as_owner, load_settings


@click.command()
def migrate() -> None:
    """Bring the database to this version and add the default catalogue. Safe to run twice and at the same time."""
    bring_up(load_settings())


def bring_up(config: Settings) -> None:
    """Do it for the database of these settings."""
    refuse_two_databases(config)
    with connected_as_owner(config) as engine:
        before, after = schema.upgrade(engine)
        click.echo("the schema is up to date")
        with engine.begin() as connection:
            if before != after:
                operator.record(connection, "migrate", "schema", before=before, after=after)
            catalogue.load_defaults(connection)
        click.echo("the default catalogue is there")
        if config.catalogue:
            _apply(engine, config.catalogue, config.max_boards)
        if role := other_role(config):
            _let_serve(engine, role)


def _apply(engine: Engine, file: Path, most_boards: int) -> None:
    """Apply the catalogue of the settings. Raises click.ClickException, which stops the start, if it is refused."""
    parsed = apply.read(file)
    with engine.begin() as connection:
        stored = catalogue_changes.hold(connection, with_ledger=bool(parsed.seasons))
        plan = catalogue_file.plan(parsed, stored, datetime.now(UTC), most_boards)
        if plan.problems:
            raise apply.RefusedFileError(file, plan.problems)
        apply.write(connection, plan)
    click.echo(f"{file}: {len(plan.changes)} changes" if plan.changes else f"{file}: nothing to do")


def refuse_two_databases(config: Settings) -> None:
    """Refuse two URLs that name different databases: one was probably forgotten when the other was changed."""
    if config.migrate_database_url and (
        make_url(config.migrate_database_url).database != make_url(config.database_url).database
    ):
        raise MisconfiguredError("DATABASE_URL and SCOREBOARD_MIGRATE_DATABASE_URL name two databases")


def other_role(config: Settings) -> ServingRole | None:
    """Return the role of DATABASE_URL if it is not the owner, else None."""
    if config.migrate_database_url is None:
        return None
    role, owner = grants.serving_role(config.database_url), grants.serving_role(config.migrate_database_url)
    return None if role is None or (owner and role.name == owner.name) else role


def _let_serve(engine: Engine, role: ServingRole) -> None:
    try:
        with engine.begin() as connection:
            if grants.ensure_role(connection, role):
                operator.record(connection, "create_role", role.name)
    except ProgrammingError:  # the owner may not create roles
        raise click.ClickException(
            f"there is no role {role.name}, and the user of SCOREBOARD_MIGRATE_DATABASE_URL may not create it"
        ) from None
    with engine.begin() as connection:
        grants.grant(connection, role)
        is_unbounded = grants.is_unbounded(connection, role)
    click.echo(f"the role {role.name} has what it needs to serve")
    if is_unbounded:
        click.echo(f"but {role.name} is a superuser or owns tables, so it may do everything else too", err=True)
