"""Users without accounts' ceremony, and updates put straight into the inbox, for tests of what comes behind it."""

import secrets
import uuid
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Engine

from common.core.timestamps import to_milliseconds
from common.domain.inbox_entries import Update
from common.domain.scoring import Action
from common.postgres import catalogue, tables
from common.redis_store import keys
from common.redis_store.client import Client
from common.redis_store.inbox import Accepted
from common.redis_store.keys import BoardKeys
from workers.state import WorkerState


def add_users(engine: Engine, count: int) -> list[str]:
    """The ids of so many new users, who cannot log in."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    plain = {"password_hash": "-", "role": "player"}
    rows = [{"id": user_id, "username": f"player-{user_id[:8]}", "username_key": user_id, **plain} for user_id in ids]
    with engine.begin() as connection:
        connection.execute(tables.users.insert(), rows)
    return ids


def add_action(worker: WorkerState, action: Action) -> str:
    """Put an action in force, known to this worker at once; its id."""
    with worker.engine.begin() as connection:
        catalogue.add(connection, action, enabled=True)
    worker.catalogue._read_at = 0.0
    return action.id


def accept(worker: WorkerState, user_id: str, action_id: str = "win-match", key: str | None = None) -> str:
    """Accept an update as the web does; its key."""
    update = _update(user_id, action_id, key or secrets.token_hex(8))
    assert isinstance(worker.inbox.accept(update), Accepted)
    return update.idempotency_key


def accept_at(worker: WorkerState, user_id: str, instant: datetime, action_id: str = "win-match") -> None:
    """Put an update into the inbox as if it had been accepted then."""
    put(worker.redis, user_id, instant, action_id)


def put(client: Client, user_id: str, accepted_at: datetime, action_id: str) -> None:
    """The same where the worker is another process, which takes it at its next sweep."""
    update = _update(user_id, action_id, secrets.token_hex(8))
    fields: dict[Any, Any] = {"update": orjson.dumps(update), "accepted_at": to_milliseconds(accepted_at)}
    client.xadd(keys.INBOX, fields)


def board_of(worker: WorkerState, period_id: str = "all") -> dict[str, int]:
    """Scores by player, as Redis shows them."""
    rows = worker.redis.zrange(BoardKeys("main", period_id).scores, 0, -1, desc=True, withscores=True)
    return {str(member).partition(":")[2]: int(score) for member, score in rows}  # type: ignore[str-unpack]


def drain_completely(worker: WorkerState) -> None:
    while worker.inbox.depth():
        worker.drain.run()


def _update(user_id: str, action_id: str, key: str) -> Update:
    return Update(user_id, action_id, key, "2026-11-23T09:15:00.123Z", "request-id", None)
