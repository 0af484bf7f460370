"""Tables for people: as wide as the terminal, or, in a pipe, as wide as their contents. Nothing is cut off."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from common.core.printable import escaped

_WIDE_ENOUGH = 10_000


def show(table: Table, *, stderr: bool = False) -> None:
    """Print a table to standard output, or to standard error.

    The cells may hold any client's text, so Rich's markup and control characters are escaped.
    """
    plain = _plain(table)
    console = Console(stderr=stderr)
    (console if console.is_terminal else Console(stderr=stderr, width=_WIDE_ENOUGH)).print(plain)


def _plain(table: Table) -> Table:
    copy = Table(title=table.title, caption=table.caption)
    for column in table.columns:
        copy.add_column(Text(str(column.header)), overflow="fold")
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        copy.add_row(*(Text(escaped(str(cell))) for cell in cells))
    return copy
