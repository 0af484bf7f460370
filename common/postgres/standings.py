"""Standings: the score of each player on each board in each period. The boards in Redis are copies of them."""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, CursorResult, Row, TextClause, text

from common.core.timestamps import to_milliseconds
from common.domain.details import Details
from common.domain.entries import BoardHead, Entry, Place, with_places
from common.domain.pagination import FIRST, Page, Position, Selection
from common.domain.standing import BoardId, Hidden, Standing, StandingKey
from common.postgres.people import details_of

DATABASE_EPOCH = "database"
"""The epoch of versions that are made from PostgreSQL while Redis does not serve the board."""

COLUMNS = """board_id, period_id, user_id::text, score, tie, version,
    (extract(epoch FROM updated_at) * 1000)::bigint AS updated_at, hidden, second"""
"""The columns of which `from_rows` makes standings."""

IS_EMPTY = f"({{row}}.hidden AND {{row}}.hidden_for & {int(Hidden.EMPTY)} <> 0)"
"""Whether nothing counts in a `{row}` any more."""

_READ = text(f"""
SELECT {COLUMNS} FROM json_to_recordset(CAST(:rows AS json)) AS sent(b text, p text, u uuid)
JOIN standings ON (board_id, period_id, user_id) = (sent.b, sent.p, sent.u)
""")  # noqa: S608 - built from constants

_OF_PLAYERS = text(f"SELECT {COLUMNS} FROM standings WHERE user_id = ANY(CAST(:users AS uuid[]))")  # noqa: S608

_OF_PLAYERS_LATELY = text(f"""
SELECT {COLUMNS} FROM standings LEFT JOIN periods p USING (board_id, period_id)
WHERE user_id = ANY(CAST(:users AS uuid[])) AND (p.closed_at IS NULL OR p.ends_at > now() - CAST(:span AS interval))
""")  # noqa: S608 - built from constants

_OF_BOARD = "FROM standings WHERE board_id = :board AND period_id = :period"
# Pages by the primary key, not a cursor: how much a driver holds of a cursor's result is its own affair.
# The table's column, by its index: `user_id` alone would be the text that is selected.
_NEXT = text(f"""
SELECT {COLUMNS} {_OF_BOARD} AND user_id > CAST(:after AS uuid) ORDER BY standings.user_id LIMIT :limit
""")
_AT_MOST = text(f"SELECT count(*) FROM (SELECT 1 {_OF_BOARD} LIMIT :limit) first_rows")  # noqa: S608 - built from constants
_WITH_ROWS = text("""
SELECT b, p FROM json_to_recordset(CAST(:boards AS json)) AS sent(b text, p text)
WHERE EXISTS (SELECT FROM standings WHERE (board_id, period_id) = (sent.b, sent.p) OFFSET 0)
""")
REASONS = "CASE WHEN NOT hidden THEN 0 WHEN hidden_for = 0 THEN 1 ELSE hidden_for END"
"""Why a row is hidden, as `standing.hidden_reasons` reads the two columns."""

_HIDE = text(f"""
UPDATE standings s SET hidden_for = changed.reasons, hidden = changed.reasons <> 0, version = s.version + 1
FROM (
    SELECT board_id, period_id, user_id, {REASONS} AS before,
           CASE WHEN :hidden THEN ({REASONS}) | :reason ELSE ({REASONS}) & ~CAST(:reason AS int) END AS reasons
    FROM standings WHERE user_id = CAST(:user AS uuid) AND (CAST(:board AS text) IS NULL OR board_id = :board)
) changed
WHERE (s.board_id, s.period_id, s.user_id) = (changed.board_id, changed.period_id, changed.user_id)
    AND changed.reasons <> changed.before
    AND (NOT :open OR NOT EXISTS (
        SELECT FROM periods p WHERE (p.board_id, p.period_id) = (s.board_id, s.period_id) AND p.closed_at IS NOT NULL
    ))
RETURNING s.board_id, s.period_id
""")  # noqa: S608 - built from constants

