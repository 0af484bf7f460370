"""`make chaos-unlocks`: ten thousand unlocks while workers, PostgreSQL and Valkey die, and then the account of each.

`CHAOS_UNLOCKS=10000` says how many at least, `CHAOS_SECONDS=90` over how long the updates are spread, `CHAOS_SEED=…`
which faults come when. Updates of many players are put into the inbox as the web does it, in lists of all sizes; some
of them come twice, as a replay that Redis forgot.
"""

import os
import random
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg2
import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from common.contract.constants import DEFAULT_BOARD
from common.core import task_names
from common.core.timestamps import format_instant
from common.domain.achievements import Achievement, AchievementKind
from common.domain.catalogue_plan import Plan
from common.domain.inbox_entries import Update, encode_update
from common.domain.season_plan import open_for_seasons, put_season
from common.domain.seasons import Season
from common.postgres import achievements, catalogue_changes
from common.redis_store import keys
from dev.harness.many import id_of
from tests.caller import Caller
from tests.chaos import unlock_ledger
from tests.chaos.ears import Ear, Follower
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.installation import CROWD, Installation, installed

FATAL = (
    *("kill -9 worker", "kill -9 child of worker", "kill -9 valkey", "kill -9 postgres"),
    *("postgres cuts connections", "postgres cut in COMMIT", "postgres: cut", "valkey: cut", "valkey: drops replies"),
    *(f"worker dies after {point}" for point in ("achievements unlocked", "commit", "projection", "settling")),
)
"""The names of the faults: whatever ends a worker, a connection or a server in the middle of something."""

PLAYERS_PER_UNLOCK = 1 / 3
FOLLOWERS = 12
WRITERS = 2
MOST_AT_ONCE = 40
REPEATED_SHARE = 0.05
"""How many of the lists come with the one before, put into the inbox a second time past what remembers keys."""

FAULT_SECONDS = 1.0
FAULTS_UNTIL = 0.85
"""Of the updates: a worker that is to die within a batch needs one."""

PATIENCE_SECONDS = 180.0
REDELIVERED_WITHIN = 10.0
"""Seconds in which what a worker left behind is applied again: an unlock that was told then may be lost with Valkey."""

_ACTIONS = {"share": 3, "complete-level": 2, "win-match": 4, "win-tournament": 1, "daily-login": 1}
_PLAIN = ("share", "complete-level", "win-match", "win-tournament")
_COUNT = AchievementKind.COUNT
WANTED = (
    Achievement("many-first", "The first one", _COUNT, actions=_PLAIN, goal=1),
    Achievement("many-wins", "Two wins", _COUNT, actions=("win-match", "win-tournament"), goal=2),
    Achievement("many-daily", "Two a day", _COUNT, actions=(*_PLAIN, "daily-login"), goal=2, repeats="daily"),
    Achievement(
        "many-season", "Four in a season", _COUNT, actions=_PLAIN, goal=4, repeats="season", board_id=DEFAULT_BOARD
    ),
    Achievement("many-points", "Sixty points", AchievementKind.SCORE, board_id=DEFAULT_BOARD, period="all", reach=60),
)


@dataclass
class Account:
    """What came of it."""

    updates: int
    unlocks: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    told: int = 0
    told_again: int = 0
    untold: int = 0
    problems: list[str] = field(default_factory=list)


