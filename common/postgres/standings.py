"""Standings: the score of each player on each board in each period. The boards in Redis are copies of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from common.core.timestamps import to_milliseconds
from common.domain.entries import BoardHead, Entry, Place
from common.domain.pagination import FIRST, Page, Position, Selection
from common.domain.scoring import Delta
from common.domain.standing import BoardId, Standing, StandingKey
from common.postgres import prepared
from common.postgres.arrays import plain_array, text_array

DATABASE_EPOCH = "database"
"""The epoch of versions that are made from PostgreSQL while Redis does not serve the board."""

_COLUMNS = """board_id, period_id, user_id::text, score, tie, version,
    (extract(epoch FROM updated_at) * 1000)::bigint AS updated_at, hidden"""

_MERGE = prepared.Statement(
    f"""
    INSERT INTO standings AS s (board_id, period_id, user_id, score, tie, version, updated_at, hidden)
    SELECT b, p, u, points, tie, 1, %(at)s, u = ANY(%(hidden)s)
    FROM unnest(%(boards)s, %(periods)s, %(users)s, %(points)s, %(ties)s) AS part(b, p, u, points, tie)
    ORDER BY b, p, u
    ON CONFLICT (board_id, period_id, user_id) DO UPDATE
    SET score = s.score + excluded.score, tie = GREATEST(s.tie, excluded.tie), version = s.version + 1,
        updated_at = GREATEST(s.updated_at, excluded.updated_at)
    RETURNING {_COLUMNS}
    """,  # noqa: S608 - built from constants
    {
        **{"at": "timestamptz", "hidden": "uuid[]", "boards": "text[]", "periods": "text[]"},
        **{"users": "uuid[]", "points": "bigint[]", "ties": "bigint[]"},
    },
)

_READ = text(f"""
SELECT {_COLUMNS} FROM json_to_recordset(CAST(:rows AS json)) AS sent(b text, p text, u uuid)
JOIN standings ON (board_id, period_id, user_id) = (sent.b, sent.p, sent.u)
""")  # noqa: S608 - built from constants

_OF_PLAYERS = text(f"SELECT {_COLUMNS} FROM standings WHERE user_id = ANY(CAST(:users AS uuid[]))")  # noqa: S608

_OF_PLAYERS_LATELY = text(f"""
SELECT {_COLUMNS} FROM standings LEFT JOIN periods p USING (board_id, period_id)
WHERE user_id = ANY(CAST(:users AS uuid[])) AND (p.closed_at IS NULL OR p.ends_at > now() - CAST(:span AS interval))
""")  # noqa: S608 - built from constants

_OF_BOARD = "FROM standings WHERE board_id = :board AND period_id = :period"
# Pages by the primary key, not a cursor: how much a driver holds of a cursor's result is its own affair.
# The table's column, by its index: `user_id` alone would be the text that is selected.
_NEXT = text(f"""
SELECT {_COLUMNS} {_OF_BOARD} AND user_id > CAST(:after AS uuid) ORDER BY standings.user_id LIMIT :limit
""")
_AT_MOST = text(f"SELECT count(*) FROM (SELECT 1 {_OF_BOARD} LIMIT :limit) first_rows")  # noqa: S608 - built from constants
_WITH_ROWS = text("""
SELECT b, p FROM json_to_recordset(CAST(:boards AS json)) AS sent(b text, p text)
WHERE EXISTS (SELECT FROM standings WHERE (board_id, period_id) = (sent.b, sent.p) OFFSET 0)
""")
_HIDE = text("""
UPDATE standings SET hidden = :hidden, version = version + 1 WHERE user_id = CAST(:user AS uuid) AND hidden <> :hidden
""")

# A board of a million players is neither sorted nor numbered for a page of it: the best so many are kept while it is
# read once, and who stands before them is counted.
_VISIBLE = "FROM standings s WHERE s.board_id = :board AND s.period_id = :period AND NOT s.hidden"
_PLACE_OF_ROW = "((SELECT sign FROM board) * s.score, s.tie)"
_PLACE_OF_PLAYER = "(SELECT place, tie FROM player)"
_GIVEN_PLACE = "((SELECT sign FROM board) * :score, :tiebreaker)"
_IN_ORDER = "ORDER BY (SELECT sign FROM board) * s.score, s.tie LIMIT :limit"
_IN_REVERSE = "ORDER BY (SELECT sign FROM board) * s.score DESC, s.tie DESC LIMIT :limit"
_SOME = f"SELECT s.user_id, s.score, s.tie, s.updated_at {_VISIBLE}"
_SIGN = "board AS (SELECT CASE WHEN ascending THEN 1 ELSE -1 END AS sign FROM boards WHERE id = :board)"


def _page_of(rows: str, ahead: str) -> str:
    """Return the statement for `rows` of a board; `ahead` counts the rows before the first of them."""
    return f"""
    WITH {_SIGN}, found AS MATERIALIZED ({_SOME} {rows})
    SELECT found.user_id::text, u.username, found.score, found.tie,
           (extract(epoch FROM found.updated_at) * 1000)::bigint AS updated_at,
           ({ahead}) + row_number() OVER (ORDER BY (SELECT sign FROM board) * found.score, found.tie) AS rank
    FROM found JOIN users u ON u.id = found.user_id
    """  # noqa: S608 - built from constants


_PAGES = {
    "first": text(_page_of(_IN_ORDER, "0")),
    "after": text(
        _page_of(
            f"AND {_PLACE_OF_ROW} > {_GIVEN_PLACE} {_IN_ORDER}",
            f"SELECT count(*) {_VISIBLE} AND {_PLACE_OF_ROW} <= {_GIVEN_PLACE}",
        )
    ),
    "before": text(
        _page_of(
            f"AND {_PLACE_OF_ROW} < {_GIVEN_PLACE} {_IN_REVERSE}",
            f"SELECT count(*) - (SELECT count(*) FROM found) {_VISIBLE} AND {_PLACE_OF_ROW} < {_GIVEN_PLACE}",  # noqa: S608
        )
    ),
    "around": text(f"""
        WITH {_SIGN},
        player AS (SELECT (SELECT sign FROM board) * s.score AS place, s.tie {_VISIBLE} AND s.user_id = :user),
        ahead AS (SELECT count(*) AS rows {_VISIBLE} AND {_PLACE_OF_ROW} < {_PLACE_OF_PLAYER}),
        earlier AS MATERIALIZED ({_SOME} AND {_PLACE_OF_ROW} < {_PLACE_OF_PLAYER} {_IN_REVERSE}),
        later AS MATERIALIZED ({_SOME} AND {_PLACE_OF_ROW} >= {_PLACE_OF_PLAYER} {_IN_ORDER}),
        ranked AS (
            SELECT *, (SELECT rows FROM ahead) - (SELECT count(*) FROM earlier)
                + row_number() OVER (ORDER BY (SELECT sign FROM board) * score, tie) AS rank
            FROM (SELECT * FROM earlier UNION ALL SELECT * FROM later) near
        )
        SELECT ranked.user_id::text, u.username, ranked.score, ranked.tie,
               (extract(epoch FROM ranked.updated_at) * 1000)::bigint AS updated_at, rank
        FROM ranked JOIN users u ON u.id = ranked.user_id
        WHERE rank > greatest(0, least((SELECT rows FROM ahead) - :limit / 2, :total - :limit))
        ORDER BY rank LIMIT :limit
    """),  # noqa: S608 - built from constants
}
_PLACE = text(
    _page_of(
        "AND s.user_id = CAST(:user AS uuid)",
        f"""SELECT count(*) {_VISIBLE} AND {_PLACE_OF_ROW} <
            (SELECT (SELECT sign FROM board) * found.score, found.tie FROM found)""",  # noqa: S608 - built from constants
    )
)
# Both counts are answered by an index alone.
_COUNT = text(f"SELECT (SELECT count(*) {_OF_BOARD}) - (SELECT count(*) {_OF_BOARD} AND hidden)")
_VERSION = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, clock_timestamp()")


def merge(
    connection: Connection, deltas: Mapping[StandingKey, Delta], at: datetime, hidden: Collection[str] = ()
) -> list[Standing]:
    """Merge each delta into its row, under the row's own lock, in one global order. Returns the rows as they are now.

    The same operation as `scoring.merge`, so that commit order never shows. New rows of `hidden` players are hidden.
    Raises NotPreparedError.
    """
    if not deltas:
        return []
    boards, board_periods, users = zip(*deltas, strict=True)
    points, ties = zip(*deltas.values(), strict=True)
    values = {
        "at": at,
        "hidden": plain_array(hidden),
        "boards": text_array(boards),
        "periods": text_array(board_periods),
        "users": plain_array(users),
        "points": plain_array(map(str, points)),
        "ties": plain_array(map(str, ties)),
    }
    return _standings(prepared.run(connection, _MERGE, values).all())


def read(connection: Connection, standing_keys: Collection[StandingKey]) -> list[Standing]:
    """Return those of these standings that exist."""
    if not standing_keys:
        return []
    sent = [{"b": key[0], "p": key[1], "u": key[2]} for key in standing_keys]
    return _standings(connection.execute(_READ, {"rows": orjson.dumps(sent).decode()}).all())


def of_players(
    connection: Connection, user_ids: Collection[str], *, ended_within: timedelta | None = None
) -> list[Standing]:
    """Return every standing of these players; with `ended_within`, without closed periods that ended earlier."""
    if ended_within is not None:
        values = {"users": list(user_ids), "span": ended_within}
        return _standings(connection.execute(_OF_PLAYERS_LATELY, values).all())
    return _standings(connection.execute(_OF_PLAYERS, {"users": list(user_ids)}).all())


def stream(connection: Connection, board_id: str, period_id: str, rows_at_once: int) -> Iterator[list[Standing]]:
    """Yield every standing of a (board, period), hidden ones too, in pages of at most `rows_at_once`.


    For pages of one instant the transaction must be REPEATABLE READ.
    """
    after = str(UUID(int=0))
    while True:
        values = {"board": board_id, "period": period_id, "after": after, "limit": rows_at_once}
        page = _standings(connection.execute(_NEXT, values))
        if page:
            yield page
            after = page[-1].key.user_id
        if len(page) < rows_at_once:
            return


def boards_with_rows(connection: Connection, boards: Sequence[BoardId]) -> set[BoardId]:
    """Return those of these boards that have a standing."""
    sent = orjson.dumps([{"b": board_id, "p": period_id} for board_id, period_id in boards]).decode()
    return {(row.b, row.p) for row in connection.execute(_WITH_ROWS, {"boards": sent})}


def has_more_than(connection: Connection, board_id: str, period_id: str, players: int) -> bool:
    """Return whether a board has more standings than `players`, without counting further than that."""
    values = {"board": board_id, "period": period_id, "limit": players + 1}
    return int(connection.execute(_AT_MOST, values).scalar_one()) > players


def hide(connection: Connection, user_id: str, *, is_hidden: bool) -> None:
    """Hide every standing of a player, or show them again. The caller holds `ledger.lock_exclusive`."""
    connection.execute(_HIDE, {"user": user_id, "hidden": is_hidden})


def count(connection: Connection, board_id: str, period_id: str) -> int:
    """Return the number of ranked players."""
    return int(connection.execute(_COUNT, {"board": board_id, "period": period_id}).scalar_one())


def page(connection: Connection, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
    """Return the rows that `Board.page` would return, with a version that changes at least whenever the board does.

    For rows, total and version of one instant the transaction must be REPEATABLE READ.
    """
    version, now = connection.execute(_VERSION).one()
    total = count(connection, board_id, period_id)
    values = {
        "board": board_id,
        "period": period_id,
        "limit": limit,
        "total": total,
        **which.position._asdict(),
        "user": which.user_id or None,
    }
    rows = sorted(connection.execute(_PAGES[which.kind], values), key=lambda row: row.rank)
    entries = tuple(Entry(row.user_id, row.username, row.score, row.rank, row.updated_at) for row in rows)
    head = BoardHead(DATABASE_EPOCH, version, to_milliseconds(now), total, entries)
    positions = tuple(Position(row.score, row.tie) for row in rows)
    return Page(head, rows[0].rank - 1 if rows else 0, which.kind != "around" or bool(rows), positions)


def top(connection: Connection, board_id: str, period_id: str, limit: int) -> BoardHead:
    """Return the first `limit` rows of a board."""
    return page(connection, board_id, period_id, limit, FIRST).rows


def place(connection: Connection, board_id: str, period_id: str, user_id: str, username: str) -> Place:
    """Return the place of a known user."""
    row = connection.execute(_PLACE, {"board": board_id, "period": period_id, "user": user_id}).one_or_none()
    entry = Entry(row.user_id, row.username, row.score, row.rank, row.updated_at) if row else None
    return Place(user_id, username, count(connection, board_id, period_id), entry)


def _standings(rows: Iterable[Sequence[Any]]) -> list[Standing]:
    return [
        Standing(StandingKey(board, period, user), score, tie, version, at, is_hidden)
        for board, period, user, score, tie, version, at, is_hidden in rows
    ]
