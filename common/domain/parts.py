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

Where the score is added, a board has two events of its own (ADR 29). An adjustment counts its value, under `count` too.
An enrolment is a part of nothing, which gives way to every other part: it makes a standing of 0 with its own id as
tiebreaker where there is none, and moves no standing that there is.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from common.domain.boards import Board, Rule

ADDING = (Rule.COUNT, Rule.SUM)
"""The rules that add; the others keep one of the events."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class Reserved(StrEnum):
    """What an event of an action does that a board brings with it."""

    ADJUSTMENT = "adjustment"
    ENROLMENT = "enrolment"


class Part(NamedTuple):
    """What events make of a standing. `tiebreaker` is a ledger id; `decided_at` is when the kept event happened.

    `second` is 0 on a board without a second score. `decided_at` is None under every rule but `latest`; where points
    add up, a part of nothing but an enrolment has the instant of that.
    """

    score: int
    tiebreaker: int
    second: int = 0
    decided_at: datetime | None = None


class Event(NamedTuple):
    """A fresh ledger entry. `points` is the value of an action of values; `boards` are those on which it counts.

    `occurred_at` is by the client's clock; the rule `latest` needs it. `reserved` is None for what players and game
    servers claim.
    """

    ledger_id: int
    user_id: str
    points: int
    boards: tuple[str, ...]
    accepted_at: datetime
    second: int = 0
    occurred_at: datetime | None = None
    reserved: Reserved | None = None


def part_of(event: Event, board: Board) -> Part | None:
    """Return what an event is worth on a board.

    Where points add up, an event of nothing is no part: it neither ranks a player nor moves their tiebreaker.
    """
    ledger_id, _user, points, _boards, accepted_at, second, occurred_at, reserved = event
    rule = board.rule
    if board.second is None:
        second = 0
    if reserved is Reserved.ENROLMENT:
        return Part(0, ledger_id, 0, accepted_at)
    if rule is Rule.SUM:
        return Part(points, ledger_id, second) if points or second else None
    if rule is Rule.COUNT:
        return Part(points if reserved else 1, ledger_id, second)
    return Part(points, ledger_id, second, occurred_at if rule is Rule.LATEST else None)


def join(one: Part, other: Part, board: Board) -> Part:
    """Return two parts of a standing as one."""
    if board.rule in ADDING:
        if one.decided_at or other.decided_at:
            return _without_enrolment(one, other)
        tiebreaker = max(one.tiebreaker, other.tiebreaker)
        return Part(one.score + other.score, tiebreaker, one.second + other.second)
    return min(one, other, key=lambda part: _precedence(part, board))


def _without_enrolment(one: Part, other: Part) -> Part:
    """Return the part that stays of two of which one, or each, is nothing but an enrolment."""
    if one.decided_at and other.decided_at:
        return min(one, other, key=lambda part: part.tiebreaker)
    return other if one.decided_at else one


def _precedence(part: Part, board: Board) -> tuple[float, float, float]:
    """Return what orders the parts of a rule that keeps one: the least is kept."""
    if board.rule is Rule.LATEST:
        return -((part.decided_at or _NEVER).timestamp()), 0, -part.tiebreaker
    second = part.second if board.second and board.second.ascending else -part.second
    return part.score if board.rule is Rule.LOWEST else -part.score, second, part.tiebreaker
