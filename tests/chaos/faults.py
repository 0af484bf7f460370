"""The faults: each hurts the installation for a while and leaves it to heal by itself."""

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import redis
from celery import Celery
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from common.contract.constants import ALL_TIME
from common.core import task_names
from common.domain import periods
from common.redis_store import keys
from common.redis_store.keys import BoardKeys
from common.services import showing, suspensions
from common.services.suspensions import COMMAND_LINE, Decision
from dev.harness.many import PERIODS_OF_LONG_AGO, id_of
from dev.harness.stack import Variant
from tests.chaos import crash_points, disks, other_versions, watch
from tests.chaos.crashing_worker import ALWAYS_DUE, CLOCK, READS_VERSION
from tests.chaos.installation import CROWD, Installation
from tests.chaos.value_boards import BOARDS

_PAUSE_SECONDS = 1.6
_FIRST_OF_NOBODY = 21
"""From this number on, players of the crowd are nobody's but this module's."""

_WITHIN_SECONDS = 60.0
"""In which a program starts and does what is waited for, also where everything else on the machine is at work."""

_NOT_QUITE = {"web.server.wsgi": "tests.chaos.crashing_web", "workers.app": "tests.chaos.crashing_worker"}

_AS_IF_NEVER_CLOSED = (
    text("DELETE FROM snapshots WHERE board_id = :board AND period_id = :period"),
    text("DELETE FROM periods WHERE board_id = :board AND period_id = :period"),
    text("""
    INSERT INTO periods (board_id, period_id, starts_at, ends_at) VALUES (:board, :period, :starts_at, :ends_at)
    """),
)


@dataclass(frozen=True)
class Fault:
    """`hurt` takes the installation, a source of chance, and for how many seconds what lasts is to last."""

    name: str
    hurt: Callable[[Installation, random.Random, float], None]
    may_lose_accepted: bool = False
    """Whether it takes away what Redis alone holds: updates that were only accepted (202)."""
    is_long: bool = False
    """Whether it takes too long for the short form."""
    needs_small_disks: bool = False
    told_within: float | None = None
    """After so many seconds `/readyz` says that something is wrong, if it lasts that long; None if nothing lasts."""


def _wait_for(condition: Callable[[], bool], what: str, seconds: float = _WITHIN_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.2)


def _kill(name: str) -> Fault:
    return Fault(f"kill -9 {name}", lambda at, draw, seconds: at.kill(name))


def _kill_child(name: str) -> Fault:
    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        children = at.children(name)
        with suppress(ProcessLookupError, IndexError):
            os.kill(draw.choice(children), signal.SIGKILL)

    return Fault(f"kill -9 child of {name}", hurt)


def _terminate(name: str) -> Fault:
    return Fault(f"SIGTERM {name}", lambda at, draw, seconds: at.kill(name, signal.SIGTERM))


def _freeze_worker(at: Installation, draw: random.Random, seconds: float) -> None:
    children = at.children("worker")
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _freeze_one_within_a_batch(at: Installation, draw: random.Random, seconds: float) -> None:
    """One of the worker's processes stands still between merge and COMMIT, with its locks, beside a living one."""
    marker = at.stack.folder / f"frozen-{draw.randrange(10**9)}"
    environment = {
        crash_points.POINT: "standings merged",
        crash_points.MARKER: str(marker),
        crash_points.SIGNAL: "SIGSTOP",
    }
    at.variant_of["worker"] = Variant(_NOT_QUITE, environment)
    at.kill("worker")
    _wait_for(lambda: marker.exists() and bool(marker.read_text()), "a worker comes to where it is to freeze")
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.kill(int(marker.read_text()), signal.SIGCONT)


def _other_schema(*, restarts: bool = False) -> Fault:
    """As on either side of a migration: the worker's version and the schema are not each other's."""

    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        _rename_column(at, "score", "points")
        if restarts:
            at.kill("worker")
        time.sleep(2 * seconds)
        _rename_column(at, "points", "score")

    suffix = ", worker restarted" if restarts else ""
    told_within = None if restarts else 5
    return Fault(f"schema does not fit{suffix}", hurt, is_long=restarts, told_within=told_within)


def _rename_column(at: Installation, old: str, new: str) -> None:
    with at.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE standings RENAME COLUMN {old} TO {new}")


def _restart(server: str) -> Fault:
    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        running: Any = getattr(at.servers, server)
        running.kill()
        running.start()

    return Fault(f"kill -9 {server}", hurt)


def _away(server: str) -> Fault:
    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        running: Any = getattr(at.servers, server)
        running.stop()
        time.sleep(seconds)
        running.start()

    return Fault(f"{server} away", hurt, told_within=2.5)


