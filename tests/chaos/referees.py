"""An admin who voids and restores updates, and takes players off the board and back, all the while."""

import random
import time
from collections.abc import Sequence

import requests
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from common.contract.constants import DEFAULT_BOARD
from dev.harness.many import KEY, id_of
from tests.chaos.clients import NOTHING_DONE, POINTS, Client
from tests.chaos.installation import Installation
from tests.chaos.value_boards import BOARDS

JUDGED = tuple(id_of(number) for number in range(5, 8))
"""Of the crowd, other players than those whom the other admin suspends."""

_BETWEEN_SECONDS = 0.2
_SOME_EVENT = text(f"""
SELECT id FROM score_events WHERE idempotency_key <> '{KEY}' AND refusal IS NULL
    AND (action_id = ANY(:points) AND user_id = ANY(CAST(:users AS uuid[])) AND :of_points
         OR action_id <> ALL(:points) AND NOT :of_points)
ORDER BY random() LIMIT 1
""")  # noqa: S608 - built from a constant


_DECIDING_EVENT = text("""
SELECT tie FROM standings WHERE board_id = ANY(:boards) AND NOT hidden ORDER BY random() LIMIT 1
""")


class Referee(Client):
    """One with a token of their own.

    `voided` says what was decided last of each update, `off` of players on a board. On the default board only updates
    of the players `user_ids` are voided: the scores of all others only ever grow, which stored snapshots must show.

    A decision is repeated until it is known to be made, or was never made: then it may be left.
    """

    def __init__(self, at: Installation, headers: dict[str, str], user_ids: Sequence[str], draw: random.Random) -> None:
        super().__init__(at.stack, "referee", draw)
        self._at = at
        self._headers = headers
        self._user_ids = user_ids
        self.voided: dict[int, bool] = {}
        self.off = {(DEFAULT_BOARD, user_id): False for user_id in JUDGED}
        self.off |= {(board, user_id): False for board in BOARDS for user_id in (*user_ids, *JUDGED)}

    def _act(self) -> None:
        positive = self._draw.random() < 0.5
        if self._draw.random() < 0.3:
            board, user_id = self._draw.choice(list(self.off))
            act = "disqualify" if positive else "requalify"
            if self._decide(f"boards/{board}/{act}", {"userId": user_id}):
                self.off[board, user_id] = positive
        elif event := self._some_event(void=positive):
            act = "void" if positive else "restore"
            self.voided |= {event: positive} if self._decide(f"events/{event}/{act}", {}) else {}
        time.sleep(_BETWEEN_SECONDS)

    def _some_event(self, *, void: bool) -> int | None:
        """One that is recorded, often one that decides a score of values; for a restoration one that is void.

        None while the database is away.
        """
        known = [event for event, is_void in self.voided.items() if is_void]
        if not void:
            return self._draw.choice(known) if known else None
        try:
            with self._at.engine.connect() as connection:
                if self._draw.random() < 0.4:
                    return connection.execute(_DECIDING_EVENT, {"boards": list(BOARDS)}).scalar()
                values = {"points": list(POINTS), "users": list(self._user_ids)}
                return connection.execute(_SOME_EVENT, {**values, "of_points": self._draw.random() < 0.5}).scalar()
        except SQLAlchemyError:
            return None

    def _decide(self, path: str, body: dict[str, str]) -> bool:
        """Whether it is known to be made."""
        may_be_made = False
        while not self._ends.is_set():
            sent = {**body, "reason": "chaos"}
            answer = self._ask("POST", f"/api/admin/{path}", json=sent, headers=self._headers)
            if answer is not None and answer.status_code == 200:
                return True
            may_be_made |= not self._did_nothing(answer)
            if not may_be_made and self._draw.random() < 0.5:
                return False
            time.sleep(_BETWEEN_SECONDS)
        return False

    def _did_nothing(self, answer: requests.Response | None) -> bool:
        if answer is None:
            return False
        self._expect(answer.status_code == 503, f"{answer.status_code} for a correction: {answer.text}")
        return answer.status_code == 503 and answer.json()["error"]["code"] == NOTHING_DONE
