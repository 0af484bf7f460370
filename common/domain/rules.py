"""The rules of an action: how soon it counts again, how often in a day and ever, and on which boards still. Pure.

An update is judged by the instant at which it was accepted, never by the client's clock, and against the uses that
counted. Days are UTC.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from common.contract.errors import ErrorCode
from common.domain.boards import Board
from common.domain.parts import Reserved
from common.domain.scoring import Action


class Window(NamedTuple):
    """The span of time in which other uses matter, both ends included."""

    since: datetime
    until: datetime

    def join(self, other: "Window") -> "Window":
        """Return the shortest window that contains both."""
        return Window(min(self.since, other.since), max(self.until, other.until))


_CLOCKS_DIFFER_BY = timedelta(seconds=5)
"""The greatest difference between the clocks of a web process and of the Redis server."""

_EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def judge(action: Action, accepted_at: datetime, uses: Collection[datetime]) -> ErrorCode | None:
    """Return the reason for which a use does not count, or None. `uses` are those of the player that did, in any order.

    A worker may meet two uses in the wrong order, so the cooldown holds towards both sides.
    """
    if any(abs(accepted_at - use) < _cooldown(action) for use in uses):
        return ErrorCode.ACTION_ON_COOLDOWN
    if action.daily_limit is not None:
        day = _day(accepted_at)
        if sum(day.since <= use <= day.until for use in uses) >= action.daily_limit:
            return ErrorCode.ACTION_LIMIT_REACHED
    if action.lifetime_limit is not None and len(uses) >= action.lifetime_limit:
        return ErrorCode.ACTION_LIMIT_REACHED
    return None


def left_out(action: Action, accepted_at: datetime, boards: Mapping[str, Board]) -> dict[str, ErrorCode]:
    """Return the boards of the action on which an update of that instant does not count, each with the reason.

    A player may be enrolled on a board before it opens, so that everybody stands at 0 when it does.
    """
    known = (board_id for board_id in action.boards if board_id in boards)
    refusals = {board_id: boards[board_id].refusal_at(accepted_at) for board_id in known}
    left = {board_id: refusal for board_id, refusal in refusals.items() if refusal}
    if left and action.reserved is Reserved.ENROLMENT:
        return {board_id: refusal for board_id, refusal in left.items() if refusal is not ErrorCode.BOARD_NOT_OPEN}
    return left


def refusal_of_boards(action: Action, left: Mapping[str, ErrorCode]) -> ErrorCode | None:
    """Return the reason for which an update counts on none of its boards, or None if one is left to count on.

    `left` is what `left_out` returns. It is `board_not_open` only if every board opens later.
    """
    if len(left) < len(action.boards):
        return None
    return ErrorCode.BOARD_CLOSED if ErrorCode.BOARD_CLOSED in left.values() else ErrorCode.BOARD_NOT_OPEN


def refusals_about(action: Action, now: datetime, boards: Mapping[str, Board]) -> set[ErrorCode | None]:
    """Return what `refusal_of_boards` may say of an update that is accepted now, by whichever of the clocks.

    The door has its own clock, and the worker judges by that of the Redis server.
    """
    instants = (now - _CLOCKS_DIFFER_BY, now + _CLOCKS_DIFFER_BY)
    return {refusal_of_boards(action, left_out(action, instant, boards)) for instant in instants}


def window(action: Action, accepted_at: datetime) -> Window:
    """Return the window of the uses that `judge` needs to know."""
    if action.lifetime_limit is not None:
        return _EVER
    apart = Window(accepted_at - _cooldown(action), accepted_at + _cooldown(action))
    return apart if action.daily_limit is None else apart.join(_day(accepted_at))


def _cooldown(action: Action) -> timedelta:
    return timedelta(seconds=action.cooldown_seconds or 0)


def _day(at: datetime) -> Window:
    date = at.astimezone(UTC).date()
    return Window(datetime.combine(date, time.min, UTC), datetime.combine(date, time.max, UTC))
