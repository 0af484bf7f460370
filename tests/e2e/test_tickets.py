"""Viewers with a ticket: their own place on the running product's socket, and the end of it with their session."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import websocket
from flask.testing import FlaskClient

from common.contract.errors import ErrorCode, ScoreboardError
from common.core.settings import load
from common.domain import signing
from common.postgres.engine import create as create_database_engine
from common.redis_store import keys, tickets
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services.moderation import Moderator
from common.services.revocations import Revocations
from common.services.suspensions import COMMAND_LINE, Decision
from dev.harness.stack import Stack, another_web
from dev.harness.waiting import wait_until
from tests.caller import Caller
from tests.live_client import LiveClient, Message
from tests.player import Player, error_code
from web.live.views import Live
from workers.state import WorkerState


@pytest.fixture
def caller(stack: Stack) -> Caller:
    return Caller(stack, f"player-{secrets.token_hex(4)}")


def watch(stack: Stack, caller: Caller, query: str = "") -> LiveClient:
    return LiveClient(f"{stack.live_url}?ticket={caller.ticket()}{query}")


def is_me(message: Message) -> bool:
    return bool(message["type"] == "me")


def refusal(stack: Stack, query: str) -> tuple[int, str]:
    """Status and code with which the socket refuses."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        LiveClient(f"{stack.live_url}?{query}")
    body = refused.value.resp_body
    assert body
    return refused.value.status_code, body.decode()


def test_a_ticket_needs_a_token_and_says_how_long_it_lasts(stack: Stack, caller: Caller) -> None:
    assert requests.post(f"{stack.url}/api/auth/ticket", timeout=30).json()["error"]["code"] == "token_missing"
    answer = requests.post(f"{stack.url}/api/auth/ticket", headers=caller.headers, timeout=30).json()
    assert set(answer) == {"ticket", "expiresIn"}
    assert answer["expiresIn"] == 30


def test_one_with_a_ticket_is_told_of_their_own_place_as_it_changes(stack: Stack, caller: Caller) -> None:
    with watch(stack, caller, "&limit=1") as viewer:
        assert (viewer.receive() or {})["type"] == "snapshot"
        first = viewer.wait_for(is_me)
        assert (first["entry"]["score"], first["entry"]["rank"], first["previousRank"]) == (0, None, None)
        answer = caller.update("win-tournament").json()
        moved = viewer.wait_for(is_me)
        assert moved["entry"] == answer["entry"]
        again = caller.update("share").json()
        assert viewer.wait_for(is_me)["entry"]["score"] == again["entry"]["score"] == 101


def test_a_rank_that_another_took_is_told_too(stack: Stack, caller: Caller) -> None:
    caller.update("win-match")
    with watch(stack, caller) as viewer:
        before = viewer.wait_for(is_me)["entry"]["rank"]
        other = Caller(stack, f"player-{secrets.token_hex(4)}")
        other.update("win-match")
        other.update("share")
        told = viewer.wait_for(lambda message: is_me(message) and message["entry"]["rank"] == before + 1)
        assert told["previousRank"] == before


def test_a_ticket_opens_the_socket_once(stack: Stack, caller: Caller) -> None:
    ticket = caller.ticket()
    with LiveClient(f"{stack.live_url}?ticket={ticket}"):
        status, body = refusal(stack, f"ticket={ticket}")
    assert status == 401
    assert "token_invalid" in body


@pytest.mark.parametrize("ticket", ["nonsense", "", "%00", "a" * 128])
def test_a_ticket_that_is_none_is_refused(stack: Stack, ticket: str) -> None:
    assert refusal(stack, f"ticket={ticket}")[0] == 401


def test_tickets_expire_and_are_not_readable_in_redis(stack: Stack, caller: Caller) -> None:
    ticket = caller.ticket()
    client = stack.redis()
    key = keys.ticket(signing.fingerprint(ticket).hex())
    assert ticket not in "".join(client.scan_iter(keys.ticket("*")))
    assert 0 < client.ttl(key) <= 30
    client.pexpire(key, 1)
    wait_until(lambda: not client.exists(key))
    client.close()
    assert refusal(stack, f"ticket={ticket}")[0] == 401


