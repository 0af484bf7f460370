"""`scoreboard restore`: the database as a backup holds it, all of it or nothing.

1. The file is read to its end and found to be whole, and of a version that this program knows; the service is stopped.
2. One transaction takes away the tables that are there, makes those of the backup, fills them, counts their rows, adds
   a row to the audit log, and gives the serving role its rights.
3. Before its COMMIT, the decisions that it undoes are told, and Redis forgets all but the inbox. Whoever dies here
   leaves the database of before with an emptied cache, which fills itself.
4. COMMIT. What waits in the inbox counts after that: the restored ledger knows which of its keys are recorded.
5. A backup of an earlier version is migrated. Waiting updates of actions that boards bring with them get those; which
   others the backup lacks is told, since a worker refuses an update of an action that it does not find.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from sqlalchemy import Engine, text

from common.core.settings import Settings
from common.core.timestamps import format_instant, parse_instant
from common.domain.scoring import adjustment_of, enrolment_of
from common.postgres import catalogue, content, grants, reserved_actions, schema
from common.postgres.audit import AuditRow
from common.postgres.grants import ServingRole
from common.postgres.migrate import MIGRATION_LOCK
from common.postgres.tables import audit_log
from common.redis_store import forgetting
from common.redis_store.client import Client
from common.redis_store.forgetting import Waiting
from scoreboard import backup_file, migrate, operator, postgres_programs
from scoreboard.backup import told
from scoreboard.backup_file import Contents, UnfitFileError
from scoreboard.environment import connected_as_owner, connected_to_redis, load_settings
from scoreboard.postgres_programs import DEVNULL, PIPE, Process, Programs, ended_in_any_case, last_words
from scoreboard.progress import progress

STOPS_WITHIN_SECONDS = 2.0
_LOOK_SECONDS = 0.2
_CHUNK = 1_048_576
_LOADED = b"scoreboard-has-loaded-all"
_PLACE = text("SELECT current_schema(), current_setting('server_version_num')::int / 10000")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace what the database holds.")
def restore(file: Path, *, replace: bool) -> None:
    """Bring the database to what a backup holds, while the service is stopped.

    All of it is restored, or nothing. A database that is not empty is refused unless you say --replace. Boards are
    filled again by the workers, updates that wait in Redis count, and everybody logs in anew. Restore only files that
    you trust.
    """
    started = time.monotonic()
    config = load_settings()
    migrate.refuse_two_databases(config)
    contents = _read(file)
    with connected_as_owner(config) as engine, connected_to_redis() as client:
        _refuse_running(engine, client)
        prelude, decided, programs = _prepared(engine, config, contents, replace=replace)
        postlude = _postlude(engine, config, contents)
        with _loaded(programs, file, contents, prelude, postlude) as commit:
            _tell_decisions(decided)
            waiting = forgetting.forget_all_but_inbox(client)
            commit()
    click.echo(f"restored {told(contents.rows)}, as of {contents.taken_at}, in {time.monotonic() - started:.1f} s")
    if waiting.total:
        click.echo(
            f"{waiting.total:,} accepted updates wait in Redis; those that the backup does not have yet will count"
        )
    if contents.key != backup_file.mark_of_key(config.secret_keys[0]):
        click.echo("SCOREBOARD_SECRET_KEY is not that of the backup: API keys have other secrets now", err=True)
    migrate.bring_up(config)
    with connected_as_owner(config) as engine:
        _provide_actions(engine, waiting)


def _read(file: Path) -> Contents:
    """Read the file to its end. Raises click.ClickException for one that cannot be restored by this version."""
    try:
        with progress() as bars:
            bar = bars.add_task("reading", total=file.stat().st_size)
            contents = backup_file.read(file, lambda count: bars.advance(bar, count))
    except UnfitFileError as error:
        raise click.ClickException(f"{error}; nothing was changed") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None
    known = schema.known_versions()
    if contents.schema_version not in known:
        raise click.ClickException(
            f"{file} was made by Scoreboard {contents.product}, with schema {contents.schema_version}, and this "
            f"program knows schemas up to {known[-1]}: restore it with that version; nothing was changed"
        )
    if not set(contents.rows) <= set(content.NAMES):
        raise click.ClickException(f"{file} holds tables that are not ours; nothing was changed")
    return contents


def _refuse_running(engine: Engine, client: Client) -> None:
    """Raise click.ClickException while a process of the service is connected, but give it time to end."""
    deadline = time.monotonic() + STOPS_WITHIN_SECONDS
    while True:
        with engine.connect() as connection:
            others = content.others_connected(connection)
        if not others and not forgetting.has_listeners(client):
            return
        if time.monotonic() > deadline:
            break
        time.sleep(_LOOK_SECONDS)
    raise click.ClickException(
        "the service is running: stop web, workers, chores and beat first; a `make run` with Ctrl-C, and then say "
        "`make restore FILE=…`; nothing was changed"
    )


def _prepared(
    engine: Engine, config: Settings, contents: Contents, *, replace: bool
) -> tuple[str, list[AuditRow], Programs]:
    """Return what is said before the backup, what was decided since it was made, and the programs that restore it.

    Raises click.ClickException if the database is not one that may be replaced.
    """
    with engine.connect() as connection:
        namespace, major = connection.execute(_PLACE).one()
        version, tables = schema.version(connection), content.tables(connection)
        if tables and version not in schema.known_versions():
            state = (
                "tables that are not ours" if version is None else f"schema {version}, which this program does not know"
            )
            raise click.ClickException(f"the database has {state}: nothing was changed")
        if not replace and not content.is_empty(connection):
            raise click.ClickException(
                "the database is not empty: --replace replaces what it holds; nothing was changed"
            )
        if contents.namespace != namespace:
            raise click.ClickException(f"the backup is of the schema {contents.namespace}, and this one is {namespace}")
        if contents.postgresql > major:
            raise click.ClickException(f"the backup is of PostgreSQL {contents.postgresql}, and the server is {major}")
        since = parse_instant(contents.taken_at)
        has_log = audit_log.name in tables
        decided = content.decided_since(connection, since) if has_log else []
    programs = postgres_programs.find(major, config.migrate_database_url or config.database_url)
    dropped = [f"DROP TABLE IF EXISTS {', '.join(map(_quoted, tables))};"] if tables else []
    lines = (
        "BEGIN;",
        "SET LOCAL statement_timeout = 0;",
        "SET LOCAL idle_in_transaction_session_timeout = 0;",
        "SET LOCAL lock_timeout = '10s';",
        f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK});",
        *dropped,
        f"DROP SEQUENCE IF EXISTS {_quoted(content.SEQUENCE)};",
    )
    return "\n".join(lines) + "\n", decided, programs


def _postlude(engine: Engine, config: Settings, contents: Contents) -> str:
    """Return what is said after the backup and before the COMMIT: the rows are counted, the restoration is recorded."""
    checks = (
        f"IF (SELECT count(*) FROM {_quoted(name)}) <> {rows} THEN RAISE EXCEPTION 'table {name} lacks rows'; END IF;"  # noqa: S608 - names are ours
        for name, rows in contents.rows.items()
    )
    actor = operator.operator()
    details = {"taken_at": contents.taken_at, "product": contents.product, "os_user": actor.os_user}
    row = ", ".join(map(_literal, (actor.name, "restore", "database", json.dumps(details))))
    recorded = [f"INSERT INTO audit_log (actor, action, subject, details) VALUES ({row});"]  # noqa: S608 - quoted
    rights = _rights(engine, config) if contents.schema_version == schema.known_versions()[-1] else []
    lines = (
        "",
        f"SET search_path TO {_quoted(contents.namespace)};",
        "DO $checks$ BEGIN",
        *checks,
        "END $checks$;",
        *(recorded if audit_log.name in contents.rows else ()),
        *(f"{statement};" for statement in rights),
        f"ANALYZE {', '.join(map(_quoted, contents.rows))};",
        f"SELECT '{_LOADED.decode()}';",
    )
    return "\n".join(lines) + "\n"


def _rights(engine: Engine, config: Settings) -> list[str]:
    """Return the statements that give the serving role its rights, if there is one that is not the owner."""
    role: ServingRole | None = migrate.other_role(config)
    if role is None:
        return []
    with engine.connect() as connection:
        if not grants.exists(connection, role):
            return []  # it is made, and given its rights, when the database is brought to this version
        return [statement.replace("%%", "%") for statement in grants.statements(connection, role)]


@contextmanager
def _loaded(
    programs: Programs, file: Path, contents: Contents, prelude: str, postlude: str
) -> Iterator[Callable[[], None]]:
    """Fill the database in a transaction that is still open, and give the way to commit it.

    Nothing is changed unless that is called: `psql` is told COMMIT by it alone, and rolls back when its input ends.
    Raises click.ClickException.
    """
    with tempfile.TemporaryFile() as said:
        psql = programs.start(
            "psql",
            *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--file=-"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=said,
        )

        def failed(what: str) -> click.ClickException:
            psql.wait()
            return click.ClickException(f"{what}: {last_words(said)}")

        def commit() -> None:
            try:
                _stream(psql, [b"COMMIT;\n"])
                _input_of(psql).close()
            except BrokenPipeError:
                raise failed("nothing was changed") from None
            if psql.wait():
                raise failed("PostgreSQL did not confirm it; see what the database holds, and restore again")

        with ended_in_any_case(psql):
            try:
                _stream(psql, [prelude.encode(), *_script(programs, file, contents), postlude.encode()])
            except BrokenPipeError:
                raise failed("nothing was changed") from None
            if not any(line.strip() == _LOADED for line in psql.stdout or ()):
                raise failed("nothing was changed")
            yield commit


def _script(programs: Programs, file: Path, contents: Contents) -> Iterator[bytes]:
    """Yield the backup as a script. Raises click.ClickException if `pg_restore` cannot read it to its end."""
    with tempfile.TemporaryFile() as said, progress() as bars:
        bar = bars.add_task("rows", total=sum(contents.rows.values()))
        reading = programs.start_offline(
            "pg_restore",
            *("--no-owner", "--no-privileges", "--file=-", file),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=said,
        )
        with ended_in_any_case(reading):
            output: IO[bytes] | None = reading.stdout
            while output and (chunk := output.read(_CHUNK)):
                yield chunk
                bars.advance(bar, chunk.count(b"\n"))  # of a script of rows, nearly every line is one
            if reading.wait():
                raise click.ClickException(f"pg_restore failed, and nothing was changed: {last_words(said)}")


def _stream(psql: Process, parts: Iterable[bytes]) -> None:
    for part in parts:
        _input_of(psql).write(part)
    _input_of(psql).flush()


def _input_of(psql: Process) -> IO[bytes]:
    if psql.stdin is None:
        raise BrokenPipeError
    return psql.stdin


def _tell_decisions(decided: list[AuditRow]) -> None:
    """Say all that was decided after the backup was made: a key that was revoked is live again after the COMMIT.

    It is said before that, because afterwards no table tells of it.
    """
    if decided:
        click.echo("these decisions are younger than the backup, and will be undone:")
    for row in decided:
        click.echo(f"  {format_instant(row.at)} {row.action} {row.subject}")


def _provide_actions(engine: Engine, waiting: Waiting) -> None:
    """Add the actions of boards that waiting updates need, and say which others are not in force. Safe to run twice."""
    with engine.begin() as connection:
        known = catalogue.load(connection)
        brought = (made for board in known.boards.values() for made in (adjustment_of(board), enrolment_of(board)))
        reserved = {action.id: action for action in brought if action}
        needed = waiting.by_action.keys() - known.actions.keys()
        reserved_actions.ensure(connection, [reserved[action_id] for action_id in needed & reserved.keys()])
    if lacking := sorted(needed - reserved.keys()):
        count = sum(waiting.by_action[action_id] for action_id in lacking)
        click.echo(
            f"{count:,} waiting updates are of actions that the backup lacks or has disabled: {', '.join(lacking)}; "
            "apply the catalogue before you start the workers",
            err=True,
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
