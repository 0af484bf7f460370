"""Verification: the ledger is compared with the standings, and the standings with the boards in Redis.

The ledger is also compared with the steps towards achievements, which nothing but PostgreSQL has.

Players are checked in slices, each in one snapshot of PostgreSQL, so it can be done beside a service at work. What a
worker has committed and not projected yet differs for a moment; callers check again before they call it drift.

What the standings should be is the ledger's checkpoint (`common/postgres/checkpoint.py`) and the rows after it, so the
cost of a slice does not grow with the ledger as long as the checkpoint follows it. A ledger row that is included in the
checkpoint and was changed by hand afterwards is found only once the whole ledger is read again (`Checkpoint.reset`).

Archived periods are not compared with the ledger: they are what they were when their digest was recorded, which
`scoreboard verify --periods` computes again.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Engine, text

from common.core.chunk_size import ChunkSize
from common.domain.achievements import StepKey
from common.domain.standing import BoardId, Standing, StandingKey
from common.postgres import archives, checkpoint, ledger, parts, period_closing, recounts, standings, step_counts
from common.postgres.checkpoint import Checkpoint
from common.postgres.engine import bounded_transaction
from common.redis_store.board import Board

SLICE = ChunkSize(100, least=1, most=500)
"""The number of players that one slice checks."""

LONGEST_TAIL = 20_000
"""The most ledger ids after the checkpoint with which players are still checked: every slice reads their rows."""

TIMEOUT_MS = 30_000
"""The default limit of one statement."""

RECOUNT_TIMEOUT_MS = 5_000
"""The limit of one statement while every batch waits."""

COMPARED_IN_REDIS = period_closing.KEPT_IN_REDIS + timedelta(days=1)
"""How long after its end Redis may still show a closed period."""

State = tuple[int, int, int]
"""Score, tiebreaker and second score of a standing."""


class Drift(NamedTuple):
    """A standing that differs from its source: in PostgreSQL from the ledger, in Redis from PostgreSQL.

    Steps towards an achievement that differ from the ledger are told in the same form: the achievement stands for the
    board, the scope for the period, and the steps for the score.
    """

    where: Literal["postgresql", "redis", "steps"]
    key: StandingKey
    expected: State | None
    found: State | None


# Whatever it believes of their size: the totals have no statistics when they were just added up, and PostgreSQL would
# read all of them for each slice.
_BY_INDEX = text("SET LOCAL enable_seqscan = off")

_PLAYERS = text("SELECT id::text FROM users WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :limit")
_COUNT = text("SELECT count(*) FROM users")

_RANGE = text("SELECT event_id, (SELECT coalesce(max(id), 0) FROM score_events) FROM ledger_checkpoint")

# Both ends are written out, so that PostgreSQL reads these rows by their ids, and all else from them.
_DUE = f"""
WITH tail AS MATERIALIZED (SELECT * FROM score_events WHERE id > :after AND id <= :to),
of_players AS (SELECT * FROM tail WHERE user_id = ANY(CAST(:users AS uuid[]))),
parts AS (
    {parts.OF_TOTALS} WHERE t.user_id = ANY(CAST(:users AS uuid[])) AND NOT {archives.IS_ARCHIVED.format(row="t")}
    UNION ALL
    {parts.COUNTED.format(rows="of_players")}
),
due AS ({parts.ADDED.format(parts="parts")} UNION ALL ({parts.KEPT.format(parts="parts")}))
"""  # noqa: S608 - built from constants

_IS_EMPTY = standings.IS_EMPTY.format(row="s")
_IS_ARCHIVED = archives.IS_ARCHIVED.format(row="s")
_LEDGER_DRIFTS = text(f"""
{_DUE}
SELECT board_id, period_id, user_id::text,
       due.score AS due_score, due.tie AS due_tie, due.second AS due_second, s.score, s.tie, s.second
