"""Databases for tests: each test gets one that is as new, and mostly it is one that was emptied.

To copy the template costs 0.2 s of CPU where files are slow to create, as on most disks; to empty a copy costs a tenth.

1. When it comes back, those who are still connected are cut off, and it gets another name: whoever still has the old
   URL, as a thread that was left behind, finds nothing there.
2. If anything but rows has changed, as tables, rights or what the planner knows, it is dropped. Each row of the system
   catalog tells that by the transaction that wrote it: one that is new or changed has the newest, and one that is gone
   is missing among them.
3. Else its rows are replaced by those of the template, and its sequences start as there.
"""

import io
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql

from dev.harness.servers import Servers

LARGEST = 1_000_000
"""Bytes of a table from which on a new copy costs less than what the rows leave behind."""

_CATALOGS = """
pg_attrdef pg_attribute pg_class pg_constraint pg_default_acl pg_event_trigger pg_extension pg_index pg_namespace
pg_policy pg_proc pg_publication pg_rewrite pg_sequence pg_statistic pg_statistic_ext pg_trigger pg_type
"""
_CHANGES = " UNION ALL ".join(
    f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}"  # noqa: S608 - constants
    for name in _CATALOGS.split()
)
_OF_THE_DATABASE = """
SELECT datacl::text, datconnlimit, datallowconn, datdba,
       (SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting WHERE setdatabase = pg_database.oid),
       (SELECT string_agg(reltuples::text, ' ' ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
FROM pg_database WHERE datname = current_database()
"""
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
_USED_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
_SET = sql.SQL("SELECT setval({}, {}, {})")
_SEQUENCES = """
SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences
WHERE schemaname = 'public'
"""
_LARGEST_TABLE = """
SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
_Cursor = psycopg2.extensions.cursor


@dataclass(frozen=True)
class _New:
    """A database as it is when it was just copied: its shape, the rows of its tables, and its sequences."""

    shape: object
    rows: Mapping[str, str]
    sequences: Sequence[tuple[str, int, bool]]


class Databases:
    """Copies of one template, each lent to one test at a time."""

    def __init__(self, servers: Servers, template: str) -> None:
        self._servers = servers
        self._template = template
        self._emptied: list[str] = []
        self._new: _New | None = None

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Lend a database as it is after the template was copied, and yield its URL."""
        name = self._emptied.pop() if self._emptied else self._copied()
        url = self._servers.postgres.url_of(name)
        if self._new is None:
            self._new = _look_at(url)
        yield url
        self._take_back(name, self._new)

    def _copied(self) -> str:
        name = _new_name()
        self._servers.create_database(name, self._template)
        return name

    def _take_back(self, name: str, new: _New) -> None:
        """Empty a database or drop it. One that cannot be reached, as by a server that was stopped, is left alone."""
        other = _new_name()
        try:
            self._servers.rename_database(name, other)
            with _connected(self._servers.postgres.url_of(other)) as cursor:
                is_as_new = _shape(cursor) == new.shape and _size_of_the_largest_table(cursor) <= LARGEST
                if is_as_new:
                    _empty(cursor, new)
        except psycopg2.Error:
            return
        if is_as_new:
            self._emptied.append(other)
        else:
            self._servers.drop_database(other)


def _new_name() -> str:
    return f"test_{secrets.token_hex(6)}"


@contextmanager
def _connected(url: str) -> Iterator[_Cursor]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


def _look_at(url: str) -> _New:
    with _connected(url) as cursor:
        shape = _shape(cursor)
        cursor.execute(_TABLES)
        rows = {table: _copied(cursor, table) for (table,) in cursor.fetchall()}
        cursor.execute(_SEQUENCES)
        return _New(shape, rows, cursor.fetchall())


def _shape(cursor: _Cursor) -> object:
    """Return what differs if anything was changed but the rows of our tables."""
    cursor.execute(_CHANGES)
    changes = cursor.fetchall()
    cursor.execute(_OF_THE_DATABASE)
    return changes, cursor.fetchone()


def _empty(cursor: _Cursor, new: _New) -> None:
    """Replace all rows in one transaction, without the foreign keys' say."""
    cursor.execute("BEGIN; SET LOCAL session_replication_role = replica")
    cursor.execute(_USED_TABLES)
    used = [table for (table,) in cursor.fetchall()]
    if used:
        cursor.execute(sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in used))
    for table in used:
        if rows := new.rows[table]:
            cursor.copy_expert(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table)), io.StringIO(rows))
    cursor.execute(sql.SQL("; ").join(_SET.format(*map(sql.Literal, sequence)) for sequence in new.sequences))
    cursor.execute("COMMIT")


def _copied(cursor: _Cursor, table: str) -> str:
    out = io.StringIO()
    cursor.copy_expert(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table)), out)
    return out.getvalue()


def _size_of_the_largest_table(cursor: _Cursor) -> int:
    cursor.execute(_LARGEST_TABLE)
    ((size,),) = cursor.fetchall()
    return int(size)