# A board of a million players is neither sorted nor numbered for a page of it: the best so many are kept while it is
# read once, and who stands before them is counted.
_VISIBLE = "FROM standings s WHERE s.board_id = :board AND s.period_id = :period AND NOT s.hidden"
_ORDER = """board AS (
    SELECT CASE WHEN ascending THEN 1 ELSE -1 END AS sign, second IS NOT NULL AS has_second,
           CASE WHEN (second->>'ascending')::boolean THEN 1 ELSE -1 END AS second_sign,
           ties = 'shared' AS shares_places
    FROM boards WHERE id = :board
)"""
"""How the rows of a board are ordered: what the fragments below read."""

_SIGN, _SECOND_SIGN = "(SELECT sign FROM board)", "(SELECT second_sign FROM board)"


def _ordered_by(row: str, direction: str = "") -> str:
    """Return the one order, for rows of this name."""
    terms = (f"{_SIGN} * {row}.score", f"{_SECOND_SIGN} * {row}.second", f"{row}.tie")
    return ", ".join(f"{term} {direction}" for term in terms)


_PLACE_OF_ROW = f"({_ordered_by('s')})"
_PLACE_OF_PLAYER = "(SELECT place, second_place, tie FROM player)"
_GIVEN_PLACE = f"({_SIGN} * :score, {_SECOND_SIGN} * :second, :tiebreaker)"
_IN_ORDER = f"ORDER BY {_ordered_by('s')} LIMIT :limit"
_IN_REVERSE = f"ORDER BY {_ordered_by('s', 'DESC')} LIMIT :limit"
_SOME = f"SELECT s.user_id, s.score, s.second, s.tie, s.updated_at {_VISIBLE}"
RANKED = f"""{_ORDER},
ranked AS (
    SELECT s.user_id, s.score, row_number() OVER (ORDER BY {_ordered_by("s")}) AS rank, count(*) OVER () AS total
    {_VISIBLE}
)"""
"""Every row of `:board` in `:period` that is shown, as `ranked`, with its rank and how many there are."""

_CELLS = """u.username, u.display_name, u.country, u.avatar, u.visibility,
           found.score, found.tie, found.second, (SELECT has_second FROM board) AS has_second,
           (extract(epoch FROM found.updated_at) * 1000)::bigint AS updated_at"""


def _page_of(rows: str, ahead: str) -> str:
    """Return the statement for `rows` of a board; `ahead` counts the rows before the first of them."""
    return f"""
    WITH {_ORDER}, found AS MATERIALIZED ({_SOME} {rows})
    SELECT found.user_id::text, {_CELLS}, ({ahead}) + row_number() OVER (ORDER BY {_ordered_by("found")}) AS rank
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
        WITH {_ORDER},
        player AS (
            SELECT {_SIGN} * s.score AS place, {_SECOND_SIGN} * s.second AS second_place, s.tie
            {_VISIBLE} AND s.user_id = :user
        ),
        ahead AS (SELECT count(*) AS rows {_VISIBLE} AND {_PLACE_OF_ROW} < {_PLACE_OF_PLAYER}),
        earlier AS MATERIALIZED ({_SOME} AND {_PLACE_OF_ROW} < {_PLACE_OF_PLAYER} {_IN_REVERSE}),
        later AS MATERIALIZED ({_SOME} AND {_PLACE_OF_ROW} >= {_PLACE_OF_PLAYER} {_IN_ORDER}),
        found AS (
            SELECT *, (SELECT rows FROM ahead) - (SELECT count(*) FROM earlier)
                + row_number() OVER (ORDER BY {_ordered_by("near")}) AS rank
            FROM (SELECT * FROM earlier UNION ALL SELECT * FROM later) near
        )
        SELECT found.user_id::text, {_CELLS}, rank
        FROM found JOIN users u ON u.id = found.user_id
        WHERE rank > greatest(0, least((SELECT rows FROM ahead) - :limit / 2, :total - :limit))
        ORDER BY rank LIMIT :limit
    """),  # noqa: S608 - built from constants
}
# Of a ranked period nothing is counted but the few hidden rows, which an index of their own has.
_AHEAD_IN_RANKED = """
    SELECT own.final_rank - 1 - (
        SELECT count(*) FROM standings s
        WHERE s.board_id = :board AND s.period_id = :period AND s.hidden AND s.final_rank < own.final_rank
    )
    FROM standings own JOIN periods p USING (board_id, period_id)
    WHERE own.board_id = :board AND own.period_id = :period AND own.user_id = CAST(:user AS uuid)
        AND p.ranked_at IS NOT NULL
"""
_AHEAD = f"SELECT count(*) {_VISIBLE} AND {_PLACE_OF_ROW} < (SELECT {_ordered_by('found')} FROM found)"  # noqa: S608
_PLACE = text(_page_of("AND s.user_id = CAST(:user AS uuid)", f"coalesce(({_AHEAD_IN_RANKED}), ({_AHEAD}))"))