def test_a_refused_request_does_not_use_the_ticket_up(stack: Stack, caller: Caller) -> None:
    ticket = caller.ticket()
    assert refusal(stack, f"limit=0&ticket={ticket}")[0] == 400
    with LiveClient(f"{stack.live_url}?ticket={ticket}") as viewer:
        assert viewer.receive()


def test_a_503_does_not_use_the_ticket_up(
    client: FlaskClient, ada: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ScoreboardError(ErrorCode.REBUILDING, "A moment.", retry_after=1)

    monkeypatch.setattr(Live, "prepare", away)
    ticket = client.post("/api/auth/ticket", headers=ada.headers).get_json()["ticket"]
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = client.get(f"/ws/scoreboard?ticket={ticket}", headers=handshake)
    assert (answer.status_code, error_code(answer)) == (503, "rebuilding")
    assert tickets.redeem(worker.redis, ticket)


def test_a_ticket_of_a_session_that_has_ended_is_refused(stack: Stack, caller: Caller) -> None:
    ticket = caller.ticket()
    caller.log_out()
    status, body = refusal(stack, f"ticket={ticket}")
    assert (status, "token_revoked" in body) == (401, True)


def test_logging_out_closes_the_streams_of_that_session_on_every_process(stack: Stack, caller: Caller) -> None:
    other = Caller(stack, f"player-{secrets.token_hex(4)}")
    with (
        another_web(stack) as second,
        watch(stack, caller) as here,
        watch(second, caller) as there,
        watch(stack, other) as bystander,
    ):
        for viewer in (here, there, bystander):
            viewer.wait_for(is_me)
        started = time.monotonic()
        caller.log_out()
        assert (here.wait_for_close(), there.wait_for_close()) == (1008, 1008)
        assert time.monotonic() - started < 5, "sessions are looked through every ten seconds"
        other.update("share")
        bystander.wait_for(is_me)


def test_a_suspension_closes_the_streams_and_takes_the_entry_off_everybody_s_screen(
    stack: Stack, caller: Caller
) -> None:
    other = Caller(stack, f"player-{secrets.token_hex(4)}")
    caller.update("win-tournament")
    with watch(stack, caller) as own, watch(stack, other, "&limit=100") as bystander:
        bystander.wait_for(is_me)
        bystander.wait_until(lambda screen: (caller.user_id, 100) in screen.scores)
        with moderator(stack) as chief:
            chief.carry_out(Decision(caller.user_id, True, COMMAND_LINE, ""))
            assert own.wait_for_close() == 1008
            bystander.wait_until(lambda screen: caller.user_id not in dict(screen.scores))
            chief.carry_out(Decision(caller.user_id, False, COMMAND_LINE, ""))
        bystander.wait_until(lambda screen: (caller.user_id, 100) in screen.scores)


@contextmanager
def moderator(stack: Stack) -> Iterator[Moderator]:
    """One as the command line has it."""
    client = stack.redis()
    engine = create_database_engine(load(stack.environment), pool_size=1, statement_timeout_ms=10_000)
    inbox = Inbox.of(client, load(stack.environment))
    yield Moderator(engine, Revocations(client, engine), Board(client), inbox)
    engine.dispose()
    client.close()


def test_logging_out_closes_the_stream_also_on_a_redis_that_was_emptied(stack: Stack, caller: Caller) -> None:
    with watch(stack, caller) as viewer:
        viewer.wait_for(is_me)
        client = stack.redis()
        client.flushdb()
        client.close()
        caller.log_out()
        assert viewer.wait_for_close() == 1008
    assert Caller(stack, f"player-{secrets.token_hex(4)}").update().status_code == 200, "it is filled again"


def test_a_socket_that_requires_a_ticket_is_closed_to_everybody_else(stack: Stack, caller: Caller) -> None:
    with another_web(stack, SCOREBOARD_LIVE_AUTH="required") as web:
        status, body = refusal(web, "board=main")
        assert (status, "token_missing" in body) == (401, True)
        with watch(web, caller) as viewer:
            assert viewer.wait_for(is_me)
