"""Periods that anybody may ask for: those that never were cost no query, and old ones keep nobody waiting."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from common.postgres import history
from common.services.leaderboard import HISTORY_READS_AT_ONCE, Leaderboard
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.player import Player, error_code
from workers.state import WorkerState

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    engine = app.extensions["scoreboard"].engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def board_of(client: FlaskClient, period: str) -> dict[str, object]:
    answer = client.get(f"/api/scores/leaderboard?period={period}")
    assert answer.status_code == 200, answer.text
    return answer.get_json() or {}


def test_periods_that_never_were_are_empty_without_a_query_each(
    app: Flask, client: FlaskClient, ada: Player, draining: None
) -> None:
    assert ada.update("win-match").status_code == 200
    client.get("/api/scores/leaderboard")
    with statements(app) as asked:
        for period in [*(f"{year:04}-01" for year in range(1, 2026, 90)), "9999-12-31", "9999-W52", "2024-02-29"]:
            assert board_of(client, period)["entries"] == []
            place = client.get(f"/api/scores/user/{ada.user_id}?period={period}")
            assert (place.status_code, (place.get_json() or {})["rank"]) == (200, None)
    of_standings = [statement for statement in asked if "standings" in statement]
    assert of_standings == []
    assert len([statement for statement in asked if "FROM periods" in statement]) <= 1


def test_an_old_period_with_standings_is_still_read(
    app: Flask, client: FlaskClient, ada: Player, worker: WorkerState, draining: None
) -> None:
    assert ada.update("win-match").status_code == 200
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    with worker.engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at, hidden)
            SELECT board_id, :period, user_id, score, tie, version, updated_at, hidden FROM standings
            WHERE period_id = 'all'"""),
            {"period": yesterday.isoformat()},
        )
        connection.execute(
            text("""INSERT INTO periods (board_id, period_id, starts_at, ends_at)
            VALUES ('main', :period, :start, :start + interval '1 day')"""),
            {"period": yesterday.isoformat(), "start": datetime.combine(yesterday, datetime.min.time(), UTC)},
        )
    entries = board_of(client, yesterday.isoformat())["entries"]
    assert isinstance(entries, list)
    assert [entry["score"] for entry in entries] == [25]
    assert board_of(client, (yesterday - timedelta(days=40)).isoformat())["entries"] == []


@pytest.mark.usefixtures("draining")
def test_old_periods_have_a_turn_of_their_own(
    app: Flask, client: FlaskClient, ada: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while Redis shows no board, and the open ones are read from PostgreSQL too."""
    assert ada.update("win-match").status_code == 200
    leaderboard: Leaderboard = app.extensions["scoreboard"].leaderboard
    monkeypatch.setattr(history.History, "has_no_standings", lambda *_: False)
    with ExitStack() as readers:
        for _ in range(HISTORY_READS_AT_ONCE):
            readers.enter_context(leaderboard._reading_history._seats)
        refused = client.get("/api/scores/leaderboard?period=2020-01-01")
        assert (refused.status_code, error_code(refused)) == (503, "rebuilding")
        worker.redis.flushall()
        assert board_of(client, "all")["total"] == 1


def test_the_first_period_is_asked_for_once_by_all_who_come_at_once(app: Flask, client: FlaskClient) -> None:
    arrivals = threading.Barrier(6)
    of_the_boards: history.History = app.extensions["scoreboard"].leaderboard._history

    def ask() -> None:
        arrivals.wait()
        assert of_the_boards.has_no_standings("main", "2020-01-01", datetime.now(UTC))

    with statements(app) as asked:
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(asked) == 1


def test_handshakes_of_one_address_are_counted(make_settings: SettingsFactory, worker: WorkerState) -> None:
    limits = {"SCOREBOARD_HANDSHAKE_LIMIT": "3/minute", "SCOREBOARD_IP_LIMIT": "100/hour"}
    with documented_application(make_settings(**limits)) as application:
        client = application.test_client()

        def open_from(address: str) -> tuple[int, str | None]:
            answer = client.get(
                "/ws/scoreboard?board=no-such-board", headers=HANDSHAKE, environ_base={"REMOTE_ADDR": address}
            )
            return answer.status_code, answer.headers.get("Retry-After")

        assert [open_from("192.0.2.1")[0] for _ in range(3)] == [400] * 3
        status, retry_after = open_from("192.0.2.1")
        assert (status, int(retry_after or 0) >= 1) == (429, True)
        assert open_from("192.0.2.2")[0] == 400
        assert client.get("/api/scores/leaderboard", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
