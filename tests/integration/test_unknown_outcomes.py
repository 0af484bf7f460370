"""A 503 says what is so: `dependency_unavailable` where nothing was done, `outcome_unknown` where nobody knows."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.domain import passwords
from common.postgres import users
from common.redis_store.client import sources
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from tests.conftest import BOTH_WAYS, REDIS_DATABASE, SettingsFactory
from tests.documents import documented_application
from tests.game_server import GameServer, game_server, item
from tests.player import PASSWORD, Player, error_code, log_in
from web.lane.updates import UpdateLane
from web.services import Services
from workers.state import WorkerState


@pytest.fixture
def postgres_proxy(servers: Servers) -> Iterator[Proxy]:
    parts = urlsplit(servers.database_url)
    made = Proxy((str(parts.hostname), int(parts.port or 0)))
    made.start()
    yield made
    made.stop()


over_both = pytest.mark.parametrize("connection", ["pipelined", "pooled"])
"""With either kind of connection to Redis. The tests of PostgreSQL need but one."""


@pytest.fixture
def connection() -> str:
    return "pooled"


@pytest.fixture
def app(
    make_settings: SettingsFactory,
    worker: WorkerState,
    servers: Servers,
    proxy: Proxy,
    postgres_proxy: Proxy,
    *,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Flask]:
    """The application with a proxy before each of its servers."""
    monkeypatch.setattr("web.pipelined.clients.monkey.is_module_patched", lambda _: connection == "pipelined")
    url = worker.settings.database_url.replace("postgresql+psycopg2://", "postgresql://", 1)
    settings = make_settings(
        DATABASE_URL=through(url, postgres_proxy), REDIS_URL=through(servers.redis_url(REDIS_DATABASE), proxy)
    )
    with documented_application(settings) as application:
        yield application


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions["scoreboard"]
    return found


@pytest.fixture
def server(app: Flask, client: FlaskClient, engine: Engine) -> GameServer:
    secret: bytes = app.extensions["scoreboard"].settings.secret_key.get_secret_value()
    return game_server(client, engine, secret)


def before_accepting(services: Services, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[], None]) -> None:
    """Have something happen just before Redis is first asked to accept, ahead of Flask or by a view."""
    accept_all, take = services.inbox.accept_all, UpdateLane._take
    for name in ("accept", "take_update"):
        services.redis.script_load("\n".join(sources(name).values()))  # Redis has it, and is not asked twice
    services.redis_clients.call_script("EVAL", "return 1", "0")  # it is connected

    def prepared(*arguments: Any) -> object:  # noqa: ANN401
        monkeypatch.undo()
        prepare()
        return accept_all(*arguments)

    def prepared_lane(*arguments: Any) -> bool:  # noqa: ANN401
        monkeypatch.undo()
        prepare()
        return take(*arguments)

    monkeypatch.setattr(services.inbox, "accept_all", prepared)
    monkeypatch.setattr(UpdateLane, "_take", prepared_lane)


@pytest.fixture
def lose_replies(services: Services, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis takes the next update and its reply is lost, as is all that it says until the test changes that."""

    def lose() -> None:
        proxy.manner.drops_replies = True

    before_accepting(services, monkeypatch, lose)


def is_unknown(answer: TestResponse) -> bool:
    """Whether the answer says so, and says when to send it again."""
    return (answer.status_code, error_code(answer)) == (503, "outcome_unknown") and int(
        answer.headers["Retry-After"]
    ) >= 1


def points(worker: WorkerState) -> int:
    with worker.engine.connect() as connection:
        return int(
            connection.scalar(
                text("SELECT coalesce(sum(score), 0) FROM standings WHERE board_id = :board AND period_id = :period"),
                {"board": DEFAULT_BOARD, "period": ALL_TIME},
            )
            or 0
        )


@BOTH_WAYS
@over_both
def test_an_update_that_was_sent_on_and_not_answered_is_unknown_and_counts_once_when_repeated(
    ada: Player, worker: WorkerState, proxy: Proxy, lose_replies: None
) -> None:
    claim = ada.claim("win-match")
    answer = ada.send(claim)
    assert is_unknown(answer)
    assert "send it again with the same key" in answer.json["error"]["message"]  # type: ignore[index]
    proxy.manner.drops_replies = False
    wait_until(lambda: worker.inbox.depth() == 1)
    worker.drain.run()
    repeated = ada.send(claim)
    assert (repeated.status_code, repeated.headers["Idempotent-Replayed"]) == (200, "true")
    assert points(worker) == 25


@BOTH_WAYS
@over_both
def test_a_batch_that_was_sent_on_and_not_answered_is_unknown_as_a_whole(
    server: GameServer, ada: Player, worker: WorkerState, proxy: Proxy, lose_replies: None
) -> None:
    items = [item(ada.user_id, "share") for _ in range(1000)]
    assert is_unknown(server.send(*items))
    proxy.manner.drops_replies = False
    wait_until(lambda: worker.inbox.depth() > 0)
    assert worker.inbox.depth() == len(items)


