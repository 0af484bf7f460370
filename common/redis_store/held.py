"""The mark in Redis that accepted updates are held back for no fault of theirs, and why."""

import orjson

from common.redis_store import keys
from common.redis_store.client import Client

SHOWN_SECONDS = 30
"""The mark of a worker that died goes by itself."""


def show(client: Client, reason: str) -> None:
    """Leave the mark, or renew it."""
    client.set(keys.HELD, orjson.dumps({"reason": reason}), ex=SHOWN_SECONDS)


def clear(client: Client) -> None:
    """Take the mark away."""
    client.delete(keys.HELD)


def reason(client: Client) -> str | None:
    """Why updates are held back now; None if they are not."""
    stored = client.get(keys.HELD)
    return str(orjson.loads(str(stored))["reason"]) if stored else None
