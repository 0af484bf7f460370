"""A run: round by round a fault under load, then quiet, then the account. Its table is the result."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import requests

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.domain.permissions import Scope
from common.domain.stand_ins import StandIns
from common.redis_store.board import BoardNotServedError
from dev.harness.stack import PROGRAMS
from tests.caller import Caller
from tests.chaos import account, unlock_account, value_account
from tests.chaos.admins import Admin
from tests.chaos.clients import Account, Claimant, Client
from tests.chaos.faults import Fault
from tests.chaos.game_servers import GameServer
from tests.chaos.installation import Installation, installed
from tests.chaos.players import Player
from tests.chaos.private_players import PrivatePlayer
from tests.chaos.referees import JUDGED, Referee
from tests.chaos.value_servers import Adjuster, Enroller, ValueServer
from tests.chaos.viewer import Viewer
from tests.chaos.watch import Watch
from tests.live_client import LiveClient

PLAYERS = 6
VALUE_SERVERS = 2
EXTERNAL_IDS = [f"chaos-{number}" for number in range(30)]
"""Players of a game server, who are enrolled one after the other."""

PROMISED_SECONDS = 10.0
"""Within which all adds up after the last fault's end."""

PATIENCE_SECONDS = 60.0
"""For which a round is waited for all the same, to tell what is late from what is lost."""

_LOOK_SECONDS = 0.1
_KINDS_SHOWN = 5
_LAST_OF_A_LOG = 4_000
"""Characters."""
_DEAD_TOKEN_ANSWERS = (401, 503)


Round = tuple[Sequence[Fault], float]
"""Faults, and for how many seconds what lasts of them lasts."""


@dataclass
class Row:
    """What one kind of fault did, over all its rounds."""

    times: int = 0
    updates: int = 0
    lost: int = 0
    forgotten: int = 0
    doubled: int = 0
    refused: int = 0
    """Updates that were left after 503s that said that nothing was done, and are not in the ledger."""
    unknown: int = 0
    """Updates of a 503 that said that nobody knows; sent again, and counted once."""
    values: int = 0
    """How many of the updates were values, adjustments and enrolments on boards of values."""
    converged: list[float] = field(default_factory=list)
    slowest_in: list[tuple[float, str]] = field(default_factory=list)
    """What the round that took longest to converge waited for, each with the second at which it was last seen."""


class Settled(NamedTuple):
    """How a round came to its end: what does not add up, and after how many seconds the last look began.

    That look took `look_seconds`: all is compared with all, beside what it compares. `waited_for` is what earlier ones
    have found, each with the second at which it was seen last.
    """

    problems: list[str]
    seconds: float
    look_seconds: float
    waited_for: list[tuple[float, str]]


@dataclass
class Report:
    """The whole run."""

    seed: int
    rows: dict[str, Row] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    slowest: float = 0.0
    longest_look: float = 0.0
    late: dict[str, int] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    """What the programs said last, if a round did not balance."""

    @property
    def overdue(self) -> list[str]:
        """The faults after which it took longer than promised until all added up."""
        return [
            f"{name}: {max(row.converged):.1f} s to converge; {PROMISED_SECONDS:g} are promised; it waited for {waited}"
            for name, row in self.rows.items()
            if max(row.converged) > PROMISED_SECONDS
            for waited in ["; ".join(f"{problem} (until {until:.1f} s)" for until, problem in row.slowest_in)]
        ]


