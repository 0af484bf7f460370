"""Revoking sessions, and checking whether one is live: in Redis where possible, in PostgreSQL where necessary.

Redis knows every revocation of the last 65 minutes (the longest life of an access token, and five minutes for clocks
that differ) once a worker has loaded them into this very server. `sessions:loaded` names the server by its run id, so
one that was emptied, replaced or restored from an older copy is not believed. The owner of a session is read from
PostgreSQL once; Redis then remembers it for an hour, or until the session expires. A revocation outweighs that.

A revocation has three steps, and the process may die between any two:

1. Mark the session `?` in Redis: every process asks PostgreSQL about it from now on.
2. Revoke it in PostgreSQL.
3. Mark it `1` in Redis, and publish it, so that its live connections are closed.

If Redis cannot be reached, only step 2 is made, and a process that cannot reach it asks PostgreSQL. Processes that do
reach it may believe the session until Redis is told. Three see to that: the process itself, which keeps what it could
not tell (`tell_missed`), the next sweep of a worker, and each web process once nobody has caught up for five seconds
(`catch_up`).
"""

import math
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

import redis
import structlog
from sqlalchemy import Connection, Engine

from common.domain import tokens
from common.postgres import sessions
from common.postgres.sessions import EndOfAll, Session
from common.redis_store import keys
from common.redis_store.client import Client, script
from common.services import suspensions
from common.services.missed_revocations import MissedRevocations
from common.services.suspensions import Decision

Result = TypeVar("Result")

log = structlog.get_logger(__name__)

_REMEMBERED = timedelta(hours=1)
_MARKED = timedelta(seconds=tokens.LIFETIME_SECONDS) + timedelta(minutes=5)
"""A mark outlives every token that was issued before it, also where the clock that judges the token is slow."""

_SLACK = timedelta(minutes=1)
"""How far clocks may differ, and how long a transaction may take that revokes."""

SESSIONS_AT_ONCE = 1_000
"""In one round trip, and in memory."""

_ASK, _REVOKED = "?", "1"
_ASK_DATABASE = "ask"


class Revocations:
    """Revokes sessions and checks them."""

    def __init__(self, client: Client, engine: Engine) -> None:
        self._client = client
        self._engine = engine
        self._check = script(client, "check_session")
        self._missed = MissedRevocations(_MARKED.total_seconds())

    def is_live(self, session_id: str, user_id: str) -> bool:
        """Return whether this user's session is live. Raises SQLAlchemyError if neither store can tell."""
        marks = [keys.session_revoked(session_id), keys.SESSIONS_LOADED, keys.session_owner(session_id)]
        try:
            verdict = cast(str, self._check(keys=marks))
        except redis.RedisError:
            verdict = _ASK_DATABASE
        if verdict != _ASK_DATABASE:
            return verdict == user_id
        with self._engine.connect() as connection:
            session = sessions.find_live(connection, session_id, datetime.now(UTC))
        if session is None or session.user_id != user_id:
            return False
        self.remember(session)
        return True

    def remember(self, session: Session) -> None:
        """Let Redis answer for a live session from now on, if Redis is there."""
        left = min(_REMEMBERED, session.expires_at - datetime.now(UTC))
        if left < timedelta(seconds=1):
            return
        try:
            self._client.set(keys.session_owner(session.id), session.user_id, px=left)
        except redis.RedisError:
            log.warning("session_not_remembered", session_id=session.id)

    def ended(self, session_ids: Collection[str]) -> set[str]:
        """Return those of these sessions that PostgreSQL knows as revoked or expired. Raises SQLAlchemyError."""
        with self._engine.connect() as connection:
            return set(session_ids) - sessions.live_among(connection, session_ids, datetime.now(UTC))

    def revoke(self, session_id: str, in_database: Callable[[Connection], None]) -> None:
        """Run the three steps. Raises SQLAlchemyError with the session unchanged.

        Only after a COMMIT without a reply is it unknown whether the session is revoked.
        """
        self.announce(session_id)
        with self._engine.begin() as connection:
            in_database(connection)
        self.confirm(session_id)

    def suspend(self, decision: Decision, now: datetime) -> bool:
        """Suspend a user, and end their sessions. Returns False if they are suspended already."""
        is_new, _ = self.end_all(
            decision.user_id, "suspension", now, lambda connection: suspensions.decide(connection, decision)
        )
        return is_new

    def end_all(
        self,
        user_id: str,
        reason: EndOfAll,
        now: datetime,
        in_database: Callable[[Connection], Result],
        keep: str | None = None,
    ) -> tuple[Result, int]:
        """End the sessions of a user, but for one to keep, in the three steps, with what `in_database` does.

        Returns what that returns, and how many sessions ended. It writes the user's row, and may raise, and then
        nothing has changed. Where it stops the ledger, every batch waits for the second step, so that makes one round
        trip however many sessions there are; only those that began since the first are announced in it. Nobody logs in
        as the user meanwhile: that waits for the row of the user.
        """
        with self._engine.connect() as connection:
            known = set(sessions.live_of(connection, user_id, now)) - {keep}
        self.announce(*known)
        with self._engine.begin() as connection:
            result = in_database(connection)
            ended = sessions.revoke_all(connection, user_id, reason, now, keep)
            self.announce(*set(ended).difference(known))
        self.confirm(*ended)
        return result, len(ended)

    def announce(self, *session_ids: str) -> None:
        """Run step 1. If Redis is away the sessions end all the same, and Redis is told later."""
        try:
            self._mark(session_ids, _ASK)
        except redis.RedisError:
            self._missed.keep(session_ids, _ASK)
            log.warning("revocation_not_announced", session_ids=session_ids)

    def confirm(self, *session_ids: str) -> None:
        """Run step 3. Until it succeeds, here or elsewhere, every process keeps asking PostgreSQL after a step 1."""
        try:
            self._mark(session_ids, _REVOKED)
        except redis.RedisError:
            self._missed.keep(session_ids, _REVOKED)
            log.warning("revocation_not_confirmed", session_ids=session_ids)
        else:
            self._missed.forget(session_ids)

    def tell_missed(self) -> None:
        """Tell Redis of the revocations that it could not be told of. Raises RedisError, and keeps what is left.

        A mark that only announces may replace one that confirms: PostgreSQL is asked about the session, which is right.
        """
        for mark, session_ids in self._missed.waiting().items():
            for start in range(0, len(session_ids), SESSIONS_AT_ONCE):
                some = session_ids[start : start + SESSIONS_AT_ONCE]
                self._mark(some, mark)
                self._missed.told(some, mark)
                log.info("revocations_told", sessions=len(some))

    def _mark(self, session_ids: Sequence[str], mark: str) -> None:
        """Mark sessions, some in a round trip, and publish those that are revoked for good."""
        for start in range(0, len(session_ids), SESSIONS_AT_ONCE):
            pipeline = self._client.pipeline(transaction=False)
            for session_id in session_ids[start : start + SESSIONS_AT_ONCE]:
                pipeline.set(keys.session_revoked(session_id), mark, ex=_MARKED)
                if mark == _REVOKED:
                    pipeline.publish(keys.SESSIONS_ENDED, session_id)
            pipeline.execute()


