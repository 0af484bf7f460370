"""A player over real HTTP, as a program of somebody else would be one."""

import secrets
import time
from typing import Any

import requests

from common.core.timestamps import format_instant, from_milliseconds
from common.domain import signing
from dev.harness.stack import Stack
from tests.player import PASSWORD


class Caller:
    """Registers, logs in, signs and sends updates."""

    def __init__(self, stack: Stack, username: str) -> None:
        self.url = stack.url
        self.username = username
        body = {"username": username, "password": PASSWORD}
        assert requests.post(f"{self.url}/api/auth/register", json=body, timeout=10).status_code == 201
        self.log_in()
        self.user_id: str = self.login["user"]["userId"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.login['accessToken']}"}

    def claim(self, action_id: str) -> dict[str, str]:
        """A signed body for `POST /api/scores/update`."""
        timestamp, key = format_instant(from_milliseconds(int(time.time() * 1000))), secrets.token_hex(8)
        text = signing.score_update_text(self.user_id, action_id, timestamp, key)
        signature = signing.sign(signing.from_base64url(self.login["signingKey"]), text)
        return {
            "userId": self.user_id,
            "actionId": action_id,
            "timestamp": timestamp,
            "idempotencyKey": key,
            "signature": signature,
        }

    def update(self, action_id: str = "win-match", **headers: str) -> requests.Response:
        claim = self.claim(action_id)
        return requests.post(f"{self.url}/api/scores/update", json=claim, headers=self.headers | headers, timeout=10)

    def ticket(self) -> str:
        """A fresh ticket for the live socket."""
        answer = requests.post(f"{self.url}/api/auth/ticket", headers=self.headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ticket"])

    def log_in(self) -> None:
        body = {"username": self.username, "password": PASSWORD}
        self.login: dict[str, Any] = requests.post(f"{self.url}/api/auth/login", json=body, timeout=10).json()

    def log_out(self) -> None:
        answer = requests.post(f"{self.url}/api/auth/logout", headers=self.headers, timeout=10)
        assert answer.json() == {"status": "logged_out"}
