"""Tables for people: as wide as the terminal, or, in a pipe, as wide as what they hold. Nothing is cut off."""

from rich.console import Console
from rich.table import Table

_WIDE_ENOUGH = 10_000


def show(table: Table, *, stderr: bool = False) -> None:
    """Print it to standard output, or to standard error."""
    for column in table.columns:
        column.overflow = "fold"
    console = Console(stderr=stderr)
    (console if console.is_terminal else Console(stderr=stderr, width=_WIDE_ENOUGH)).print(table)
