"""Batches of game servers: who may send them, what becomes of each update, and what a batch costs."""

import json
import secrets
import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import event

from common.core.settings import Settings
from common.postgres import api_keys
from tests.command_line import CommandLine
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.game_server import BATCH, GameServer, game_server, item
from tests.inbox import add_users, board_of, drain_completely
from tests.player import error_code, register
from workers.state import WorkerState

LONG_AGO = "2026-01-01T00:00:00.000Z"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def settings_of_web(settings: Settings, make_settings: SettingsFactory) -> Settings:
    """With the secret of the command line, so that both derive the same."""
    secret_key = settings.secret_key.get_secret_value().decode()
    limits = {"SCOREBOARD_IP_LIMIT": "3/hour", "SCOREBOARD_BATCH_LIMIT": "1000/minute"}
    return make_settings(SCOREBOARD_SECRET_KEY=secret_key, **limits)


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    return add_users(worker.engine, 3)


def test_a_batch_is_counted_and_its_outcomes_can_be_read(
    server: GameServer, worker: WorkerState, players: list[str]
) -> None:
    items = [item(player, action) for player in players for action in ("win-match", "share")]
    answer = server.send(*items)
    assert (answer.status_code, answer.get_json()) == (202, {"accepted": 6, "replayed": 0, "refused": []})
    key = items[0]["idempotencyKey"]
    assert server.outcome(players[0], key).get_json()["status"] == "accepted"
    drain_completely(worker)
    assert board_of(worker) == dict.fromkeys(players, 26)
    outcome = server.outcome(players[0].upper(), key).get_json()
    assert (outcome["status"], outcome["update"]["points"]) == ("applied", 25)
    assert server.outcome(players[1], key).status_code == 404


def test_a_batch_that_is_sent_again_counts_once_also_when_redis_has_forgotten_it(
    server: GameServer, worker: WorkerState, players: list[str]
) -> None:
    items = [item(player) for player in players]

    def replayed_as(status: str) -> dict[str, object]:
        replays = [{"idempotencyKey": each["idempotencyKey"], "status": status} for each in items]
        return {"accepted": 0, "replayed": 3, "refused": [], "replays": replays}

    server.send(*items)
    again = server.send(*items)
    assert (again.status_code, again.get_json()) == (202, replayed_as("accepted"))
    drain_completely(worker)
    assert server.send(*items).get_json() == replayed_as("applied")
    worker.redis.flushall()
    late = [{**each, "timestamp": LONG_AGO} for each in items]
    for sent_again in (late, items):
        assert server.send(*sent_again).get_json() == replayed_as("applied")
    assert worker.inbox.depth() == 0


def test_a_key_of_another_action_is_refused_also_when_redis_has_forgotten_it(
    server: GameServer, worker: WorkerState, players: list[str]
) -> None:
    first = item(players[0], "share")
    server.send(first)
    drain_completely(worker)
    worker.redis.flushall()
    answer = server.send({**first, "actionId": "win-match"}).get_json()
    assert (answer["accepted"], answer["refused"][0]["code"]) == (0, "idempotency_key_reused")


def test_bad_updates_are_told_apart_and_good_ones_accepted(
    server: GameServer, worker: WorkerState, players: list[str]
) -> None:
    ada = players[0]
    good = item(ada)
    answer = server.send(
        good,
        item(NOBODY),
        item(ada, "no-such-action"),
        item(ada, timestamp=LONG_AGO),
        item(ada, timestamp="yesterday"),
        item(ada, points=1_000_000),
        item(ada, key="short"),
        "no object",
        {},
        {**good, "actionId": "share"},
        good,
        item("not a uuid"),
    )
    body = answer.get_json()
    assert answer.status_code == 202
    assert (body["accepted"], body["replayed"]) == (1, 1)
    assert [(refusal["index"], refusal["code"]) for refusal in body["refused"]] == [
        (1, "unknown_user"),
        (2, "unknown_action"),
        (3, "timestamp_out_of_range"),
        (4, "validation_failed"),
        (5, "validation_failed"),
        (6, "validation_failed"),
        (7, "validation_failed"),
        (8, "validation_failed"),
        (9, "idempotency_key_reused"),
        (11, "validation_failed"),
    ]
    assert "timestamp" in body["refused"][3]["message"]
    drain_completely(worker)
    assert board_of(worker) == {ada: 25}


