"""All demo players at once, each in a thread that ends with the demo or with its player."""

from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread

from scoreboard.demo import connection, handles
from scoreboard.demo.account import Account, StayAwayError
from scoreboard.demo.caller import Caller, StoppedError
from scoreboard.demo.connection import Connection
from scoreboard.demo.player import Player
from scoreboard.demo.tally import Tally


@dataclass(frozen=True)
class Stage:
    """What all players have in common."""

    url: str
    pace: float
    password: str
    tally: Tally
    stop: Event = field(default_factory=Event)

    def player(self, number: int, chance: Random) -> Player:
        """The player with this number: its handle and its address are always the same ones."""
        source = connection.source_of(number, self.url)
        caller = Caller(Connection(self.url, source), chance, self.stop, self.tally)
        account = Account(caller, handles.handle(number), self.password)
        return Player(account, caller, chance, self.pace, self.tally)


class Crowd:
    """Threads are daemons: one that waits for an answer does not delay the end."""

    def __init__(self, stage: Stage, chances: list[Random]) -> None:
        players = [stage.player(number, chance) for number, chance in enumerate(chances)]
        self._threads = [Thread(target=self._play, args=[player], daemon=True) for player in players]
        self._reasons: list[str] = []
        self._told = 0

    def come(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def is_gone(self) -> bool:
        """Whether nobody plays any more."""
        return not any(thread.is_alive() for thread in self._threads)

    def news(self) -> list[str]:
        """Why players stay away: each reason once, and only those not told before."""
        reasons = list(dict.fromkeys(self._reasons))
        new, self._told = reasons[self._told :], len(reasons)
        return new

    def _play(self, player: Player) -> None:
        try:
            player.play()
        except StoppedError:
            return
        except StayAwayError as error:
            self._reasons.append(str(error))