def in_order_of(columns: str, then_by: str = "s.user_id") -> TextClause:
    """Return the statement for these columns of all rows `s` of a (board, period) in the one order, hidden ones too.

    Empty rows are level in the order, and are told apart by `then_by`.
    """
    return text(f"""
    WITH {_ORDER}
    SELECT {columns} FROM standings s WHERE s.board_id = :board AND s.period_id = :period
    ORDER BY {_ordered_by("s")}, {then_by}
    """)  # noqa: S608 - built from constants


_IN_ORDER_WHOLE = in_order_of("s.user_id::text, s.score, s.second, s.tie, s.hidden, s.final_rank, s.final_hidden")
_RANK = text(f"""
WITH {_ORDER}
SELECT count(*) + 1 {_VISIBLE} AND s.user_id <> CAST(:user AS uuid) AND {_PLACE_OF_ROW} < {_GIVEN_PLACE}
""")
# The place that the row shares with those of the same scores, or nothing where equal scores share none.
_SHARED_PLACE = text(f"""
    WITH {_ORDER}
    SELECT count(*) + 1 {_VISIBLE} AND (SELECT shares_places FROM board)
        AND ({_SIGN} * s.score, {_SECOND_SIGN} * s.second) < ({_SIGN} * :score, {_SECOND_SIGN} * :second)
    HAVING (SELECT shares_places FROM board)
""")  # noqa: S608 - built from constants
_FIRST_PLACES = text(f"""
    WITH {_ORDER},
    placed AS (
        SELECT s.user_id, rank() OVER (
            ORDER BY {_SIGN} * s.score, {_SECOND_SIGN} * s.second,
                CASE WHEN (SELECT shares_places FROM board) THEN 0 ELSE s.tie END
        ) AS place
        {_VISIBLE}
    )
    SELECT user_id::text, place FROM placed WHERE place <= :within ORDER BY place, user_id
""")  # noqa: S608 - built from constants
# Both counts are answered by an index alone.
_COUNT = text(f"SELECT (SELECT count(*) {_OF_BOARD}) - (SELECT count(*) {_OF_BOARD} AND hidden)")
_VERSION = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, clock_timestamp()")


def read(connection: Connection, standing_keys: Collection[StandingKey]) -> list[Standing]:
    """Return those of these standings that exist."""
    if not standing_keys:
        return []
    sent = [{"b": key[0], "p": key[1], "u": key[2]} for key in standing_keys]
    return from_rows(connection.execute(_READ, {"rows": orjson.dumps(sent).decode()}).all())


def of_players(
    connection: Connection, user_ids: Collection[str], *, ended_within: timedelta | None = None
) -> list[Standing]:
    """Return every standing of these players; with `ended_within`, without closed periods that ended earlier."""
    if ended_within is not None:
        values = {"users": list(user_ids), "span": ended_within}
        return from_rows(connection.execute(_OF_PLAYERS_LATELY, values).all())
    return from_rows(connection.execute(_OF_PLAYERS, {"users": list(user_ids)}).all())