def _disk_full(server: str) -> Fault:
    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        running: Any = getattr(at.servers, server)
        with disks.filled(running.folder):
            time.sleep(seconds)
        if not running.is_running():
            running.start()

    return Fault(f"{server}'s disk full", hurt, is_long=True, needs_small_disks=True, told_within=15)


def _pause_valkey(at: Installation, draw: random.Random, seconds: float) -> None:
    """Stop it for longer than a request waits, and let it go on with what it was sent before; again and again."""
    at.servers.prove_own()
    pid = at.servers.valkey.pid
    for _ in range(max(1, round(seconds / _PAUSE_SECONDS))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(_PAUSE_SECONDS)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        time.sleep(draw.uniform(0.2, 1.0))


def _flush(at: Installation, draw: random.Random, seconds: float) -> None:
    at.servers.flush_redis()


def _delete_key(which: str) -> Fault:
    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        at.servers.prove_own()
        for board_id in ("main", draw.choice(list(BOARDS))):
            at.client.delete(getattr(BoardKeys(board_id, ALL_TIME), which))

    return Fault(f"board's {which} deleted", hurt)


def _valkey_with_other_files(change: Callable[[Path, Path], None], at: Installation, seconds: float) -> None:
    """Stop Valkey, change its files (`older` has a copy from before), start it again."""
    folder = at.servers.valkey.data / "appendonlydir"
    older = at.servers.valkey.folder / "older"
    shutil.rmtree(older, ignore_errors=True)
    shutil.copytree(folder, older)
    time.sleep(seconds)
    at.servers.valkey.stop()
    change(folder, older)
    at.servers.valkey.start()


def _empty(at: Installation, draw: random.Random, seconds: float) -> None:
    _valkey_with_other_files(lambda folder, older: shutil.rmtree(folder), at, 0)


def _older(at: Installation, draw: random.Random, seconds: float) -> None:
    def bring_back(folder: Path, older: Path) -> None:
        shutil.rmtree(folder)
        shutil.copytree(older, folder)

    _valkey_with_other_files(bring_back, at, seconds)


def _truncated(at: Installation, draw: random.Random, seconds: float) -> None:
    def cut(folder: Path, older: Path) -> None:
        (newest,) = folder.glob("*.incr.aof")
        os.truncate(newest, max(0, newest.stat().st_size - draw.randrange(1, 2000)))

    _valkey_with_other_files(cut, at, 0)


def _no_memory(at: Installation, draw: random.Random, seconds: float) -> None:
    at.client.config_set("maxmemory", "1mb")
    time.sleep(seconds)
    at.client.config_set("maxmemory", "0")


def _cut_database(at: Installation, draw: random.Random, seconds: float) -> None:
    """End every connection of PostgreSQL, three times, whatever it was doing."""
    for _ in range(3):
        connection = psycopg2.connect(at.servers.postgres.url_of("postgres"))
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        connection.close()
        time.sleep(seconds / 3)


def _through_proxy(part: str, manner: str, value: object, calm: object) -> Fault:
    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        proxy = at.redis_proxy if part == "valkey" else at.postgres_proxy
        setattr(proxy.manner, manner, value)
        time.sleep(seconds)
        setattr(proxy.manner, manner, calm)
        proxy.manner.cut = True  # what hangs half-way is over

    told_within = 5 if manner in ("is_silent", "drops_replies") else None
    return Fault(f"{part}: {manner.replace('_', ' ')}", hurt, told_within=told_within)


def _cut_in_commit(at: Installation, draw: random.Random, seconds: float) -> None:
    for _ in range(3):
        at.postgres_proxy.manner.cut_after = b"COMMIT"
        time.sleep(seconds / 3)
    at.postgres_proxy.manner.cut_after = None


def _many_doorbells(at: Installation, draw: random.Random, seconds: float) -> None:
    with Celery(broker=at.settings.redis_url, set_as_current=False) as bell:
        for _ in range(20):
            bell.send_task(task_names.APPLY, queue=task_names.QUEUE)


def _lost_doorbells(at: Installation, draw: random.Random, seconds: float) -> None:
    """Everybody thinks that somebody else has rung."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        at.client.set(keys.DOORBELL, "1", px=2000)
        at.client.delete(task_names.QUEUE)
        time.sleep(0.01)


def _no_beat(at: Installation, draw: random.Random, seconds: float) -> None:
    at.held.add("beat")
    at.kill("beat")
    _lost_doorbells(at, draw, seconds)
    at.held.discard("beat")


def _garbled(at: Installation, draw: random.Random, seconds: float) -> None:
    """Entries that nobody can read; quarantined after five deliveries."""
    for _ in range(3):
        at.client.xadd(keys.INBOX, {"update": "not JSON", "accepted_at": "0"})


def _poison(at: Installation, draw: random.Random, seconds: float) -> None:
    """An update of a user that does not exist, among good ones; quarantined after five deliveries."""
    nobody = "00000000-0000-4000-8000-000000000000"
    update = (
        f'{{"user_id":"{nobody}","action_id":"share","idempotency_key":"poison-{draw.randrange(10**9)}",'
        '"occurred_at":"2026-11-23T00:00:00Z","request_id":"poison","reply_to":null}'
    )
    accepted_at = int(datetime.now(UTC).timestamp() * 1000)
    at.client.xadd(keys.INBOX, {"update": update, "accepted_at": accepted_at})


def _crash(
    program: str,
    point: str,
    *,
    begin: Callable[[Installation, random.Random], None] = lambda at, draw: None,
    bring_about: Callable[[Installation], None] = lambda at: None,
    environment: Mapping[str, str] = {},
) -> Fault:
    """`begin` once, then `bring_about` again and again until the program has come to the point."""

    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        marker = at.stack.folder / f"crashed-{draw.randrange(10**9)}"
        points = {crash_points.POINT: point, crash_points.MARKER: str(marker)}
        begin(at, draw)
        at.variant_of[program] = Variant(_NOT_QUITE, {**environment, **points})
        at.kill(program)

        def is_there() -> bool:
            if not marker.exists():
                bring_about(at)
            return marker.exists()

        _wait_for(is_there, f"{program} comes to the point {point!r}")
        at.kill(program)

    return Fault(f"{program} dies after {point}", hurt)


def _lose_daily_board(at: Installation) -> None:
    with suppress(redis.RedisError):
        at.client.delete(BoardKeys("main", periods.current("daily", datetime.now(UTC)).id).scores)


def _let_period_end(at: Installation, draw: random.Random) -> None:
    """Let a period of long ago be over and not closed; everybody of the crowd has a standing in it."""
    period = periods.parse(draw.choice([period_id for period_id in PERIODS_OF_LONG_AGO if period_id != ALL_TIME]))
    values = {"board": "main", "period": period.id, "starts_at": period.starts_at, "ends_at": period.ends_at}
    with at.engine.begin() as connection:
        for statement in _AS_IF_NEVER_CLOSED:
            connection.execute(statement, values)


def _snapshots_under_load(at: Installation, draw: random.Random, seconds: float) -> None:
    """Taken again and again, each instant being due, by a worker whose process is killed in the middle."""
    before = at.snapshots.count()
    at.variant_of["chores"] = Variant(_NOT_QUITE, {ALWAYS_DUE: "1"})
    at.kill("chores")

    def is_at_it() -> bool:
        at.ring(task_names.TAKE_SNAPSHOTS)
        return at.snapshots.count() > before

    _wait_for(is_at_it, "a snapshot is taken")
    deadline = time.monotonic() + 2 * seconds
    while time.monotonic() < deadline:
        for _ in range(draw.randint(5, 20)):
            at.ring(task_names.TAKE_SNAPSHOTS)
            time.sleep(0.05)
        with suppress(ProcessLookupError, IndexError):
            os.kill(draw.choice(at.children("chores")), signal.SIGKILL)
    at.kill("chores")


def _other_versions_in_a_full_inbox(at: Installation, draw: random.Random, seconds: float) -> None:
    """The worker is away for an upgrade, and comes back too old; then the newer one comes, and goes again."""
    at.held.add("worker")
    at.kill("worker")
    entries = other_versions.put(at.client)
    at.accounts += entries.accounts
    time.sleep(seconds)
    at.held.discard("worker")
    _wait_for(lambda: not other_versions.remaining(at.client, entries.readable), "what it can read is applied")
    _wait_for(lambda: _says(at, f"version {other_versions.NEWER_MAJOR}"), "/readyz says what waits")
    assert other_versions.remaining(at.client, entries.newer) == len(entries.newer), "an entry of tomorrow is gone"
    at.variant_of["worker"] = Variant(_NOT_QUITE, {READS_VERSION: str(other_versions.NEWER_MAJOR)})
    at.kill("worker")
    _wait_for(lambda: not other_versions.remaining(at.client, entries.newer), "the newer worker applies the rest")
    at.kill("worker")


def _says(at: Installation, words: str) -> bool:
    seen = watch.look(at.stack)
    return seen is not None and any(words in sentence for sentence in seen.told)


def _wrong_clock(offset: int) -> Fault:
    def hurt(at: Installation, draw: random.Random, seconds: float) -> None:
        at.variant_of["worker"] = Variant(_NOT_QUITE, {CLOCK: str(offset)})
        at.kill("worker")
        time.sleep(2 * seconds)
        at.kill("worker")

    return Fault(f"worker's clock {offset:+} s", hurt)


def _suspend_in_rebuild(at: Installation, draw: random.Random, seconds: float) -> None:
    """Suspend and reinstate a player of the crowd, over and over, while the board is filled again and again."""
    someone = id_of(draw.randint(_FIRST_OF_NOBODY, CROWD))
    ended = threading.Event()

    def rebuild() -> None:
        while not ended.is_set():
            at.rebuilder.rebuild("main", ALL_TIME)

    rebuilding = threading.Thread(target=rebuild)
    rebuilding.start()
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            for suspended in (True, False, True):
                _moderate(at, someone, suspended)
                time.sleep(draw.random() * 0.2)
    finally:
        ended.set()
        rebuilding.join()
    at.rebuild()
    with at.engine.connect() as connection:
        assert suspensions.is_suspended(connection, someone)
    assert at.board.places("main", ALL_TIME, [someone]).of[someone].entry is None, "a suspended player is on the board"


def _moderate(at: Installation, user_id: str, suspended: bool) -> None:
    """As an admin does. The ledger may not come to rest at once: then once more."""
    decision = Decision(user_id, suspended, COMMAND_LINE, "")
    for last in (False, False, True):
        try:
            with at.engine.begin() as connection:
                suspensions.decide(connection, decision)
            break
        except OperationalError:
            if last:
                raise
    showing.show(at.engine, at.board, at.inbox, user_id)


FAULTS = (
    *(_kill(name) for name in ("web", "worker", "chores", "beat")),
    *(_kill_child(name) for name in ("web", "worker", "chores")),
    *(_terminate(name) for name in ("web", "worker", "chores", "beat")),
    Fault("worker frozen, then killed", _freeze_worker, told_within=20),
    Fault("worker frozen beside a living one", _freeze_one_within_a_batch),
    _other_schema(),
    _other_schema(restarts=True),
    *(_restart(server) for server in ("valkey", "postgres")),
    *(_away(server) for server in ("valkey", "postgres")),
    Fault("valkey paused", _pause_valkey, told_within=10),
    *(_disk_full(server) for server in ("valkey", "postgres")),
    Fault("FLUSHALL", _flush, may_lose_accepted=True),
    *(_delete_key(which) for which in ("scores", "members", "meta")),
    Fault("valkey empty", _empty, may_lose_accepted=True),
    Fault("valkey on an older copy", _older, may_lose_accepted=True),
    Fault("valkey's file truncated", _truncated, may_lose_accepted=True),
    Fault("valkey without memory", _no_memory, told_within=2.5),
    Fault("postgres cuts connections", _cut_database),
    Fault("postgres cut in COMMIT", _cut_in_commit),
    *(
        _through_proxy(part, manner, value, calm)
        for part in ("valkey", "postgres")
        for manner, value, calm in (
            ("delay_seconds", 0.05, 0.0),
            ("is_silent", True, False),
            ("drops_replies", True, False),
            ("cut", True, False),
        )
    ),
    Fault("suspension against a rebuild that ends", _suspend_in_rebuild),
    Fault("doorbells twentyfold", _many_doorbells),
    Fault("doorbells lost", _lost_doorbells),
    Fault("no beat, doorbells lost", _no_beat),
    Fault("garbled entries", _garbled, is_long=True),
    Fault("poison entry", _poison, is_long=True),
    _crash("web", "accept"),
    *(_crash("worker", point) for point in crash_points.IN_WORKER),
    *(_crash("worker", point, bring_about=_lose_daily_board) for point in crash_points.IN_REBUILD),
    Fault("snapshots under load", _snapshots_under_load),
    *(
        _crash(
            "chores", point, bring_about=lambda at: at.ring(task_names.TAKE_SNAPSHOTS), environment={ALWAYS_DUE: "1"}
        )
        for point in crash_points.IN_SNAPSHOTS
    ),
    *(
        _crash("chores", point, begin=_let_period_end, bring_about=lambda at: at.ring(task_names.CLOSE))
        for point in crash_points.IN_CLOSING
    ),
    Fault("rollback and upgrade with a full inbox", _other_versions_in_a_full_inbox),
    _wrong_clock(600),
    _wrong_clock(-600),
)
