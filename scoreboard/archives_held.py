"""The lock of who moves periods into archives and back, for a command."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Engine

from common.postgres import archiving


@contextmanager
def archives_held(engine: Engine) -> Iterator[None]:
    """Let no other command move periods until the block ends, for which the engine gives one of its connections.

    Raises click.ClickException if one does.
    """
    try:
        with archiving.lock(engine):
            yield
    except archiving.BusyError:
        raise click.ClickException("another command is moving archived periods; try again when it has ended") from None
