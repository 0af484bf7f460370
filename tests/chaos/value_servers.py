"""A game server that states values, and two more who change scores on the same boards: an enroller and an adjuster."""

import random
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from common.contract.constants import ADJUSTING, ENROLLING
from common.core.timestamps import format_instant
from dev.harness.stack import Stack
from tests.chaos import value_boards
from tests.chaos.clients import Account
from tests.chaos.game_servers import GameServer
from tests.game_server import BATCH, item, signed

_MOST_ITEMS = 20
_PAST_SECONDS = 20
"""Events come as they happened up to so many seconds before, in any order; within a second several are of one time."""

_BETWEEN_SECONDS = 0.3
_PLAYERS = "/api/players"


class ValueServer(GameServer):
    """One that sends batches of values, small enough that many are equal, and sends what was accepted again."""

    def _act(self) -> None:
        items = [self._any_value() for _ in range(self._draw.randint(1, _MOST_ITEMS))]
        self._settle(items)
        if self._draw.random() < 0.3 and not self._ends.is_set():
            self._send_again(items)

    def _any_value(self) -> dict[str, Any]:
        action_id = self._draw.choice(sorted(value_boards.FEEDS))
        happened_at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=self._draw.randrange(_PAST_SECONDS))
        stated: dict[str, Any] = {"value": self._draw.randint(-3, 12), "timestamp": format_instant(happened_at)}
        if action_id == "chaos-run" and self._draw.random() < 0.8:
            stated["second"] = self._draw.randint(0, 3)
        return item(self._draw.choice(self._user_ids), action_id, **stated)

    def _send_again(self, items: Sequence[Mapping[str, Any]]) -> None:
        """A key that counted counts no more, with the same value, and with another one it is refused."""
        applied = [
            each for each, account in zip(items, self.accounts[-len(items) :], strict=True) if account.is_resolved
        ]
        others = [{**each, "value": each["value"] + 1} for each in applied]
        if not applied:
            return
        body = orjson.dumps({"updates": [*applied, *others]})
        answer = self._ask("POST", BATCH, data=body, headers=signed(self._key_id, self._secret, body))
        if answer is None or answer.status_code == 503:
            return
        told = answer.json()
        self._expect(answer.status_code == 202, f"{answer.status_code} for a batch again: {answer.text}")
        counts = told.get("accepted"), told.get("replayed"), [each["code"] for each in told.get("refused", ())]
        due = (0, len(applied), ["idempotency_key_reused"] * len(others))
        self._expect(counts == due, f"a batch again: {answer.text}")


class Enroller(GameServer):
    """A game server that makes players of its own known, and enrols them. `made` grows by their user ids."""

    def __init__(
        self, stack: Stack, api_key: tuple[str, str], external_ids: Sequence[str], made: list[str], draw: random.Random
    ) -> None:
        super().__init__(stack, *api_key, (), draw)
        self._external_ids = external_ids
        self._made = made
        self._of_key: dict[tuple[str, str], Account] = {}

    def _act(self) -> None:
        boards = self._draw.sample(value_boards.ADDING, self._draw.randint(1, len(value_boards.ADDING)))
        wanted = [{"externalId": each, "boards": boards} for each in self._draw.sample(self._external_ids, 2)]
        while not self._ends.is_set():
            user_ids = self._enrol(wanted)
            accounts = [self._enrolment(user_id, board) for user_id in user_ids for board in boards]
            for account in accounts:
                if not account.is_over:
                    self._follow(account)
            if accounts and all(account.is_over for account in accounts):
                break
        time.sleep(_BETWEEN_SECONDS)

    def _enrol(self, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
        body = orjson.dumps({"players": wanted})
        headers = signed(self._key_id, self._secret, body, target=_PLAYERS)
        answer = self._ask("POST", _PLAYERS, data=body, headers=headers)
        if answer is None or answer.status_code != 200:
            self._pause_after(answer)
            return []
        user_ids = [str(each["userId"]) for each in answer.json()["players"]]
        self._expect(len(user_ids) == len(wanted), f"not all players: {answer.text}")
        self._made += [user_id for user_id in user_ids if user_id not in self._made]
        return user_ids

    def _enrolment(self, user_id: str, board: str) -> Account:
        """The one account that there is of a player on a board; it may have been asked for before."""
        known = self._of_key.get((user_id, board))
        if known is None:
            known = Account(user_id, f"{ENROLLING}{board}", f"enrol--{board}", value=0)
            self._of_key[user_id, board] = known
            self.accounts.append(known)
        known.statuses.append(200)
        known.may_count = True
        return known


class Adjuster(GameServer):
    """An admin who adjusts scores on boards that add, and learns of the outcomes by an API key."""

    def __init__(
        self,
        stack: Stack,
        api_key: tuple[str, str],
        admin: Mapping[str, str],
        user_ids: Sequence[str],
        draw: random.Random,
    ) -> None:
        super().__init__(stack, *api_key, user_ids, draw)
        self._admin = admin

    def _act(self) -> None:
        board = self._draw.choice(value_boards.ADDING)
        user_id, amount = self._draw.choice(self._user_ids), self._draw.choice((-3, -2, -1, 1, 2, 3))
        account = Account(user_id, f"{ADJUSTING}{board}", secrets.token_hex(8), value=amount)
        self.accounts.append(account)
        sent = {"board": board, "amount": amount, "reason": "chaos", "idempotencyKey": account.key}
        if board == "chaos-sum":
            account.second = self._draw.randint(-2, 2)
            sent["second"] = account.second
        while not account.is_over and not self._ends.is_set():
            self._adjust(account, sent)
        time.sleep(_BETWEEN_SECONDS)

    def _adjust(self, account: Account, sent: Mapping[str, Any]) -> None:
        path = f"/api/admin/users/{account.user_id}/adjust"
        answer = self._ask("POST", path, json=sent, headers=self._admin)
        self._note([account], answer)
        if answer is not None and answer.status_code == 200:
            account.is_resolved = True
            points = answer.json()["update"]["points"]
            self._expect(points == account.value, f"adjusted otherwise: {answer.text}")
        elif answer is not None and answer.status_code == 202:
            self._follow(account)
        else:
            self._pause_after(answer)
            self._leave_or_not([account])
