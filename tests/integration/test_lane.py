"""What answers ahead of Flask answers as the views do, counts where they count, and leaves the rest to them."""

import random
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from common.core import metrics
from common.redis_store.client import Client
from common.services.suspensions import COMMAND_LINE, Decision
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.player import Player, error_code, register
from web.services import Services
from workers.state import WorkerState

LEADERBOARD = "/api/scores/leaderboard"
PLACE = "/api/scores/user"
OF_ONE_ANSWER = {"X-Request-ID"}


@pytest.fixture
def views(make_settings: SettingsFactory, app: Flask) -> Iterator[FlaskClient]:
    """The same service with the views alone. It knows the same secrets."""
    of_app: Services = app.extensions["scoreboard"]
    secrets_of_app = {
        "SCOREBOARD_JWT_SECRET": of_app.settings.jwt_secrets[0].decode(),
        "SCOREBOARD_SECRET_KEY": of_app.settings.secret_keys[0].decode(),
    }
    limits = {"SCOREBOARD_UPDATE_LIMIT": "100000/minute", "SCOREBOARD_IP_LIMIT": "100000/hour"}
    with documented_application(make_settings(SCOREBOARD_LANE="off", **limits, **secrets_of_app)) as application:
        yield application.test_client()


@pytest.fixture
def board(worker: WorkerState, client: FlaskClient) -> list[Player]:
    """Seven players with points."""
    players = [register(client, f"player-{number}") for number in range(7)]
    for number, player in enumerate(players):
        for _ in range(number % 4):
            assert player.update(prefer="respond-async").status_code == 202
    worker.drain.run()
    return players


def told(answer: TestResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers if name not in OF_ONE_ANSWER}
    return answer.status_code, headers, answer.get_data()


def shape(body: Any) -> Any:  # noqa: ANN401
    """The fields of a body in their order, without their values."""
    return [(name, shape(value)) for name, value in body.items()] if isinstance(body, dict) else None


