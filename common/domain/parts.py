"""The scoring rules as merges: what one event is worth, and how two such parts become one. Pure.

A part is what some events of a player make of their score on one board in one period. Each rule joins two parts in a
way in which neither the order nor the grouping matters, so neither the order in which workers commit nor the size of a
batch ever shows in a result. The same rules stand in SQL in `common/postgres/parts.py`: as a merge of a part into its
row, and as a recount of the ledger. One test holds the three forms equal (`tests/integration/test_scoring_rules.py`).

| rule      | part of an event | two parts together                                    | tiebreaker           |
|-----------|------------------|-------------------------------------------------------|----------------------|
| `sum`     | its points       | added                                                 | the greatest id      |
| `count`   | 1                | added                                                 | the greatest id      |
| `highest` | its value        | the better one: score, second score, then least id    | that of the one kept |
| `lowest`  | its value        | the same                                              | that of the one kept |
| `latest`  | its value        | the later one by the event's own time, then by its id | that of the one kept |

The second score is added where the score is, and kept with it where that is kept: 12 rounds in 120 s are never told
with the 90 s that another run took for 10 rounds (ADR 26).
"""

from datetime import UTC, datetime
from typing import NamedTuple

from common.domain.boards import Board, Rule

ADDING = (Rule.COUNT, Rule.SUM)
"""The rules that add; the others keep one of the events."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class Part(NamedTuple):
    """What events make of a standing. `tiebreaker` is a ledger id; `decided_at` is when the kept event happened.

    `second` is 0 on a board without a second score, `decided_at` None under every rule but `latest`.
    """

    score: int
    tiebreaker: int
    second: int = 0
    decided_at: datetime | None = None


class Event(NamedTuple):
    """A fresh ledger entry. `points` is the value of an action of values; `boards` are those on which it counts.

    `occurred_at` is by the client's clock; the rule `latest` needs it.
    """

    ledger_id: int
    user_id: str
    points: int
    boards: tuple[str, ...]
    accepted_at: datetime
    second: int = 0
    occurred_at: datetime | None = None


def part_of(event: Event, board: Board) -> Part | None:
    """Return what an event is worth on a board.

    Where points add up, an event of nothing is no part: it neither ranks a player nor moves their tiebreaker.
    """
    ledger_id, _user, points, _boards, _accepted_at, second, occurred_at = event
    rule = board.rule
    if board.second is None:
        second = 0
    if rule is Rule.SUM:
        return Part(points, ledger_id, second) if points or second else None
    if rule is Rule.COUNT:
        return Part(1, ledger_id, second)
    return Part(points, ledger_id, second, occurred_at if rule is Rule.LATEST else None)


def join(one: Part, other: Part, board: Board) -> Part:
    """Return two parts of a standing as one."""
    if board.rule in ADDING:
        tiebreaker = max(one.tiebreaker, other.tiebreaker)
        return Part(one.score + other.score, tiebreaker, one.second + other.second)
    return min(one, other, key=lambda part: _precedence(part, board))


def _precedence(part: Part, board: Board) -> tuple[float, float, float]:
    """Return what orders the parts of a rule that keeps one: the least is kept."""
    if board.rule is Rule.LATEST:
        return -((part.decided_at or _NEVER).timestamp()), 0, -part.tiebreaker
    second = part.second if board.second and board.second.ascending else -part.second
    return part.score if board.rule is Rule.LOWEST else -part.score, second, part.tiebreaker