class Writer(threading.Thread):
    """Puts its share of the updates into the inbox over so many seconds, each list until Redis has it."""

    def __init__(self, at: Installation, updates: Sequence[Update], seconds: float, draw: random.Random) -> None:
        super().__init__(name="writer")
        self._at = at
        self._updates = updates
        self._seconds = seconds
        self._draw = draw
        self.put = 0
        self.repeated = 0
        self._before: Sequence[Update] = ()

    @property
    def share(self) -> float:
        """How much of it is done."""
        return self.put / len(self._updates)

    def run(self) -> None:
        begun = time.monotonic()
        while self.put < len(self._updates):
            some = self._updates[self.put : self.put + self._draw.randint(1, MOST_AT_ONCE)]
            self._until_done(some)
            self.put += len(some)
            time.sleep(max(0.0, begun + self.share * self._seconds - time.monotonic()))

    def _until_done(self, some: Sequence[Update]) -> None:
        """What has been accepted before an answer was lost is known by its keys, and not accepted again."""
        is_repeated = self._draw.random() < REPEATED_SHARE
        while True:
            try:
                ring, _ = self._at.inbox.accept_all(some)
                if is_repeated:
                    self._repeat(self._before)
            except redis.RedisError:
                time.sleep(0.1)
                continue
            self._before = some
            if ring:
                self._at.ring(task_names.APPLY)
            return

    def _repeat(self, some: Sequence[Update]) -> None:
        now = int(time.time() * 1000)
        for update in some:
            stored, more = encode_update(update)
            self._at.client.xadd(keys.INBOX, {"update": stored, "more": more, "accepted_at": now})
        self.repeated += len(some)


def updates_of(user_ids: Sequence[str], draw: random.Random) -> list[Update]:
    """One to seven updates of each player, of all actions, shuffled."""
    names, weights = list(_ACTIONS), list(_ACTIONS.values())
    now = format_instant(datetime.now(UTC))
    made = [
        Update(user_id, action_id, f"many-{number}", now, "many", None)
        for user_id in user_ids
        for number, action_id in enumerate(draw.choices(names, weights, k=draw.randint(1, 7)))
    ]
    draw.shuffle(made)
    return made


def define(at: Installation) -> None:
    """Make the achievements, and the season that one of them needs. No process is told of it."""
    now = datetime.now(UTC).replace(microsecond=0)
    season = Season("many", now - timedelta(hours=1), now + timedelta(days=1))
    with at.engine.begin() as connection:
        board = catalogue_changes.hold(connection, with_ledger=True).boards[DEFAULT_BOARD]
        plan = Plan()
        open_for_seasons(plan, board)
        put_season(plan, board.id, season, None)
        catalogue_changes.write(connection, plan)
        achievements.write(connection, WANTED, [])


def run(at: Installation, unlocks: int, seconds: float, draw: random.Random) -> Account:
    """Write, hurt, wait until all is applied, and hold every unlock to account."""
    define(at)
    callers = [Caller(at.stack, f"collector-{number}") for number in range(FOLLOWERS)]
    players = [caller.user_id for caller in callers]
    players += [id_of(number) for number in range(1, min(CROWD, round(unlocks * PLAYERS_PER_UNLOCK)) + 1)]
    updates = updates_of(players, draw)
    account = Account(len(updates))
    with listening(at, callers) as (ear, followers):
        begun = time.monotonic()
        hurt(at, updates, seconds, draw, account)
        account.problems += settled(at, updates)
        account.seconds = time.monotonic() - begun
        balance(at, ear, followers, account)
    if account.unlocks < unlocks:
        account.problems.append(f"{account.unlocks} unlocks are fewer than {unlocks}")
    return account


@contextmanager
def listening(at: Installation, callers: Sequence[Caller]) -> Iterator[tuple[Ear, list[Follower]]]:
    """Listen until the account is done."""
    ear = Ear(at.settings.redis_url)
    followers = [Follower(at.stack, caller) for caller in callers]
    threads: list[Ear | Follower] = [ear, *followers]
    for thread in threads:
        thread.start()
    ear.is_listening.wait()
    try:
        yield ear, followers
    finally:
        for thread in threads:
            thread.end()


