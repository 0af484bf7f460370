"""A player who changes all the while how they stand on boards: named, anonymous, unlisted."""

import random
import time

import requests

from common.domain.details import PlayerVisibility
from common.domain.stand_ins import StandIns
from dev.harness.stack import Stack
from tests.caller import Caller
from tests.chaos.clients import NOTHING_DONE, Client

PRIVATE_PLAYERS = 1
"""How many there are of them."""

_BETWEEN_SECONDS = 0.4


class PrivatePlayer(Client):
    """One of those who claim. `visibility` is what was chosen last.

    A choice is repeated until it is known to be made, or was never made: then it may be left.
    """

    def __init__(self, stack: Stack, caller: Caller, stand_ins: StandIns, draw: random.Random) -> None:
        super().__init__(stack, "private player", draw)
        self._caller = caller
        self._stand_ins = stand_ins
        self.user_id = caller.user_id
        self.visibility = PlayerVisibility.NAMED

    @property
    def unlisted(self) -> set[str]:
        """The players who are on no board now."""
        return {self.user_id} if self.visibility is PlayerVisibility.UNLISTED else set()

    def id_on(self, board_id: str, user_id: str) -> str:
        """Return under which id others see a player on a board."""
        is_anonymous = user_id == self.user_id and self.visibility is PlayerVisibility.ANONYMOUS
        return self._stand_ins.of(board_id, user_id) if is_anonymous else user_id

    def _act(self) -> None:
        wanted = self._draw.choice(list(PlayerVisibility))
        may_be_made = False
        while not self._ends.is_set():
            answer = self._choose(wanted)
            if answer is not None and answer.status_code == 200:
                self.visibility = wanted
                break
            may_be_made |= not self._did_nothing(answer)
            if not may_be_made and self._draw.random() < 0.5:
                break
            time.sleep(_BETWEEN_SECONDS)
        time.sleep(_BETWEEN_SECONDS)

    def _choose(self, wanted: PlayerVisibility) -> requests.Response | None:
        return self._ask("POST", "/api/me/visibility", json={"visibility": wanted}, headers=self._caller.headers)

    def _did_nothing(self, answer: requests.Response | None) -> bool:
        if answer is None:
            return False
        self._expect(answer.status_code == 503, f"{answer.status_code} for a visibility: {answer.text}")
        return answer.status_code == 503 and answer.json()["error"]["code"] == NOTHING_DONE