def stream(connection: Connection, board_id: str, period_id: str, rows_at_once: int) -> Iterator[list[Standing]]:
    """Yield every standing of a (board, period), hidden ones too, in pages of at most `rows_at_once`.


    For pages of one instant the transaction must be REPEATABLE READ.
    """
    after = str(UUID(int=0))
    while True:
        values = {"board": board_id, "period": period_id, "after": after, "limit": rows_at_once}
        page = from_rows(connection.execute(_NEXT, values))
        if page:
            yield page
            after = page[-1].key.user_id
        if len(page) < rows_at_once:
            return


def in_order(
    connection: Connection,
    board_id: str,
    period_id: str,
    rows_at_once: int,
    statement: TextClause = _IN_ORDER_WHOLE,
) -> Iterator[Sequence[Row[Any]]]:
    """Yield every row of a (board, period) in the one order, hidden ones too, `rows_at_once` at a time.

    `statement` is one of `in_order_of`. They are sorted once, and fetched from a cursor of the server: the connection
    does nothing else meanwhile.
    """
    values = {"board": board_id, "period": period_id}
    found = connection.execute(statement, values, execution_options={"yield_per": rows_at_once})
    return found.partitions(rows_at_once)  # the option alone only keeps a cursor on the server


def boards_with_rows(connection: Connection, boards: Sequence[BoardId]) -> set[BoardId]:
    """Return those of these boards that have a standing."""
    sent = orjson.dumps([{"b": board_id, "p": period_id} for board_id, period_id in boards]).decode()
    return {(row.b, row.p) for row in connection.execute(_WITH_ROWS, {"boards": sent})}


def has_more_than(connection: Connection, board_id: str, period_id: str, players: int) -> bool:
    """Return whether a board has more standings than `players`, without counting further than that."""
    values = {"board": board_id, "period": period_id, "limit": players + 1}
    return int(connection.execute(_AT_MOST, values).scalar_one()) > players


def hide(
    connection: Connection,
    user_id: str,
    reason: Hidden,
    *,
    is_hidden: bool,
    only_open: bool = False,
    board_id: str | None = None,
) -> list[BoardId]:
    """Hide every standing of a player for this reason, or end that, and return the boards on which it was another one.

    With `only_open`, not those of closed periods; with `board_id`, only those of this board. What is hidden for another
    reason too stays so. The caller holds `ledger.lock_exclusive`.
    """
    values = {"user": user_id, "reason": int(reason), "hidden": is_hidden, "open": only_open, "board": board_id}
    return [(row.board_id, row.period_id) for row in connection.execute(_HIDE, values)]


def rank_of(connection: Connection, board_id: str, period_id: str, user_id: str, position: Position) -> int:
    """Return the rank that a player has, or would have, at this position among the others of a board."""
    values = {"board": board_id, "period": period_id, "user": user_id, **position._asdict()}
    return int(connection.execute(_RANK, values).scalar_one())


def first_places(connection: Connection, board_id: str, period_id: str, within: int) -> list[tuple[str, int]]:
    """Return the players whose places are `within` so many, with their places: shared ones where the board has them."""
    rows = connection.execute(_FIRST_PLACES, {"board": board_id, "period": period_id, "within": within})
    return [(row.user_id, row.place) for row in rows]


def count(connection: Connection, board_id: str, period_id: str) -> int:
    """Return the number of ranked players."""
    return int(connection.execute(_COUNT, {"board": board_id, "period": period_id}).scalar_one())


def version(connection: Connection) -> tuple[int, datetime]:
    """Return a number that changes at least whenever a board does, and the instant of now."""
    number, now = connection.execute(_VERSION).one()
    return number, now


