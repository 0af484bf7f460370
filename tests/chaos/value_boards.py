"""Boards of values, and what has to stand on them, counted by the rules as a person would, with none of the product.

All of it is counted from the start each time, of updates as their senders know them. The ledger is believed in two
things only: the id that it gave an update, and when the update was accepted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from common.contract.constants import ADJUSTING, ALL_TIME, ENROLLING
from common.domain.boards import Board, Rule, SecondScore
from common.domain.scoring import Action, ClaimedBy, Kind
from common.postgres import catalogue, tables

_PERIODS = (ALL_TIME, "monthly")
BOARDS = {
    board.id: board
    for board in (
        Board("chaos-highest", rule=Rule.HIGHEST, second=SecondScore(ascending=True), periods=_PERIODS),
        Board("chaos-lowest", rule=Rule.LOWEST, ascending=True, periods=_PERIODS),
        Board("chaos-latest", rule=Rule.LATEST, periods=_PERIODS),
        Board("chaos-count", rule=Rule.COUNT, periods=_PERIODS),
        Board("chaos-sum", rule=Rule.SUM, ascending=True, second=SecondScore(ascending=False), periods=_PERIODS),
    )
}
ADDING = ("chaos-count", "chaos-sum")
"""Those on which an admin adjusts, and players are enrolled."""

FEEDS = {"chaos-run": tuple(BOARDS), "chaos-lap": ("chaos-lowest", "chaos-latest")}
"""The actions of values, and the boards on which they count. The second one has no second score."""


class Value(NamedTuple):
    """An update that counts: what its sender said, and under which id and in which month the ledger has it."""

    id: int
    user_id: str
    action_id: str
    value: int
    second: int
    happened_at: datetime
    month: str


class State(NamedTuple):
    """What has to stand for a player. `tie` is the id of the update that made the score."""

    score: int
    tie: int
    second: int


def add(connection: Connection) -> None:
    """Add the boards and their actions to the catalogue."""
    connection.execute(tables.boards.insert(), [_row(board) for board in BOARDS.values()])
    for action_id, board_ids in FEEDS.items():
        action = Action(action_id, 1, 0, board_ids, kind=Kind.VALUE, claimed_by=ClaimedBy.SERVER)
        catalogue.add(connection, action, enabled=True)


def due(board_id: str, values: Iterable[Value]) -> dict[str, State]:
    """Return what has to stand for each player of a board by these updates."""
    of_players: dict[str, list[Value]] = defaultdict(list)
    for value in values:
        if board_id in _fed_by(value):
            of_players[value.user_id].append(value)
    states = {user_id: _state(BOARDS[board_id], of_one) for user_id, of_one in of_players.items()}
    return {user_id: state for user_id, state in states.items() if state}


def in_order(board_id: str, states: dict[str, State]) -> list[tuple[str, State]]:
    """Return the players of a board from the first one to the last."""
    board = BOARDS[board_id]
    up, second_up = board.ascending, board.second is None or board.second.ascending

    def place(row: tuple[str, State]) -> tuple[int, int, int]:
        score, tie, second = row[1]
        return score if up else -score, second if second_up else -second, tie

    return sorted(states.items(), key=place)


def _fed_by(value: Value) -> Sequence[str]:
    for beginning in (ADJUSTING, ENROLLING):
        if value.action_id.startswith(beginning):
            return [value.action_id.removeprefix(beginning)]
    return FEEDS.get(value.action_id, ())


def _state(board: Board, values: Sequence[Value]) -> State | None:
    if board.rule in (Rule.SUM, Rule.COUNT):
        return _added(board, values)
    if board.rule is Rule.LATEST:
        kept = max(values, key=lambda each: (each.happened_at, each.id))
    else:
        sign = 1 if board.rule is Rule.LOWEST else -1
        kept = min(values, key=lambda each: (sign * each.value, each.second if board.second else 0, each.id))
    return State(kept.value, kept.id, kept.second if board.second else 0)


def _added(board: Board, values: Sequence[Value]) -> State | None:
    """An enrolment is a score of 0, and gives way to whatever else there is."""
    enrolled = [each.id for each in values if each.action_id.startswith(ENROLLING)]
    others = [each for each in values if each.id not in enrolled]
    if board.rule is Rule.SUM:
        others = [each for each in others if each.value or each.second]
    if not others:
        return State(0, min(enrolled), 0) if enrolled else None
    counted = [1 if board.rule is Rule.COUNT and each.action_id in FEEDS else each.value for each in others]
    second = sum(each.second for each in others) if board.second else 0
    return State(sum(counted), max(each.id for each in others), second)


def _row(board: Board) -> dict[str, object]:
    second = board.second and {"ascending": board.second.ascending, "label": "", "format": {}}
    named = {"id": board.id, "rule": board.rule, "ascending": board.ascending}
    return {**named, "periods": list(board.periods), "second": second}
