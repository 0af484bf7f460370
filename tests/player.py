"""A player as a client sees the product: registers, logs in, signs and sends updates."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, update
from werkzeug.test import TestResponse

from common.core.timestamps import format_instant
from common.domain import signing
from common.postgres.tables import users

PASSWORD = "correct horse"


@dataclass
class Player:
    """A logged-in user and the client that speaks for them."""

    client: FlaskClient
    login: dict[str, Any]

    @property
    def user_id(self) -> str:
        return str(self.login["user"]["userId"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.login['accessToken']}"}

    def claim(self, action_id: str = "win-match", key: str | None = None, *, age_seconds: int = 0) -> dict[str, str]:
        """A signed body for `POST /api/scores/update`."""
        claim = {
            "userId": self.user_id,
            "actionId": action_id,
            "timestamp": format_instant(datetime.now(UTC) - timedelta(seconds=age_seconds)),
            "idempotencyKey": key or secrets.token_hex(8),
        }
        text = signing.score_update_text(*claim.values())
        return {**claim, "signature": signing.sign(signing.from_base64url(self.login["signingKey"]), text)}

    def update(
        self, action_id: str = "win-match", key: str | None = None, *, age_seconds: int = 0, prefer: str = ""
    ) -> TestResponse:
        headers = {**self.headers, "Prefer": prefer} if prefer else self.headers
        claim = self.claim(action_id, key, age_seconds=age_seconds)
        return self.client.post("/api/scores/update", json=claim, headers=headers)

    def send(self, claim: dict[str, Any]) -> TestResponse:
        return self.client.post("/api/scores/update", json=claim, headers=self.headers)


def register(client: FlaskClient, username: str) -> Player:
    """A new account, logged in."""
    answer = client.post("/api/auth/register", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return log_in(client, username)


def log_in(client: FlaskClient, username: str) -> Player:
    answer = client.post("/api/auth/login", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Player(client, answer.json or {})


def admin(client: FlaskClient, engine: Engine, username: str = "chief") -> Player:
    """An admin, logged in."""
    player = register(client, username)
    with engine.begin() as connection:
        connection.execute(update(users).where(users.c.id == player.user_id).values(role="admin"))
    return log_in(client, username)


def error_code(answer: TestResponse) -> str:
    """The code of an error answer in the one shape that all have."""
    assert answer.json
    assert set(answer.json) == {"error"}
    assert {"code", "message"} <= set(answer.json["error"]) <= {"code", "message", "details"}
    return str(answer.json["error"]["code"])
