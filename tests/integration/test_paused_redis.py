"""Redis says nothing for a while and then goes on: every 503 of that time is held against the ledger.

What was sent before the pause runs after it, when whoever sent it has given up. The machine does the same by itself,
with a disk that is busy for a second.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg2
import pytest
import requests

from common.core import settings
from common.postgres import api_keys
from common.postgres import engine as database
from dev.harness.servers import Servers
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.caller import Caller
from tests.game_server import BATCH, item, signed

PAUSE_SECONDS = 1.6
MOST_PAUSES = 12
SINGLES, BATCHES = 6, 2
ITEMS = 1000
BETWEEN_BATCHES_SECONDS = 0.3
"""So that the worker keeps up."""


@dataclass(eq=False)
class Sender(threading.Thread):
    """Sends requests of its own until told to stop, each with new keys, and keeps what it was told of each."""

    stack: Stack
    refused: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    """Error codes of 503s, each with the keys of the request."""
    bodies: dict[str, Any] = field(default_factory=dict)
    """What to send again, by its first key."""

    def __post_init__(self) -> None:
        super().__init__()
        self._ends = threading.Event()
        self.problems: list[str] = []

    def run(self) -> None:
        while not self._ends.is_set():
            self.act()

    def end(self) -> None:
        self._ends.set()
        self.join()

    def act(self) -> None:
        keys, body = self.make()
        answer = self.send(body)
        if answer.status_code == 503:
            self.refused.append((answer.json()["error"]["code"], keys))
            self.bodies[keys[0]] = body
            if int(answer.headers["Retry-After"]) < 1:
                self.problems.append("no Retry-After")
        elif answer.status_code not in (200, 202):
            self.problems.append(answer.text)

    def make(self) -> tuple[Sequence[str], Any]:
        raise NotImplementedError

    def send(self, body: Any) -> requests.Response:  # noqa: ANN401 - what `make` has made
        raise NotImplementedError

    def keys_of(self, code: str) -> list[Sequence[str]]:
        return [keys for said, keys in self.refused if said == code]


class Single(Sender):
    """A player."""

    def __init__(self, stack: Stack, caller: Caller) -> None:
        super().__init__(stack)
        self._caller = caller

    def make(self) -> tuple[Sequence[str], Any]:
        claim = self._caller.claim("share")
        return [claim["idempotencyKey"]], claim

    def send(self, body: Any) -> requests.Response:  # noqa: ANN401
        headers = {**self._caller.headers, "Prefer": "respond-async"}
        return requests.post(f"{self.stack.url}/api/scores/update", json=body, headers=headers, timeout=20)


class Batch(Sender):
    """A game server."""

    def __init__(self, stack: Stack, key_id: str, secret: str, user_id: str) -> None:
        super().__init__(stack)
        self._key = key_id, secret
        self._user_id = user_id

    def make(self) -> tuple[Sequence[str], Any]:
        items = [item(self._user_id, "share") for _ in range(ITEMS)]
        return [each["idempotencyKey"] for each in items], orjson.dumps({"updates": items})

    def act(self) -> None:
        super().act()
        self._ends.wait(BETWEEN_BATCHES_SECONDS)

    def send(self, body: Any) -> requests.Response:  # noqa: ANN401
        return requests.post(f"{self.stack.url}{BATCH}", data=body, headers=signed(*self._key, body), timeout=20)


@pytest.fixture
def senders(stack: Stack) -> Iterator[list[Sender]]:
    config = settings.load(stack.environment)
    engine = database.create(config, pool_size=1, statement_timeout_ms=10_000)
    with engine.begin() as connection:
        key = api_keys.create(connection, "pauses")
    engine.dispose()
    secret = api_keys.current_secret(key, config.secret_key.get_secret_value())
    callers = [Caller(stack, f"paused-{number}") for number in range(SINGLES)]
    made: list[Sender] = [Single(stack, caller) for caller in callers]
    made += [Batch(stack, key.id, secret, callers[number].user_id) for number in range(BATCHES)]
    yield made
    for sender in made:
        if sender.is_alive():
            sender.end()


def pause(servers: Servers) -> None:
    """Stop Valkey for a while, by its process id, and let it go on."""
    servers.prove_own()
    os.kill(servers.valkey.pid, signal.SIGSTOP)
    try:
        time.sleep(PAUSE_SECONDS)
    finally:
        os.kill(servers.valkey.pid, signal.SIGCONT)


def counts(stack: Stack) -> dict[str, int]:
    """How often each key stands in the ledger."""
    with closing(psycopg2.connect(stack.environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT idempotency_key, count(*) FROM score_events GROUP BY 1")
        return dict(cursor.fetchall())


def difference(stack: Stack) -> int:
    """Points that the standings have and the ledger has not."""
    with closing(psycopg2.connect(stack.environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT sum(score) FROM standings WHERE board_id = 'main' AND period_id = 'all')"
            " - (SELECT sum(points) FROM score_events)"
        )
        (found,) = cursor.fetchone() or (None,)
        return int(found)


def test_no_503_says_that_nothing_was_done_of_an_update_that_counts(
    stack: Stack, servers: Servers, senders: list[Sender]
) -> None:
    for sender in senders:
        sender.start()
    singles, batches = senders[:SINGLES], senders[SINGLES:]

    def has_doubts(some: list[Sender]) -> bool:
        return any(sender.keys_of("outcome_unknown") for sender in some)

    for _ in range(MOST_PAUSES):
        wait_until(lambda: requests.get(f"{stack.url}/readyz", timeout=10).status_code == 200, 30)
        pause(servers)
        if has_doubts(singles) and has_doubts(batches):
            break
    for sender in senders:
        sender.end()
    assert [sender.problems for sender in senders if sender.problems] == []
    assert has_doubts(singles)
    assert has_doubts(batches)
    doubtful = [(sender, keys) for sender in senders for keys in sender.keys_of("outcome_unknown")]
    with stack.redis() as client:
        wait_until(lambda: client.xlen("scores:inbox") == 0, 60)
        for sender, keys in doubtful:
            assert sender.send(sender.bodies[keys[0]]).status_code in (200, 202)
        wait_until(lambda: client.xlen("scores:inbox") == 0, 60)
    ledger = counts(stack)
    nothing_done = [key for sender in senders for keys in sender.keys_of("dependency_unavailable") for key in keys]
    assert [key for key in nothing_done if key in ledger] == []
    assert {ledger.get(key) for _, keys in doubtful for key in keys} == {1}
    assert difference(stack) == 0
