"""`scoreboard demo` against the running product: real sockets, real sessions, nothing written past the API."""

import re
import secrets
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
import requests

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from dev.supervise.supervised_process import EXIT_NOT_RESTARTED

PLAYERS = 4
PREFIX = r"\S+ \[info     \] "


@pytest.fixture(scope="module")
def password(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "secrets" / "password"


@contextmanager
def demo(stack: Stack, password: Path) -> Iterator[subprocess.Popen[str]]:
    """A few hasty players, ended when the block ends."""
    command = [sys.executable, "-m", "scoreboard", "demo", "--players", str(PLAYERS), "--pace", "0.2"]
    arguments = ["--url", stack.url, "--password-file", str(password)]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ledger(stack: Stack) -> dict[str, int]:
    """Points by username, from the ledger."""
    query = "SELECT username, sum(points)::bigint FROM score_events JOIN users ON users.id = user_id GROUP BY 1"
    with closing(psycopg2.connect(stack.environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())


def board(stack: Stack) -> dict[str, int]:
    shown = requests.get(f"{stack.url}/api/scores/leaderboard?limit=100", timeout=10).json()
    return {entry["username"]: entry["score"] for entry in shown["entries"]}


def wait_for_more(stack: Stack, points: int) -> None:
    """Wait until each player has this many points more than now."""
    before = board(stack)

    def has_come() -> bool:
        shown = board(stack)
        return len(shown) == PLAYERS and all(shown[name] >= before.get(name, 0) + points for name in shown)

    wait_until(has_come, 30)


def test_demo_players_score_through_the_api_and_the_board_equals_the_ledger(stack: Stack, password: Path) -> None:
    with demo(stack, password) as process:
        wait_for_more(stack, 50)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)

    wait_until(lambda: board(stack) == ledger(stack))
    assert process.returncode == 0
    first, last = said.splitlines()
    assert re.fullmatch(rf"{PREFIX}{PLAYERS} players come to play on {stack.url}", first)
    assert re.fullmatch(rf"{PREFIX}{PLAYERS} of {PLAYERS} players are here; \d+ moves, \d+ points.*", last)


def test_a_second_start_goes_on_with_the_same_accounts(stack: Stack, password: Path) -> None:
    with demo(stack, password):
        wait_for_more(stack, 5)
    first = set(board(stack))

    with demo(stack, password):
        wait_for_more(stack, 5)

    assert set(board(stack)) == first
    assert stat.S_IMODE(password.stat().st_mode) == 0o600


@contextmanager
def other_web(stack: Stack, **environment: str) -> Iterator[Stack]:
    """The stack with a web of other settings at the same address; in the end its own is back."""
    other = replace(stack, environment={**stack.environment, **environment}, processes={})
    stack.stop("web")
    other.start("web")
    try:
        other.wait_until_ready()
        yield other
    finally:
        other.stop("web")
        stack.start("web")
        stack.wait_until_ready()


def test_players_come_back_after_a_restart_of_the_web_that_knows_their_tokens_no_more(
    stack: Stack, password: Path
) -> None:
    with demo(stack, password):
        wait_for_more(stack, 5)
        with other_web(stack, SCOREBOARD_JWT_SECRET=secrets.token_urlsafe(32)):
            wait_for_more(stack, 5)


def test_a_closed_registration_is_told_once_and_ends_the_demo_for_good(stack: Stack, tmp_path: Path) -> None:
    with other_web(stack, SCOREBOARD_REGISTRATION="closed"), demo(stack, tmp_path / "another") as process:
        said, _ = process.communicate(timeout=20)

    assert process.returncode == EXIT_NOT_RESTARTED
    assert said.count("registration is closed") == 1
