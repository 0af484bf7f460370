"""The transaction in which a batch is recorded, and what a batch has to know before that, in one round trip.

The transaction is not SQLAlchemy's, which would begin it by a round trip of its own: the connection commits by itself
(`AUTOCOMMIT`), and BEGIN goes ahead of the first statement. Sequential scans are forbidden within it, so that a plan
that was made while a table was small is as good when it has grown.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from common.core import deadlines
from common.domain.ledger_row import UpdateKey
from common.domain.standing import BoardId, Hidden
from common.postgres import direct, ledger, prepared
from common.postgres.arrays import plain_array, text_array

_SETTINGS = "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan"

# OFFSET 0 keeps each look-up a look-up by its index, whatever the planner believes about the sizes of the tables.
_LOOK_UP = prepared.Statement(
    """
    SELECT
        (SELECT json_agg(json_build_array(
            found.id, found.username, found.suspended_at IS NOT NULL, found.visibility = 'unlisted'
         ))::text
         FROM unnest(%(players)s) AS sent(u)
         CROSS JOIN LATERAL (SELECT * FROM users WHERE id = sent.u OFFSET 0) AS found),
        EXISTS (
            SELECT FROM unnest(%(owners)s, %(keys)s) AS sent(u, k)
            CROSS JOIN LATERAL (
                SELECT 1 FROM score_events e WHERE e.user_id = sent.u AND e.idempotency_key = sent.k OFFSET 0
            ) AS found
        ),
        (SELECT json_agg(json_build_array(found.board_id, found.period_id, found.closed_at IS NOT NULL))::text
         FROM unnest(%(boards)s, %(periods)s) AS sent(b, p)
         CROSS JOIN LATERAL (
            SELECT * FROM periods WHERE (board_id, period_id) = (sent.b, sent.p) OFFSET 0
         ) AS found),
        date_trunc('milliseconds', now()),
        (SELECT array_agg(nextval('score_event_ids')) FROM generate_series(1, %(ids)s)),
        (SELECT json_agg(json_build_array(found.board_id, found.user_id))::text
         FROM unnest(%(players)s) AS sent(u)
         CROSS JOIN LATERAL (SELECT * FROM disqualifications WHERE user_id = sent.u OFFSET 0) AS found
         WHERE EXISTS (SELECT FROM disqualifications)),
        (SELECT achievements FROM catalogue_version)
    """,
    {"players": "uuid[]", "owners": "uuid[]", "keys": "text[]", "boards": "text[]", "periods": "text[]", "ids": "int"},
)


class LookUp(NamedTuple):
    """What a batch knows at its beginning, while it shares the ledger's lock.

    `usernames` has the users that exist, and `hidden` why some of them are on no board. `repeats`: some updates are in
    the ledger already. `periods` has the calendar periods that are known, and whether each is closed. `now` is the
    transaction's instant, in whole milliseconds; `ids` are new ledger ids in order. `disqualified` has who is off a
    board, as (board id, user id). `achievements_version` is that of the catalogue by which the batch must be recorded.
    """

    usernames: Mapping[str, str]
    hidden: Mapping[str, Hidden]
    repeats: bool
    periods: Mapping[BoardId, bool]
    now: datetime
    ids: Sequence[int]
    disqualified: frozenset[tuple[str, str]] = frozenset()
    achievements_version: int = 0


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a connection for a block that begins the transaction with `look_up` and commits it; roll back if it fails.

    The engine's connections must commit by themselves.
    """
    with engine.connect() as connection:
        try:
            yield connection
        except BaseException:
            _roll_back(connection)
            raise


def commit(connection: Connection) -> None:
    """Commit a batch that adds nothing to the ledger; any other is committed by `ledger.add_and_commit`."""
    deadlines.commit_sent()
    direct.send(connection, "COMMIT")


def look_up(
    connection: Connection,
    sent: Collection[UpdateKey],
    periods: Collection[BoardId],
    ids: int,
    lock_wait_ms: int | None = None,
) -> LookUp:
    """Begin the transaction, share the ledger's lock until it ends, look up all that is asked, and reserve `ids`.

    Every later wait for a lock lasts `lock_wait_ms` at most, if it is given. A connection that was cut off since its
    last batch is replaced once, because nothing was done yet. Raises UnstorableTextError or NotPreparedError.
    """
    values = {
        "players": plain_array({user_id for user_id, _ in sent}),
        "owners": plain_array(user_id for user_id, _ in sent),
        "keys": text_array([key for _, key in sent]),
        "boards": text_array([board_id for board_id, _ in periods]),
        "periods": text_array([period_id for _, period_id in periods]),
        "ids": ids,
    }
    before = "BEGIN; " if lock_wait_ms is None else f"BEGIN; SET LOCAL lock_timeout = {int(lock_wait_ms)}; "
    before += f"{_SETTINGS}; SELECT pg_advisory_xact_lock_shared({ledger.LOCK}); "
    row = _run(connection, values, before)
    users = orjson.loads(row[0] or "[]")
    return LookUp(
        usernames={user_id: name for user_id, name, *_ in users},
        hidden={user_id: reasons for user_id, _, *flags in users if (reasons := _reasons(*flags))},
        repeats=row[1],
        periods={(board_id, period_id): closed for board_id, period_id, closed in orjson.loads(row[2] or "[]")},
        now=row[3],
        ids=row[4] or (),
        disqualified=frozenset((board_id, user_id) for board_id, user_id in orjson.loads(row[5] or "[]")),
        achievements_version=row[6] or 0,
    )


def _reasons(is_suspended: bool, is_unlisted: bool) -> Hidden:
    """Return why a player is on no board; each reason also hides the standings that begin meanwhile."""
    return Hidden(is_suspended * Hidden.SUSPENDED | is_unlisted * Hidden.UNLISTED)


def _run(connection: Connection, values: Mapping[str, Any], before: str) -> Sequence[Any]:
    try:
        (row,) = prepared.run(connection, _LOOK_UP, values, before=before)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        connection.rollback()  # lets SQLAlchemy connect anew
        (row,) = prepared.run(connection, _LOOK_UP, values, before=before)
    return row


def _roll_back(connection: Connection) -> None:
    """Roll back; a connection that cannot is thrown away, and the server rolls back when it is closed."""
    if connection.invalidated:
        return
    try:
        direct.send(connection, "ROLLBACK")
    except SQLAlchemyError:
        connection.invalidate()