@BOTH_WAYS
@over_both
def test_an_acceptance_whose_connection_breaks_is_repeated_at_once_and_told_by_its_nonce(
    ada: Player, worker: WorkerState, proxy: Proxy
) -> None:
    proxy.manner.cut_after = b"scores:inbox"
    answer = ada.update(prefer="respond-async")
    assert (answer.status_code, worker.inbox.depth()) == (202, 1)
    assert "Idempotent-Replayed" not in answer.headers


@BOTH_WAYS
@over_both
@pytest.mark.parametrize("is_batch", [False, True])
def test_an_update_for_a_redis_that_nobody_can_reach_was_not_sent_on(
    ada: Player, server: GameServer, services: Services, worker: WorkerState, proxy: Proxy, *, is_batch: bool
) -> None:
    proxy.stop()
    services.redis_clients.close()
    answer = server.send(item(ada.user_id)) if is_batch else ada.update()
    assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")
    assert worker.inbox.depth() == 0


@BOTH_WAYS
@over_both
@pytest.mark.parametrize("is_batch", [False, True])
def test_a_request_that_waited_for_redis_in_vain_before_is_not_sent_on(
    ada: Player, server: GameServer, worker: WorkerState, proxy: Proxy, lane: str, *, is_batch: bool
) -> None:
    """Ahead of Flask an update is the first that Redis is sent: nobody knows then whether it got through."""
    proxy.manner.is_silent = True
    answer = server.send(item(ada.user_id)) if is_batch else ada.update()
    proxy.manner.is_silent = False
    expected = {"dependency_unavailable"} | ({"outcome_unknown"} if lane == "on" and not is_batch else set())
    assert answer.status_code == 503
    assert error_code(answer) in expected
    assert worker.inbox.depth() == 0


@BOTH_WAYS
@over_both
def test_a_connection_that_comes_to_nothing_has_sent_nothing_on(
    ada: Player, services: Services, worker: WorkerState, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a silent server was sent then is the greeting, and the update was not."""

    def reconnect() -> None:
        proxy.manner.is_silent = True
        services.redis_clients.close()

    before_accepting(services, monkeypatch, reconnect)
    answer = ada.update()
    proxy.manner.is_silent = False
    assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")
    assert worker.inbox.depth() == 0


@pytest.fixture
def chief(client: FlaskClient, engine: Engine) -> Player:
    """An admin."""
    with engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(client, "chief")


ROUTES = ["auth/register", "auth/login", "auth/refresh", "auth/logout", "admin/suspend", "admin/reinstate"]


REPEATED = {
    "auth/register": (201, 409),
    "auth/login": (200,),
    "auth/refresh": (200,),
    "auth/logout": (200, 401),
    "admin/suspend": (200,),
    "admin/reinstate": (200,),
}
"""The cut comes when the COMMIT is out: PostgreSQL may have read it or not."""


def call(chief: Player, route: str, user_id: str) -> TestResponse:
    """A request of the chief that changes something."""
    bodies = {
        "auth/register": {"username": "grace", "password": PASSWORD},
        "auth/login": {"username": "chief", "password": PASSWORD},
        "auth/refresh": {"refreshToken": str(chief.login["refreshToken"])},
        "auth/logout": {},
    }
    path = f"admin/users/{user_id}/{route.rpartition('/')[2]}" if route.startswith("admin") else route
    body = bodies.get(route, {"reason": "a test"})
    return chief.client.post(f"/api/{path}", json=body, headers=chief.headers)


@pytest.mark.parametrize("route", ROUTES)
def test_a_commit_whose_answer_is_lost_is_unknown(
    chief: Player, ada: Player, postgres_proxy: Proxy, route: str
) -> None:
    postgres_proxy.manner.cut_after = b"COMMIT"
    answer = call(chief, route, ada.user_id)
    assert not postgres_proxy.manner.cut_after
    assert is_unknown(answer)
    assert call(chief, route, ada.user_id).status_code in REPEATED[route]


@pytest.mark.parametrize("route", ROUTES)
def test_without_postgresql_nothing_was_committed(
    chief: Player, ada: Player, app: Flask, postgres_proxy: Proxy, route: str
) -> None:
    postgres_proxy.stop()
    app.extensions["scoreboard"].engine.dispose()
    answer = call(chief, route, ada.user_id)
    assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")


@BOTH_WAYS
@over_both
def test_a_redis_without_memory_has_taken_nothing(ada: Player, worker: WorkerState) -> None:
    worker.redis.config_set("maxmemory", "1")
    try:
        answer = ada.update()
    finally:
        worker.redis.config_set("maxmemory", "0")
    assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")
    assert worker.inbox.depth() == 0


@BOTH_WAYS
def test_a_full_inbox_has_taken_nothing(ada: Player, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.inbox, "capacity", 0)
    assert error_code(ada.update()) == "dependency_unavailable"


@BOTH_WAYS
@over_both
def test_a_ticket_whose_answer_is_lost_may_be_there(
    ada: Player, services: Services, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_key = services.redis.set

    def lose(*arguments: Any, **keywords: Any) -> object:  # noqa: ANN401
        proxy.manner.drops_replies = True
        return set_key(*arguments, **keywords)

    monkeypatch.setattr(services.redis, "set", lose)
    answer = ada.client.post("/api/auth/ticket", headers=ada.headers)
    proxy.manner.drops_replies = False
    assert is_unknown(answer)
