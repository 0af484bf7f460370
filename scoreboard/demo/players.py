"""Demo players: each comes, moves now and then, and runs in a thread that ends with the demo or with its player."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Event, Semaphore, Thread

from scoreboard.demo import behaviour, client
from scoreboard.demo.account import Account, CannotPlayError, new_key
from scoreboard.demo.client import Answer, Client, Connection, StoppedError
from scoreboard.demo.stats import Stats

_APPLIED, _ACCEPTED, _DEAD_SESSION = 200, 202, 401
_AT_THE_DOOR = 2
_LONGEST_TURN_SECONDS = 10.0
_MOST_RENEWALS = 3
"""After this many renewals of the session a move is given up; the next move starts with a new one."""


class Door:
    """Lets few players log in at a time, because the service hashes few passwords at once."""

    def __init__(self) -> None:
        self._turns = Semaphore(_AT_THE_DOOR)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Wait for a turn, but not for ever: a player inside may have to wait an hour for a limit."""
        has_turn = self._turns.acquire(timeout=_LONGEST_TURN_SECONDS)
        try:
            yield
        finally:
            if has_turn:
                self._turns.release()


class Player:
    """One player. `pace` is the mean number of seconds between two moves."""

    def __init__(
        self, account: Account, client: Client, random: Random, pace: float, stats: Stats, *, door: Door
    ) -> None:
        self._account = account
        self._client = client
        self._random = random
        self._pace = pace
        self._stats = stats
        self._door = door
        self._skill = random.random()

    def play(self) -> None:
        """Play until the demo is over. Raises StoppedError then, or CannotPlayError."""
        self._client.rest(behaviour.pause_before_arrival(self._random, self._pace))
        with self._door.passing():
            is_new = self._account.enter()
        self._stats.count_arrival()
        self._move(behaviour.ARRIVAL_ACTION)
        for seconds in behaviour.opening(self._random, self._pace, self._skill) if is_new else ():
            self._move_after(seconds)
        self._move_after(behaviour.pause_before_first_move(self._random, self._pace))
        while True:
            self._move_after(behaviour.pause_before_move(self._random, self._pace))

    def _move_after(self, seconds: float) -> None:
        self._client.rest(seconds)
        self._move(behaviour.choose_action(self._random, self._skill))

    def _move(self, action_id: str) -> None:
        """Send one update. It counts once however often it has to be sent: every attempt has the same key."""
        key = new_key()
        answer = self._ask(action_id, key)
        for _ in range(_MOST_RENEWALS):
            if answer.status != _DEAD_SESSION:
                break
            self._account.renew()
            answer = self._ask(action_id, key)
        self._count(answer)

    def _ask(self, action_id: str, key: str) -> Answer:
        return self._client.ask(lambda: self._account.signed_update(action_id, key))

    def _count(self, answer: Answer) -> None:
        if answer.status == _APPLIED:
            self._stats.count_applied(int(answer.body["update"]["points"]))
        elif answer.status == _ACCEPTED:
            self._stats.count_accepted()
        else:
            self._stats.count_refused()


@dataclass(frozen=True)
class Config:
    """The settings that all players share."""

    url: str
    pace: float
    password: str
    stats: Stats
    are_new: bool = False
    """Whether the players' accounts are probably not there yet."""

    stop: Event = field(default_factory=Event)
    door: Door = field(default_factory=Door)

    def player(self, number: int, random: Random) -> Player:
        """Return the player with this number, whose handle and address are the same at every start."""
        connection = Connection(self.url, client.source_of(number, self.url))
        own_client = Client(connection, random, self.stop, self.stats)
        account = Account(own_client, behaviour.handle(number), self.password, is_new=self.are_new)
        return Player(account, own_client, random, self.pace, self.stats, door=self.door)


class Players:
    """All players at once. Threads are daemons: one that waits for an answer does not delay the end."""

    def __init__(self, config: Config, randoms: list[Random]) -> None:
        players = [config.player(number, random) for number, random in enumerate(randoms)]
        self._threads = [Thread(target=self._play, args=[player], daemon=True) for player in players]
        self._reasons: list[str] = []
        self._reported = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def are_gone(self) -> bool:
        """Whether all players have ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def new_reasons(self) -> list[str]:
        """Return why players cannot play: each reason once, and only those that were not returned before."""
        reasons = list(dict.fromkeys(self._reasons))
        new, self._reported = reasons[self._reported :], len(reasons)
        return new

    def _play(self, player: Player) -> None:
        try:
            player.play()
        except StoppedError:
            return
        except CannotPlayError as error:
            self._reasons.append(str(error))
