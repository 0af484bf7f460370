"""A test's database is as new, also where it was used before."""

from contextlib import closing

import psycopg2
import pytest

from dev.harness.databases import Databases
from dev.harness.servers import Servers
from tests.conftest import TEMPLATE

ROWS = "SELECT (SELECT json_agg(actions ORDER BY id)::text FROM actions), (SELECT count(*) FROM users)"
USED = """
INSERT INTO users (id, username, username_key, password_hash, role) VALUES (gen_random_uuid(), 'a', 'a', '-', 'player');
DELETE FROM actions;
SELECT nextval('score_event_ids');
"""


@pytest.fixture
def lender(servers: Servers) -> Databases:
    return Databases(servers, TEMPLATE)


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def identity(url: str) -> object:
    return run(url, "SELECT oid FROM pg_database WHERE datname = current_database()")


def test_a_database_that_was_used_is_emptied_and_lent_again(lender: Databases) -> None:
    with lender.lent() as first:
        same, rows = identity(first), run(first, ROWS)
        run(first, USED)
        assert run(first, ROWS) != rows
    with lender.lent() as second:
        assert identity(second) == same
        assert run(second, ROWS) == rows
        assert run(second, "SELECT nextval('score_event_ids')") == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE users ADD COLUMN more int",
        "GRANT DELETE ON users TO PUBLIC",
        "ANALYZE actions",
    ],
)
def test_a_database_in_which_more_than_rows_has_changed_is_lent_to_nobody_again(lender: Databases, change: str) -> None:
    with lender.lent() as first:
        changed = identity(first)
        run(first, change)
    with lender.lent() as second:
        assert identity(second) != changed


def test_whoever_still_has_the_address_of_a_database_finds_nothing_there(lender: Databases) -> None:
    with lender.lent() as url:
        left_behind = psycopg2.connect(url)
    with pytest.raises(psycopg2.OperationalError), left_behind.cursor() as cursor:
        cursor.execute("SELECT 1")
    left_behind.close()
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        psycopg2.connect(url)
