"""A player's updates, the newest first: what explains a score, and to whom it is told."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from common.core.timestamps import format_instant
from common.domain.boards import Board, Rule, Visibility
from common.domain.permissions import Permissions, Scope
from common.domain.scoring import Action
from common.postgres import catalogue, identities, player_events, tables
from common.postgres.player_events import Wanted
from tests.game_server import GameServer, game_server
from tests.inbox import accept, add_users, drain_completely
from tests.integration.test_scoring_rules import add_boards
from tests.player import Player, admin, error_code, register
from workers.state import WorkerState

HIDDEN = Board("staff", visibility=Visibility.HIDDEN)


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    """An admin."""
    return admin(client, worker.engine)


@pytest.fixture
def played(worker: WorkerState, app: Flask, ada: Player) -> None:
    """Five updates of ada: three count on main, one on a hidden board alone, and one was refused."""
    with worker.engine.begin() as connection:
        add_boards(connection, [HIDDEN, Board("games", rule=Rule.COUNT)])
        connection.execute(text("UPDATE boards SET visibility = 'hidden' WHERE id = 'staff'"))
        catalogue.add(connection, Action("both", 1, 7, ("main", "staff")), enabled=True)
        catalogue.add(connection, Action("secret", 1, 7, ("staff",)), enabled=True)
    worker.catalogue.expire()
    app.extensions["scoreboard"].catalogue.expire()
    for number, action in enumerate(("share", "both", "secret", "no-such-action", "win-match")):
        accept(worker, ada.user_id, action, f"a-key-of-ours-{number}")
    drain_completely(worker)


def read(player: Player, user_id: str, query: str = "") -> TestResponse:
    return player.client.get(f"/api/scores/user/{user_id}/events{query}", headers=player.headers)


def told(answer: TestResponse) -> list[tuple[Any, ...]]:
    assert answer.status_code == 200, answer.text
    return [(each["actionId"], each["points"], each["boards"], each["refusal"]) for each in answer.get_json()["events"]]


@pytest.mark.usefixtures("played")
def test_players_see_their_own_updates_and_nothing_of_a_hidden_board(ada: Player) -> None:
    assert told(read(ada, ada.user_id)) == [
        ("win-match", 25, ["main"], None),
        ("no-such-action", 0, [], "unknown_action"),
        ("both", 7, ["main"], None),
        ("share", 1, ["main"], None),
    ]
    assert "staff" not in read(ada, ada.user_id).text
    assert "source" not in read(ada, ada.user_id).get_json()["events"][0]
    assert error_code(read(ada, ada.user_id, "?board=staff")) == "unknown_board"
    assert told(read(ada, ada.user_id.upper(), "?board=games")) == []


@pytest.mark.usefixtures("played")
def test_an_admin_sees_all_of_it_and_who_sent_it(ada: Player, chief: Player) -> None:
    events = read(chief, ada.user_id).get_json()["events"]
    assert [each["actionId"] for each in events] == ["win-match", "no-such-action", "secret", "both", "share"]
    assert {each["source"] for each in events} == {None}, "these were put into the inbox without saying"
    of_board = told(read(chief, ada.user_id, "?board=staff"))
    assert of_board == [("secret", 7, ["staff"], None), ("both", 7, ["main", "staff"], None)]


@pytest.mark.usefixtures("played")
def test_a_void_is_told_with_its_reason(ada: Player, worker: WorkerState) -> None:
    first = read(ada, ada.user_id).get_json()["events"][0]
    assert first["void"] is None
    row = {"event_id": int(first["eventId"]), "actor": "command line", "reason": "an exploit", "amends": False}
    with worker.engine.begin() as connection:
        connection.execute(tables.voids.insert(), row)
    void = read(ada, ada.user_id).get_json()["events"][0]["void"]
    assert (void["reason"], void.keys()) == ("an exploit", {"at", "reason"})


@pytest.mark.usefixtures("played")
def test_pages_follow_each_other_while_new_updates_come(ada: Player, worker: WorkerState) -> None:
    seen = []
    query = "?limit=2"
    while True:
        page = read(ada, ada.user_id, query).get_json()
        seen += [each["actionId"] for each in page["events"]]
        if page["nextCursor"] is None:
            break
        accept(worker, ada.user_id)
        drain_completely(worker)
        query = f"?limit=2&cursor={page['nextCursor']}"
    assert seen == ["win-match", "no-such-action", "both", "share"]
    assert error_code(read(ada, ada.user_id, f"{query}&board=main")) == "invalid_cursor"


@pytest.mark.usefixtures("played")
def test_a_span_of_time_has_its_beginning_and_not_its_end(ada: Player, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(
            text("UPDATE score_events SET accepted_at = '2026-11-23T09:00:00Z'::timestamptz + id * '1 s'::interval")
        )
        first = connection.execute(text("SELECT min(accepted_at) FROM score_events")).scalar_one()
        fifth = connection.execute(text("SELECT max(accepted_at) FROM score_events")).scalar_one()
    of_span = read(ada, ada.user_id, f"?from={format_instant(first)}&to={format_instant(fifth)}")
    assert [each[0] for each in told(of_span)] == ["no-such-action", "both", "share"]
    for query in (
        "from=yesterday",
        "to=1795425307",
        "from=2026-11-23T09:15:00",
        "from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z",
    ):
        assert error_code(read(ada, ada.user_id, f"?{query}")) == "validation_failed", query


def test_what_is_asked_wrongly_is_refused(ada: Player, chief: Player) -> None:
    for query, code in {
        "limit=0": "validation_failed",
        "limit=101": "validation_failed",
        "limit=x": "validation_failed",
        "board=A": "validation_failed",
        "board=nowhere": "unknown_board",
        "cursor=made-up": "invalid_cursor",
        "more=1": "validation_failed",
    }.items():
        for player in (ada, chief):
            assert error_code(read(player, ada.user_id, f"?{query}")) == code, query
    assert error_code(read(ada, "ada")) == "validation_failed"


def test_nobody_else_reads_them(ada: Player, chief: Player, worker: WorkerState) -> None:
    grace = register(ada.client, "grace")
    nobody = "00000000-0000-4000-8000-000000000000"
    assert error_code(read(grace, ada.user_id)) == error_code(read(grace, nobody)) == "user_mismatch"
    assert error_code(read(chief, nobody)) == "not_found"
    assert error_code(ada.client.get(f"/api/scores/user/{ada.user_id}/events")) == "token_missing"
    ada.client.post("/api/me/delete", json={"password": "correct horse"}, headers=ada.headers)
    assert error_code(read(chief, ada.user_id)) == "not_found"


def test_an_api_key_reads_those_whom_it_may_name(app: Flask, client: FlaskClient, worker: WorkerState) -> None:
    def server(scope: Scope, realm: str) -> GameServer:
        secret = app.extensions["scoreboard"].settings.secret_keys[0]
        return game_server(client, worker.engine, secret, Permissions(frozenset({scope}), realm))

    with worker.engine.begin() as connection:
        racer = identities.ensure(connection, "arena", ["racer"])["racer"].user_id
    accept(worker, racer)
    drain_completely(worker)
    address = f"/api/scores/user/{racer}/events"
    answers = {
        each: client.get(address, headers=server(*each).headers_to_read(address))
        for each in ((Scope.READ, "arena"), (Scope.READ, "other"), (Scope.SUBMIT, "arena"))
    }
    assert [each.status_code for each in answers.values()] == [200, 404, 403]
    assert answers[Scope.READ, "arena"].get_json()["events"][0]["source"] is None


def test_a_page_reads_the_rows_of_the_player_and_no_others(worker: WorkerState) -> None:
    one, other = add_users(worker.engine, 2)
    for user in (one, other):
        accept(worker, user)
    drain_completely(worker)
    with worker.engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        (event,) = player_events.page(connection, Wanted(one), 10)
        plan = (
            connection.execute(
                text(f"EXPLAIN {player_events._PAGE.text}"),
                {"user": one, "board": None, "since": None, "until": None, "before": None, "seen": None, "limit": 10},
            )
            .scalars()
            .all()
        )
    assert event.boards == ["main"]
    assert any("uq_score_events_user_id_idempotency_key" in line for line in plan), plan
