"""The periods of a board that end and in which somebody has scored: what is known of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, text

from common.postgres import period_sql

_PAGE = text(f"""
SELECT period_id, starts_at, ends_at,
       CASE WHEN ranked_at IS NOT NULL THEN 'ranked' WHEN closed_at IS NOT NULL THEN 'closed' ELSE 'open' END AS state,
       revision, CASE WHEN ranked_at IS NOT NULL THEN total END AS total,
       CASE WHEN ranked_at IS NOT NULL THEN digest END AS digest,
       CASE WHEN ranked_at IS NOT NULL THEN previous_digest END AS previous_digest
FROM periods
WHERE board_id = :board AND (CAST(:kind AS text) IS NULL OR {period_sql.KIND.format(id="period_id")} = :kind)
    AND (CAST(:before AS timestamptz) IS NULL OR (starts_at, period_id) < (:before, :before_id))
ORDER BY starts_at DESC, period_id DESC LIMIT :limit
""")  # noqa: S608 - built from constants


class ListedPeriod(NamedTuple):
    """A period that ends. `total`, `digest` and `previous_digest` are those of its final table, once it is ranked."""

    period_id: str
    starts_at: datetime
    ends_at: datetime
    state: Literal["open", "closed", "ranked"]
    revision: int
    total: int | None
    digest: str | None
    previous_digest: str | None


def page(
    connection: Connection, board_id: str, kind: str | None, limit: int, before: tuple[datetime, str] | None
) -> Sequence[ListedPeriod]:
    """Return up to `limit` periods of a board, of one kind or of all, those that began last first.

    `before` is the begin and the id of the last one of the page before.
    """
    instant, period_id = before or (None, None)
    values = {"board": board_id, "kind": kind, "before": instant, "before_id": period_id}
    return [ListedPeriod(*row) for row in connection.execute(_PAGE, {**values, "limit": limit})]