def page(connection: Connection, board_id: str, period_id: str, limit: int, which: Selection) -> Page:
    """Return the rows that `Board.page` would return, with a version that changes at least whenever the board does.

    For rows, total and version of one instant the transaction must be REPEATABLE READ.
    """
    number, now = version(connection)
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
    entries = _placed(connection, board_id, period_id, [_entry(row) for row in rows])
    head = BoardHead(DATABASE_EPOCH, number, to_milliseconds(now), total, entries)
    positions = tuple(Position(row.score, row.tie, row.second) for row in rows)
    return Page(head, rows[0].rank - 1 if rows else 0, which.kind != "around" or bool(rows), positions)


def top(connection: Connection, board_id: str, period_id: str, limit: int) -> BoardHead:
    """Return the first `limit` rows of a board."""
    return page(connection, board_id, period_id, limit, FIRST).rows


def place(connection: Connection, board_id: str, period_id: str, user_id: str, details: Details) -> Place:
    """Return the place of a known user."""
    row = connection.execute(_PLACE, {"board": board_id, "period": period_id, "user": user_id}).one_or_none()
    (entry,) = _placed(connection, board_id, period_id, [_entry(row)]) if row else (None,)
    return Place(user_id, details.username, count(connection, board_id, period_id), entry, details)


def whole(rows: str) -> TextClause:
    """Return the statement for a whole board in the one order, with every rank and shared place.

    `rows` is a query of what counts on the `:board`: user_id, score, second, tie and updated_at.
    """
    return text(f"""
    WITH {_ORDER}, found AS MATERIALIZED ({rows})
    SELECT found.user_id::text, {_CELLS}, count(*) OVER () AS total,
           row_number() OVER (ORDER BY {_ordered_by("found")}) AS rank,
           CASE WHEN (SELECT shares_places FROM board)
               THEN rank() OVER (ORDER BY {_SIGN} * found.score, {_SECOND_SIGN} * found.second) END AS place
    FROM found JOIN users u ON u.id = found.user_id
    ORDER BY rank
    """)  # noqa: S608 - built from constants


_WHOLE = whole(_SOME)


def read_board(
    connection: Connection, board_id: str, period_id: str, rows_at_once: int
) -> tuple[int, Generator[list[Entry]]]:
    """Return how many rows a board has as it is now, and pages of them, as `read_whole` does."""
    return read_whole(connection, _WHOLE, {"board": board_id, "period": period_id}, rows_at_once)


def read_whole(
    connection: Connection, statement: TextClause, values: Mapping[str, object], rows_at_once: int
) -> tuple[int, Generator[list[Entry]]]:
    """Run a statement of `whole`; return how many rows it has, and pages of so many entries, which are read as needed.

    The server keeps the result until the transaction ends, so that few rows are in memory here.
    """
    options = {"stream_results": True, "max_row_buffer": rows_at_once}
    result = connection.execute(statement, values, execution_options=options)
    first = result.fetchmany(rows_at_once)
    return first[0].total if first else 0, _pages(result, first, rows_at_once)


def _pages(result: CursorResult[Any], first: Sequence[Row[Any]], rows_at_once: int) -> Generator[list[Entry]]:
    page = first
    with result:
        while page:
            yield [replace(_entry(row), place=row.place) for row in page]
            page = result.fetchmany(rows_at_once)


def _entry(row: Row[Any]) -> Entry:
    second = row.second if row.has_second else None
    return Entry(row.user_id, "", row.score, row.rank, row.updated_at, second).with_details(details_of(row))


def _placed(connection: Connection, board_id: str, period_id: str, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return entries that follow each other, with their places if equal scores share one."""
    if not entries:
        return ()
    first = entries[0]
    values = {"board": board_id, "period": period_id, "score": first.score, "second": first.second or 0}
    place = connection.scalar(_SHARED_PLACE, values)
    return with_places(entries, place) if place else tuple(entries)


def from_rows(rows: Iterable[Sequence[Any]]) -> list[Standing]:
    """Return the standings in rows of `COLUMNS`."""
    return [
        Standing(StandingKey(board, period, user), score, tie, version, at, is_hidden, second)
        for board, period, user, score, tie, version, at, is_hidden, second in rows
    ]
