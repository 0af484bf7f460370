"""The tasks that fail now, stored in Redis by the workers and read by the web for `/readyz`."""

from typing import NamedTuple

import orjson

from common.redis_store import keys
from common.redis_store.client import Client

TOLD_SECONDS = 60
"""How long a failure is shown, also if its process has died. The next failure starts the time again."""

_KEPT_SECONDS = 86_400


class Failing(NamedTuple):
    """A task, or a step of one, with the number of its failures in a row and the last reason."""

    name: str
    times: int
    reason: str


def put(client: Client, name: str, times: int, reason: str, now: float) -> None:
    """Store a failure; `now` is in Unix seconds."""
    told = orjson.dumps({"times": times, "reason": reason, "until": now + TOLD_SECONDS})
    pipeline = client.pipeline(transaction=True)
    pipeline.hset(keys.FAILING, name, told)
    pipeline.expire(keys.FAILING, _KEPT_SECONDS)
    pipeline.execute()


def drop(client: Client, name: str) -> None:
    """Remove the entry of a task that has succeeded."""
    client.hdel(keys.FAILING, name)


def read(client: Client, now: float) -> list[Failing]:
    """Return the tasks that fail now, ordered by name."""
    told = {str(name): orjson.loads(text) for name, text in client.hgetall(keys.FAILING).items()}
    return [Failing(name, row["times"], row["reason"]) for name, row in sorted(told.items()) if row["until"] > now]
