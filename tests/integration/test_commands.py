"""The command line as people meet it: sentences for what is wrong, names that look like options, times in UTC."""

import json
import subprocess
import sys

import click
import pytest
from sqlalchemy import text

from common.domain import passwords
from common.domain.inbox_entries import MalformedEntry
from common.postgres import quarantine, users
from scoreboard import lazy
from scoreboard.__main__ import commands
from scoreboard.version import VERSION
from tests.command_line import CommandLine
from tests.inbox import add_users
from workers.state import WorkerState

PASSWORD = "a password of its own"


def test_what_the_help_says_of_a_command_is_the_first_sentence_of_its_own() -> None:
    context = click.Context(commands)
    for name, summary in lazy.SUMMARIES.items():
        command = commands.get_command(context, name)
        assert command
        assert command.name == name
        assert (command.help or "").startswith(summary.removesuffix(".")), name


def test_the_program_says_its_version(command_line: CommandLine) -> None:
    done = command_line("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"scoreboard {VERSION}\n", "")


def test_the_help_imports_neither_the_database_nor_the_settings() -> None:
    code = "import sys; from scoreboard.__main__ import commands; commands.main(['--help'], standalone_mode=False); "
    code += "print(*sorted({'sqlalchemy', 'pydantic', 'redis', 'alembic', 'common'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.splitlines()[-1] == ""


def test_a_command_without_redis_does_not_wait_for_its_client() -> None:
    modules = ("actions", "apply", "audit", "board_commands", "catalogue", "keys", "migrate", "users")
    code = (
        f"import sys; {'; '.join(f'import scoreboard.{module}' for module in modules)}; print('redis' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["actions", "set", "share", "--points", "ten"], 2, "'ten' is not a whole number from -9007199254740991 to"),
        (["actions", "set", "share", "--cooldown", "-1"], 2, "-1 is not a whole number from 0 to"),
        (["quarantine", "retry", "first"], 2, "'first' is not a whole number of 1 or more"),
        (["keys", "create"], 2, "Missing argument 'NAME'; see: scoreboard keys create --help"),
        (["nothing"], 2, "No such command 'nothing'; see: scoreboard --help"),
        (["users", "suspend", "nobody"], 1, "there is no user nobody"),
        (["users", "suspend", "--reason", b"\xff", "nobody"], 1, "there is no user nobody"),
        (["users", "suspend", b"nobod\xff"], 1, "not text in UTF-8"),
    ],
)
def test_what_is_wrong_is_one_line_that_begins_with_the_name_of_the_program(
    command_line: CommandLine, arguments: list[str | bytes], code: int, sentence: str
) -> None:
    done = command_line(*arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("scoreboard: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_database_of_another_version_is_told_to_be_migrated(command_line: CommandLine, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("ALTER TABLE users RENAME COLUMN role TO part"))
    done = command_line("users", "list")

    assert done.returncode == 1
    assert "run `scoreboard migrate`" in done.stderr


def test_a_server_that_is_away_is_named(command_line: CommandLine) -> None:
    assert (
        "PostgreSQL cannot be reached"
        in command_line("users", "list", DATABASE_URL="postgresql://127.0.0.1:1/x").stderr
    )
    assert "Redis cannot be reached" in command_line("rebuild", REDIS_URL="redis://127.0.0.1:1/0").stderr


def test_a_name_has_one_live_key(command_line: CommandLine) -> None:
    key_id = json.loads(command_line("keys", "create", "jury", "--json").stdout)["id"]
    again = command_line("keys", "create", "jury", "--json")

    assert (again.returncode, again.stdout) == (1, "")
    assert f"scoreboard keys rotate {key_id}" in again.stderr
    assert len(json.loads(command_line("keys", "list", "--json").stdout)) == 1
    assert command_line("keys", "revoke", key_id).returncode == 0
    assert command_line("keys", "create", "jury").returncode == 0


def test_a_user_is_suspended_by_id_and_by_a_name_that_looks_like_an_option(
    command_line: CommandLine, worker: WorkerState
) -> None:
    with worker.engine.begin() as connection:
        user = users.create(connection, "--help", "-", "player")
    (player,) = add_users(worker.engine, 1)

    assert command_line("users", "suspend", "--", "--help").returncode == 0
    assert command_line("users", "suspend", player.upper(), "--reason", "a try").returncode == 0
    assert suspended(worker) == {user.id, player}
    assert command_line("users", "reinstate", user.id).returncode == 0
    assert command_line("users", "reinstate", player).returncode == 0
    assert suspended(worker) == set()


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\nanother line\n"])
def test_a_password_is_the_first_line_without_its_ending(
    command_line: CommandLine, worker: WorkerState, ending: bytes
) -> None:
    done = command_line("users", "create", "grace", "--password-stdin", stdin=PASSWORD.encode() + ending)

    assert done.returncode == 0, done.stderr
    with worker.engine.connect() as connection:
        found = users.find_credentials(connection, "grace")
    assert found
    assert found.password_hash
    assert passwords.is_password(PASSWORD, found.password_hash)


def test_a_password_that_is_no_text_is_refused_with_a_sentence_that_does_not_show_it(command_line: CommandLine) -> None:
    done = command_line("users", "create", "grace", "--password-stdin", stdin=b"secret-\xff-word\n")

    assert done.returncode == 1
    assert done.stderr == "scoreboard: the password on standard input is not text in UTF-8\n"


def test_creating_a_user_may_be_repeated_if_asked(command_line: CommandLine) -> None:
    create = ("users", "create", "chief", "--role", "admin", "--password-stdin")
    first = command_line(*create, stdin=PASSWORD.encode())

    assert command_line(*create, stdin=PASSWORD.encode()).returncode == 1
    assert command_line(*create, "--if-missing").stdout == first.stdout
    other_role = command_line("users", "create", "chief", "--password-stdin", "--if-missing", stdin=PASSWORD.encode())
    assert (other_role.returncode, "with the role admin" in other_role.stderr) == (1, True)


def test_times_are_in_utc_whatever_the_zone_of_the_database(command_line: CommandLine, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("ALTER ROLE CURRENT_USER SET timezone = 'Asia/Kathmandu'"))
    try:
        command_line("boards", "close", "main", "--at", "2099-12-31T20:00:00+05:45")
        (board,) = json.loads(command_line("boards", "list", "--json").stdout)
    finally:
        with worker.engine.begin() as connection:
            connection.execute(text("ALTER ROLE CURRENT_USER RESET timezone"))
    assert board["closesAt"] == "2099-12-31T14:15:00.000Z"


def test_a_reason_in_the_quarantine_is_neither_markup_nor_a_command_to_the_terminal(
    command_line: CommandLine, worker: WorkerState
) -> None:
    with worker.engine.begin() as connection:
        entry = MalformedEntry("1700000000000-0", {"update": "\x1b[2J[/b]"}, 5)
        quarantine.put(connection, entry, "[/red] [bold]x[/] \x1b]0;title\x07")
    done = command_line("quarantine", "list")

    assert done.returncode == 0, done.stderr
    assert "[/red] [bold]x[/] \\x1b]0;title\\x07" in done.stdout
    assert "\x1b" not in done.stdout


def suspended(worker: WorkerState) -> set[str]:
    with worker.engine.connect() as connection:
        return set(connection.scalars(text("SELECT id::text FROM users WHERE suspended_at IS NOT NULL")))
