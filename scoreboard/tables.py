"""Tables for people: as wide as the terminal, or, in a pipe, as wide as their contents. Nothing is cut off."""

import json
from collections.abc import Iterable, Sequence
from itertools import islice

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from common.core.printable import escaped

ROWS_IN_A_TABLE = 1_000

_WIDE_ENOUGH = 10_000


def show(table: Table, *, stderr: bool = False) -> None:
    """Print a table to standard output, or to standard error.

    The cells may hold any client's text, so Rich's markup and control characters are escaped.
    """
    plain = _plain(table)
    console = Console(stderr=stderr)
    (console if console.is_terminal else Console(stderr=stderr, width=_WIDE_ENOUGH)).print(plain)


def show_all(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of any number as tables of at most `ROWS_IN_A_TABLE` each, so that few are in memory at a time."""
    left = iter(rows)
    some = list(islice(left, ROWS_IN_A_TABLE))
    while True:
        table = Table(*columns)
        for row in some:
            table.add_row(*row)
        show(table)
        some = list(islice(left, ROWS_IN_A_TABLE))
        if not some:
            return


def print_json_array(values: Iterable[object]) -> None:
    """Print one JSON array, value by value, as `json.dumps` would write it."""
    before = "["
    for value in values:
        click.echo(f"{before}{json.dumps(value)}", nl=False)
        before = ", "
    click.echo("[]" if before == "[" else "]")


def _plain(table: Table) -> Table:
    copy = Table(title=table.title, caption=table.caption)
    for column in table.columns:
        copy.add_column(Text(str(column.header)), overflow="fold")
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        copy.add_row(*(Text(escaped(str(cell))) for cell in cells))
    return copy