def sent_to_flask(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that reach Flask from now on."""
    reached: list[str] = []
    application = client.application
    dispatch = application.full_dispatch_request

    def noted() -> Any:  # noqa: ANN401
        from flask import request  # noqa: PLC0415 - of the request that is handled

        reached.append(request.path)
        return dispatch()

    monkeypatch.setattr(application, "full_dispatch_request", noted)
    return reached


def test_a_plain_update_and_a_plain_read_do_not_reach_flask(
    ada: Player, client: FlaskClient, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = sent_to_flask(client, monkeypatch)
    assert ada.update(prefer="respond-async").status_code == 202
    worker.drain.run()
    assert client.get(f"{LEADERBOARD}?limit=3").get_json()["total"] == 1
    assert reached == []


@pytest.mark.usefixtures("draining")
@pytest.mark.parametrize("prefer", ["", "respond-async", "wait=1, Respond-Async; x=1"])
def test_an_update_is_answered_byte_for_byte_as_by_the_view(ada: Player, views: FlaskClient, prefer: str) -> None:
    ahead, view = (
        each.post(
            "/api/scores/update",
            json=Player(each, ada.login).claim(key=key),
            headers={**ada.headers, "Prefer": prefer} if prefer else ada.headers,
        )
        for each, key in ((ada.client, "key-of-lane"), (views, "key-of-view"))
    )
    assert told(ahead)[0] == told(view)[0]
    assert set(told(ahead)[1]) == set(told(view)[1])
    if prefer:
        assert ahead.get_data().replace(b"key-of-lane", b"key-of-view") == view.get_data()
        assert told(ahead)[1] == told(view)[1]
    else:
        assert shape(ahead.get_json()) == shape(view.get_json())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_read_is_answered_byte_for_byte_as_by_the_view(
    board: list[Player], client: FlaskClient, views: FlaskClient, seed: int
) -> None:
    chance = random.Random(seed)
    asked: dict[str, Any] = {}
    if chance.random() < 0.8:
        asked["limit"] = chance.choice([1, 2, 3, 10, 100, 0, 101, "x", "05", ""])
    if chance.random() < 0.4:
        asked["period"] = chance.choice(["all", "daily", "weekly", "monthly", "2020-W01", "never", "2999-01"])
    if chance.random() < 0.3:
        asked["around"] = chance.choice([*(player.user_id for player in board), secrets.token_hex(16), "", "x"])
    if chance.random() < 0.1:
        asked["board"] = chance.choice(["main", "other"])
    if chance.random() < 0.3:
        first = views.get(LEADERBOARD, query_string={key: asked[key] for key in asked if key != "around"}).get_json()
        asked["cursor"] = first.get("nextCursor") or first.get("previousCursor") or "none"
    headers = {}
    if chance.random() < 0.5:
        tag = views.get(LEADERBOARD, query_string=asked).headers.get("ETag", '"x"')
        headers["If-None-Match"] = chance.choice([tag, f"W/{tag}", f'"other", {tag}', "*", '"other"', "no tag"])
    ahead, view = (each.get(LEADERBOARD, query_string=asked, headers=headers) for each in (client, views))
    assert told(ahead) == told(view), asked


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_place_is_answered_byte_for_byte_as_by_the_view(
    board: list[Player], client: FlaskClient, views: FlaskClient, seed: int
) -> None:
    chance = random.Random(seed)
    player = chance.choice(board)
    name = chance.choice(
        [player.user_id] * 6 + [player.user_id.upper(), str(uuid.uuid4()), "x", "", f"{player.user_id}/"]
    )
    asked: dict[str, Any] = {}
    if chance.random() < 0.4:
        asked["period"] = chance.choice(["all", "daily", "weekly", "monthly", "2020-W01", "never", "2999-01"])
    if chance.random() < 0.2:
        asked["board"] = chance.choice(["main", "other"])
    if chance.random() < 0.1:
        asked["limit"] = "3"
    ahead, view = (each.get(f"{PLACE}/{name}", query_string=asked) for each in (client, views))
    assert told(ahead) == told(view), (name, asked)


def test_a_place_whose_name_is_known_does_not_reach_flask_and_counts_as_a_hit(
    board: list[Player], client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{PLACE}/{board[1].user_id}"
    client.get(path)  # the view finds the name, and remembers it
    reached = sent_to_flask(client, monkeypatch)
    hits = {cache: metrics.CACHE_READS.labels(cache, "hit") for cache in ("board", "user_details")}
    before = {cache: hit._value.get() for cache, hit in hits.items()}
    assert client.get(path).get_json()["username"] == "player-1"
    assert reached == []
    assert {cache: hit._value.get() - before[cache] for cache, hit in hits.items()} == {"board": 1, "user_details": 1}


def test_a_place_follows_every_update(board: list[Player], client: FlaskClient, worker: WorkerState) -> None:
    path = f"{PLACE}/{board[1].user_id}"
    before = [client.get(path).get_json()["score"] for _ in range(2)]
    board[1].update("win-tournament", prefer="respond-async")
    worker.drain.run()
    assert client.get(path).get_json()["score"] == before[1] + 100


def test_a_player_who_was_suspended_has_no_place(board: list[Player], client: FlaskClient, app: Flask) -> None:
    path = f"{PLACE}/{board[1].user_id}"
    assert [client.get(path).status_code for _ in range(2)] == [200, 200]
    app.extensions["scoreboard"].moderator.carry_out(Decision(board[1].user_id, True, COMMAND_LINE, ""))
    assert client.get(path).status_code == 404


def test_a_place_on_a_board_that_is_not_served_is_read_by_the_view(
    board: list[Player], client: FlaskClient, client_of_redis: Client
) -> None:
    path = f"{PLACE}/{board[1].user_id}"
    before = [client.get(path).get_json() for _ in range(2)]
    client_of_redis.delete("leaderboard:members")
    assert client.get(path).get_json() == before[1]


def test_a_page_that_is_ready_is_not_shown_once_the_board_has_moved(
    board: list[Player], client: FlaskClient, worker: WorkerState
) -> None:
    before = client.get(f"{LEADERBOARD}?limit=3")
    assert client.get(f"{LEADERBOARD}?limit=3", headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    board[0].update("win-tournament", prefer="respond-async")
    worker.drain.run()
    after = client.get(f"{LEADERBOARD}?limit=3", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.get_json()["entries"][0]["userId"] == board[0].user_id


def test_a_suspended_player_leaves_pages_that_are_ready(board: list[Player], client: FlaskClient, app: Flask) -> None:
    leader = client.get(f"{LEADERBOARD}?limit=3").get_json()["entries"][0]["userId"]
    app.extensions["scoreboard"].moderator.carry_out(Decision(leader, True, COMMAND_LINE, ""))
    shown = client.get(f"{LEADERBOARD}?limit=3").get_json()["entries"]
    assert leader not in [entry["userId"] for entry in shown]


def test_a_board_that_is_not_served_is_read_by_the_view(
    board: list[Player], client: FlaskClient, client_of_redis: Client
) -> None:
    before = client.get(f"{LEADERBOARD}?limit=3").get_json()
    client_of_redis.delete("leaderboard:members")
    after = client.get(f"{LEADERBOARD}?limit=3")
    assert after.status_code == 200
    assert after.get_json()["entries"] == before["entries"]


def test_both_ways_count_to_one_limit_in_any_order(make_settings: SettingsFactory, worker: WorkerState) -> None:
    chance = random.Random(seed := secrets.randbits(32))
    print("seed", seed)
    common = {
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
        "SCOREBOARD_IP_LIMIT": "1000/hour",
        "SCOREBOARD_UPDATE_LIMIT": "7/minute",
    }
    ahead, view = make_settings(**common), make_settings(SCOREBOARD_LANE="off", **common)
    with documented_application(ahead) as first, documented_application(view) as second:
        clients = [first.test_client(), second.test_client()]
        ada = register(clients[0], "ada")
        statuses = [
            Player(chance.choice(clients), ada.login).update(prefer="respond-async").status_code for _ in range(9)
        ]
    assert statuses == [202] * 7 + [429] * 2


def test_reads_both_ways_count_to_one_limit_of_an_address(make_settings: SettingsFactory, worker: WorkerState) -> None:
    chance = random.Random(seed := secrets.randbits(32))
    print("seed", seed)
    common = {
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
        "SCOREBOARD_IP_LIMIT": "12/hour",
    }
    ahead, view = make_settings(**common), make_settings(SCOREBOARD_LANE="off", **common)
    with documented_application(ahead) as first, documented_application(view) as second:
        clients = [first.test_client(), second.test_client()]
        ada = register(clients[0], "ada")  # two requests
        assert ada.update(prefer="respond-async").status_code == 202
        worker.drain.run()
        paths = (LEADERBOARD, f"{PLACE}/{ada.user_id}")
        answers = [chance.choice(clients).get(chance.choice(paths)) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 9 + [429] * 3
    assert answers[-1].headers["X-RateLimit-Limit"] == "12"


def test_a_window_slides_as_the_library_slides_it(make_settings: SettingsFactory, client_of_redis: Client) -> None:
    common = {"SCOREBOARD_IP_LIMIT": "10/hour"}
    current = "ratelimit:{LIMITER/127.0.0.1/ip/10/1/hour}"
    found = {}
    for lane in ("on", "off"):
        client_of_redis.delete(current, f"{current}/-1")
        client_of_redis.set(current, 8, px=3_000_000)  # in its second hour: of the hour before the current one
        with documented_application(make_settings(SCOREBOARD_LANE=lane, **common)) as application:
            client = application.test_client()
            statuses = [client.get(LEADERBOARD).status_code for _ in range(6)]
        found[lane] = (statuses, client_of_redis.get(current), client_of_redis.get(f"{current}/-1"))
    assert found["on"] == found["off"]
    assert found["on"][0] == [200] * 4 + [429] * 2


def test_a_read_that_fails_after_it_was_counted_is_counted_once(
    make_settings: SettingsFactory, worker: WorkerState, monkeypatch: pytest.MonkeyPatch, client_of_redis: Client
) -> None:
    with documented_application(make_settings(SCOREBOARD_IP_LIMIT="10/hour")) as application:
        services: Services = application.extensions["scoreboard"]
        read = services.leaderboard.page
        failures = iter([redis.ConnectionError("lost")])

        def fail_once(*arguments: Any) -> Any:  # noqa: ANN401
            if failure := next(failures, None):
                raise failure
            return read(*arguments)

        monkeypatch.setattr(services.leaderboard, "page", fail_once)
        assert application.test_client().get(LEADERBOARD).status_code == 200
    assert client_of_redis.get("ratelimit:{LIMITER/127.0.0.1/ip/10/1/hour}") == "1"


@pytest.mark.usefixtures("draining")
def test_a_replay_and_a_reused_key_are_told_by_the_view(ada: Player) -> None:
    assert ada.update("win-match", "key-of-ada").status_code == 200
    again = ada.update("win-match", "key-of-ada")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    other = ada.update("share", "key-of-ada")
    assert (other.status_code, error_code(other)) == (400, "idempotency_key_reused")


def test_a_token_that_is_known_expires_all_the_same(
    ada: Player, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ada.update(prefer="respond-async").status_code == 202
    claim = ada.claim()
    monkeypatch.setattr("web.guards.identities.time.time", lambda: 2_000_000_000.0)
    refused = ada.send(claim)
    assert (refused.status_code, error_code(refused)) == (401, "token_expired")


def test_a_session_that_has_ended_is_refused_at_once(ada: Player, client: FlaskClient) -> None:
    assert ada.update(prefer="respond-async").status_code == 202
    assert client.post("/api/auth/logout", headers=ada.headers).status_code == 200
    refused = ada.update(prefer="respond-async")
    assert (refused.status_code, error_code(refused)) == (401, "token_revoked")


def test_an_acceptance_whose_answer_was_lost_is_not_taken_for_anothers(
    ada: Player, app: Flask, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script has run, both answers are lost: the view, which tries once more, finds what this request did."""
    from web.pipelined import script  # noqa: PLC0415

    run = script.BareScript._run

    def lose(self: script.BareScript, key_count: int, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
        run(self, key_count, arguments)
        raise redis.ConnectionError("lost")

    monkeypatch.setattr(script.BareScript, "_run", lose)
    answer = ada.update(prefer="respond-async")
    assert answer.status_code == 202
    assert "Idempotent-Replayed" not in answer.headers
    assert worker.inbox.depth() == 1


def test_a_body_that_the_lane_has_read_is_read_again_by_the_view(ada: Player, client: FlaskClient) -> None:
    refused = client.post("/api/scores/update", data=b'{"a": ', headers=ada.headers, content_type="application/json")
    assert (refused.status_code, error_code(refused)) == (400, "invalid_json")
    refused = ada.send({**ada.claim(), "points": 5})
    assert (refused.status_code, error_code(refused)) == (400, "validation_failed")


def test_a_lane_that_breaks_leaves_the_request_to_the_view(
    ada: Player, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_arguments: object) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("web.lane.updates._claim_in", break_down)
    monkeypatch.setattr("web.lane.reads._parsed", break_down)
    assert ada.update(prefer="respond-async").status_code == 202
    assert client.get(LEADERBOARD).status_code == 200


def test_an_update_that_was_not_taken_leaves_nothing_in_doubt(
    ada: Player, app: Flask, client_of_redis: Client, monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    """Redis has forgotten whose session it is, and PostgreSQL, which knows, is away."""

    def away(*_arguments: object) -> bool:
        raise OperationalError("SELECT 1", None, psycopg2.OperationalError("gone"))

    client_of_redis.delete("sessions:loaded")
    monkeypatch.setattr(app.extensions["scoreboard"].revocations, "is_live", away)
    refused = ada.update()
    assert (refused.status_code, error_code(refused)) == (503, "dependency_unavailable")
    assert worker.inbox.depth() == 0


def test_a_full_window_tells_nothing_of_an_update_that_may_have_filled_it(
    make_settings: SettingsFactory, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web.pipelined import script  # noqa: PLC0415

    run = script.BareScript._run

    def lose(self: script.BareScript, key_count: int, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
        run(self, key_count, arguments)
        raise redis.ConnectionError("lost")

    with documented_application(make_settings(SCOREBOARD_UPDATE_LIMIT="1/minute")) as application:
        ada = register(application.test_client(), "ada")
        monkeypatch.setattr(script.BareScript, "_run", lose)
        unknown = ada.update(prefer="respond-async")
        monkeypatch.undo()
        assert (unknown.status_code, error_code(unknown)) == (503, "outcome_unknown")
        assert ada.update().status_code == 429
    assert worker.inbox.depth() == 1
