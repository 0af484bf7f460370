"""A locust user who is a logged-in player."""

import secrets
import time
from typing import Any

from gevent.lock import BoundedSemaphore
from locust.contrib.fasthttp import FastHttpUser, ResponseContextManager

from common.core.timestamps import format_instant, from_milliseconds
from common.domain import signing
from tests.load.told import told
from tests.player import PASSWORD

_coming = BoundedSemaphore(2)
"""Few come at a time: half of the processors hash passwords, and who waits for them too long is told 503."""


class LoadPlayer(FastHttpUser):
    """Registers and logs in before the first task."""

    abstract = True

    def on_start(self) -> None:
        """Become a player."""
        body = {"username": f"load-{secrets.token_hex(8)}", "password": PASSWORD}
        with _coming:
            self.client.post("/api/auth/register", json=body)
            self.login: dict[str, Any] = self.client.post("/api/auth/login", json=body).json()
        self.user_id: str = self.login["user"]["userId"]
        self.headers = {"Authorization": f"Bearer {self.login['accessToken']}"}

    def claim(self, action_id: str = "win-match") -> dict[str, str]:
        """Return a signed body for `POST /api/scores/update`."""
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

    def update(self, claim: dict[str, str], *, waits: bool = True) -> ResponseContextManager:
        """Send a claim, and record it as accepted if it was."""
        headers = self.headers if waits else {**self.headers, "Prefer": "respond-async"}
        name = f"update, {'waiting' if waits else 'at once'}"
        answer = self.client.post("/api/scores/update", name=name, json=claim, headers=headers)
        if answer.status_code in (200, 202):
            told.updates.setdefault(self.user_id, {})[claim["idempotencyKey"]] = claim["actionId"]
            told.counted["accepted"] += 1
        else:
            told.broken.append(f"an update was answered with {answer.status_code}: {answer.text}")
        return answer
