"""An admin who suspends and reinstates some players of the crowd all the while, and keeps an account of the answers."""

import random
import time

import requests

from dev.harness.many import id_of
from dev.harness.stack import Stack
from tests.chaos.clients import NOTHING_DONE, Client

MODERATED = tuple(id_of(number) for number in range(1, 5))
"""Of the crowd, those next behind who plays: they are within the viewer's screen."""

_BETWEEN_SECONDS = 0.3


class Admin(Client):
    """One with a token of their own. `suspended` says of each moderated player what was decided last.

    A decision is repeated until it is known to be made. One that was only ever answered with a 503 that says that
    nothing was done is left in one of two cases, and must not have been made.
    """

    def __init__(self, stack: Stack, headers: dict[str, str], draw: random.Random) -> None:
        super().__init__(stack, "admin", draw)
        self._headers = headers
        self.suspended = dict.fromkeys(MODERATED, False)
        self.decisions = 0

    def _act(self) -> None:
        user_id = self._draw.choice(MODERATED)
        suspends = self._draw.random() < 0.5
        may_be_made = False
        while not self._ends.is_set():
            answer = self._moderate(user_id, suspends)
            if answer is not None and answer.status_code == 200:
                self.suspended[user_id] = suspends
                self.decisions += 1
                break
            may_be_made |= not self._did_nothing(answer)
            if not may_be_made and self._draw.random() < 0.5:
                break
            time.sleep(_BETWEEN_SECONDS)
        time.sleep(_BETWEEN_SECONDS)

    def _moderate(self, user_id: str, suspends: bool) -> requests.Response | None:
        act = "suspend" if suspends else "reinstate"
        path = f"/api/admin/users/{user_id}/{act}"
        return self._ask("POST", path, json={"reason": "chaos"}, headers=self._headers)

    def _did_nothing(self, answer: requests.Response | None) -> bool:
        if answer is None:
            return False
        self._expect(answer.status_code == 503, f"{answer.status_code} for a decision: {answer.text}")
        return answer.status_code == 503 and answer.json()["error"]["code"] == NOTHING_DONE
