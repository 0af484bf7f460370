"""Score calculation: what a recorded event does to a player's standing. Pure.

The fold joins the events of one batch into one part per standing (`common/domain/parts.py`), and the database merges
the part into the row under the row's own lock (`common/postgres/parts.py`). Both are the same commutative operation, so
neither the order in which workers commit nor the size of a batch ever shows in a result.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from common.contract.constants import ADJUSTING, ENROLLING, GREATEST_SCORE
from common.domain.achievements import Achievement, AchievementKind
from common.domain.boards import Board, Visibility
from common.domain.parts import ADDING, Event, Part, Reserved, join, part_of
from common.domain.periods import Period
from common.domain.standing import BoardId, StandingKey


class Kind(StrEnum):
    """Whether an action is worth points of the catalogue, or carries a value that a game server states."""

    POINTS = "points"
    VALUE = "value"


class ClaimedBy(StrEnum):
    """Who may claim an action: a player, a game server, either, or nobody but an admin who corrects a score."""

    PLAYER = "player"
    SERVER = "server"
    BOTH = "both"
    ADMIN = "admin"


@dataclass(frozen=True)
class Action:
    """A row of the catalogue: how many points an action is worth, on which boards, and by which rules.

    `cooldown_seconds` is the least time between two uses of one player that count, `daily_limit` how many count in a
    UTC day, `lifetime_limit` how many ever count; None means no such rule. An action of values has 0 points and the
    least and the greatest value that it takes.
    """

    id: str
    version: int
    points: int
    boards: tuple[str, ...]
    cooldown_seconds: int | None = None
    daily_limit: int | None = None
    lifetime_limit: int | None = None
    kind: Kind = Kind.POINTS
    value_min: int | None = None
    value_max: int | None = None
    claimed_by: ClaimedBy = ClaimedBy.BOTH

    def __post_init__(self) -> None:
        if abs(self.points) > GREATEST_SCORE:
            raise ValueError(f"action {self.id}: points beyond 2^53-1")
        limits = (self.cooldown_seconds, self.daily_limit, self.lifetime_limit)
        if any(rule is not None and rule < 1 for rule in limits):
            raise ValueError(f"action {self.id}: a rule is a whole number from 1 up, or none")

    @property
    def has_rules(self) -> bool:
        return (self.cooldown_seconds, self.daily_limit, self.lifetime_limit) != (None, None, None)

    @property
    def reserved(self) -> Reserved | None:
        """What an event of this action does if a board has brought the action with it; None for every other one."""
        if self.claimed_by is not ClaimedBy.ADMIN:
            return None
        return Reserved.ENROLMENT if self.id.startswith(ENROLLING) else Reserved.ADJUSTMENT


def adjustment_of(board: Board) -> Action | None:
    """Return the action by which an admin adjusts a score on a board; None where the rule adds nothing up."""
    return _reserved(ADJUSTING, board)


def enrolment_of(board: Board) -> Action | None:
    """Return the action by which a player begins at 0 on a board; None where the rule adds nothing up."""
    return _reserved(ENROLLING, board)


def _reserved(beginning: str, board: Board) -> Action | None:
    if board.rule not in ADDING:
        return None
    return Action(f"{beginning}{board.id}", 1, 0, (board.id,), kind=Kind.VALUE, claimed_by=ClaimedBy.ADMIN)


@dataclass(frozen=True)
class Catalogue:
    """The actions, boards and achievements in force, by id.

    `achievements_version` counts the changes of what counts towards achievements: a batch is recorded by no other one.
    """

    actions: Mapping[str, Action]
    boards: Mapping[str, Board]
    achievements: Mapping[str, Achievement] = field(default_factory=dict)
    achievements_version: int = 0

    @cached_property
    def bounded(self) -> Mapping[str, Board]:
        """The boards that do not take every update, since they open, close, or are archived."""
        return {
            board.id: board for board in self.boards.values() if board.opens_at or board.closes_at or board.archived_at
        }

    @cached_property
    def reserved(self) -> Mapping[str, Reserved]:
        """What the actions do that boards have brought with them, by id. There is one once it was used first."""
        return {action.id: action.reserved for action in self.actions.values() if action.reserved}

    @cached_property
    def counting(self) -> Mapping[str, tuple[Achievement, ...]]:
        """The achievements that count uses, by the id of the action."""
        found: dict[str, tuple[Achievement, ...]] = {}
        for achievement in self.achievements.values():
            if achievement.kind is AchievementKind.COUNT and achievement.enabled:
                for action_id in achievement.actions:
                    found[action_id] = (*found.get(action_id, ()), achievement)
        return found

    @cached_property
    def reaching(self) -> Mapping[tuple[str, str], tuple[Achievement, ...]]:
        """The achievements of scores, by board id and the name of the period."""
        found: dict[tuple[str, str], tuple[Achievement, ...]] = {}
        for achievement in self.achievements.values():
            if achievement.kind is AchievementKind.SCORE and achievement.enabled:
                place = (achievement.board_id or "", achievement.period or "")
                found[place] = (*found.get(place, ()), achievement)
        return found

    def public_board(self, board_id: str) -> Board | None:
        """Return the board of this id if everybody may see it, or None."""
        board = self.boards.get(board_id)
        return board if board and board.visibility is Visibility.PUBLIC else None

    def open_boards(self, now: datetime) -> list[BoardId]:
        """Return each board with each of its periods that is open at this instant, in order of the boards' ids."""
        return [
            (board_id, period_id) for board_id in sorted(self.boards) for period_id in self.periods_of(board_id, now)
        ]

    def periods_of(self, board_id: str, instant: datetime) -> tuple[str, ...]:
        """Return the ids of the periods of a board that an instant belongs to; none of a board that is not known."""
        board = self.boards.get(board_id)
        return board.period_ids_at(instant) if board else ()

    def open_periods(self, now: datetime) -> dict[BoardId, Period]:
        """Return the periods of every board that are open at this instant."""
        return {(board.id, period.id): period for board in self.boards.values() for period in board.open_periods(now)}


def fold(events: Iterable[Event], boards: Mapping[str, Board]) -> dict[StandingKey, Part]:
    """Return one part for each (board, period, user), by the rules of these boards.

    An event counts on no board that is not among them.
    """
    folded: dict[StandingKey, Part] = {}
    for event in events:
        user_id, accepted_at = event.user_id, event.accepted_at
        for board_id in event.boards:
            board = boards.get(board_id)
            if board is None or (part := part_of(event, board)) is None:
                continue
            for period_id in board.period_ids_at(accepted_at):
                key = StandingKey(board_id, period_id, user_id)
                known = folded.get(key)
                folded[key] = part if known is None else join(known, part, board)
    return folded


def scores_after(events: Iterable[Event], board_id: str, final: Mapping[str, int]) -> dict[int, int]:
    """Return the player's score on `board_id` right after each event, by ledger id.

    `final` holds each player's score after the whole batch; going back through the batch takes each event off, so this
    is of boards of the rule `sum` only.
    """
    running = dict(final)
    after: dict[int, int] = {}
    for event in sorted(events, key=lambda event: event.ledger_id, reverse=True):
        score = running.get(event.user_id, 0)
        after[event.ledger_id] = score
        if board_id in event.boards:
            running[event.user_id] = score - event.points
    return after
