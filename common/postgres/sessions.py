"""Sessions and their refresh tokens in PostgreSQL, the source of truth about who is logged in.

A refresh token is random, stored only as a fingerprint, and used once. Its successor is derived from it and a server
secret, so that a lost response can be sent again although no token is stored.
"""

import secrets
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ARRAY, UUID, Connection, any_, bindparam, delete, func, insert, select, tuple_, update

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.signing import derive, fingerprint, to_base64url
from common.postgres.tables import refresh_tokens, sessions, users

EndOfAll = Literal["suspension", "password", "erasure"]
"""Why all sessions of a user end."""

LIFETIME = timedelta(hours=24)
GRACE = timedelta(seconds=10)
"""For this long a used token still gives the same successor, as long as nobody has used the successor."""


@dataclass(frozen=True)
class Session:
    """A login. It ends 24 h after it began, refreshed or not."""

    id: str
    user_id: str
    expires_at: datetime


@dataclass(frozen=True)
class Refreshed:
    """A session that continues, with its next refresh token."""

    session: Session
    refresh_token: str


@dataclass(frozen=True)
class Reused:
    """The result of a refresh with a token that was used before. Its session has been revoked."""

    session_id: str


def begin(connection: Connection, user_id: str, now: datetime) -> Refreshed:
    """Begin a session, and return it with its first refresh token."""
    session = Session(str(uuid.uuid4()), user_id, now + LIFETIME)
    token = secrets.token_urlsafe(32)
    connection.execute(insert(sessions).values(id=session.id, user_id=user_id, expires_at=session.expires_at))
    _store(connection, session.id, token)
    return Refreshed(session, token)


def refresh(connection: Connection, token: str, secrets_in_force: Sequence[bytes], now: datetime) -> Refreshed | Reused:
    """Use a refresh token. Raises `refresh_token_invalid`. The first of the server secrets derives its successor.

    A reuse is returned, not raised: the caller commits the revocation and then answers.
    """
    successors = [to_base64url(derive(secret, "refresh-token", token)) for secret in secrets_in_force]
    used = connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.fingerprint == fingerprint(token), refresh_tokens.c.used_at.is_(None))
        .values(used_at=now)
        .returning(refresh_tokens.c.session_id)
    ).one_or_none()
    if used:
        session = _live(connection, used.session_id, now)
        _store(connection, session.id, successors[0])
        return Refreshed(session, successors[0])
    return _refresh_again(connection, token, successors, now)


def live_of(connection: Connection, user_id: str, now: datetime) -> list[str]:
    """Return the ids of a user's live sessions."""
    still = (sessions.c.revoked_at.is_(None), sessions.c.expires_at > now)
    return list(connection.scalars(select(sessions.c.id).where(sessions.c.user_id == user_id, *still)))


def revoke(connection: Connection, session_id: str, reason: Literal["logout", "reuse"]) -> None:
    """End a session, by the database's clock. The first reason and instant stay."""
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.revoked_at.is_(None))
        .values(revoked_at=func.now(), revoked_for=reason)
    )


def revoke_all(
    connection: Connection, user_id: str, reason: EndOfAll, now: datetime, keep: str | None = None
) -> list[str]:
    """Revoke every live session of a user but the one to keep, by the database's clock, and return their ids."""
    live = (sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None), sessions.c.expires_at > now)
    return list(
        connection.scalars(
            update(sessions)
            .where(*live, sessions.c.id.is_distinct_from(keep))
            .values(revoked_at=func.now(), revoked_for=reason)
            .returning(sessions.c.id)
        )
    )


def find_live(connection: Connection, session_id: str, now: datetime) -> Session | None:
    """Return the session if it is live: it exists, is not revoked and has not expired."""
    row = connection.execute(
        select(sessions.c.id, sessions.c.user_id, sessions.c.expires_at).where(
            sessions.c.id == session_id, sessions.c.revoked_at.is_(None), sessions.c.expires_at > now
        )
    ).one_or_none()
    return Session(*row) if row else None


