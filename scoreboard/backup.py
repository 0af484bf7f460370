"""`scoreboard backup`: all that PostgreSQL holds, of one instant, in one file, while the service runs."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import click
from sqlalchemy import Connection, text

from common.core.settings import Settings
from common.core.timestamps import format_instant
from common.postgres import content, schema
from scoreboard import backup_file, migrate, postgres_programs
from scoreboard.backup_file import Contents
from scoreboard.environment import connected_as_owner, load_settings
from scoreboard.postgres_programs import DEVNULL, Process, ended_in_any_case, last_words
from scoreboard.progress import progress
from scoreboard.version import VERSION

_LOOK_SECONDS = 0.2
_LONGEST_WAIT_FOR_A_TABLE = "10s"
"""A migration holds tables for moments; whoever waits longer meets something that is stuck."""

_HOLD_SNAPSHOT = text("SET LOCAL idle_in_transaction_session_timeout = 0")
_INSTANT = text(
    "SELECT pg_export_snapshot(), now(), current_schema(), current_setting('server_version_num')::int / 10000"
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write all that PostgreSQL holds to a file, while the service runs.

    FILE must not exist yet, and only you can read it. Sessions are not in it, and neither are the secrets: keep a copy
    of those, too.
    """
    started = time.monotonic()
    config = load_settings()
    migrate.refuse_two_databases(config)
    if file.exists():
        raise _is_there(file)
    with connected_as_owner(config) as engine, _draft_of(file) as draft:
        url = config.migrate_database_url or config.database_url
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            contents = _write(connection, config, url, draft)
        backup_file.seal(draft, contents)
        _publish(draft, file)
    took = time.monotonic() - started
    size = file.stat().st_size / 1e6
    click.echo(f"{file}: {told(contents.rows)}; {size:.1f} MB, schema {contents.schema_version}, {took:.1f} s")


def told(rows: Mapping[str, int]) -> str:
    """Return in words how much a backup holds."""
    return f"{rows.get('users', 0):,} accounts, {rows.get('score_events', 0):,} ledger rows"


@contextmanager
def _draft_of(file: Path) -> Iterator[Path]:
    """Give a file beside this one, which its owner alone can read, and take away what is left of it afterwards."""
    try:
        draft = Path(tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)[1])
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    try:
        yield draft
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, file: Path) -> None:
    """Give the draft its name, on the disk, too. A file that has appeared there meanwhile is left as it is.

    Raises click.ClickException for that, and OSError where the folder takes no second name of a file.
    """
    try:
        os.link(draft, file)
    except FileExistsError:
        raise _is_there(file) from None
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_there(file: Path) -> click.ClickException:
    return click.ClickException(f"{file} is there already, and is left as it is")


def _write(connection: Connection, config: Settings, url: str, draft: Path) -> Contents:
    """Have `pg_dump` write the snapshot of this transaction, and return what it holds."""
    version = schema.version(connection)
    if version is None or version not in schema.known_versions():
        known = schema.known_versions()[-1]
        state = (
            "has no tables of ours" if version is None else f"is at schema {version}, and this program knows {known}"
        )
        raise click.ClickException(f"the database {state}: use the version of `scoreboard` that serves it")
    connection.execute(_HOLD_SNAPSHOT)
    snapshot, now, namespace, major = connection.execute(_INSTANT).one()
    programs = postgres_programs.find(major, url)
    names = content.tables(connection)
    rows = content.count_rows(connection, [name for name in names if name not in content.PASSING])
    wanted = [f'--table="{namespace}"."{name}"' for name in (*names, content.SEQUENCE)]
    left_out = [f'--exclude-table-data="{namespace}"."{name}"' for name in names if name in content.PASSING]
    with tempfile.TemporaryFile() as said:
        dump = programs.start(
            "pg_dump",
            *("--format=custom", "--no-owner", "--no-privileges", "--strict-names", f"--snapshot={snapshot}"),
            *(f"--lock-wait-timeout={_LONGEST_WAIT_FOR_A_TABLE}", f"--file={draft}", *wanted, *left_out),
            stdin=DEVNULL,
            stderr=said,
        )
        with ended_in_any_case(dump):
            _show_progress(connection, dump, sum(rows.values()))
            if dump.wait():
                raise click.ClickException(f"pg_dump failed, and there is no backup: {last_words(said)}")
    return Contents(
        product=VERSION,
        schema_version=version,
        namespace=namespace,
        postgresql=major,
        taken_at=format_instant(now.astimezone(UTC)),
        key=backup_file.mark_of_key(config.secret_keys[0]),
        rows=rows,
    )


def _show_progress(connection: Connection, dump: Process, total: int) -> None:
    """Show how many rows are written, until `pg_dump` ends. Tables are written one after the other."""
    seen: dict[int, int] = {}
    with progress() as bars:
        bar = bars.add_task("rows", total=total)
        while dump.poll() is None:
            if found := content.rows_copied(connection):
                table, copied = found
                seen[table] = copied
                bars.update(bar, completed=min(sum(seen.values()), total))
            time.sleep(_LOOK_SECONDS)
        if dump.returncode == 0:
            bars.update(bar, completed=total)
