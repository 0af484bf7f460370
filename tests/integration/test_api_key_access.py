"""What an API key's signature covers, and what a request without a good one costs."""

import io
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from common.core.settings import Settings
from common.postgres import api_keys
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.game_server import BATCH, GameServer, game_server, item, signed, signed_as_before
from tests.inbox import add_users
from tests.player import error_code
from workers.state import WorkerState

FAILURES = 3


@pytest.fixture
def settings_of_web(make_settings: SettingsFactory) -> Settings:
    return make_settings(SCOREBOARD_IP_LIMIT="100000/hour", SCOREBOARD_API_KEY_FAILURE_LIMIT=f"{FAILURES}/hour")


@pytest.fixture
def player(worker: WorkerState) -> str:
    return add_users(worker.engine, 1)[0]


class Counted(io.BytesIO):
    """A body that counts what is read of it."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        self.bytes_read += len(part)
        return part

    def readinto(self, buffer: object, /) -> int:
        length = super().readinto(buffer)  # type: ignore[arg-type]  # a buffer, which has no name in 3.11
        self.bytes_read += length
        return length


@contextmanager
def statements(application: Flask) -> Iterator[list[str]]:
    """What is asked of PostgreSQL meanwhile."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    engine = application.extensions["scoreboard"].engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def send(client: FlaskClient, body: Counted, headers: dict[str, str]) -> TestResponse:
    length = str(len(body.getvalue()))
    return client.post(BATCH, input_stream=body, headers={**headers, "Content-Length": length})


def read(client: FlaskClient, target: str, headers: dict[str, str]) -> TestResponse:
    return client.get(target, headers=headers)


def test_the_signature_of_one_address_opens_no_other(server: GameServer, worker: WorkerState) -> None:
    ada, bob = add_users(worker.engine, 2)
    for player in (ada, bob):
        server.send(item(player, key="round-0001"))
    target = f"/api/scores/updates/round-0001?userId={ada}"
    seen = server.headers_to_read(target)
    assert read(server.client, target, seen).status_code == 200
    for other in (target.replace(ada, bob), f"{target}&", target.replace("round-0001", "round-0002")):
        answer = read(server.client, other, seen)
        assert (answer.status_code, error_code(answer)) == (401, "signature_invalid"), other


def test_the_signature_of_one_method_opens_no_other(server: GameServer, player: str) -> None:
    body = json.dumps({"updates": [item(player)]}).encode()
    headers = signed(server.key_id, server.secret, body, method="GET")
    assert error_code(server.client.post(BATCH, data=body, headers=headers)) == "signature_invalid"


def test_a_body_alone_is_signed_for_a_batch_and_for_nothing_else(server: GameServer, player: str) -> None:
    body = json.dumps({"updates": [item(player, key="round-0001")]}).encode()
    assert (
        server.client.post(BATCH, data=body, headers=signed_as_before(server.key_id, server.secret, body)).status_code
        == 202
    )
    target = f"/api/scores/updates/round-0001?userId={player}"
    answer = read(server.client, target, signed_as_before(server.key_id, server.secret, b""))
    assert (answer.status_code, error_code(answer)) == (401, "signature_invalid")


@pytest.mark.parametrize(("good", "status"), [("v1", 401), ("v2", 202)])
def test_where_both_versions_stand_the_second_decides(server: GameServer, player: str, good: str, status: int) -> None:
    body = json.dumps({"updates": [item(player)]}).encode()
    headers = server.headers(body) if good == "v2" else signed_as_before(server.key_id, server.secret, body)
    seconds, signature = headers["X-Signature"].split(",")
    both = f"{seconds},v1={'0' * 64},{signature}" if good == "v2" else f"{seconds},{signature},v2={'0' * 64}"
    answer = server.client.post(BATCH, data=body, headers={**headers, "X-Signature": both})
    assert answer.status_code == status


def test_a_key_that_nobody_has_costs_few_queries_and_no_body(application: Flask, server: GameServer) -> None:
    body = Counted(b"x" * 2**20)
    with statements(application) as asked:
        for _ in range(10 * FAILURES):
            nobodys = f"sbk_{secrets.token_hex(10)}"
            answer = send(server.client, body, signed(nobodys, "a secret", body.getvalue()))
            assert (answer.status_code, error_code(answer)) == (401, "api_key_invalid")
    assert body.bytes_read == 0
    assert len(asked) <= FAILURES + 1, asked


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X-Api-Key": "sbk_of_no_form"}, "api_key_invalid"),
        ({"X-Signature": "t=now"}, "signature_invalid"),
        ({"X-Signature": f"t=1,v2={'0' * 64}"}, "timestamp_out_of_range"),
    ],
)
def test_header_fields_of_another_form_cost_nothing(
    application: Flask, server: GameServer, change: dict[str, str], code: str
) -> None:
    body = Counted(b"x" * 2**20)
    with statements(application) as asked:
        assert error_code(send(server.client, body, {**server.headers(b""), **change})) == code
    assert (asked, body.bytes_read) == ([], 0)


def test_bad_signatures_of_a_key_are_limited_by_address_and_nobody_else_is_kept_out(
    application: Flask, server: GameServer, player: str
) -> None:
    wrong = GameServer(server.client, server.key_id, "guessed")
    assert [wrong.send(item(player)).status_code for _ in range(FAILURES)] == [401] * FAILURES
    body = Counted(b"x" * 2**20)
    with statements(application) as asked:
        refused = send(server.client, body, wrong.headers(body.getvalue()))
    assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) >= 1
    assert (asked, body.bytes_read) == ([], 0)
    good = json.dumps({"updates": [item(player)]}).encode()
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    answer = server.client.post(BATCH, data=good, headers=server.headers(good), environ_base=elsewhere)
    assert answer.status_code == 202


def test_a_new_key_works_at_once_and_a_revoked_one_no_more(
    web: FlaskClient, worker: WorkerState, settings_of_web: Settings, player: str
) -> None:
    secret_key = settings_of_web.secret_key.get_secret_value()
    old = game_server(web, worker.engine, secret_key)
    assert old.send(item(player)).status_code == 202
    new = game_server(web, worker.engine, secret_key)
    assert new.send(item(player)).status_code == 202
    with worker.engine.begin() as connection:
        api_keys.revoke(connection, old.key_id)
    assert error_code(old.send(item(player))) == "api_key_invalid"


def test_those_who_ask_for_unknown_keys_at_once_share_a_query(application: Flask, server: GameServer) -> None:
    known = application.extensions["known_api_keys"]
    known.has(server.key_id)
    arrivals = threading.Barrier(8)

    def ask() -> None:
        arrivals.wait()
        known.has_now("sbk_" + "0" * 20)

    with statements(application) as asked:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 1 <= len(asked) <= 8


def test_the_updates_of_batches_are_counted_too(
    make_settings: SettingsFactory, worker: WorkerState, player: str
) -> None:
    settings = make_settings(SCOREBOARD_BATCH_UPDATE_LIMIT="1000/hour")
    with documented_application(settings) as application:
        server = game_server(application.test_client(), worker.engine, settings.secret_key.get_secret_value())
        assert server.send(*(item(player) for _ in range(600))).status_code == 202
        refused = server.send(*(item(player) for _ in range(600)))
        assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
        assert refused.headers["X-RateLimit-Limit"] == "1000"
        assert refused.headers["X-RateLimit-Remaining"] == "400"
        assert int(refused.headers["X-RateLimit-Reset"]) >= int(time.time())
        assert server.send(*(item(player) for _ in range(400))).status_code == 202
        assert worker.inbox.depth() == 1000
