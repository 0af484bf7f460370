"""Placements: the final places of a player in the periods that are over and ranked, archived ones too."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from common.postgres import archive_index, archived_ranks

# A final rank counts hidden rows too: the rank that is told is without those ahead, as the list of the period is. A
# total is of when the period was ranked, so it may lack those who were let back since.
# OFFSET 0 keeps the rows of the player a look-up by the index.
_PAGE = text("""
WITH page AS (
    SELECT s.board_id, s.period_id, s.score, s.second, s.final_rank, p.total, p.closed_at
    FROM (SELECT * FROM standings WHERE user_id = CAST(:user AS uuid) OFFSET 0) s
    JOIN periods p USING (board_id, period_id)
    WHERE NOT s.hidden AND p.ranked_at IS NOT NULL AND p.archived_at IS NULL AND s.final_rank IS NOT NULL
        AND s.board_id = ANY(:boards)
        AND (CAST(:closed_at AS timestamptz) IS NULL
            OR (p.closed_at, s.board_id, s.period_id) < (:closed_at, :before_board, :before_period))
    ORDER BY p.closed_at DESC, s.board_id DESC, s.period_id DESC LIMIT :limit
)
SELECT page.board_id, page.period_id, told.rank, greatest(page.total, told.rank) AS total, page.score,
       CASE WHEN b.second IS NOT NULL THEN page.second END AS second, page.closed_at
FROM page JOIN boards b ON b.id = page.board_id
CROSS JOIN LATERAL (
    SELECT page.final_rank - count(*) AS rank FROM standings h
    WHERE (h.board_id, h.period_id) = (page.board_id, page.period_id) AND h.hidden AND h.final_rank < page.final_rank
) AS told
ORDER BY page.closed_at DESC, page.board_id DESC, page.period_id DESC
""")


class Placement(NamedTuple):
    """The final place of a player. `second` is None on a board that has no second score."""

    board_id: str
    period_id: str
    rank: int
    total: int
    score: int
    second: int | None
    closed_at: datetime


class Before(NamedTuple):
    """The placement behind which a page begins."""

    closed_at: datetime
    board_id: str
    period_id: str


def page(
    connection: Connection, user_id: str, board_ids: Collection[str], limit: int, before: Before | None
) -> list[Placement]:
    """Return up to `limit` placements on these boards, those of the periods that were closed last first.

    For placements of one instant the transaction must be REPEATABLE READ.
    """
    in_standings = _in_standings(connection, user_id, board_ids, limit, before)
    # Behind the last one of a whole page nothing is wanted, so nobody looks there.
    last = _place_of(in_standings[-1]) if len(in_standings) == limit else None
    archived = _in_archives(connection, user_id, board_ids, limit, (before, last))
    return sorted([*in_standings, *archived], key=_place_of, reverse=True)[:limit]


def _place_of(placement: Placement) -> Before:
    return Before(placement.closed_at, placement.board_id, placement.period_id)


def _in_archives(
    connection: Connection,
    user_id: str,
    board_ids: Collection[str],
    limit: int,
    between: tuple[Before | None, Before | None],
) -> Iterator[Placement]:
    found = archive_index.of_player_between(connection, user_id, list(board_ids), limit, between)
    for period, ranked in zip(found, archived_ranks.of_player(connection, user_id, found), strict=True):
        if ranked is not None:
            total = max(period.total, ranked.rank)
            yield Placement(*period.board, ranked.rank, total, ranked.score, ranked.second, period.closed_at)


def _in_standings(
    connection: Connection, user_id: str, board_ids: Collection[str], limit: int, before: Before | None
) -> list[Placement]:
    values = {
        "user": user_id,
        "boards": list(board_ids),
        "limit": limit,
        "closed_at": before.closed_at if before else None,
        "before_board": before.board_id if before else None,
        "before_period": before.period_id if before else None,
    }
    return [Placement(*row) for row in connection.execute(_PAGE, values)]
