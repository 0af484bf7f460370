"""Showing in Redis what no score has changed: a suspension, another name, another visibility of a player.

The transaction that changes it marks the player (`users.redis_behind`): Redis may be behind PostgreSQL. Then Redis is
updated (`show`). A process that dies in between leaves the mark, and the next sweep updates Redis.
"""

import time
from collections.abc import Collection, Sequence

import orjson
import redis
import structlog
from sqlalchemy import Connection, Engine, func, select, text, update

from common.domain.standing import BoardId
from common.postgres import people, standings
from common.postgres.tables import users
from common.redis_store.board import Board, Projected
from common.redis_store.inbox import Inbox

log = structlog.get_logger(__name__)

BOARDS_AT_ONCE = 250
"""Of a player, in one round trip: who has played for years stands on a board for each day of them."""

# `xmin` is the transaction that has last written the row: another change, of whatever kind, has another one.
_STATE = text("SELECT xmin::text FROM users WHERE id = CAST(:user AS uuid)")
_SHOWN = text("UPDATE users SET redis_behind = false WHERE id = CAST(:user AS uuid) AND xmin::text = :state")


def mark_behind(connection: Connection, user_ids: Collection[str]) -> None:
    """Mark players whose change Redis has to be told of, in the transaction that makes it, in order of their ids."""
    rows = select(users.c.id).where(users.c.id.in_(user_ids)).order_by(users.c.id)
    connection.execute(rows.with_for_update(key_share=True))
    connection.execute(update(users).where(users.c.id.in_(user_ids)).values(redis_behind=True))


def pending(connection: Connection, limit: int) -> Sequence[str]:
    """Return up to `limit` players whom Redis may show wrongly.

    They come in random order, so that none whose turn fails keeps the others from theirs.
    """
    behind = select(users.c.id).where(users.c.redis_behind)
    return connection.scalars(behind.order_by(func.random()).limit(limit)).all()


def show(engine: Engine, board: Board, inbox: Inbox, user_id: str) -> None:
    """Bring Redis up to date with what the database says of a player. Safe to run twice, and beside itself.

    The details come before the boards, so that whoever sees a new version of a board sees the new details. A board that
    is being rebuilt takes the rows in (`project.lua`); one that Redis does not have needs nothing, because its rebuild
    reads the database.
    """
    with engine.connect() as connection:
        state = connection.execute(_STATE, {"user": user_id}).scalar()
        known = people.find_details(connection, [user_id])
        rows = sorted(standings.of_players(connection, [user_id]), key=lambda row: row.key)
    now = int(time.time() * 1000)
    if any(found.is_suspended for found in known.values()):
        board.forget_details(user_id)
    else:
        board.remember_details(known)
    shown: dict[BoardId, int] = {}
    for start in range(0, len(rows), BOARDS_AT_ONCE):
        some = rows[start : start + BOARDS_AT_ONCE]
        answers = zip(some, board.project([[row] for row in some], now, ()), strict=True)
        shown |= {row.key.board: answer.seq for row, answer in answers if isinstance(answer, Projected)}
        shown |= board.touch([row.key.board for row in some if not row.hidden], user_id, now)
    news = [{"board": board_id, "period": period_id, "seq": seq} for (board_id, period_id), seq in shown.items()]
    inbox.announce(orjson.dumps({"boards": news, "players": [user_id], "at": now}))
    with engine.begin() as connection:
        connection.execute(_SHOWN, {"user": user_id, "state": state})


def show_if_possible(engine: Engine, board: Board, inbox: Inbox, user_id: str) -> None:
    """Do the same after a change that is committed. If Redis is away, a worker does it later."""
    try:
        show(engine, board, inbox, user_id)
    except redis.RedisError as error:
        log.warning("change_not_shown", user_id=user_id, error=type(error).__name__)