def test_a_player_s_own_claim_and_the_server_s_are_one_with_one_key(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    settings = make_settings()
    with documented_application(settings) as application:
        client = application.test_client()
        ada = register(client, "ada")
        server = game_server(client, worker.engine, settings.secret_key.get_secret_value())
        assert ada.update("share", "round-0001", prefer="respond-async").status_code == 202
        assert server.send(item(ada.user_id, "share", "round-0001")).get_json()["replayed"] == 1


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
almost_items = st.fixed_dictionaries(
    {},
    optional={
        "userId": st.just(NOBODY) | values,
        "actionId": st.just("share") | values,
        "timestamp": st.just(LONG_AGO) | values,
        "idempotencyKey": st.just("round-0001") | values,
        "signature": values,
    },
)


@given(items=st.lists(almost_items | values, min_size=1, max_size=5))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_items_are_each_is_told_why_it_is_refused(server: GameServer, items: list[object]) -> None:
    body = json.dumps({"updates": items}).encode()
    answer = server.client.post(BATCH, data=body, headers=server.headers(body))
    assert answer.status_code == 400
    if "error" in answer.get_json():  # nested too deep, or text that no UTF-8 can hold
        assert error_code(answer) == "invalid_json"
        return
    assert [refusal["index"] for refusal in answer.get_json()["refused"]] == list(range(len(items)))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"updates": []}', b'{"updates": 1}', b'{"updates": [{}], "more": 1}',
     b'{"updates": ' + json.dumps([{}] * 1001).encode() + b"}", b'{"updates": [NaN]}'],
)  # fmt: skip
def test_what_is_no_batch_is_refused_whole(server: GameServer, body: bytes) -> None:
    answer = server.client.post(BATCH, data=body, headers=server.headers(body))
    assert answer.status_code == 400
    assert error_code(answer) in ("invalid_json", "validation_failed")


def test_a_thousand_updates_and_a_mebibyte_are_the_most(server: GameServer, players: list[str]) -> None:
    assert server.send(*(item(players[0], "share") for _ in range(1000))).get_json()["accepted"] == 1000
    for size, status in ((2**20, 202), (2**20 + 1, 413)):
        body = json.dumps({"updates": [item(players[0])]}).encode().ljust(size)
        assert server.client.post(BATCH, data=body, headers=server.headers(body)).status_code == status


def test_a_body_of_another_type_is_refused(server: GameServer) -> None:
    headers = {**server.headers(b"x"), "Content-Type": "text/plain"}
    answer = server.client.post(BATCH, data=b"x", headers=headers)
    assert (answer.status_code, error_code(answer)) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X-Api-Key": ""}, "api_key_invalid"),
        ({"X-Api-Key": "sbk_" + "0" * 20}, "api_key_invalid"),
        ({"X-Api-Key": "sbk_" + "\u0660" * 20}, "api_key_invalid"),
        ({"X-Signature": ""}, "signature_invalid"),
        ({"X-Signature": "t=NOW"}, "signature_invalid"),
        ({"X-Signature": "t=NOW,v1=" + "0" * 64}, "signature_invalid"),
        ({"X-Signature": "t=NOW,v2=" + "0" * 64}, "signature_invalid"),
        ({"X-Signature": f"t=NOW,v2={'0' * 64},v2={'1' * 64}"}, "signature_invalid"),
        ({"X-Signature": "t=1,v1=" + "\u0660" * 64}, "signature_invalid"),
    ],
)
def test_only_a_valid_key_and_its_signature_open(
    server: GameServer, worker: WorkerState, players: list[str], change: dict[str, str], code: str
) -> None:
    body = json.dumps({"updates": [item(players[0])]}).encode()
    changed = {name: value.replace("NOW", str(int(time.time()))) for name, value in change.items()}
    headers = {name: value.encode().decode("latin-1") for name, value in {**server.headers(body), **changed}.items()}
    answer = server.client.post(BATCH, data=body, headers=headers)
    assert (answer.status_code, error_code(answer)) == (401, code)
    assert worker.inbox.depth() == 0


def test_any_changed_byte_of_the_body_or_the_instant_breaks_the_signature(
    server: GameServer, players: list[str]
) -> None:
    body = json.dumps({"updates": [item(players[0])]}).encode()
    headers = server.headers(body)
    place = secrets.randbelow(len(body))
    print(f"place {place}")
    changed = bytes([*body[:place], body[place] ^ 1, *body[place + 1 :]])
    assert error_code(server.client.post(BATCH, data=changed, headers=headers)) == "signature_invalid"
    later = headers["X-Signature"].replace("t=", "t=0")
    answer = server.client.post(BATCH, data=body, headers={**headers, "X-Signature": later})
    assert error_code(answer) == "signature_invalid"


@pytest.mark.parametrize(
    ("age_seconds", "status"),
    [(290, 202), (-290, 202), (310, 400), (-310, 400), pytest.param(-1_700_000_000_000, 400, id="milliseconds")],
)
def test_a_signature_is_fresh_for_five_minutes(
    server: GameServer, players: list[str], age_seconds: int, status: int
) -> None:
    answer = server.send(item(players[0]), age_seconds=age_seconds)
    assert answer.status_code == status
    if status == 400:
        assert error_code(answer) == "timestamp_out_of_range"
        assert "serverTime" in answer.get_json()["error"]["details"]


