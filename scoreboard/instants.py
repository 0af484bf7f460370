"""Instants as a command takes them."""

from datetime import datetime

import click

from common.core.timestamps import parse_instant


def instant(_context: click.Context, parameter: click.Parameter, given: str | None) -> datetime | None:
    """Return the instant that an option gives; a callback of click. Raises click.BadParameter."""
    try:
        return parse_instant(given) if given is not None else None
    except ValueError:
        words = "an instant as ISO 8601 with an offset, such as 2026-11-23T14:00:00Z"
        raise click.BadParameter(words, param=parameter) from None