def is_loaded(client: Client) -> bool:
    """Return whether this Redis server knows the revocations of the last 65 minutes."""
    return client.get(keys.SESSIONS_LOADED) == _run_id(client)


def load_recent(client: Client, engine: Engine) -> None:
    """Load every revocation of the last 65 minutes into this Redis server. Safe to run twice, and beside revocations.

    A revocation that commits after the first query marks itself: its steps 1 and 3 go to the same server.
    """
    run_id = _run_id(client)
    loaded = _teach(client, engine, _MARKED)
    if _run_id(client) == run_id:
        client.set(keys.SESSIONS_LOADED, run_id)
    log.info("revocations_loaded", sessions=loaded)


def catch_up(client: Client, engine: Engine) -> None:
    """Load the revocations that were made while this Redis server could not be reached. Safe to run twice.

    `sessions:told` is an instant by PostgreSQL's clock, as the revocations are: what the clock of whoever caught up
    last was wrong by does not matter.
    """
    with engine.connect() as connection:
        now = sessions.now(connection)
    told = client.get(keys.SESSIONS_TOLD)
    missed = max(now - datetime.fromisoformat(str(told)), timedelta()) + _SLACK if told else _MARKED
    _teach(client, engine, min(missed, _MARKED))
    client.set(keys.SESSIONS_TOLD, now.isoformat(), px=_MARKED)


def behind_for(client: Client) -> float:
    """Return how many seconds ago somebody caught up with this Redis server, by its own clock; infinite if unknown."""
    left = client.pttl(keys.SESSIONS_TOLD)
    return _MARKED.total_seconds() - left / 1000 if left >= 0 else math.inf


def _teach(client: Client, engine: Engine, span: timedelta) -> int:
    """Mark every session that was revoked so recently, some at a time, and return their number."""
    taught = 0
    with engine.connect() as connection:
        for revoked in sessions.revoked_within(connection, span, SESSIONS_AT_ONCE):
            pipeline = client.pipeline(transaction=False)
            for session_id in revoked:
                pipeline.set(keys.session_revoked(session_id), _REVOKED, ex=_MARKED)
            pipeline.execute()
            taught += len(revoked)
    return taught


def _run_id(client: Client) -> str:
    return str(client.info("server")["run_id"])
