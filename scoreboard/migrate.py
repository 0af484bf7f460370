"""`scoreboard migrate`: the database's schema, its default catalogue, and the rights of the role that serves."""

import click

from common import catalogue, schema
from scoreboard import operator
from scoreboard.environment import connected


@click.command()
def migrate() -> None:
    """Bring the database to this version and add the default catalogue. Safe to run twice and at the same time."""
    with connected() as engine:
        before, after = schema.migrate(engine)
        click.echo("the schema is up to date")
        with engine.begin() as connection:
            if before != after:
                operator.record(connection, "migrate", "schema", before=before, after=after)
            catalogue.load_defaults(connection)
        click.echo("the default catalogue is there")
