"""Two hundred greenlets ask at random while connections are killed and greenlets give up: every answer is one's own."""

import itertools
import os
import random
from collections import Counter
from typing import Any

import gevent
import pytest
import redis

from common.redis_store import client as redis_client
from tests.integration.pipelined.test_faults import KILL
from web.pipelined.client import PipelinedClient
from web.pipelined.connection import PipelinedConnection

GREENLETS, ROUNDS = 200, 25


class Asker:
    """Sends commands whose answers only its own can be, and counts what became of them."""

    def __init__(self, connection: PipelinedConnection, url: str, seed: int) -> None:
        self._connection = connection
        self._repeating = PipelinedClient(connection, redis_client.pool_to_pipeline(url), repeats=True)
        self._bare = PipelinedClient(connection, redis_client.pool_of_limits(url), repeats=False)
        self._echo = self._repeating.register_script("return {ARGV[1], KEYS[1]}")
        self._random = random.Random(seed)
        self._numbers = itertools.count()
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[tuple[str, Any, Any]] = []

    def run(self) -> None:
        for _ in range(ROUNDS):
            kind = self._random.choice(["raw", "text", "bytes", "script", "block", "transaction", "nil", "error"])
            value = f"{kind} {next(self._numbers)} " + "x" * self._random.choice([0, 10, 1000, 100_000])
            patience = self._random.choice([*[None] * 12, 0, 0.0005, 0.005])
            self.outcomes[self._outcome(kind, value, patience)] += 1

    def _outcome(self, kind: str, value: str, patience: float | None) -> str:
        try:
            with gevent.Timeout(patience):
                answer, expected = getattr(self, f"_{kind}")(value)
        except gevent.Timeout:
            return "gave up"
        except redis.RedisError as error:
            return type(error).__name__
        if answer != expected:
            self.wrong.append((kind, answer, expected))
        return "answered"

    def kill(self) -> None:
        """Kill the connection that all share."""
        try:
            self._connection.call(*KILL)
        except redis.RedisError as error:
            self.outcomes[f"kill: {type(error).__name__}"] += 1

    def _raw(self, value: str) -> tuple[Any, Any]:
        return self._connection.call(b"ECHO", value.encode()), value.encode()

    def _text(self, value: str) -> tuple[Any, Any]:
        return self._repeating.echo(value), value

    def _bytes(self, value: str) -> tuple[Any, Any]:
        return self._bare.echo(value), value.encode()

    def _script(self, value: str) -> tuple[Any, Any]:
        return self._echo(args=[value], keys=["key"]), [value, "key"]

    def _block(self, value: str) -> tuple[Any, Any]:
        return self._in_a_pipeline(value, is_transaction=False)

    def _transaction(self, value: str) -> tuple[Any, Any]:
        return self._in_a_pipeline(value, is_transaction=True)

    def _in_a_pipeline(self, value: str, is_transaction: bool) -> tuple[Any, Any]:
        number = self._random.randrange(1, 6)
        pipeline: Any = self._repeating.pipeline(transaction=is_transaction)
        for index in range(number):
            pipeline.echo(f"{value} {index}")
        return pipeline.execute(), [f"{value} {index}" for index in range(number)]

    def _nil(self, value: str) -> tuple[Any, Any]:
        return self._repeating.get(value), None

    def _error(self, value: str) -> tuple[Any, Any]:
        try:
            self._repeating.execute_command("EVAL", "return redis.error_reply('ERR ' .. ARGV[1])", "0", value)
        except redis.ResponseError as error:
            return str(error), value
        return "no error", value


@pytest.fixture
def seed() -> int:
    chosen = int(os.environ.get("SCOREBOARD_FUZZ_SEED") or random.randrange(1_000_000))
    print(f"SCOREBOARD_FUZZ_SEED={chosen}")
    return chosen


def test_every_answer_is_ones_own(connection: PipelinedConnection, url: str, seed: int) -> None:
    asker = Asker(connection, url, seed)
    greenlets = [gevent.spawn(asker.run) for _ in range(GREENLETS)]
    kills = 0
    while not all(greenlet.ready() for greenlet in greenlets):
        asker.kill()
        kills += 1
        gevent.sleep(0.02)
    assert asker.wrong == []
    assert sum(count for name, count in asker.outcomes.items() if not name.startswith("kill")) == GREENLETS * ROUNDS
    assert kills > 5
    for outcome in ("answered", "gave up", "ConnectionError"):
        assert asker.outcomes[outcome] > 0, asker.outcomes
