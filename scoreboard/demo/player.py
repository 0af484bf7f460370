"""One demo player: comes, moves now and then, and leaves when the demo is over."""

from random import Random

from scoreboard.demo import habits
from scoreboard.demo.account import Account, new_key
from scoreboard.demo.caller import Caller
from scoreboard.demo.connection import Answer
from scoreboard.demo.tally import Tally

_DEAD_SESSION = 401
_MOST_RENEWALS = 3
"""A move that finds session after session dead is given up; the next one starts afresh."""


class Player:
    """Plays until its caller raises StoppedError. `pace` is the mean number of seconds between two moves."""

    def __init__(self, account: Account, caller: Caller, random: Random, pace: float, tally: Tally) -> None:
        self._account = account
        self._caller = caller
        self._random = random
        self._pace = pace
        self._tally = tally
        self._skill = random.random()

    def play(self) -> None:
        """Raises StoppedError in the end, or StayAwayError."""
        self._caller.rest(habits.pause_before_arrival(self._random, self._pace))
        self._account.enter()
        self._tally.arrived()
        self._move(habits.ARRIVAL_ACTION)
        while True:
            self._caller.rest(habits.pause_before_move(self._random, self._pace))
            self._move(habits.choose_action(self._random, self._skill))

    def _move(self, action_id: str) -> None:
        """One update, counted once however often it has to be sent: every attempt has the same key."""
        key = new_key()
        answer = self._ask(action_id, key)
        for _ in range(_MOST_RENEWALS):
            if answer.status != _DEAD_SESSION:
                break
            self._account.renew()
            answer = self._ask(action_id, key)
        self._tally.answered(answer)

    def _ask(self, action_id: str, key: str) -> Answer:
        return self._caller.ask(lambda: self._account.signed_update(action_id, key))
