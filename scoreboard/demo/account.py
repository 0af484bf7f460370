"""A demo player's account: registered once, with a login at every start and whenever a session ends."""

import secrets
from datetime import UTC, datetime
from typing import Any

from common.core.timestamps import format_instant
from common.domain import signing
from scoreboard.demo.behaviour import spellings
from scoreboard.demo.client import Answer, Client, Request

_FAILED = 400
_NOT_KNOWN = 401


class CannotPlayError(Exception):
    """This player cannot take part; the message says why."""


class Account:
    """A player's account in the service, with its current session."""

    def __init__(self, client: Client, handle: str, password: str, *, is_new: bool = False) -> None:
        """Create an account object. With `is_new` it registers first: there is probably no account yet."""
        self._client = client
        self._handle = handle
        self._password = password
        self._is_new = is_new
        self._session: dict[str, Any] = {}

    def enter(self) -> bool:
        """Log in, after registering if there is no account. Returns whether it registered. Raises CannotPlayError."""
        for name in spellings(self._handle):
            if not self._is_new and self._log_in(name):
                self._handle = name
                return False
            has_registered = self._register(name)
            if self._log_in(name):
                self._handle, self._is_new = name, False
                return has_registered
        raise CannotPlayError(f"somebody else has the handle {self._handle} and its other spellings")

    def renew(self) -> None:
        """Renew a session that has ended, with its refresh token or else with a new login."""
        path, token = "/api/auth/refresh", str(self._session["refreshToken"])
        answer = self._client.ask(lambda: Request(path, {"refreshToken": token}))
        if not self._keep(answer):
            self.enter()

    def signed_update(self, action_id: str, key: str) -> Request:
        """Return a claim of this action, dated now and signed with this session's key."""
        user_id, timestamp = str(self._session["user"]["userId"]), format_instant(datetime.now(UTC))
        text = signing.score_update_text(user_id, action_id, timestamp, key)
        body = {
            "userId": user_id,
            "actionId": action_id,
            "timestamp": timestamp,
            "idempotencyKey": key,
            "signature": signing.sign(signing.from_base64url(str(self._session["signingKey"])), text),
        }
        return Request("/api/scores/update", body, str(self._session["accessToken"]))

    def _log_in(self, name: str) -> bool:
        """Log in, and return False if name and password are not those of an account."""
        answer = self._send("/api/auth/login", name)
        if answer.status >= _FAILED and answer.status != _NOT_KNOWN:
            raise CannotPlayError(f"login is refused: {answer.error_code or answer.status}")
        return self._keep(answer)

    def _register(self, name: str) -> bool:
        """Register. Returns False for a name that is taken, perhaps by an earlier request whose answer was lost."""
        answer = self._send("/api/auth/register", name)
        if answer.error_code == "registration_closed":
            raise CannotPlayError("registration is closed (SCOREBOARD_REGISTRATION=open opens it)")
        if answer.status >= _FAILED and answer.error_code != "username_taken":
            raise CannotPlayError(f"registration is refused: {answer.error_code or answer.status}")
        return answer.status < _FAILED

    def _send(self, path: str, name: str) -> Answer:
        return self._client.ask(lambda: Request(path, {"username": name, "password": self._password}))

    def _keep(self, answer: Answer) -> bool:
        if answer.status >= _FAILED:
            return False
        self._session = answer.body
        return True


def new_key() -> str:
    """Return a new idempotency key, which stays the same through every attempt at one move."""
    return secrets.token_urlsafe(12)
