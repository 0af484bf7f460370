"""Which boards Redis does not serve, asked so that it costs what moves, not what there is.

The script that knows for certain compares the sizes of a board's keys. It is called for the boards that have moved or
that Redis does not have, and for some of the others in turn; of the rest one plain command in one round trip tells that
nothing has happened to them.
"""

from collections.abc import Collection, Sequence

from common.domain.standing import BoardId
from common.redis_store.board import Board

IN_TURN = 100
"""How many boards that have not moved are looked at closely each time."""


class ServedBoards:
    """What a process knows of the boards of one Redis server."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._server = ""
        self._known: dict[BoardId, str] = {}
        self._shared: frozenset[str] = frozenset()
        self._turn = 0

    def find_unserved(self, boards: Sequence[BoardId], shared: Collection[str] | None = None) -> list[BoardId]:
        """Return those of these boards that Redis does not serve.

        `shared`, if given, has the ids of the boards on which equal scores share a place: the boards learn it here.
        """
        server, states = self._board.states_of(boards)
        if server != self._server:  # restarted, or another one: nothing is known of it
            self._server, self._known = server, {}
        if shared is not None:
            turned = self._shared.symmetric_difference(shared)
            self._known = {board: state for board, state in self._known.items() if board[0] not in turned}
            self._shared = frozenset(shared)
        moved = [board for board, state in states.items() if state is None or state != self._known.get(board)]
        still = [board for board in boards if states[board] is not None and states[board] == self._known.get(board)]
        closely = [*moved, *self._some_of(still)]
        unserved = set(self._board.find_unserved(closely, shared)) if closely else set()
        self._known = {board: state for board, state in states.items() if state is not None and board not in unserved}
        return [board for board in boards if board in unserved]

    def _some_of(self, still: Sequence[BoardId]) -> Sequence[BoardId]:
        if len(still) <= IN_TURN:
            return still
        start = self._turn % len(still)
        self._turn = start + IN_TURN
        return (*still[start:], *still[:start])[:IN_TURN]