def live_among(connection: Connection, session_ids: Collection[str], now: datetime) -> set[str]:
    """Return those of these sessions that are live."""
    wanted = sessions.c.id == any_(bindparam("ids", list(session_ids), ARRAY(UUID(as_uuid=False))))
    still = (sessions.c.revoked_at.is_(None), sessions.c.expires_at > now)
    return set(connection.scalars(select(sessions.c.id).where(wanted, *still)))


def revoked_within(connection: Connection, span: timedelta, sessions_at_once: int) -> Iterator[list[str]]:
    """Yield the sessions that were revoked so recently, by the database's clock, in pages of at most so many.

    Each page is a statement of its own. A session that is revoked meanwhile may be missing.
    """
    columns = (sessions.c.revoked_at, sessions.c.id)
    recent = select(*columns).where(sessions.c.revoked_at >= func.now() - span)
    ordered = recent.order_by(*columns).limit(sessions_at_once)
    page = connection.execute(ordered).all()
    while page:
        yield [row.id for row in page]
        if len(page) < sessions_at_once:
            return
        page = connection.execute(ordered.where(tuple_(*columns) > (page[-1].revoked_at, page[-1].id))).all()


def now(connection: Connection) -> datetime:
    """Return the instant that a revocation in this transaction has, by the database's clock."""
    instant: datetime = connection.execute(select(func.now())).scalar_one()
    return instant


def prune(connection: Connection, now: datetime, limit: int) -> int:
    """Delete up to `limit` sessions that expired a day ago or earlier, with their tokens, and return their number."""
    expired = select(sessions.c.id).where(sessions.c.expires_at < now - LIFETIME)
    first = expired.order_by(sessions.c.expires_at).limit(limit)
    return connection.execute(delete(sessions).where(sessions.c.id.in_(first))).rowcount


def _refresh_again(connection: Connection, token: str, successors: Sequence[str], now: datetime) -> Refreshed | Reused:
    """Handle a token that is unknown or was used before.

    Its successor is the one of `successors` that was handed out.
    """
    before = connection.execute(
        select(refresh_tokens.c.session_id, refresh_tokens.c.used_at).where(
            refresh_tokens.c.fingerprint == fingerprint(token)
        )
    ).one_or_none()
    if before is None:
        raise _invalid()
    session = _live(connection, before.session_id, now)
    successor_of = {fingerprint(successor): successor for successor in successors}
    handed_out = connection.execute(
        select(refresh_tokens.c.fingerprint, refresh_tokens.c.used_at)
        .where(refresh_tokens.c.fingerprint.in_(successor_of))
        .with_for_update()
    ).one_or_none()
    if handed_out and handed_out.used_at is None and now - before.used_at <= GRACE:
        return Refreshed(session, successor_of[bytes(handed_out.fingerprint)])
    revoke(connection, session.id, "reuse")
    return Reused(session.id)


def _live(connection: Connection, session_id: str, now: datetime) -> Session:
    session = find_live(connection, session_id, now)
    if session is None:
        raise _suspended() if _is_of_suspended(connection, session_id) else _invalid()
    return session


def _is_of_suspended(connection: Connection, session_id: str) -> bool:
    owner = select(users.c.suspended_at).join_from(sessions, users).where(sessions.c.id == session_id)
    return connection.execute(owner).scalar() is not None


def _store(connection: Connection, session_id: str, token: str) -> None:
    connection.execute(insert(refresh_tokens).values(fingerprint=fingerprint(token), session_id=session_id))


def _suspended() -> ScoreboardError:
    return ScoreboardError(ErrorCode.ACCOUNT_SUSPENDED)


def _invalid() -> ScoreboardError:
    return ScoreboardError(ErrorCode.REFRESH_TOKEN_INVALID)
