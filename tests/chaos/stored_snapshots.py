"""What stored snapshots have to be, whatever happened while they were taken: each one the board of one instant."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Engine, text

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.postgres.snapshots import HEAD
from tests.chaos.clients import POINTS
from tests.chaos.private_players import PRIVATE_PLAYERS
from tests.chaos.value_boards import BOARDS

_NEW = text("SELECT id, board_id, period_id, total, entries FROM snapshots WHERE id > :after ORDER BY id")
_NOT_CLOSED = text("""
SELECT board_id, period_id FROM periods p
WHERE ends_at <= now() AND (closed_at IS NULL OR snapshot_due OR 1 <> (
    SELECT count(*) FROM snapshots s
    WHERE (s.board_id, s.period_id, s.taken_at) = (p.board_id, p.period_id, p.ends_at)
))
""")
_EVER_HIDDEN = text("""
SELECT count(DISTINCT subject) FILTER (WHERE action = 'suspend')
     + count(DISTINCT details->>'user') FILTER (WHERE action = 'disqualify' AND subject = :board)
FROM audit_log WHERE action IN ('suspend', 'disqualify')
""")
_EVER_CORRECTED = text("""
SELECT DISTINCT e.user_id::text FROM audit_log a JOIN score_events e ON e.id = CAST(a.details->>'event' AS bigint)
WHERE a.action IN ('void_events', 'restore_events') AND e.action_id = ANY(:actions)
""")
_SIZE = text("SELECT count(*) FROM standings WHERE board_id = :board AND period_id = :period")

# A row of the ledger never changes, so its xmin is the transaction of the batch that recorded it.
_BATCHES = text("""
SELECT xmin::text AS batch, user_id::text, max(score_after) AS score FROM score_events
WHERE user_id = ANY(CAST(:users AS uuid[])) AND action_id = ANY(:actions) GROUP BY 1, 2
""")


@dataclass
class StoredSnapshots:
    """Looks at each stored snapshot once.

    A board of points only gains, but for the players of whom an update was ever voided. On a board of values every
    score may fall.
    """

    engine: Engine
    _seen: int = 0
    _scores: dict[tuple[str, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    _totals: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def count(self) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM snapshots")).scalar_one())

    def not_closed(self) -> list[str]:
        """Periods that are over and not closed, or without the one final snapshot."""
        with self.engine.connect() as connection:
            return [
                f"{board} {period} is over and not closed whole" for board, period in connection.execute(_NOT_CLOSED)
            ]

    def problems(self) -> list[str]:
        """What is wrong with those that were stored since the last look."""
        with self.engine.connect() as connection:
            rows = connection.execute(_NEW, {"after": self._seen}).all()
            hidden = PRIVATE_PLAYERS + int(connection.execute(_EVER_HIDDEN, {"board": DEFAULT_BOARD}).scalar_one())
            corrected = set(connection.scalars(_EVER_CORRECTED, {"actions": list(POINTS)}))
            found = []
            for row in rows:
                board = BOARDS.get(row.board_id)
                of_one = [*_of_itself(row.total, row.entries, ascending=board is not None and board.ascending)]
                if board is None:
                    gaining = [entry for entry in row.entries if entry["userId"] not in corrected]
                    of_one += self._of_its_board(connection, row, gaining, hidden)
                    if (row.board_id, row.period_id) == (DEFAULT_BOARD, ALL_TIME):
                        of_one += _torn_batches(connection, gaining)
                found += [f"snapshot {row.id} of {row.board_id} {row.period_id}: {problem}" for problem in of_one]
                self._seen = row.id
        return found

    def _of_its_board(
        self,
        connection: Connection,
        row: Any,  # noqa: ANN401
        gaining: Sequence[Mapping[str, Any]],
        hidden: int,
    ) -> Iterator[str]:
        board = row.board_id, row.period_id
        size = connection.execute(_SIZE, {"board": row.board_id, "period": row.period_id}).scalar_one()
        least = self._totals[board] - hidden
        if not least <= row.total <= size:
            yield f"a total of {row.total}, where {least} to {size} are possible"
        self._totals[board] = max(self._totals[board], row.total)
        for entry in gaining:
            before = self._scores[board].get(entry["userId"], 0)
            if entry["score"] < before:
                yield f"{entry['userId']} has {entry['score']}, after {before} in an earlier one"
            self._scores[board][entry["userId"]] = entry["score"]


def _of_itself(total: int, entries: Sequence[Mapping[str, Any]], *, ascending: bool) -> Iterator[str]:
    if len(entries) != min(total, HEAD):
        yield f"{len(entries)} entries of a board of {total}"
    if [entry["rank"] for entry in entries] != list(range(1, len(entries) + 1)):
        yield "ranks are not 1, 2, 3, …"
    if len({entry["userId"] for entry in entries}) != len(entries):
        yield "a player twice"
    if any(ascending and above["score"] > below["score"] for above, below in pairwise(entries)):
        yield "not in order"
    if any(not ascending and above["score"] < below["score"] for above, below in pairwise(entries)):
        yield "not in order"


def _torn_batches(connection: Connection, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A batch was committed whole, so an instant has all of it or nothing. Each update raises its player's score."""
    scores = {entry["userId"]: entry["score"] for entry in entries}
    shown: dict[str, set[bool]] = defaultdict(set)
    for row in connection.execute(_BATCHES, {"users": list(scores), "actions": list(POINTS)}):
        shown[row.batch].add(scores[row.user_id] >= row.score)
    if torn := [batch for batch, states in shown.items() if len(states) > 1]:
        yield f"shows a part of the batches {torn}"
