"""Players who claim one thing after the other."""

import random

import requests

from dev.harness.stack import Stack
from tests.caller import Caller
from tests.chaos.clients import POINTS, Account, Claimant


class Player(Claimant):
    """One with a session of their own."""

    def __init__(self, stack: Stack, caller: Caller, draw: random.Random) -> None:
        super().__init__(stack, f"player {caller.user_id[:8]}", draw)
        self._caller = caller

    def _act(self) -> None:
        claim = self._caller.claim(self._any_action())
        account = self._account(claim)
        headers = {"Prefer": "respond-async"} if self._draw.random() < 0.2 else {}
        while not account.is_over and not self._ends.is_set():
            self._send(account, claim, headers)

    def _send(self, account: Account, claim: dict[str, str], headers: dict[str, str]) -> None:
        answer = self._ask("POST", "/api/scores/update", json=claim, headers=self._caller.headers | headers)
        status = answer.status_code if answer is not None else 0
        self._note([account], answer)
        if answer is not None and status == 200:
            account.is_resolved = True
            self._expect(answer.json()["update"]["points"] == POINTS[account.action_id], f"wrong points: {answer.text}")
        elif status == 202:
            self._follow(account)
        else:
            self._pause_after(answer)
            self._leave_or_not([account])

    def _receipt(self, account: Account) -> requests.Response | None:
        return self._ask("GET", f"/api/scores/updates/{account.key}", headers=self._caller.headers)
