"""A game server as a client sees the product: it holds an API key and signs with its secret."""

import hashlib
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

from common.core.timestamps import format_instant
from common.domain.permissions import SUBMITTING, Permissions
from common.postgres import api_keys

BATCH = "/api/scores/batch"


@dataclass
class GameServer:
    """An API key and the client that speaks with it."""

    client: FlaskClient
    key_id: str
    secret: str

    def headers(self, body: bytes = b"", *, age_seconds: int = 0) -> dict[str, str]:
        """What a batch with this body is signed with."""
        return signed(self.key_id, self.secret, body, age_seconds=age_seconds)

    def headers_to_read(self, target: str) -> dict[str, str]:
        """What a GET of this path and query is signed with."""
        return signed(self.key_id, self.secret, method="GET", target=target)

    def send(self, *items: object, age_seconds: int = 0) -> TestResponse:
        body = orjson.dumps({"updates": items})
        return self.client.post(BATCH, data=body, headers=self.headers(body, age_seconds=age_seconds))

    def post(self, path: str, body: object, **fields: str) -> TestResponse:
        """Send a body to an address, with more header fields if there are any."""
        sent = orjson.dumps(body)
        headers = signed(self.key_id, self.secret, sent, target=path)
        return self.client.post(path, data=sent, headers={**headers, **fields})

    def outcome(self, user_id: str, key: str) -> TestResponse:
        target = f"/api/scores/updates/{key}?userId={user_id}"
        return self.client.get(target, headers=self.headers_to_read(target))


def signed(
    key_id: str, secret: str, body: bytes = b"", *, method: str = "POST", target: str = BATCH, age_seconds: int = 0
) -> dict[str, str]:
    """The header fields of a request, by default of a batch."""
    seconds = int(time.time()) - age_seconds
    lines = ("SCOREBOARD-REQUEST-V2", str(seconds), method, target, key_id, hashlib.sha256(body).hexdigest())
    return _header_fields(key_id, secret, seconds, "v2", "\n".join(lines).encode())


def signed_as_before(key_id: str, secret: str, body: bytes) -> dict[str, str]:
    """With `v1`, which signs the body alone."""
    seconds = int(time.time())
    return _header_fields(key_id, secret, seconds, "v1", f"{seconds}.".encode() + body)


def _header_fields(key_id: str, secret: str, seconds: int, version: str, text: bytes) -> dict[str, str]:
    signature = hmac.digest(secret.encode(), text, "sha256").hex()
    return {
        "X-Api-Key": key_id,
        "X-Signature": f"t={seconds},{version}={signature}",
        "Content-Type": "application/json",
    }


def game_server(
    client: FlaskClient, engine: Engine, secret_key: bytes, permissions: Permissions = SUBMITTING
) -> GameServer:
    """One with a new key, which may do so much."""
    with engine.begin() as connection:
        key = api_keys.create(connection, "a game server", permissions)
    return GameServer(client, key.id, api_keys.current_secret(key, secret_key))


def item(user_id: str, action_id: str = "win-match", key: str | None = None, **changes: object) -> dict[str, Any]:
    """An update of a batch, of now."""
    named = {"userId": user_id, "actionId": action_id, "idempotencyKey": key or secrets.token_hex(8)}
    return {**named, "timestamp": format_instant(datetime.now(UTC)), **changes}