def test_batches_count_against_their_key_and_everything_else_against_the_address(
    make_settings: SettingsFactory, worker: WorkerState, players: list[str]
) -> None:
    settings = make_settings(SCOREBOARD_IP_LIMIT="2/hour", SCOREBOARD_BATCH_LIMIT="5/minute")
    with documented_application(settings) as application:
        client = application.test_client()
        one, other = (game_server(client, worker.engine, settings.secret_key.get_secret_value()) for _ in range(2))
        assert [one.send(item(players[0])).status_code for _ in range(4)] == [202] * 4
        assert one.outcome(players[0], "unknown-key").status_code == 404
        refused = one.send(item(players[0]))
        assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
        assert refused.headers["X-RateLimit-Limit"] == "5"
        assert int(refused.headers["Retry-After"]) >= 1
        assert other.send(item(players[0])).status_code == 202
        one.secret = "guessed"
        assert [one.send(item(players[0])).status_code for _ in range(3)] == [401, 401, 429]
        assert other.send(item(players[0])).status_code == 202


def test_outcomes_are_read_by_key_of_anybody_and_by_token_of_oneself(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    settings = make_settings()
    with documented_application(settings) as application:
        client = application.test_client()
        ada, bob = register(client, "ada"), register(client, "bob")
        server = game_server(client, worker.engine, settings.secret_key.get_secret_value())
        server.send(item(ada.user_id, key="round-0001"))
        path = "/api/scores/updates/round-0001"
        assert client.get(path, headers=server.headers_to_read(path)).status_code == 400
        assert client.get(f"{path}?userId={ada.user_id}", headers=ada.headers).status_code == 200
        answer = client.get(f"{path}?userId={ada.user_id}", headers=bob.headers)
        assert (answer.status_code, error_code(answer)) == (403, "user_mismatch")
        assert client.get(path, headers={"X-Api-Key": server.key_id}).status_code == 401
        assert client.get("/api/scores/leaderboard", headers=server.headers()).status_code == 200


def test_a_full_inbox_takes_a_batch_whole_or_not_at_all(
    make_settings: SettingsFactory, worker: WorkerState, players: list[str]
) -> None:
    settings = make_settings(SCOREBOARD_INBOX_MAX="5")
    with documented_application(settings) as application:
        client = application.test_client()
        server = game_server(client, worker.engine, settings.secret_key.get_secret_value())
        items = [item(player) for player in players]
        assert server.send(*items).status_code == 202
        answer = server.send(*items, *(item(player) for player in players))
        assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert worker.inbox.depth() == 3
        assert server.send(*items).get_json()["replayed"] == 3


def test_a_batch_costs_a_handful_of_round_trips(
    application: Flask, server: GameServer, worker: WorkerState, players: list[str]
) -> None:
    server.send(item(players[0]))
    statements: list[str] = []
    engine = application.extensions["scoreboard"].engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

    def scripts() -> int:
        return int(worker.redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])

    before = scripts()
    late = [item(players[0], timestamp=LONG_AGO) for _ in range(400)]
    assert server.send(*late, *(item(players[1], "share") for _ in range(600))).get_json()["accepted"] == 600
    assert len(statements) <= 5, statements
    assert scripts() - before <= 5


def test_an_operator_creates_lists_rotates_and_revokes(
    web: FlaskClient, command_line: CommandLine, worker: WorkerState, players: list[str]
) -> None:
    made = command_line("keys", "create", "game server")
    fields = dict(line.split(": ") for line in made.stdout.splitlines())
    old = GameServer(web, fields["id"], fields["secret"])
    assert old.send(item(players[0])).status_code == 202

    rotated = json.loads(command_line("keys", "rotate", old.key_id, "--overlap-hours", "1", "--json").stdout)
    new = GameServer(web, rotated["id"], rotated["secret"])
    assert new.secret != old.secret
    assert [each.send(item(players[0])).status_code for each in (old, new)] == [202, 202]
    newest = json.loads(command_line("keys", "rotate", old.key_id, "--json").stdout)
    newest_server = GameServer(web, newest["id"], newest["secret"])
    assert newest_server.send(item(players[0])).status_code == 202
    assert error_code(new.send(item(players[0]))) == "signature_invalid"

    listed = command_line("keys", "list", "--json").stdout
    assert [key["name"] for key in json.loads(listed)] == ["game server"]
    shown = command_line("keys", "list").stdout
    assert old.key_id in shown
    assert newest["secret"] not in listed + shown
    assert command_line("keys", "revoke", old.key_id).returncode == 0
    assert error_code(newest_server.send(item(players[0]))) == "api_key_invalid"
    assert command_line("keys", "revoke", old.key_id).returncode == 0
    assert command_line("keys", "rotate", old.key_id).returncode == 1
    assert command_line("keys", "revoke", "sbk_unknown").returncode == 1
    assert command_line("keys", "create", " ").returncode == 2


def test_the_database_holds_nothing_that_signs(worker: WorkerState, server: GameServer) -> None:
    with worker.engine.connect() as connection:
        found = api_keys.find(connection, server.key_id)
        assert found
        key, now = found
        rows = str(key)
    assert server.secret not in rows
    assert list(api_keys.signing_secrets(key, b"another server secret" * 2, now)) != [server.secret.encode()]
    assert abs(now.timestamp() - time.time()) < 60
