"""The client of the workers: it keeps its connections itself, and behaves as redis-py's does."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import redis

from common.core.settings import Settings
from common.redis_store import client as redis_client
from common.redis_store.client import Client, FailFastConnection


class InterruptedInTheMiddle(BaseException):
    """As a task that is ended by its time limit."""


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    connected = redis_client.connect_directly(settings.redis_url)
    yield connected
    connected.close()


def test_a_command_on_a_connection_that_the_server_has_closed_is_repeated_on_a_new_one(client: Client) -> None:
    first = client.client_id()
    other = redis.Redis.from_pool(client.connection_pool)
    other.client_kill_filter(_id=str(first))
    client.set("direct", "once")
    assert client.get("direct") == "once"
    assert client.client_id() != first


def test_one_that_is_interrupted_leaves_no_reply_for_the_next(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.set("direct", "mine")
    with monkeypatch.context() as interrupted:

        def interrupt(*_: Any, **__: Any) -> None:  # noqa: ANN401
            raise InterruptedInTheMiddle

        interrupted.setattr(FailFastConnection, "read_response", interrupt)
        with pytest.raises(InterruptedInTheMiddle):
            client.get("somebody else's")
    assert client.get("direct") == "mine"


def test_one_that_times_out_is_not_repeated(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.set("direct", "0")  # and shakes hands before anything is late
    read = FailFastConnection.read_response
    with monkeypatch.context() as late:

        def read_too_late(*given: Any, **named: Any) -> None:  # noqa: ANN401
            read(*given, **named)
            raise redis.TimeoutError

        late.setattr(FailFastConnection, "read_response", read_too_late)
        with pytest.raises(redis.TimeoutError):
            client.incr("direct")
    assert client.get("direct") == "1"


def test_an_error_that_redis_replies_costs_no_connection(client: Client) -> None:
    before = client.client_id()
    client.set("direct", "text")
    with pytest.raises(redis.ResponseError):
        client.incr("direct")
    assert client.client_id() == before


def test_threads_that_ask_at_once_have_a_connection_each(client: Client) -> None:
    together = Barrier(4)

    def ask(number: int) -> bool:
        together.wait(10)
        return all(client.echo(f"{number}:{i}") == f"{number}:{i}" for i in range(200))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(4)))


def test_what_a_parent_has_opened_is_not_used_by_its_child(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = client.client_id()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert client.client_id() != parents


def test_after_it_was_closed_it_connects_again(client: Client) -> None:
    before = client.client_id()
    client.close()
    assert client.client_id() != before
