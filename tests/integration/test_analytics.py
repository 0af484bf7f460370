"""The figures of hours and days: counted from the ledger, safe to count again, and read by admins."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from common.domain.boards import Board, Rule
from common.domain.scoring import Action
from common.postgres import catalogue, hourly_stats, tables
from tests.inbox import accept, add_users, drain_completely
from tests.integration.test_overview import get
from tests.integration.test_scoring_rules import add_boards
from tests.player import Player, admin, error_code, register
from workers import tallying
from workers.state import WorkerState

NOW = datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    return admin(client, worker.engine)


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """Two players, the first of whom has an account of long ago. They share four updates, one of them refused."""
    with worker.engine.begin() as connection:
        add_boards(connection, [Board("games", rule=Rule.COUNT)])
        catalogue.add(connection, Action("play", 1, 7, ("main", "games")), enabled=True)
        catalogue.add(connection, Action("fine", 1, -3, ("main",)), enabled=True)
    worker.catalogue.expire()
    old, new = add_users(worker.engine, 2)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET created_at = now() - interval '1 year' WHERE id = :id"), {"id": old})
    for user_id, action_id in ((old, "play"), (new, "play"), (new, "fine"), (new, "no-such-action")):
        accept(worker, user_id, action_id)
    drain_completely(worker)
    return [old, new]


def rows(worker: WorkerState, table: str) -> list[tuple[Any, ...]]:
    with worker.engine.connect() as connection:
        return sorted((tuple(row) for row in connection.execute(select(tables.metadata.tables[table]))), key=str)


def recorded_hour(worker: WorkerState) -> datetime:
    """The hour of the updates: it may have begun since the module was imported."""
    with worker.engine.connect() as connection:
        found: datetime | None = connection.scalar(
            text("SELECT date_trunc('hour', max(recorded_at)) FROM score_events")
        )
    assert found
    return found


def test_an_hour_has_what_happened_by_action_and_on_each_board(worker: WorkerState, players: list[str]) -> None:
    assert tallying.count_hours(worker) == 1
    hour = recorded_hour(worker)
    assert rows(worker, "hourly_stats") == [
        (hour, "fine", 1, 0, 0, 3, {}),
        (hour, "no-such-action", 0, 1, 0, 0, {"unknown_action": 1}),
        (hour, "play", 2, 0, 14, 0, {}),
    ]
    assert rows(worker, "hourly_boards") == [
        (hour, "games", 2, 1, 2, 0, 0, 0),
        (hour, "main", 2, 1, 3, 0, 14, 3),
    ]


def test_counting_again_changes_nothing_and_takes_in_what_came_since(worker: WorkerState, players: list[str]) -> None:
    tallying.count_hours(worker)
    before = rows(worker, "hourly_stats"), rows(worker, "hourly_boards")
    hour = recorded_hour(worker)
    for _ in range(2):
        with worker.engine.begin() as connection:
            hourly_stats.count(connection, hour)
    assert (rows(worker, "hourly_stats"), rows(worker, "hourly_boards")) == before
    assert tallying.count_hours(worker) == 0, "the hour that lasts was counted within this minute"
    accept(worker, players[0], "play")
    drain_completely(worker)
    assert tallying.count_hours(worker, datetime.now(UTC) + timedelta(seconds=61)) >= 1
    assert rows(worker, "hourly_stats")[-1][2] == 3


def test_the_hour_that_lasts_is_counted_more_rarely_where_that_takes_long(
    worker: WorkerState, players: list[str]
) -> None:
    tallying.count_hours(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE counted_hours SET took_ms = 2000"))
        now = datetime.now(UTC)
        waits = [len(hourly_stats.due(connection, now + timedelta(seconds=after), 1)) for after in (61, 95, 105)]
    assert waits in ([0, 0, 1], [1, 1, 1]), "unless another hour has begun meanwhile"


def test_a_service_that_was_away_counts_every_hour_that_it_missed_and_each_for_good(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE score_events SET recorded_at = recorded_at - interval '3 hours'"))
    monkeypatch.setattr(tallying, "TURN_SECONDS", 0.0)
    turns = 0
    while tallying.count_hours(worker):
        turns += 1
    assert turns == 4, "one hour in a turn that has no time"
    assert len(rows(worker, "counted_hours")) == 4
    assert len(rows(worker, "hourly_stats")) == 3
    soon = datetime.now(UTC) + timedelta(minutes=2)
    assert tallying.count_hours(worker, soon) == 1, "only the hour that lasts is counted again"


def test_old_hours_are_forgotten(worker: WorkerState, players: list[str]) -> None:
    tallying.count_hours(worker)
    tallying.count_hours(worker, datetime.now(UTC) + hourly_stats.KEPT + timedelta(hours=2))
    assert rows(worker, "hourly_stats") == rows(worker, "hourly_boards") == []


def test_a_ledger_without_a_row_has_no_hours(worker: WorkerState) -> None:
    assert tallying.count_hours(worker) == 0


def test_admins_read_the_hours_of_a_board_and_who_moves(chief: Player, worker: WorkerState, players: list[str]) -> None:
    tallying.count_hours(worker)
    body = get(chief, "analytics", by="hour").get_json()
    assert (body["board"], body["by"]) == ("main", "hour")
    point = body["series"][-1]
    assert datetime.fromisoformat(point.pop("at")) == recorded_hour(worker)
    figures = {"activePlayers": 2, "newPlayers": 1, "updates": 3, "refused": 0, "points": 14, "pointsTaken": 3}
    assert point == figures
    assert (body["actions"][0]["actionId"], body["actions"][0]["updates"]) == ("play", 2)
    assert body["refusals"] == {"unknown_action": 1}
    assert [(each["userId"], each["points"]) for each in body["movers"]] == [(players[0], 7), (players[1], 4)]
    assert body["countedAt"]
    games = get(chief, "analytics", by="hour", board="games").get_json()["series"][-1]
    assert (games["updates"], games["points"]) == (2, 0), "a board that counts uses adds no points up"


def test_days_are_told_once_they_are_counted_and_those_without_figures_in_between_are_empty(
    chief: Player, worker: WorkerState
) -> None:
    with worker.engine.begin() as connection:
        for day, players in ((1, 5), (4, 2)):
            values = {"day": date(2026, 11, day), "board_id": "main", "active_players": players, "updates": 9}
            connection.execute(tables.daily_stats.insert(), values)
    query = {"from": "2026-10-30", "to": "2026-11-20"}
    series = get(chief, "analytics", **query).get_json()["series"]
    assert [(each["at"][:10], each["activePlayers"]) for each in series] == [
        ("2026-11-01", 5),
        ("2026-11-02", 0),
        ("2026-11-03", 0),
        ("2026-11-04", 2),
    ]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, 400, "validation_failed"),
        ({"from": "2025-11-01", "to": "2026-11-02"}, 400, "validation_failed"),
        ({"from": "2026-09-01", "to": "2026-11-01", "by": "hour"}, 400, "validation_failed"),
        ({"from": "yesterday"}, 400, "validation_failed"),
        ({"by": "week"}, 400, "validation_failed"),
        ({"board": "no-such-board"}, 400, "unknown_board"),
        ({"from": "2025-11-02", "to": "2026-11-02"}, 200, None),
        ({"from": "2026-09-22", "to": "2026-11-01", "by": "hour"}, 200, None),
        ({"from": "2099-01-01"}, 200, None),
    ],
)
def test_spans_are_bounded(chief: Player, query: dict[str, str], status: int, code: str | None) -> None:
    answer = get(chief, "analytics", **query)
    assert answer.status_code == status, answer.text
    assert code is None or error_code(answer) == code


def test_players_read_nothing_of_it(client: FlaskClient, worker: WorkerState) -> None:
    assert get(register(client, "ada"), "analytics").status_code == 403
