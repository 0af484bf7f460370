"""Achievements that repeat by season: counted, granted, reached and ranked in those of the board that they name."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from common.core.settings import Settings
from common.domain.achievements import Achievement, AchievementKind, StepKey
from common.domain.corrections import Told
from common.domain.permissions import Permissions, Scope
from common.domain.seasons import Season
from common.postgres.audit import Actor
from common.services import achieving
from common.services.corrections import Corrector
from tests.chaos import unlock_ledger
from tests.game_server import game_server
from tests.inbox import accept_at, add_users, drain_completely
from tests.integration.test_achievements import make, steps, unlocked
from tests.integration.test_corrections import no_drift
from tests.player import Player, admin, error_code, register
from tests.seasons import BEGIN, END, SPRING, add_season
from workers import closing, filling, ranking
from workers.state import WorkerState

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SUMMER = Season("summer", END + DAY, END + 3 * DAY, "Summer")
WINS = Achievement(
    *("wins", "Three wins in a season", AchievementKind.COUNT),
    actions=("win-match", "win-tournament"),
    goal=3,
    repeats="season",
    board_id="main",
)
BODY: dict[str, Any] = {"title": "Two wins", "repeat": "period", "period": "season"}
COUNT = {"actions": ["win-match"], "goal": 2}

Put = Callable[..., Any]


@pytest.fixture
def two_seasons(worker: WorkerState) -> WorkerState:
    for season in (SPRING, SUMMER):
        add_season(worker, season)
    return worker


@pytest.fixture
def put(web: FlaskClient, worker: WorkerState) -> Put:
    chief = admin(web, worker.engine)
    return lambda body: chief.client.put("/api/admin/achievements/two-wins", json=body, headers=chief.headers)


def win_at(worker: WorkerState, user_id: str, *instants: datetime) -> None:
    for instant in instants:
        accept_at(worker, user_id, instant)
    drain_completely(worker)


def test_uses_count_in_the_season_in_which_they_were_accepted_and_between_two_in_none(two_seasons: WorkerState) -> None:
    worker = two_seasons
    make(worker, WINS)
    ada, ben = add_users(worker.engine, 2)
    win_at(worker, ada, BEGIN - SECOND, BEGIN, END - SECOND, END, SUMMER.starts_at, SUMMER.starts_at + SECOND)
    win_at(worker, ben, *[SUMMER.starts_at] * 4, SUMMER.ends_at)
    found = [steps(worker, user, WINS.id, scope) for user in (ada, ben) for scope in ("s-spring", "s-summer", "")]
    assert found == [2, 2, 0, 0, 3, 0]
    assert unlocked(worker) == Counter({StepKey(ben, WINS.id, "s-summer"): 1})
    assert no_drift(worker)
    win_at(worker, ada, BEGIN + SECOND)
    assert StepKey(ada, WINS.id, "s-spring") in unlocked(worker)
    with worker.engine.connect() as connection:
        event = connection.execute(text("SELECT max(id) FROM score_events")).scalar_one()
    Corrector(worker.engine, worker.board, worker.inbox).void_event(event, Told("a mistake"), Actor("chief"))
    assert steps(worker, ada, WINS.id, "s-spring") == 2
    assert no_drift(worker)
    with worker.engine.connect() as connection:
        counted = unlock_ledger.due(connection.connection)
    assert {key: uses for key, uses in counted.uses.items() if uses} == {
        (ada, WINS.id, "s-spring"): 2, (ada, WINS.id, "s-summer"): 2, (ben, WINS.id, "s-summer"): 4
    }  # fmt: skip
    assert counted.unlocked == {(ben, WINS.id, "s-summer")}, "what was voided stays unlocked, and is not counted"


def test_seasons_that_were_over_when_it_was_made_are_filled_in(two_seasons: WorkerState) -> None:
    worker = two_seasons
    ada, ben = add_users(worker.engine, 2)
    win_at(worker, ada, END, *[BEGIN] * 3, SUMMER.starts_at)
    win_at(worker, ben, SUMMER.starts_at)
    make(worker, replace(WINS, retroactive=True))
    filling.fill_some(worker)
    assert unlocked(worker) == Counter({StepKey(ada, WINS.id, "s-spring"): 1})
    assert [steps(worker, user, WINS.id, "s-summer") for user in (ada, ben)] == [1, 1]
    win_at(worker, ben, SUMMER.starts_at, SUMMER.starts_at)
    assert StepKey(ben, WINS.id, "s-summer") in unlocked(worker)
    assert no_drift(worker)


def test_what_was_revoked_in_a_season_stays_in_the_others(two_seasons: WorkerState) -> None:
    worker = two_seasons
    make(worker, WINS)
    (ada,) = add_users(worker.engine, 1)
    win_at(worker, ada, *[BEGIN] * 3, *[SUMMER.starts_at] * 3)
    revoked = achieving.revoke(worker.engine, WINS.id, ada, reason="why", actor=Actor("chief"), scope="s-spring")
    assert (revoked, unlocked(worker)) == (1, Counter({StepKey(ada, WINS.id, "s-summer"): 1}))
    win_at(worker, ada, BEGIN)
    assert steps(worker, ada, WINS.id, "s-spring") == 1
    assert no_drift(worker)


def test_a_score_and_a_final_rank_are_reached_in_each_season(two_seasons: WorkerState) -> None:
    worker = two_seasons
    of_board: dict[str, Any] = {"board_id": "main", "period": "season", "repeats": "season"}
    fifty = Achievement("fifty", "Fifty", AchievementKind.SCORE, reach=50, **of_board)
    first = Achievement("first", "First", AchievementKind.PLACEMENT, within=1, min_players=1, **of_board)
    make(worker, fifty, first)
    ada, ben = add_users(worker.engine, 2)
    win_at(worker, ada, *[BEGIN] * 2, SUMMER.starts_at)
    win_at(worker, ben, BEGIN, *[SUMMER.starts_at] * 2)
    assert unlocked(worker).keys() == {StepKey(ada, "fifty", "s-spring"), StepKey(ben, "fifty", "s-summer")}
    closing.close_ended(worker, SUMMER.ends_at + DAY)
    ranking.rank_closed(worker)
    placed = {key for key in unlocked(worker) if key.achievement_id == "first"}
    assert placed == {StepKey(ada, "first", "s-spring"), StepKey(ben, "first", "s-summer")}


def test_it_is_made_of_a_board_that_has_seasons_and_told_with_it(
    put: Put, web: FlaskClient, worker: WorkerState
) -> None:
    now = datetime.now(UTC)
    add_season(worker, Season("now", now - DAY, now + DAY))
    made = put({**BODY, "count": {**COUNT, "board": "main"}})
    assert made.status_code == 201, made.text
    assert (made.get_json()["period"], made.get_json()["count"]) == ("season", {**COUNT, "board": "main"})
    assert put({"title": "Two wins"}).get_json() == made.get_json()
    other = put({**BODY, "count": {**COUNT, "board": "other"}})
    assert (other.status_code, error_code(other)) == (409, "achievement_immutable")
    ada = register(web, "ada")
    win_at(worker, ada.user_id, now)
    assert own(web, ada)["progress"] == [{"achievementId": "two-wins", "steps": 1, "goal": 2, "scope": "s-now"}]
    win_at(worker, ada.user_id, now)
    (told,) = own(web, ada)["unlocked"]
    assert (told["achievementId"], told["scope"], told["board"]) == ("two-wins", "s-now", "main")
    assert own(web, ada)["progress"] == []


def own(web: FlaskClient, player: Player) -> Any:  # noqa: ANN401
    return web.get(f"/api/achievements/user/{player.user_id}", headers=player.headers).get_json()


@pytest.mark.parametrize(("body", "field"), [
    ({**BODY, "count": COUNT}, "count.board"),
    ({**BODY, "count": {**COUNT, "board": "main"}}, "count.board"),
    ({**BODY, "granted": {}}, "granted.board"),
    ({"title": "-", "count": {**COUNT, "board": "main"}}, "count.board"),
    ({"title": "-", "repeat": "period", "period": "weekly", "granted": {"board": "main"}}, "granted.board"),
    ({**BODY, "score": {"board": "main", "reach": 1}}, "period"),
])  # fmt: skip
def test_one_without_a_board_or_of_a_board_without_seasons_is_refused(put: Put, body: Any, field: str) -> None:  # noqa: ANN401
    refused = put(body)
    assert (refused.status_code, error_code(refused)) == (400, "validation_failed")
    assert [each["field"] for each in refused.get_json()["error"]["details"]["fields"]] == [field]


def test_a_grant_falls_into_the_season_that_is_open_and_is_refused_where_none_is(
    put: Put, web: FlaskClient, worker: WorkerState, settings: Settings
) -> None:
    add_season(worker)  # it is over
    assert put({**BODY, "granted": {"goal": 2, "board": "main"}}).status_code == 201
    (ada,) = add_users(worker.engine, 1)
    allowed = Permissions(frozenset({Scope.ACHIEVEMENTS}), "arena")
    server = game_server(web, worker.engine, settings.secret_key.get_secret_value(), allowed)
    grants = {"grants": [{"userId": ada, "achievementId": "two-wins"}]}
    refused = server.post("/api/achievements/grant", grants)
    assert (refused.status_code, refused.get_json()["refused"][0]["code"]) == (400, "no_season")
    now = datetime.now(UTC)
    add_season(worker, Season("now", now - DAY, now + DAY))
    web.application.extensions["scoreboard"].catalogue.expire()
    for unlocks in (1, 0):
        assert server.post("/api/achievements/grant", grants).get_json()["unlocked"] == unlocks
    assert unlocked(worker) == Counter({StepKey(ada, "two-wins", "s-now"): 1})
