"""Clients of all kinds, and those who claim: they keep an account of every answer, and retry with the same key until
they know what became of an update.
"""

import random
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from common.core.timestamps import parse_instant
from dev.harness.stack import Stack

POINTS = {"daily-login": 5, "complete-level": 10, "win-match": 25, "win-tournament": 100, "share": 1}
_PATIENCE_SECONDS = 15.0
"""Longer than the web works on a request: what a client has given up on is never done after what it asked for next."""

_PAUSE_SECONDS = 0.1
NOTHING_DONE, NOBODY_KNOWS = "dependency_unavailable", "outcome_unknown"
"""The codes that a 503 of something that changes may have."""
_LATE_SECONDS = 2.0
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Account:
    """What a client was told of one update."""

    user_id: str
    action_id: str
    key: str
    statuses: list[int] = field(default_factory=list)
    """HTTP statuses in order; 0 for no answer."""
    is_resolved: bool = False
    may_count: bool = False
    """An attempt had another answer than that nothing was done."""
    was_refused: bool = False
    """Every attempt was answered with that, and there will be no more."""
    was_forgotten: bool = False
    """It was accepted with a 202, and nobody knew it afterwards."""
    was_unknown: bool = False
    """An attempt was answered with a 503 that says so."""
    value: int | None = None
    """What was stated, where the action is of values."""
    second: int = 0
    happened_at: datetime = _NEVER
    """By the client's clock; told only where a value was stated by a game server."""

    @property
    def points(self) -> int:
        """What the ledger has to hold."""
        return POINTS[self.action_id] if self.value is None else self.value

    @property
    def is_over(self) -> bool:
        return self.is_resolved or self.was_refused


class Client(threading.Thread, ABC):
    """One who acts until told to stop, and then until everything is settled."""

    def __init__(self, stack: Stack, name: str, draw: random.Random) -> None:
        super().__init__(name=name)
        self._stack = stack
        self._draw = draw
        self._session = requests.Session()
        self.problems: list[str] = []
        self.slowest = 0.0
        self.late = Counter[str]()
        self.acts = threading.Event()
        self.is_idle = threading.Event()
        self._ends = threading.Event()

    def run(self) -> None:
        while not self._ends.is_set():
            if not self.acts.wait(_PAUSE_SECONDS):
                self.is_idle.set()
                continue
            self.is_idle.clear()
            self._act_or_tell()
        self._session.close()

    def end(self) -> None:
        self._ends.set()
        self.acts.clear()
        self.join()

    def _act_or_tell(self) -> None:
        """Act. What breaks the client itself is a finding of the run, and its end."""
        try:
            self._act()
        except Exception:
            self.problems.append(f"{self.name} broke:\n{traceback.format_exc()}")
            raise

    @abstractmethod
    def _act(self) -> None:
        """Do something, and come back when all of it is settled."""

    def _ask(self, method: str, path: str, **arguments: Any) -> requests.Response | None:  # noqa: ANN401
        started = time.monotonic()
        try:
            answer = self._session.request(method, f"{self._stack.url}{path}", timeout=_PATIENCE_SECONDS, **arguments)
        except requests.RequestException:
            return None
        took = time.monotonic() - started
        self.slowest = max(self.slowest, took)
        if took > _LATE_SECONDS:
            self.late[f"{method} {answer.status_code}"] += 1
        if answer.status_code == 503:
            self._expect("Retry-After" in answer.headers, f"503 without Retry-After: {answer.text}")
            self._expect(_code(answer) in (NOTHING_DONE, NOBODY_KNOWS), f"503 with another code: {answer.text}")
        return answer

    def _expect(self, is_so: bool, problem: str) -> None:
        if not is_so:
            self.problems.append(problem)


class Claimant(Client, ABC):
    """One who claims points. `accounts` has every update, in the order of the claims."""

    def __init__(self, stack: Stack, name: str, draw: random.Random) -> None:
        super().__init__(stack, name, draw)
        self.accounts: list[Account] = []

    @abstractmethod
    def _receipt(self, account: Account) -> requests.Response | None:
        """Ask what became of it."""

    def _account(self, claim: dict[str, Any]) -> Account:
        """A new one, of what is about to be claimed."""
        account = Account(claim["userId"], claim["actionId"], claim["idempotencyKey"])
        if "value" in claim:
            account.value, account.second = claim["value"], claim.get("second", 0)
            account.happened_at = parse_instant(claim["timestamp"])
        self.accounts.append(account)
        return account

    def _any_action(self) -> str:
        return self._draw.choice(sorted(POINTS))

    def _note(self, accounts: Sequence[Account], answer: requests.Response | None) -> None:
        """Write down what became of an attempt."""
        status = answer.status_code if answer is not None else 0
        code = _code(answer) if status == 503 and answer is not None else ""
        for account in accounts:
            account.statuses.append(status)
            account.may_count |= code != NOTHING_DONE
            account.was_unknown |= code == NOBODY_KNOWS

    def _leave_or_not(self, accounts: Sequence[Account]) -> bool:
        """Whether the client believes that nothing was done and leaves it at that, as one in two does."""
        if any(account.may_count for account in accounts) or self._draw.random() < 0.5:
            return False
        for account in accounts:
            account.was_refused = True
        return True

    def _pause_after(self, answer: requests.Response | None) -> None:
        """Nothing was promised: wait before the same is sent again."""
        status = answer.status_code if answer is not None else 0
        self._expect(status in (0, 503), f"{status} for an update: {answer.text if answer is not None else ''}")
        time.sleep(_PAUSE_SECONDS)

    def _follow(self, account: Account) -> None:
        """Ask for the outcome of an accepted update until it is applied, or nobody knows of it any more."""
        while not self._ends.is_set():
            answer = self._receipt(account)
            if answer is not None and answer.status_code == 404:
                account.was_forgotten = True
                return
            if answer is not None and answer.status_code == 200:
                status = answer.json()["status"]
                self._expect(status in ("accepted", "applied"), f"refused: {answer.text}")
                if status != "accepted":
                    account.is_resolved = True
                    return
            time.sleep(_PAUSE_SECONDS)


def _code(answer: requests.Response) -> str:
    return str(answer.json()["error"]["code"])
