"""`scoreboard reset --demo`: made-up players leave no trace on the boards of real ones."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from common.domain import passwords
from common.postgres import users
from common.services.moderation import Moderator
from common.services.revocations import Revocations
from common.services.suspensions import COMMAND_LINE, Decision
from scoreboard.demo import behaviour
from tests.command_line import CommandLine
from tests.inbox import accept, accept_at, board_of, drain_completely
from tests.player import log_in, register
from workers import closing
from workers.state import WorkerState

PASSWORD = "the password of the demo's players"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "demo_password"
    path.write_text(f"{PASSWORD}\n")
    return path


@pytest.fixture
def made_up(worker: WorkerState) -> list[str]:
    """Three demo players: one took another spelling, one is suspended."""
    names = [behaviour.handle(0), behaviour.handle(31), list(behaviour.spellings(behaviour.handle(2)))[1]]
    with worker.engine.begin() as connection:
        return [users.create(connection, name, passwords.hashed(PASSWORD), "player").id for name in names]


def test_demo_players_go_with_all_they_have_scored_and_real_boards_are_exact(
    worker: WorkerState, client: FlaskClient, command_line: CommandLine, made_up: list[str], password_file: Path
) -> None:
    real = [register(client, "ada").user_id, register(client, behaviour.handle(2)).user_id]
    for number, player in enumerate((*made_up, *real)):
        for _ in range(number + 1):
            accept(worker, player)
        accept_at(worker, player, datetime(2020, 1, 1, tzinfo=UTC))
    drain_completely(worker)
    assert closing.close_ended(worker)
    Moderator(worker.engine, Revocations(worker.redis, worker.engine), worker.board, worker.inbox).carry_out(
        Decision(made_up[0], True, COMMAND_LINE, "")
    )
    accept(worker, made_up[1], "share")

    unsure = command_line("reset", "--demo", "--password-file", str(password_file), stdin=b"n\n")
    assert unsure.returncode == 1
    assert set(board_of(worker)) == {*made_up[1:], *real}
    done = command_line("reset", "--demo", "--yes", "--password-file", str(password_file))

    assert (done.returncode, done.stderr) == (0, "")
    assert "3 demo players are gone" in done.stdout
    assert board_of(worker) == {real[0]: 25 * 5, real[1]: 25 * 6}
    drain_completely(worker)
    assert board_of(worker) == {real[0]: 25 * 5, real[1]: 25 * 6}, "what was under way shows nowhere"
    with worker.engine.connect() as connection:
        statement = text("SELECT DISTINCT user_id::text FROM standings WHERE NOT hidden")
        assert set(connection.scalars(statement)) == set(real)
    assert command_line("verify", "--full").returncode == 0
    assert client.get("/api/scores/leaderboard?period=2020").status_code == 400
    history = client.get("/api/scores/leaderboard?period=2020-01").get_json()["entries"]
    assert [(entry["userId"], entry["rank"]) for entry in history] == [(real[0], 1), (real[1], 2)]
    assert log_in(client, behaviour.handle(2)).user_id == real[1], "a handle alone makes nobody a demo player"
    again = command_line("reset", "--demo", "--yes", "--password-file", str(password_file))
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "1 demo players are gone"), "with what came since"
    nobody = command_line("reset", "--demo", "--yes", "--password-file", str(password_file))
    assert (nobody.returncode, nobody.stdout) == (0, "there are no demo players\n")
    register(client, behaviour.handle(0))  # the next demo has its names again


def test_a_reset_that_was_interrupted_is_finished_by_the_next(
    worker: WorkerState, command_line: CommandLine, made_up: list[str], password_file: Path
) -> None:
    accept(worker, made_up[0])
    drain_completely(worker)
    with worker.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO audit_log (actor, action, subject, details) VALUES ('-', 'reset_demo', :id, '{}')"),
            {"id": made_up[0]},
        )
    assert command_line("users", "erase", "--yes", made_up[0]).returncode == 0

    done = command_line("reset", "--demo", "--yes", "--password-file", str(password_file))

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 demo players are gone")
    with worker.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM score_events")) == 0
        assert connection.scalar(text("SELECT count(*) FROM standings")) == 0


def test_without_the_password_nobody_is_taken_for_a_demo_player(
    worker: WorkerState, command_line: CommandLine, made_up: list[str], tmp_path: Path
) -> None:
    missing = command_line("reset", "--demo", "--yes", "--password-file", str(tmp_path / "nothing"))
    assert missing.returncode == 2
    other = tmp_path / "other"
    other.write_text("another password")
    done = command_line("reset", "--demo", "--yes", "--password-file", str(other))
    assert (done.returncode, done.stdout) == (0, "there are no demo players\n")
    assert command_line("reset").returncode == 2
