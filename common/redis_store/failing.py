"""What workers try in vain, for `/readyz` and whoever asks: told in Redis, since the web and the workers never meet."""

from typing import NamedTuple

import orjson

from common.redis_store import keys
from common.redis_store.client import Client

TOLD_SECONDS = 60
"""Each failure is told for so long, also if the process that met it has died. The next one tells it anew."""

_KEPT_SECONDS = 86_400


class Failing(NamedTuple):
    """A task, or a step of one, and how often in a row it has failed."""

    name: str
    times: int
    reason: str


def put(client: Client, name: str, times: int, reason: str, now: float) -> None:
    """Tell of a failure; `now` in seconds since 1970."""
    told = orjson.dumps({"times": times, "reason": reason, "until": now + TOLD_SECONDS})
    pipeline = client.pipeline(transaction=True)
    pipeline.hset(keys.FAILING, name, told)
    pipeline.expire(keys.FAILING, _KEPT_SECONDS)
    pipeline.execute()


def drop(client: Client, name: str) -> None:
    """It has come to a good end."""
    client.hdel(keys.FAILING, name)


def read(client: Client, now: float) -> list[Failing]:
    """What fails now, by name."""
    told = {str(name): orjson.loads(text) for name, text in client.hgetall(keys.FAILING).items()}
    return [Failing(name, row["times"], row["reason"]) for name, row in sorted(told.items()) if row["until"] > now]
