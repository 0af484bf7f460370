"""Servers that say nothing: a quiet connection shows that it lives, a dead one is given up, and nobody waits twice."""

import time
from collections.abc import Iterator

import pytest
import redis as redis_py
from flask import Flask
from redis.client import PubSub

from common.contract.requests import ScoreUpdateRequest
from common.core import deadlines, task_names
from common.redis_store import client as redis_client
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from tests.player import Player
from web.intake import updates
from web.intake.doorbell import Doorbell
from web.live.heartbeats import STALLED_SECONDS, Heartbeats


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redis_client, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(redis_client, "DEAD_AFTER_SECONDS", 3.0)
    yield
    deadlines.end()


@pytest.fixture
def subscription(servers: Servers, proxy: Proxy) -> Iterator[PubSub]:
    client = redis_client.connect_to_listen(through(servers.redis_url(1), proxy))
    with client.pubsub() as made:  # type: ignore[no-untyped-call]  # redis-py
        made.subscribe("here")
        yield made
    client.close()


def test_a_quiet_connection_lives_on_and_still_hears(servers: Servers, subscription: PubSub) -> None:
    messages = redis_client.listen(subscription)
    first = next(messages)
    assert first
    assert first["type"] == "subscribe"
    quiet_until = time.monotonic() + redis_client.DEAD_AFTER_SECONDS + 1
    while time.monotonic() < quiet_until:
        assert next(messages) is None
    with redis_client.connect(servers.redis_url(1)) as client:
        client.publish("here", "news")
    heard = next(message for message in messages if message)
    assert heard["data"] == "news"


def test_a_connection_that_only_seems_to_be_there_is_given_up(proxy: Proxy, subscription: PubSub) -> None:
    messages = redis_client.listen(subscription)
    assert next(messages)
    proxy.manner.is_silent = True
    with pytest.raises(redis_py.TimeoutError):
        for _ in messages:
            pass
    proxy.manner.is_silent = False


def test_a_request_waits_for_a_silent_redis_once_and_then_no_more(servers: Servers, proxy: Proxy) -> None:
    with redis_client.connect(through(servers.redis_url(1), proxy)) as client:
        client.ping()
        proxy.manner.is_silent = True
        deadlines.begin()
        with pytest.raises(redis_py.TimeoutError):
            client.ping()
        started = time.monotonic()
        for _ in range(10):
            with pytest.raises(redis_py.ConnectionError):
                client.ping()
        assert time.monotonic() - started < redis_client.COMMAND_TIMEOUT_SECONDS
        proxy.manner.is_silent = False
        deadlines.end()
        client.ping()


def test_a_request_that_waited_for_postgresql_in_vain_is_accepted_without_waiting_for_the_outcome(
    app: Flask, ada: Player
) -> None:
    claim = ScoreUpdateRequest.model_validate(ada.claim("share"))
    longest = 60.0
    deadlines.begin()
    deadlines.mark_timed_out("postgresql")
    started = time.monotonic()
    answer = updates.submit(app.extensions["scoreboard"], claim, "request-0001", longest)
    assert answer.outcome["status"] == "accepted"
    assert time.monotonic() - started < longest


def test_nobody_waits_for_a_broker_that_says_nothing(servers: Servers, proxy: Proxy) -> None:
    proxy.manner.is_silent = True
    started = time.monotonic()
    Doorbell(through(servers.redis_url(1), proxy)).ring()
    assert time.monotonic() - started < task_names.BROKER_OPTIONS["socket_timeout"]
    proxy.manner.is_silent = False


def test_the_doorbell_is_heard_when_the_broker_speaks(servers: Servers) -> None:
    servers.flush_redis(1)
    with redis_client.connect(servers.redis_url(1)) as client:
        Doorbell(servers.redis_url(1)).ring()
        wait_until(lambda: client.llen(task_names.QUEUE) == 1)
        client.delete(task_names.QUEUE)


def test_a_loop_that_no_longer_comes_around_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeats = Heartbeats()
    assert heartbeats.stalled() == []
    heartbeats.beat("one")
    heartbeats.beat("other")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + STALLED_SECONDS + 1)
    heartbeats.beat("other")
    assert heartbeats.stalled() == ["one"]
