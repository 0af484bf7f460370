"""A game server that claims for many players at once."""

import random
from collections.abc import Sequence
from typing import Any

import orjson
import requests

from dev.harness.stack import Stack
from tests.chaos.clients import Account, Claimant
from tests.game_server import BATCH, item, signed

_MOST_ITEMS = 20


class GameServer(Claimant):
    """One with an API key, for players who claim by themselves too."""

    def __init__(self, stack: Stack, key_id: str, secret: str, user_ids: Sequence[str], draw: random.Random) -> None:
        super().__init__(stack, f"game server {key_id}", draw)
        self._key_id = key_id
        self._secret = secret
        self._user_ids = user_ids

    def _act(self) -> None:
        items = [
            item(self._draw.choice(self._user_ids), self._any_action())
            for _ in range(self._draw.randint(1, _MOST_ITEMS))
        ]
        self._settle(items)

    def _settle(self, items: list[dict[str, Any]]) -> None:
        """Send these updates, again and again with the same keys, until all of them are over."""
        accounts = [self._account(each) for each in items]
        while not all(account.is_over for account in accounts) and not self._ends.is_set():
            if self._send(accounts, items):
                for account in accounts:
                    self._follow(account)

    def _send(self, accounts: list[Account], items: list[dict[str, Any]]) -> bool:
        """Whether all of the batch was accepted, now or before."""
        body = orjson.dumps({"updates": items})
        answer = self._ask("POST", BATCH, data=body, headers=signed(self._key_id, self._secret, body))
        self._note(accounts, answer)
        if answer is None or answer.status_code != 202:
            self._pause_after(answer)
            self._leave_or_not(accounts)
            return False
        told = answer.json()
        self._expect(told["accepted"] + told["replayed"] == len(items), f"not all of a batch: {told}")
        return True

    def _receipt(self, account: Account) -> requests.Response | None:
        path = f"/api/scores/updates/{account.key}?userId={account.user_id}"
        return self._ask("GET", path, headers=signed(self._key_id, self._secret, method="GET", target=path))