class Run:
    """An installation with its clients and its viewer."""

    def __init__(self, at: Installation, seed: int) -> None:
        self._at = at
        with at.engine.begin() as connection:
            unlock_account.add(connection)
        self._draw = random.Random(seed)
        self.report = Report(seed)
        callers = [Caller(at.stack, f"chaos-{number}") for number in range(PLAYERS)]
        user_ids = [caller.user_id for caller in callers]
        self._claimants: list[Claimant] = [
            *(Player(at.stack, caller, self._chance()) for caller in callers),
            GameServer(at.stack, *at.new_api_key(), user_ids, self._chance()),
            *self._of_values([*user_ids, *JUDGED]),
        ]
        self._admin = Admin(at.stack, at.new_admin(), self._chance())
        self._referee = Referee(at, at.new_admin("chaos-referee"), user_ids[::2], self._chance())
        stand_ins = StandIns(at.settings.secret_keys)
        self._private = PrivatePlayer(at.stack, callers[-1], stand_ins, self._chance())
        self._clients: list[Client] = [*self._claimants, self._admin, self._referee, self._private]
        self._watch = Watch(at.stack)
        self._viewer = Viewer(f"{at.stack.live_url}?limit={account.VIEWED}")
        self._gone = Caller(at.stack, "chaos-gone")
        self._gone.log_out()
        self._due: list[tuple[Fault, float, float]] = []

    def _of_values(self, user_ids: list[str]) -> Iterator[Claimant]:
        """Those who change scores on boards of values, for these players and for those who are enrolled later."""
        at = self._at
        for _ in range(VALUE_SERVERS):
            yield ValueServer(at.stack, *at.new_api_key(), user_ids, self._chance())
        yield Enroller(at.stack, at.new_api_key(Scope.PLAYERS), EXTERNAL_IDS, user_ids, self._chance())
        yield Adjuster(at.stack, at.new_api_key(), at.new_admin("chaos-adjuster"), user_ids, self._chance())

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            for thread in self._threads:
                thread.end()
            self._close()

    def round(self, faults: Sequence[Fault], seconds: float) -> bool:
        """Play, hurt, let everybody come to an end, and balance. False if it never balanced."""
        row = self.report.rows.setdefault(" + ".join(fault.name for fault in faults), Row())
        before = {client: len(client.accounts) for client in self._claimants}
        put_before = len(self._at.accounts)
        problems = self._play(faults, seconds)
        self._check_dead_token()
        ended = time.monotonic()
        for client in self._clients:
            client.acts.clear()
        settled = self._settle(ended)
        problems += settled.problems
        if account.SEES_SOMETHING_ELSE in settled.problems:
            problems.append(self._on_screen())
        row.converged.append(settled.seconds)
        if settled.seconds == max(row.converged):
            row.slowest_in = settled.waited_for
        self.report.longest_look = max(self.report.longest_look, settled.look_seconds)
        problems += self._untold()
        problems += self._at.snapshots.problems()
        fresh = [each for client in self._claimants for each in client.accounts[before[client] :]]
        fresh += self._at.accounts[put_before:]
        row.times += 1
        row.updates += len(fresh)
        row.values += sum(each.value is not None for each in fresh)
        row.lost += account.lost(self._at, fresh)
        row.doubled += account.doubled(self._at)
        row.forgotten += sum(each.was_forgotten for each in fresh)
        row.refused += sum(each.was_refused for each in fresh)
        row.unknown += sum(each.was_unknown for each in fresh)
        if not any(fault.may_lose_accepted for fault in faults):
            problems += [f"accepted and forgotten: {each}" for each in fresh if each.was_forgotten]
        self.report.problems += [f"{[fault.name for fault in faults]}: {problem}" for problem in problems]
        return not problems

    def _chance(self) -> random.Random:
        return random.Random(self._draw.random())

    @property
    def _threads(self) -> list[Client | Viewer | Watch]:
        return [*self._clients, self._viewer, self._watch]

    @property
    def _accounts(self) -> list[Account]:
        return [*self._at.accounts, *(each for client in self._claimants for each in client.accounts)]

    def _play(self, faults: Sequence[Fault], seconds: float) -> list[str]:
        """What a fault asserts and does not find comes back."""
        for client in self._clients:
            client.is_idle.clear()
            client.acts.set()
        time.sleep(seconds / 3)
        for fault in faults:
            since = time.monotonic()
            try:
                fault.hurt(self._at, self._draw, seconds)
            except AssertionError as error:  # what else the run has found is told all the same
                return [str(error)]
            self._due.append((fault, since, time.monotonic()))
            self._check_dead_token()
        return []

    def _on_screen(self) -> str:
        """What the viewer has been sent last, and what a new one is shown, to tell which of the two is behind."""
        screen = self._viewer.screen
        with LiveClient(f"{self._at.stack.live_url}?limit={account.VIEWED}") as connection:
            first = connection.receive()
        states = self._at.board.states_of([(DEFAULT_BOARD, ALL_TIME)])[1]
        shown = f"{len(screen.scores)} rows of {screen.total} at {screen.version}"
        shown += f" ({account.first_difference(self._at, screen, self._private)})"
        return f"it shows {shown}; Redis has {states}; a new viewer is sent {str(first)[:200]}"

    def _untold(self) -> list[str]:
        """What should have been told since the last time and was not."""
        due, self._due = self._due, []
        return [
            f"{until - since:.1f} s of {fault.name}, and /readyz told nothing"
            for fault, since, until in due
            if fault.told_within is not None
            and until - since >= fault.told_within
            and not self._watch.told_between(since, until)
        ]

    def _settle(self, since: float) -> Settled:
        """Wait until all adds up, or until the patience is over."""
        problems, seen = ["clients were never answered"], dict[str, float]()
        looked_at = since
        while problems and time.monotonic() - since < PATIENCE_SECONDS:
            seen |= dict.fromkeys(problems[:_KINDS_SHOWN], time.monotonic() - since)
            time.sleep(_LOOK_SECONDS)
            if all(client.is_idle.is_set() for client in self._clients):
                looked_at = time.monotonic()
                problems = self._imbalances()
        waited_for = [(until, problem) for problem, until in list(seen.items())[-_KINDS_SHOWN:]]
        return Settled(problems, looked_at - since, time.monotonic() - looked_at, waited_for)

    def _imbalances(self) -> list[str]:
        """Everything that does not add up, now."""
        at, accounts = self._at, self._accounts
        corrected = self._referee.voided, self._referee.off
        if problems := account.balance(at, accounts, self._viewer.screen, self._admin.suspended, self._private):
            return problems
        try:
            problems = account.corrected_otherwise(at, *corrected)
            problems += unlock_account.otherwise(at, accounts, self._referee.voided)
            return problems or value_account.otherwise(at, accounts, *corrected, self._private)
        except (BoardNotServedError, requests.RequestException) as error:
            return [f"a board is away again: {type(error).__name__} {error}"]

    def _check_dead_token(self) -> None:
        """A token that was logged out opens nothing, whatever is broken."""
        try:
            answer = requests.get(
                f"{self._at.stack.url}/api/scores/updates/any-key-at-all", headers=self._gone.headers, timeout=5
            )
        except requests.RequestException:
            return
        if answer.status_code not in _DEAD_TOKEN_ANSWERS:
            self.report.problems.append(f"a dead token got {answer.status_code}")

    def _close(self) -> None:
        for client in self._clients:
            self.report.problems += client.problems
            self.report.slowest = max(self.report.slowest, client.slowest)
            for name, count in client.late.items():
                self.report.late[name] = self.report.late.get(name, 0) + count
        self.report.problems += self._viewer.problems


def run(
    seed: int,
    rounds: Iterator[Round],
    *,
    on_small_disks: bool = False,
    tell: Callable[[Report, str], None] = lambda *_: None,
) -> Report:
    """Run until there are no more rounds, or until one of them does not balance."""
    with installed(on_small_disks=on_small_disks) as at:
        chaos = Run(at, seed)
        with chaos.running():
            for faults, seconds in rounds:
                tell(chaos.report, " + ".join(fault.name for fault in faults))
                if not chaos.round(faults, seconds):
                    chaos.report.logs = {name: at.stack.log(name)[-_LAST_OF_A_LOG:] for name in PROGRAMS}
                    break
    return chaos.report
