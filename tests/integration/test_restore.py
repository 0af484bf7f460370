"""The restore drill: from a dump of PostgreSQL alone a new installation shows the same board and knows every key."""

import os
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from common.core.settings import Settings
from dev.harness.servers import Servers
from dev.servers import postgres_home
from tests.conftest import REDIS_DATABASE, draining_thread
from tests.inbox import accept_at
from tests.player import Player, register
from web import create_app
from workers import closing, maintenance
from workers.state import WorkerState


def tool(name: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's own programs."""
    command = [postgres_home.wheel_programs() / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ})
    assert done.returncode == 0, done.stderr


def plain(url: str) -> str:
    """A URL as libpq reads it."""
    return url.replace("postgresql+psycopg2", "postgresql")


@pytest.fixture
def restored(servers: Servers, settings: Settings, tmp_path: Path) -> Settings:
    """Settings for a new database, which `restore` fills, and the Redis, which it empties."""
    url = servers.create_database("restored")
    return settings.model_copy(update={"database_url": url.replace("postgresql://", "postgresql+psycopg2://", 1)})


def restore(servers: Servers, before: Settings, after: Settings, folder: Path) -> None:
    dump = folder / "scoreboard.dump"
    tool("pg_dump", "--format=custom", f"--file={dump}", plain(before.database_url))
    tool("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={plain(after.database_url)}", dump)
    servers.flush_redis(REDIS_DATABASE)


def seen(client: FlaskClient, period: str) -> list[tuple[str, str, int, int]]:
    entries = client.get("/api/scores/leaderboard", query_string={"period": period}).get_json()["entries"]
    return [(entry["userId"], entry["username"], entry["score"], entry["rank"]) for entry in entries]


def test_a_dump_alone_brings_back_boards_accounts_and_every_key(
    servers: Servers, restored: Settings, worker: WorkerState, client: FlaskClient, tmp_path: Path
) -> None:
    players = [register(client, name) for name in ("ada", "grace", "alan")]
    long_ago = worker.inbox.now().replace(year=2020)
    with draining_thread(worker):
        for number, player in enumerate(players):
            for _ in range(number + 1):
                assert player.update("win-match").status_code == 200
        counted = players[0].claim("share", "a-key-of-before")
        assert players[0].send(counted).status_code == 200
        accept_at(worker, players[1].user_id, long_ago)
    worker.drain.run()
    closed = closing.close_ended(worker)
    assert closed
    shown = ("all", "daily", "weekly", "monthly", *(period.period_id for period in closed))
    before = {period: seen(client, period) for period in shown}

    restore(servers, worker.settings, restored, tmp_path)
    state = WorkerState.create(restored)
    maintenance.repair(state)
    maintenance.show_alive(state)
    application = create_app(restored)
    try:
        anew = application.test_client()
        assert {period: seen(anew, period) for period in shown} == before
        assert state.verifier.check([player.user_id for player in players]) == []
        assert closing.close_ended(state) == []
        with draining_thread(state):
            again = Player(anew, players[0].login).send(counted)
            assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
            assert Player(anew, players[2].login).update("share").get_json()["entry"]["score"] == 76
    finally:
        application.extensions["scoreboard"].close()
        state.close()
        servers.drop_database("restored")
