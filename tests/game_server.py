"""A game server as a client sees the product: it holds an API key and signs with its secret."""

import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from common import api_keys
from common.timestamps import format_instant

BATCH = "/api/scores/batch"


@dataclass
class GameServer:
    """An API key and the client that speaks with it."""

    client: FlaskClient
    key_id: str
    secret: str

    def headers(self, body: bytes = b"", *, age_seconds: int = 0) -> dict[str, str]:
        """What a request with this body is signed with."""
        return signed(self.key_id, self.secret, body, age_seconds=age_seconds)

    def send(self, *items: object, age_seconds: int = 0) -> TestResponse:
        body = orjson.dumps({"updates": items})
        return self.client.post(BATCH, data=body, headers=self.headers(body, age_seconds=age_seconds))

    def outcome(self, user_id: str, key: str) -> TestResponse:
        return self.client.get(f"/api/scores/updates/{key}?userId={user_id}", headers=self.headers())


def signed(key_id: str, secret: str, body: bytes = b"", *, age_seconds: int = 0) -> dict[str, str]:
    """The header fields of a request with this body."""
    seconds = int(time.time()) - age_seconds
    signature = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return {
        "X-Api-Key": key_id,
        "X-Signature": f"t={seconds},v1={signature}",
        "Content-Type": "application/json",
    }


def game_server(client: FlaskClient, engine: Engine, secret_key: bytes) -> GameServer:
    """One with a new key."""
    with engine.begin() as connection:
        key = api_keys.create(connection, "a game server")
    return GameServer(client, key.id, api_keys.current_secret(key, secret_key))


def item(user_id: str, action_id: str = "win-match", key: str | None = None, **changes: object) -> dict[str, Any]:
    """An update of a batch, of now."""
    named = {"userId": user_id, "actionId": action_id, "idempotencyKey": key or secrets.token_hex(8)}
    return {**named, "timestamp": format_instant(datetime.now(UTC)), **changes}
