"""Whether all that is told twice agrees: the ledger with the standings, and the standings with the boards in Redis.

Players are checked in slices, each in one snapshot of PostgreSQL, so it can be done beside a service at work. What a
worker has committed and not projected yet differs for a moment; whoever asks looks again before calling it drift.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Engine, text

from common import ledger, standings
from common.board import Board, BoardId, Standing
from common.scoring import StandingKey

SLICE = 500
"""Players that are checked at once."""

State = tuple[int, int]
"""Score and tie."""


class Drift(NamedTuple):
    """A standing that is not what it follows from: in PostgreSQL the ledger, in Redis the standing in PostgreSQL."""

    where: Literal["postgresql", "redis"]
    key: StandingKey
    expected: State | None
    found: State | None


_PLAYERS = text("SELECT id::text FROM users WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :limit")
_COUNT = text("SELECT count(*) FROM users")

# As `scoring.fold` counts: by the version of the action that the ledger names, in the periods of the acceptance, and
# in a closed period up to the row at which it was closed.
_COUNTED = """
SELECT b.board_id, p.period_id, e.user_id, sum(e.points)::bigint AS score, max(e.id) AS tie,
       max(e.recorded_at) AS updated_at
FROM score_events e
JOIN actions a ON (a.id, a.version) = (e.action_id, e.action_version)
CROSS JOIN LATERAL unnest(a.boards) AS b(board_id)
CROSS JOIN LATERAL (VALUES
    ('all'),
    (to_char(e.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
    (to_char(e.accepted_at AT TIME ZONE 'UTC', 'IYYY-"W"IW')),
    (to_char(e.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM'))
) AS p(period_id)
LEFT JOIN periods c ON (c.board_id, c.period_id) = (b.board_id, p.period_id)
WHERE e.user_id = ANY(CAST(:users AS uuid[])) AND e.points <> 0 AND (c.last_event_id IS NULL OR e.id <= c.last_event_id)
GROUP BY b.board_id, p.period_id, e.user_id
"""

_UNFOUNDED = text(f"""
SELECT board_id, period_id, user_id::text, counted.score AS due_score, counted.tie AS due_tie, s.score, s.tie
FROM ({_COUNTED}) counted
FULL JOIN (SELECT * FROM standings WHERE user_id = ANY(CAST(:users AS uuid[]))) s USING (board_id, period_id, user_id)
WHERE (counted.score, counted.tie) IS DISTINCT FROM (s.score, s.tie)
""")  # noqa: S608 - built from constants

_RECOUNT = text(f"""
INSERT INTO standings AS s (board_id, period_id, user_id, score, tie, version, updated_at, hidden)
SELECT board_id, period_id, user_id, score, tie, 1, counted.updated_at, u.suspended_at IS NOT NULL
FROM ({_COUNTED}) counted JOIN users u ON u.id = counted.user_id
ORDER BY board_id, period_id, user_id
ON CONFLICT (board_id, period_id, user_id) DO UPDATE
SET score = excluded.score, tie = excluded.tie, version = s.version + 1, updated_at = excluded.updated_at
WHERE (s.score, s.tie) <> (excluded.score, excluded.tie)
""")  # noqa: S608 - built from constants

_FORGET = text(f"""
DELETE FROM standings s WHERE user_id = ANY(CAST(:users AS uuid[])) AND NOT EXISTS (
    SELECT FROM ({_COUNTED}) counted
    WHERE (counted.board_id, counted.period_id, counted.user_id) = (s.board_id, s.period_id, s.user_id)
)
""")  # noqa: S608 - built from constants


class Verifier:
    """Compares one database with one Redis."""

    def __init__(self, engine: Engine, board: Board) -> None:
        self._engine = engine
        self._board = board

    def player_count(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(_COUNT).scalar_one())

    def players(self, after: str, limit: int = SLICE) -> list[str]:
        """The next ids in order; begin with the nil UUID."""
        with self._engine.connect() as connection:
            return list(connection.scalars(_PLAYERS, {"after": after, "limit": limit}))

    def check(self, user_ids: Collection[str]) -> list[Drift]:
        """Every standing of these players that differs, as far as Redis shows its board."""
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            unfounded = _unfounded(connection, user_ids)
            rows = standings.of_players(connection, user_ids)
        return [*unfounded, *self._unshown(rows)]

    def check_again(self, drifts: Iterable[Drift]) -> list[Drift]:
        """What of it still differs."""
        user_ids = {drift.key.user_id for drift in drifts}
        return self.check(user_ids) if user_ids else []

    def surplus(self, board_id: str, period_id: str) -> int:
        """How many more players Redis shows than there are standings. Read in this order, a new one is no surplus."""
        shown = self._board.size(board_id, period_id)
        with self._engine.connect() as connection:
            return max(0, shown - standings.count(connection, board_id, period_id))

    def recount(self, user_ids: Collection[str]) -> None:
        """Make the standings of these players what the ledger says. The caller rebuilds their boards in Redis."""
        values = {"users": list(user_ids)}
        with self._engine.begin() as connection:
            ledger.hold(connection)
            connection.execute(_RECOUNT, values)
            connection.execute(_FORGET, values)

    def _unshown(self, rows: Iterable[Standing]) -> list[Drift]:
        by_board: dict[BoardId, list[Standing]] = {}
        for row in rows:
            by_board.setdefault(row.key[:2], []).append(row)
        shown = self._board.states({board: [row.key.user_id for row in group] for board, group in by_board.items()})
        return [
            Drift("redis", row.key, _due(row), found)
            for board, group in by_board.items()
            for row, found in zip(group, shown[board] or (), strict=False)
            if found != _due(row)
        ]


def _due(row: Standing) -> State | None:
    """What Redis has to show of a standing."""
    return None if row.hidden else (row.score, row.tie)


def boards_of(drifts: Iterable[Drift]) -> list[BoardId]:
    """The boards that a repair has to fill again."""
    return sorted({drift.key[:2] for drift in drifts})


def _unfounded(connection: Connection, user_ids: Collection[str]) -> Sequence[Drift]:
    found = connection.execute(_UNFOUNDED, {"users": list(user_ids)})
    return [
        Drift(
            "postgresql",
            StandingKey(row.board_id, row.period_id, row.user_id),
            None if row.due_score is None else (row.due_score, row.due_tie),
            None if row.score is None else (row.score, row.tie),
        )
        for row in found
    ]
