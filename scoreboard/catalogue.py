"""`scoreboard catalogue`: boards, actions, seasons and achievements as a file."""

from pathlib import Path

import click

from common.domain import catalogue_export
from common.postgres import catalogue_changes
from scoreboard.environment import connected


@click.group()
def catalogue() -> None:
    """Write boards, actions, seasons and achievements as a file."""


@catalogue.command()
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Default: standard output.")
def export(out: Path | None) -> None:
    """Write the file that `scoreboard apply` reads; applying it changes nothing."""
    with connected() as engine, engine.connect() as connection:
        text = catalogue_export.to_toml(catalogue_changes.stored(connection))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
