"""What an update costs a worker, by the number of standings that it moves. Pure.

A standing is a (board, period) in which the player has a score: an action on 3 boards of 4 periods moves 12.
"""

from collections.abc import Iterable, Mapping

from common.domain.boards import Board
from common.domain.scoring import Action

FIRST_MICROSECONDS, FURTHER_MICROSECONDS = 41.2, 7.8
"""From measurements of one worker on two cores: 24,300 updates a second with one period, 14,800 to 16,200 with four.
Other machines are faster or slower; what a further standing costs beside the first one is about the same."""


def standings_moved(action: Action, boards: Mapping[str, Board]) -> int:
    """Return how many standings an update of this action moves."""
    return sum(len(boards[board_id].periods) for board_id in action.boards if board_id in boards)


def updates_a_second(standings: int) -> int:
    """Return about how many updates a worker applies in a second if each moves so many standings."""
    return int(1_000_000 / (FIRST_MICROSECONDS + FURTHER_MICROSECONDS * max(0, standings - 1)) // 100 * 100)


def sentences(board: Board, boards: Mapping[str, Board], actions: Iterable[Action]) -> list[str]:
    """Return a sentence for each action that feeds the board; for a board without any, what it will cost."""
    feeding = [action for action in actions if board.id in action.boards]
    if not feeding:
        more = round(FURTHER_MICROSECONDS * len(board.periods))
        return [f"each update that feeds it moves {len(board.periods)} standings, about {more} µs of a worker's time"]
    return [
        f"{action.id} moves {moved} standings with each update: about {updates_a_second(moved):,} a second per worker"
        for action in feeding
        for moved in [standings_moved(action, boards)]
    ]
