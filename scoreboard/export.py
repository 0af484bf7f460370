"""`scoreboard export`: a whole board in a file, as it is or as it was at an instant."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import click
from sqlalchemy import Connection, Engine, text

from common.core.timestamps import format_instant
from common.domain import board_files
from common.domain.board_files import FileFormat, Label
from common.domain.entries import Entry
from common.domain.periods import Period
from common.domain.shown import Gate, Viewer
from common.domain.stand_ins import StandIns
from common.postgres import archives, past_boards, stored_boards
from common.postgres.checkpoint import Checkpoint
from scoreboard import boards
from scoreboard.environment import connected, load_settings
from scoreboard.instants import instant
from scoreboard.progress import progress

ROWS_AT_ONCE = 1_000
_FORMATS = [form.value for form in FileFormat]
_RECORDED_WITHIN_SECONDS = 30.0
_NOW = text("SELECT now()")

Pages = Iterator[list[Entry]]


@click.command()
@click.option("--board", default="main", show_default=True)
@click.option("--period", default="all", show_default=True, help="A name or an id. A name is that of the instant.")
@click.option("--as-of", callback=instant, metavar="INSTANT", help="As it was then.  [default: as it is]")
@click.option("--format", "form", type=click.Choice(_FORMATS), default=_FORMATS[0], show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
@click.option("--public", is_flag=True, help="As anybody may see it: who is not named is `Anonymous`.")
def export(board: str, period: str, as_of: datetime | None, form: str, out: Path | None, *, public: bool) -> None:
    """Write a whole board to a file, as it is or as it was.

    --as-of counts the ledger up to an instant. Updates that are void now do not count, and who is hidden now is left
    out. A file appears when it is whole.
    """
    gate = Gate(StandIns(load_settings().secret_keys))
    viewer = Viewer.ANYBODY if public else Viewer.INSIDER
    with connected() as engine, _written_to(out) as file:
        ((_, chosen),) = boards.chosen_periods(engine, board, period, as_of)
        if as_of is not None:
            _wait_until_recorded(engine, as_of)
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            past_boards.unbound(connection)
            at = as_of or connection.execute(_NOW).scalar_one()
            with progress() as bars:
                bar = bars.add_task("counting" if as_of else "reading", total=None)
                total, pages = _read(connection, board, chosen, as_of)
                bars.update(bar, description="rows", total=total)
                shown = ([gate.shown(board, entry, viewer) for entry in page] for page in pages)
                counted = _counted(shown, lambda rows: bars.advance(bar, rows))
                label = Label(board, chosen.id, format_instant(at))
                for piece in board_files.written(FileFormat(form), label, counted):
                    file.write(piece)
    click.echo(f"{board} {chosen.id} as of {label.as_of}: {total:,} rows", err=True)


def _read(connection: Connection, board_id: str, period: Period, as_of: datetime | None) -> tuple[int, Pages]:
    if as_of is None:
        return stored_boards.read_board(connection, board_id, period.id, ROWS_AT_ONCE)
    if stored_boards.is_archived(connection, board_id, period.id):
        if as_of < archives.closed_at(connection, board_id, period.id):
            raise click.ClickException(f"{period.id} is archived: bring it back first, by `scoreboard periods restore`")
        return stored_boards.read_board(connection, board_id, period.id, ROWS_AT_ONCE)
    return past_boards.read(connection, board_id, period, as_of, ROWS_AT_ONCE)


def _wait_until_recorded(engine: Engine, as_of: datetime) -> None:
    """Wait until all that was recorded by an instant is committed. Raises click.ClickException, also for a future one.

    PostgreSQL's clock decides, by which updates are recorded.
    """
    with engine.connect() as connection:
        now = connection.execute(_NOW).scalar_one()
    if as_of > now - past_boards.SETTLED_AFTER:
        seconds = past_boards.SETTLED_AFTER.total_seconds()
        raise click.BadParameter(f"is not {seconds:g} s ago; it is {format_instant(now)}", param_hint="--as-of")
    if not Checkpoint(engine).is_settled(_RECORDED_WITHIN_SECONDS):
        raise click.ClickException("a batch of updates has been under way for long; try again when it has ended")


def _counted(pages: Iterable[list[Entry]], advance: Callable[[int], None]) -> Pages:
    for page in pages:
        yield page
        advance(len(page))


@contextmanager
def _written_to(path: Path | None) -> Iterator[IO[bytes]]:
    """Give what is written to: standard output, or a draft that becomes the file when all went well."""
    if path is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left would fail again at the end of the program
            raise click.ClickException("standard output was closed before the end") from None
        return
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as draft:
            try:
                yield draft
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).replace(path)
            finally:
                Path(draft.name).unlink(missing_ok=True)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
