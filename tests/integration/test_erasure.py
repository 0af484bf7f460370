"""Deletion and a copy of one's data: nothing says any more who it was, all still adds up, and it can be purged."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from common.domain import passwords, periods
from common.domain.details import ANONYMOUS
from common.postgres import audit, checkpoint, own_data, period_closing, users
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.game_server import game_server, item
from tests.inbox import accept, add_users, board_of, drain_completely
from tests.player import PASSWORD, Player, error_code, log_in, register
from workers import snapshots
from workers.state import WorkerState


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(client, "chief")


@pytest.fixture
def grace(client: FlaskClient, worker: WorkerState) -> Player:
    """A player behind another one, who has played on a day that is over, too."""
    player = register(client, "grace-hopper")
    (first,) = add_users(worker.engine, 1)
    accept(worker, first, "win-tournament")
    accept(worker, player.user_id)
    drain_completely(worker)
    profile = {"displayName": "Amazing", "country": "US"}
    assert client.post("/api/me/profile", json=profile, headers=player.headers).status_code == 200
    with worker.engine.begin() as connection:
        identity = {"user": player.user_id}
        connection.execute(text("INSERT INTO identities VALUES ('default', 'steam:1', :user, now())"), identity)
        assert period_closing.close(connection, "main", today(), datetime.now(UTC) + timedelta(days=2))
    return player


def today() -> str:
    return periods.ids_at(datetime.now(UTC))[1]


def delete(player: Player, **body: Any) -> TestResponse:  # noqa: ANN401
    return player.client.post("/api/me/delete", json=body, headers=player.headers)


def entries(client: FlaskClient, period: str = "all") -> list[dict[str, Any]]:
    return list(client.get(f"/api/scores/leaderboard?period={period}").get_json()["entries"])


def no_drift(worker: WorkerState) -> bool:
    players = worker.verifier.players(str(uuid.UUID(int=0)))
    return worker.verifier.check(players) == [] and worker.verifier.surplus("main", "all") == 0


def texts_of(worker: WorkerState, *tables: str) -> str:
    """Every value in these tables, as text."""
    with worker.engine.connect() as connection:
        return " ".join(
            str(row)
            for table in tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
        )


def test_a_deleted_player_leaves_open_boards_and_keeps_a_nameless_row_on_closed_ones(
    client: FlaskClient, grace: Player, worker: WorkerState
) -> None:
    snapshots.take_all(worker)
    waiting = accept(worker, grace.user_id, "share")
    assert delete(grace, password=PASSWORD).get_json() == {"status": "deleted"}
    assert error_code(delete(grace, password=PASSWORD)) == "token_revoked"
    assert [row["score"] for row in entries(client)] == [100]
    final = entries(client, today())
    assert [(row["rank"], row["score"]) for row in final] == [(1, 100), (2, 25)]
    assert final[1]["username"] == ANONYMOUS
    assert final[1]["userId"] != grace.user_id
    assert error_code(client.get(f"/api/scores/user/{grace.user_id}")) == "not_found"
    listed = client.get("/api/scores/snapshots").get_json()["snapshots"]
    assert grace.user_id not in client.get(f"/api/scores/snapshots/{listed[0]['id']}").text
    drain_completely(worker)  # what was under way is recorded and hidden, and nothing is quarantined
    receipt = worker.inbox.receipt(grace.user_id, waiting)
    assert receipt
    assert receipt["status"] == "applied"
    assert texts_of(worker, "score_quarantine") == ""
    assert grace.user_id not in board_of(worker)
    assert no_drift(worker)


def test_nothing_but_a_random_id_is_left_in_the_database(
    client: FlaskClient, grace: Player, worker: WorkerState
) -> None:
    assert delete(grace, password=PASSWORD).status_code == 200
    told = texts_of(worker, "users", "identities", "reset_codes", "kept_names", "snapshots", "audit_log")
    assert [word for word in ("grace", "Amazing", "steam:1", "argon2", "'US'") if word in told] == []
    assert worker.redis.hget(f"user:{grace.user_id}:details", "username") == "erased"


def test_the_name_is_free_after_thirty_days_and_not_before(
    client: FlaskClient, grace: Player, worker: WorkerState, command_line: CommandLine
) -> None:
    assert delete(grace, password=PASSWORD).status_code == 200
    body = {"username": "Grace-Hopper", "password": PASSWORD}
    assert error_code(client.post("/api/auth/login", json=body)) == "invalid_credentials"
    assert error_code(client.post("/api/auth/register", json=body)) == "username_taken"
    refused = command_line("users", "create", "grace-hopper", "--password-stdin", stdin=b"a phrase of mine\n")
    assert "was the name of an account that was erased" in refused.stderr
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE kept_names SET until = now()"))
    assert client.post("/api/auth/register", json=body).status_code == 201


def test_a_game_server_hears_of_an_unknown_user(client: FlaskClient, grace: Player, worker: WorkerState) -> None:
    server = game_server(client, worker.engine, worker.settings.secret_keys[0])
    assert delete(grace, password=PASSWORD).status_code == 200
    answer = server.send(item(grace.user_id))
    assert [refusal["code"] for refusal in answer.get_json()["refused"]] == ["unknown_user"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"password": "not my password"}, "invalid_credentials"),
        ({}, "validation_failed"),
        ({"x": 1}, "validation_failed"),
    ],
)
def test_without_the_password_nothing_is_deleted(
    client: FlaskClient, grace: Player, body: dict[str, Any], code: str
) -> None:
    assert error_code(delete(grace, **body)) == code
    assert client.get("/api/me", headers=grace.headers).get_json()["profile"]["displayName"] == "Amazing"


def test_an_account_without_a_password_is_deleted_by_a_fresh_token_only(
    client: FlaskClient, grace: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web.api import me  # noqa: PLC0415

    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET password_hash = NULL WHERE username = 'grace-hopper'"))
    with monkeypatch.context() as later:
        later.setattr(me, "FRESH_SECONDS", -1)
        assert error_code(delete(grace)) == "invalid_credentials"
    assert delete(grace).status_code == 200


def test_the_copy_of_ones_data_is_whole_and_can_be_had_three_times_a_day(
    client: FlaskClient, grace: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = client.get("/api/me/export", headers=grace.headers).get_json()
    assert data["account"]["username"] == "grace-hopper"
    assert data["profile"]["displayName"] == "Amazing"
    assert data["visibility"] == "named"
    assert [identity["externalId"] for identity in data["identities"]] == ["steam:1"]
    assert [(event["actionId"], event["points"]) for event in data["events"]] == [("win-match", 25)]
    assert {(row["period"], row["score"]) for row in data["standings"]} >= {("all", 25), (today(), 25)}
    assert len(data["sessions"]) == 1
    assert "truncatedAt" not in data
    monkeypatch.setattr(own_data, "MOST_EVENTS", 0)
    short = client.get("/api/me/export", headers=grace.headers).get_json()
    assert (short["events"], short["truncatedAt"]) == ([], 0)
    assert client.get("/api/me/export", headers=grace.headers).status_code == 200
    refused = client.get("/api/me/export", headers=grace.headers)
    assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 80_000


def test_no_update_waits_while_a_purge_reads_every_snapshot(
    grace: Player, worker: WorkerState, command_line: CommandLine
) -> None:
    assert command_line("users", "erase", "grace-hopper", "--yes").returncode == 0
    (other,) = add_users(worker.engine, 1)
    with ThreadPoolExecutor(1) as pool, worker.engine.begin() as reader:
        reader.execute(text("LOCK TABLE snapshots IN SHARE MODE"))  # as if there were very many of them
        purge = pool.submit(command_line, "users", "erase", grace.user_id, "--purge", "--yes")
        wait_until(lambda: is_waited_for(worker, "snapshots"), 20)
        accept(worker, other)
        drain_completely(worker)
        assert worker.inbox.depth() == 0
        assert not purge.done()
        reader.rollback()
        assert purge.result(60).returncode == 0


def is_waited_for(worker: WorkerState, table: str) -> bool:
    waiting = text("SELECT 1 FROM pg_locks WHERE relation = CAST(:table AS regclass) AND NOT granted")
    with worker.engine.connect() as connection:
        return connection.execute(waiting, {"table": table}).first() is not None


def test_the_operator_erases_and_purges_and_what_is_left_adds_up(
    client: FlaskClient, grace: Player, worker: WorkerState, command_line: CommandLine
) -> None:
    snapshots.take_all(worker)
    with worker.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO day_marks VALUES (:user, 'main', now()::date - 1, now(), 25, 2, 2)"),
            {"user": grace.user_id},
        )
    while worker.verifier.checkpoint.lag():
        worker.verifier.checkpoint.step(worker.verifier.checkpoint.find_stable_id(), checkpoint.CHUNK, 5_000)
    done = command_line("users", "erase", "grace-hopper", "--yes")
    assert done.stdout.strip() == f"{grace.user_id}: erased"
    assert [row["score"] for row in entries(client, today())] == [100, 25]
    done = command_line("users", "erase", grace.user_id, "--purge", "--yes")
    assert done.stdout.strip().endswith(f"{grace.user_id}: purged, with 1 updates")
    assert grace.user_id not in texts_of(worker, "score_events", "standings", "ledger_totals", "snapshots", "day_marks")
    for period in ("all", today()):
        assert [row["score"] for row in entries(client, period)] == [100]
    assert no_drift(worker)
    with worker.engine.connect() as connection:
        made = [row.action for row in audit.latest(connection, 10)]
    assert made == ["erase_user", "purge_user"]
    assert "there is no user" in command_line("users", "erase", "grace-hopper", "--yes").stderr
    assert command_line("users", "erase", grace.user_id, "--purge", "--yes").returncode == 0


def test_a_name_is_kept_for_thirty_days(grace: Player, worker: WorkerState) -> None:
    assert delete(grace, password=PASSWORD).status_code == 200
    with worker.engine.connect() as connection:
        kept = connection.scalar(text("SELECT until - now() FROM kept_names"))
    assert timedelta(days=29) < kept <= timedelta(days=30)
