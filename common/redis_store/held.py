"""The mark in Redis that says that accepted updates are held, and why: for no fault of their own."""

import orjson

from common.redis_store import keys
from common.redis_store.client import Client

SHOWN_SECONDS = 30
"""The lifetime of the mark, so that the mark of a worker that died expires."""


def show(client: Client, reason: str) -> None:
    """Set the mark, or renew it."""
    client.set(keys.HELD, orjson.dumps({"reason": reason}), ex=SHOWN_SECONDS)


def clear(client: Client) -> None:
    """Remove the mark."""
    client.delete(keys.HELD)


def reason(client: Client) -> str | None:
    """Return why updates are held now; None if none are."""
    stored = client.get(keys.HELD)
    return str(orjson.loads(str(stored))["reason"]) if stored else None
