"""Changing what is shown of players, from the change in PostgreSQL to the boards in Redis."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine

from common.domain.details import PlayerVisibility
from common.domain.standing import Hidden
from common.postgres import audit, ledger, people, standings
from common.postgres.audit import Actor
from common.postgres.people import Change, Person
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services import showing

log = structlog.get_logger(__name__)

SHOWN_AT_ONCE = 20
"""The number of players of one request of whom a change is shown before its answer; each takes a few round trips."""


class Profiles:
    """Changes profiles."""

    def __init__(self, engine: Engine, board: Board, inbox: Inbox) -> None:
        self._engine = engine
        self._board = board
        self._inbox = inbox

    def read(self, user_id: str) -> Person:
        """Return an account that exists."""
        with self._engine.connect() as connection:
            return people.get(connection, user_id)

    def change(self, user_id: str, change: Change) -> Person:
        """Change a player's own profile. Raises `validation_failed` and `rate_limited`. Safe to run twice."""
        with self._engine.begin() as connection:
            is_new = people.change_profile(connection, user_id, change, datetime.now(UTC), counted=True)
            person = people.get(connection, user_id)
        self._show(user_id, is_new=is_new)
        return person

    def set_visibility(self, user_id: str, visibility: PlayerVisibility) -> None:
        """Let a player stand on boards in another way. Safe to run twice.

        Who becomes unlisted, or is so no more, leaves open boards or comes back to them: no batch may be half-way then,
        so the ledger is held. Closed periods keep their ranks. Raises OperationalError if that takes over a second.
        """
        is_new = self._try_visibility(user_id, visibility, holds_ledger=False)
        if is_new is None:
            is_new = self._try_visibility(user_id, visibility, holds_ledger=True)
        log.info("visibility_changed", user_id=user_id, is_new=is_new)
        if is_new:
            showing.show_if_possible(self._engine, self._board, self._inbox, user_id)

    def _try_visibility(self, user_id: str, visibility: PlayerVisibility, *, holds_ledger: bool) -> bool | None:
        """Return whether the visibility is another one now; None, with nothing changed, if it takes the ledger."""
        with self._engine.begin() as connection:
            if holds_ledger:
                ledger.lock_exclusive(connection)
            before = people.find_visibility(connection, user_id)
            if before is visibility:
                return False
            moves = PlayerVisibility.UNLISTED in (before, visibility)
            if moves and not holds_ledger:
                return None
            people.write(connection, user_id, visibility=visibility.value)
            if moves:
                is_hidden = visibility is PlayerVisibility.UNLISTED
                standings.hide(connection, user_id, Hidden.UNLISTED, is_hidden=is_hidden, only_open=True)
            return True

    def moderate(self, user_id: str, change: Change, actor: Actor, reason: str) -> Person:
        """Change a profile for its player, however often, and record who did it. Raises `validation_failed`.

        What the fields held and hold now is not recorded: the audit log is kept for ever, and a name may be one that
        nobody should read again.
        """
        with self._engine.begin() as connection:
            is_new = people.change_profile(connection, user_id, change, datetime.now(UTC), counted=False)
            audit.add(connection, actor, "change_profile", user_id, fields=sorted(change.fields), reason=reason)
            person = people.get(connection, user_id)
        self._show(user_id, is_new=is_new)
        return person

    def show(self, user_ids: Sequence[str]) -> None:
        """Show everywhere what was changed of players: of the first few at once, of the others by the next sweeps."""
        if user_ids:
            log.info("profiles_changed", users=len(user_ids))
        for user_id in user_ids[:SHOWN_AT_ONCE]:
            showing.show_if_possible(self._engine, self._board, self._inbox, user_id)

    def _show(self, user_id: str, *, is_new: bool) -> None:
        log.info("profile_changed", user_id=user_id, is_new=is_new)
        if is_new:
            showing.show_if_possible(self._engine, self._board, self._inbox, user_id)