FROM due
FULL JOIN (
    SELECT * FROM standings s WHERE user_id = ANY(CAST(:users AS uuid[])) AND NOT {_IS_EMPTY} AND NOT {_IS_ARCHIVED}
) s USING (board_id, period_id, user_id)
WHERE (due.score, due.tie, due.second) IS DISTINCT FROM (s.score, s.tie, s.second)
""")  # noqa: S608 - built from constants

_RECOUNT = text(f"""
{_DUE}
{recounts.SET}
RETURNING s.board_id, s.period_id
""")

_FORGET = text(f"""
{_DUE}
DELETE FROM standings s
WHERE user_id = ANY(CAST(:users AS uuid[])) AND NOT {_IS_EMPTY} AND NOT {_IS_ARCHIVED} AND NOT EXISTS (
    SELECT FROM due WHERE (due.board_id, due.period_id, due.user_id) = (s.board_id, s.period_id, s.user_id)
)
RETURNING s.board_id, s.period_id
""")  # noqa: S608 - built from constants


class Verifier:
    """Compares a database with a Redis server."""

    def __init__(self, engine: Engine, board: Board) -> None:
        self.checkpoint = Checkpoint(engine)
        self._engine = engine
        self._board = board
        self._without_surplus: dict[BoardId, tuple[str | None, int]] = {}

    def player_count(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(_COUNT).scalar_one())

    def archived_periods(self) -> int:
        """Return how many periods are archived, and so not compared with the ledger."""
        with self._engine.connect() as connection:
            return archives.count(connection)

    def players(self, after: str, limit: int = SLICE.most) -> list[str]:
        """Return the next user ids after `after`, in order; begin with the nil UUID."""
        with self._engine.connect() as connection:
            return list(connection.scalars(_PLAYERS, {"after": after, "limit": limit}))

    def check(self, user_ids: Collection[str], timeout_ms: int = TIMEOUT_MS) -> list[Drift]:
        """Return every standing of these players that differs, and their steps towards achievements that do.

        Boards that Redis does not serve are not compared.

        Raises database.TooSlowError if a statement takes longer.
        """
        with bounded_transaction(self._engine, timeout_ms, "REPEATABLE READ") as connection:
            connection.execute(_BY_INDEX)
            unfounded = [*_ledger_drifts(connection, user_ids), *_step_drifts(connection, user_ids)]
            rows = standings.of_players(connection, user_ids, ended_within=COMPARED_IN_REDIS)
        return [*unfounded, *self._redis_drifts(rows)]

    def check_again(self, drifts: Iterable[Drift], timeout_ms: int = TIMEOUT_MS) -> list[Drift]:
        """Return the drifts that persist."""
        user_ids = sorted({drift.key.user_id for drift in drifts})
        return [drift for some in _slices(user_ids) for drift in self.check(some, timeout_ms)]

    def surplus(self, board_id: str, period_id: str) -> int:
        """Return how many more players Redis shows than PostgreSQL has standings. A new player is never counted."""
        shown = self._board.size(board_id, period_id)
        with self._engine.connect() as connection:
            return max(0, shown - standings.count(connection, board_id, period_id))

    def surpluses(self, boards: Sequence[BoardId]) -> dict[BoardId, int]:
        """Return what `surplus` returns of the boards that have one.

        Boards that are empty in Redis have none, and those that are as they were when this process last found none
        are not counted again.
        """
        sizes = self._board.sizes(boards)
        _, states = self._board.states_of(boards)
        looks = {board: (states[board], size) for board, size in sizes.items() if size}
        found = {
            board: surplus
            for board, look in looks.items()
            if self._without_surplus.get(board) != look and (surplus := self.surplus(*board))
        }
        self._without_surplus = {board: look for board, look in looks.items() if board not in found}
        return found

    def recount(self, user_ids: Collection[str]) -> None:
        """Set the standings and steps of these players to what the ledger says. The caller rebuilds their boards.

        Closed periods in which that changes something are amended: they get a new revision, and are ranked anew.
        The checkpoint should be near the end of the ledger: the rows after it are read while every batch waits.
        """
        for some in _slices(sorted(user_ids)):
            with bounded_transaction(self._engine, RECOUNT_TIMEOUT_MS) as connection:
                checkpoint.hold(connection)  # else rows that it takes in meanwhile would count twice
                ledger.lock_exclusive(connection)
                connection.execute(_BY_INDEX)
                values = _of(connection, some)
                changed = [*connection.execute(_RECOUNT, values), *connection.execute(_FORGET, values)]
                period_closing.amend(connection, {(row.board_id, row.period_id) for row in changed})
                step_counts.repair(connection, some, *connection.execute(_RANGE).one())

    def _redis_drifts(self, rows: Iterable[Standing]) -> list[Drift]:
        by_board: dict[BoardId, list[Standing]] = {}
        for row in rows:
            by_board.setdefault(row.key.board, []).append(row)
        shown = self._board.states({board: [row.key.user_id for row in group] for board, group in by_board.items()})
        return [
            Drift("redis", row.key, _due(row), found)
            for board, group in by_board.items()
            for row, found in zip(group, shown[board] or (), strict=False)
            if found != _due(row)
        ]


def _due(row: Standing) -> State | None:
    """Return the state that Redis has to show for a standing; None for one that is hidden."""
    return None if row.hidden else (row.score, row.tiebreaker, row.second)


def boards_of(drifts: Iterable[Drift]) -> list[BoardId]:
    """Return the boards that a repair has to fill again."""
    return sorted({drift.key.board for drift in drifts if drift.where != "steps"})


def _slices(user_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(user_ids), SLICE.size):
        yield user_ids[start : start + SLICE.size]


def _of(connection: Connection, user_ids: Collection[str]) -> dict[str, object]:
    """Return the parameters of a statement about these players, bounded by the ledger's greatest id as of now."""
    after, to = connection.execute(_RANGE).one()
    return {"users": list(user_ids), "after": after, "to": to}


def _ledger_drifts(connection: Connection, user_ids: Collection[str]) -> Sequence[Drift]:
    found = connection.execute(_LEDGER_DRIFTS, _of(connection, user_ids))
    return [
        Drift(
            "postgresql",
            StandingKey(row.board_id, row.period_id, row.user_id),
            None if row.due_score is None else (row.due_score, row.due_tie, row.due_second),
            None if row.score is None else (row.score, row.tie, row.second),
        )
        for row in found
    ]


def _step_drifts(connection: Connection, user_ids: Collection[str]) -> list[Drift]:
    after, to = connection.execute(_RANGE).one()
    found = step_counts.drifts(connection, user_ids, after, to)
    return [Drift("steps", _in_place_of(drift.key), (drift.expected, 0, 0), (drift.found, 0, 0)) for drift in found]


def _in_place_of(key: StepKey) -> StandingKey:
    return StandingKey(key.achievement_id, key.scope, key.user_id)