def hurt(at: Installation, updates: Sequence[Update], seconds: float, draw: random.Random, account: Account) -> None:
    """Break one thing after the other while the updates are written."""
    writers = [Writer(at, updates[n::WRITERS], seconds, random.Random(draw.random())) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    waiting: list[Fault] = []
    fatal = [fault for fault in FAULTS if fault.name in FATAL]
    while min(writer.share for writer in writers) < FAULTS_UNTIL:
        waiting = waiting or draw.sample(fatal, len(fatal))
        fault = waiting.pop()
        fault.hurt(at, draw, FAULT_SECONDS)
        account.faults[fault.name] += 1
        print(f"{min(writer.share for writer in writers):4.0%} written: {fault.name}", flush=True)
        time.sleep(draw.uniform(0.2, 1.5))
    for writer in writers:
        writer.join()
    account.repeated = sum(writer.repeated for writer in writers)


def settled(at: Installation, updates: Sequence[Update]) -> list[str]:
    """Wait until the inbox is empty; what is lost, or in the ledger twice."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if at.client.xlen(keys.INBOX) == 0:
                break
        except redis.RedisError:
            pass
        time.sleep(0.2)
    else:
        return [f"after {PATIENCE_SECONDS:g} s the inbox is not empty"]
    with at.engine.connect() as connection:
        found = connection.execute(text("SELECT user_id::text, idempotency_key FROM score_events")).all()
    counted = Counter((row.user_id, row.idempotency_key) for row in found)
    sent = {(update.user_id, update.idempotency_key) for update in updates}
    problems = [f"lost: {key}" for key in sorted(sent - counted.keys())]
    return problems + [f"{times} times in the ledger: {key}" for key, times in counted.items() if times > 1]


def balance(at: Installation, ear: Ear, followers: Sequence[Follower], account: Account) -> None:
    """Compare unlocks with the ledger, and what was told with the unlocks."""
    with closing(psycopg2.connect(at.settings.database_url.replace("+psycopg2", ""))) as connection:
        account.problems += unlock_ledger.differences(connection)
    with at.engine.connect() as connection:
        rows = connection.execute(
            text("""
            SELECT user_id::text, achievement_id, scope, (extract(epoch FROM unlocked_at) * 1000)::bigint AS at
            FROM unlocks
            """)
        ).all()
    account.unlocks = len(rows)
    for row in rows:
        told = ear.told.get((row.user_id, row.achievement_id, row.scope), [])
        account.told += bool(told)
        account.told_again += len(told) > 1
        if set(told) - {row.at}:
            account.problems.append(f"told with {told}, and unlocked at {row.at}: {row}")
        if not told:
            account.untold += 1
            if not ear.was_deaf(row.at / 1000 - 1, row.at / 1000 + REDELIVERED_WITHIN):
                account.problems.append(f"never told, though Redis was there: {row}")
    strangers = ear.told.keys() - {(row.user_id, row.achievement_id, row.scope) for row in rows}
    account.problems += [f"told and not unlocked: {key}" for key in sorted(strangers)]
    has = {
        follower.user_id: {row.achievement_id for row in rows if row.user_id == follower.user_id}
        for follower in followers
    }
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and any(each.told != has[each.user_id] for each in followers):
        time.sleep(0.2)
    for follower in followers:
        account.problems += follower.problems
        if follower.told != has[follower.user_id]:
            account.problems.append(f"a player knows of {follower.told}, and has {has[follower.user_id]}")


def table(account: Account) -> Table:
    """What was broken, how often."""
    shown = Table("fault", "times")
    for name, times in sorted(account.faults.items()):
        shown.add_row(name, str(times))
    shown.add_section()
    shown.add_row("all", str(account.faults.total()))
    return shown


def main() -> None:
    unlocks = int(os.environ.get("CHAOS_UNLOCKS") or 10_000)
    seconds = float(os.environ.get("CHAOS_SECONDS") or 90)
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbits(32))
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"{unlocks} unlocks under faults, CHAOS_SEED={seed}")
    with installed() as at:
        account = run(at, unlocks, seconds, random.Random(seed))
    console.print(table(account))
    console.print(
        f"{account.unlocks} unlocks by {account.updates} updates in {account.seconds:.0f} s; "
        f"{account.repeated} updates came a second time"
    )
    console.print(
        f"{account.told} unlocks were told, {account.told_again} of them more than once; "
        f"{account.untold} while nobody could hear it"
    )
    for problem in account.problems:
        console.print(problem, markup=False)
    sys.exit(1 if account.problems else 0)


if __name__ == "__main__":
    main()
