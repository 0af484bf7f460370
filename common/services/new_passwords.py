"""New passwords: changed by who knows the old one, reset with a code, or set by the operator. Sessions end then."""

from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, Engine

from common.contract.errors import ErrorCode, ScoreboardError
from common.postgres import audit, reset_codes, users
from common.postgres.audit import Actor
from common.postgres.users import Credentials
from common.services.revocations import Revocations

log = structlog.get_logger(__name__)


class NewPasswords:
    """Sets passwords. Hashes are made by the caller."""

    def __init__(self, engine: Engine, revocations: Revocations) -> None:
        self._engine = engine
        self._revocations = revocations

    def change(self, before: Credentials, new_hash: str, session_id: str) -> int:
        """Replace a password, and end every session but this one. Returns how many ended.

        Raises `invalid_credentials`, with nothing changed, if another one was set since `before` was read.
        """

        def replace(connection: Connection) -> None:
            if not users.replace_password(connection, before, new_hash):
                raise ScoreboardError(ErrorCode.INVALID_CREDENTIALS, "Your password was changed meanwhile.")
            reset_codes.forget(connection, before.user.id)

        _, ended = self._revocations.end_all(before.user.id, "password", datetime.now(UTC), replace, keep=session_id)
        log.info("password_changed", user_id=before.user.id, sessions=ended)
        return ended

    def set(self, user_id: str, new_hash: str, actor: Actor) -> int:
        """Set a password for its owner, and end every session. Returns how many ended."""

        def replace(connection: Connection) -> None:
            users.set_password(connection, user_id, new_hash)
            reset_codes.forget(connection, user_id)
            audit.add(connection, actor, "set_password", user_id)

        _, ended = self._revocations.end_all(user_id, "password", datetime.now(UTC), replace)
        log.info("password_set", user_id=user_id, actor=actor.name, sessions=ended)
        return ended

    def issue_code(self, user_id: str, actor: Actor) -> str:
        """Return a new code for an account. Raises `no_password` for one that has no password."""
        with self._engine.begin() as connection:
            account = users.get_credentials(connection, user_id)
            if account is None or account.password_hash is None:
                raise ScoreboardError(ErrorCode.NO_PASSWORD)
            code = reset_codes.issue(connection, user_id, datetime.now(UTC))
            audit.add(connection, actor, "issue_reset_code", user_id)
        log.info("reset_code_issued", user_id=user_id, actor=actor.name)
        return code

    def is_good_code(self, username: str, code: str) -> bool:
        """Return whether a code can be used for the account of this name."""
        with self._engine.connect() as connection:
            return reset_codes.is_good(connection, username, code, datetime.now(UTC))

    def reset(self, username: str, code: str, new_hash: str) -> None:
        """Use a code up and set the password; every session ends.

        Raises `invalid_credentials`, with nothing changed, for a code that is not good.
        """
        now = datetime.now(UTC)
        with self._engine.connect() as connection:
            found = users.find_credentials(connection, username)
        if found is None:
            raise wrong_code()

        def replace(connection: Connection) -> None:
            if reset_codes.use(connection, username, code, now) is None:
                raise wrong_code()
            users.set_password(connection, found.user.id, new_hash)

        _, ended = self._revocations.end_all(found.user.id, "password", now, replace)
        log.info("password_reset", user_id=found.user.id, sessions=ended)


def wrong_code() -> ScoreboardError:
    message = "Wrong username or code, or the code was used or is too old."
    return ScoreboardError(ErrorCode.INVALID_CREDENTIALS, message)
