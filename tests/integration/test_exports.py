"""Whole boards as files: every row once, of one instant, as the caller may see it, and nobody holds up anybody."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from common.domain import passwords
from common.domain.permissions import Permissions, Scope
from common.domain.shown import Gate, Viewer
from common.domain.stand_ins import StandIns
from common.postgres import tables, users
from common.services import exports
from common.services.exports import Exports, TooLongError
from tests.game_server import game_server
from tests.inbox import accept, add_users, drain_completely
from tests.player import PASSWORD, Player, error_code, log_in
from workers.state import WorkerState

HOSTILE = ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "\r\ny", 'say "hi", you', "\u202egnp", "plain"]
EXPORT = "/api/boards/main/export"


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """Players with hostile names, the first of them with most points."""
    ids = add_users(worker.engine, len(HOSTILE))
    with worker.engine.begin() as connection:
        for user_id, name in zip(ids, HOSTILE, strict=True):
            connection.execute(
                tables.users.update().where(tables.users.c.id == user_id).values(display_name=name, country="DE")
            )
    accept(worker, ids[0], "win-tournament")
    for user_id in ids[1:]:
        accept(worker, user_id)
    drain_completely(worker)
    return ids


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(client, "chief")


def hide_name(worker: WorkerState, user_id: str) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET visibility = 'anonymous' WHERE id = :user"), {"user": user_id})


def rows_of(client: FlaskClient, path: str = EXPORT, **more: Any) -> list[dict[str, str]]:  # noqa: ANN401
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.get_data(as_text=True), newline="")))


def exports_of(worker: WorkerState, **more: Any) -> Exports:  # noqa: ANN401
    return Exports(worker.engine, Gate(StandIns(worker.settings.secret_keys)), **more)


def test_an_export_has_the_rows_of_the_board_in_its_order(client: FlaskClient, players: list[str]) -> None:
    answer = client.get(f"{EXPORT}?format=json")
    shown = client.get("/api/scores/leaderboard?limit=100").get_json()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="main-all.json"'
    found = answer.get_json()
    assert (found["board"], found["period"], found["total"]) == ("main", "all", len(players))
    assert found["entries"] == shown["entries"]
    lines = client.get(f"{EXPORT}?format=ndjson&period=daily")
    assert lines.mimetype == "application/x-ndjson"
    assert [json.loads(line) for line in lines.get_data().splitlines()] == shown["entries"]


def test_hostile_names_are_text_to_a_spreadsheet_and_themselves_to_a_program(
    client: FlaskClient, players: list[str]
) -> None:
    answer = client.get(EXPORT)
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = rows_of(client)
    assert [row["userId"] for row in rows] == players
    assert [row["displayName"] for row in rows] == [f"'{name}" if name[0] in "=+-@\t\r" else name for name in HOSTILE]
    assert (rows[0]["rank"], rows[0]["score"], rows[0]["country"], rows[0]["place"]) == ("1", "100", "DE", "")
    found = client.get(f"{EXPORT}?format=json").get_json()["entries"]
    assert [entry["displayName"] for entry in found] == HOSTILE


def test_who_is_not_named_is_anonymous_but_to_admins_and_keys_that_may_read(
    client: FlaskClient, worker: WorkerState, players: list[str], chief: Player
) -> None:
    hide_name(worker, players[1])
    row = rows_of(client)[1]
    assert (row["username"], row["displayName"], row["country"]) == ("Anonymous", "", "")
    assert players[1] not in client.get(f"{EXPORT}?format=ndjson").get_data(as_text=True)
    by_admin = client.get(EXPORT, headers=chief.headers)
    assert players[1] in by_admin.get_data(as_text=True)
    assert by_admin.headers["Cache-Control"] == "private, no-store"
    reader, writer = (
        game_server(client, worker.engine, worker.settings.secret_keys[0], Permissions(frozenset({scope})))
        for scope in (Scope.READ, Scope.SUBMIT)
    )
    assert rows_of(client, headers=reader.headers_to_read(EXPORT))[1]["userId"] == players[1]
    assert rows_of(client, headers=writer.headers_to_read(EXPORT))[1]["userId"] == row["userId"]


def test_a_hidden_board_is_not_there_and_one_of_players_asks_for_a_token(
    client: FlaskClient, chief: Player, worker: WorkerState
) -> None:
    for board_id, visibility in (("jury", "hidden"), ("inner", "players")):
        made = client.put(f"/api/admin/boards/{board_id}", json={"visibility": visibility}, headers=chief.headers)
        assert made.status_code == 201
    assert error_code(client.get("/api/boards/jury/export")) == "not_found"
    assert error_code(client.get("/api/boards/nowhere/export")) == "not_found"
    assert error_code(client.get("/api/boards/inner/export")) == "token_missing"
    assert rows_of(client, "/api/boards/jury/export", headers=chief.headers) == []
    assert rows_of(client, "/api/boards/inner/export", headers=chief.headers) == []


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("segment=country%3ADE", "segment", "boards have no segments"),
        ("view=frozen", "view", "one view only"),
        ("format=xml", "format", "'csv', 'json' or 'ndjson'"),
        ("period=2026-13", "period", "the id of a period"),
        ("limit=3", "limit", "not permitted"),
    ],
)
def test_what_an_export_does_not_have_is_refused_by_name(
    client: FlaskClient, query: str, field: str, says: str
) -> None:
    answer = client.get(f"{EXPORT}?{query}")
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")
    (problem,) = answer.get_json()["error"]["details"]["fields"]
    assert problem["field"] == field
    assert says in problem["message"]


def test_equal_scores_share_their_places_where_the_board_says_so(
    client: FlaskClient, worker: WorkerState, players: list[str]
) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE boards SET ties = 'shared' WHERE id = 'main'"))
    rows = rows_of(client)
    assert [row["place"] for row in rows] == ["1", *["2"] * (len(players) - 1)]
    assert [row["rank"] for row in rows] == [str(n + 1) for n in range(len(players))]


def test_a_board_of_too_many_rows_is_refused_and_costs_no_place(
    client: FlaskClient, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", len(players) - 1)
    for _ in range(exports.AT_ONCE + 1):
        answer = client.get(EXPORT)
        assert (answer.status_code, error_code(answer)) == (409, "too_large")
        assert "scoreboard export" in answer.get_json()["error"]["message"]


def test_an_export_is_of_one_instant_and_is_read_page_by_page(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    opened = exports_of(worker).open("main", "all", Viewer.ANYBODY)
    first = next(opened.pages)
    accept(worker, players[-1], "win-tournament")
    drain_completely(worker)
    rest = list(opened.pages)
    opened.close()
    assert opened.total == len(players)
    assert [len(page) for page in (first, *rest)] == [2, 2, 2, 2, 1]
    assert [entry.user_id for page in (first, *rest) for entry in page] == players


def test_two_are_made_at_once_and_a_third_is_told_to_wait(
    client: FlaskClient, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "LONGEST_WAIT_SECONDS", 0.01)
    open_ones = [client.get(EXPORT) for _ in range(exports.AT_ONCE)]
    refused = client.get(EXPORT)
    assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "2"
    open_ones[0].close()  # as the server does for a client that is gone, though not a row was taken
    assert len(rows_of(client)) == len(players)
    open_ones[1].close()


@pytest.fixture
def late() -> Iterator[float]:
    """Instants that are ever further apart than an export may take."""
    return (n * (exports.LONGEST_SECONDS + 1) for n in range(100))


def test_a_client_that_takes_too_long_is_cut_off_and_its_place_is_free(
    worker: WorkerState, players: list[str], late: Iterator[float]
) -> None:
    slow = exports_of(worker, clock=lambda: next(late))
    for _ in range(exports.AT_ONCE + 1):
        opened = slow.open("main", "all", Viewer.ANYBODY)
        with pytest.raises(TooLongError):
            list(opened.pages)
        opened.close()


def test_a_transaction_that_the_server_ends_breaks_the_export_off(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    opened = exports_of(worker).open("main", "all", Viewer.ANYBODY)
    next(opened.pages)
    with worker.recording.connect() as connection:
        connection.execute(
            text("""
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE state = 'idle in transaction' AND datname = current_database()
            """)
        )
    with pytest.raises(SQLAlchemyError):
        list(opened.pages)
    opened.close()
    assert len(list(exports_of(worker).open("main", "all", Viewer.ANYBODY).pages)) > 1
