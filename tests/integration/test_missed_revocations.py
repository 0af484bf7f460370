"""Revocations that Redis could not be told of: it is told soon, with a worker or without one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
import structlog
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from common.postgres import sessions
from common.postgres.sessions import Session
from common.redis_store import client as redis_client
from common.redis_store import keys
from common.services import missed_revocations, revocations
from common.services.missed_revocations import MissedRevocations
from common.services.revocations import Revocations
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from tests.conftest import REDIS_DATABASE
from tests.player import Player
from web.guards import revocation_watch
from web.guards.revocation_watch import RevocationWatch
from web.live.heartbeats import Heartbeats
from workers.state import WorkerState


@pytest.fixture
def cut_off(worker: WorkerState, servers: Servers, proxy: Proxy) -> Iterator[Revocations]:
    """A process that reaches Redis by way of a proxy, which cuts it off from now on."""
    client = redis_client.connect(through(servers.redis_url(REDIS_DATABASE), proxy))
    proxy.manner.is_silent = True
    yield Revocations(client, worker.engine)
    proxy.manner.is_silent = False
    client.close()


@pytest.fixture
def connected(worker: WorkerState) -> Revocations:
    """A process that reaches both servers."""
    return Revocations(worker.redis, worker.engine)


@pytest.fixture
def watch_of(worker: WorkerState) -> Iterator[Callable[[Revocations], RevocationWatch]]:
    """Makes the loop of such a process."""
    made: list[RevocationWatch] = []

    def make(process: Revocations) -> RevocationWatch:
        made.append(RevocationWatch(process, worker.redis, worker.engine, Heartbeats()))
        return made[-1]

    yield make
    for watch in made:
        watch.close()


@pytest.fixture
def session(worker: WorkerState, ada: Player) -> Session:
    now = datetime.now(UTC)
    with worker.engine.connect() as connection:
        (session_id,) = sessions.live_of(connection, ada.user_id, now)
        found = sessions.find_live(connection, session_id, now)
    assert found
    return found


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_watch, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(revocation_watch, "CAUGHT_UP_FOR_SECONDS", 0.2)
    monkeypatch.setattr(revocation_watch, "_LONGEST_PAUSE", 0.1)


def log_out(process: Revocations, session: Session) -> None:
    process.revoke(session.id, lambda connection: sessions.revoke(connection, session.id, "logout"))


def believes(process: Revocations, session: Session) -> bool:
    return process.is_live(session.id, session.user_id)


def test_who_could_not_tell_redis_of_a_logout_does_so_once_it_is_back_and_asks_no_database(
    cut_off: Revocations, connected: Revocations, proxy: Proxy, session: Session, worker: WorkerState
) -> None:
    log_out(cut_off, session)
    assert believes(connected, session), "Redis is believed, and does not know"
    with pytest.raises(redis.RedisError):
        cut_off.tell_missed()
    proxy.manner.is_silent = False
    worker.redis.delete(keys.SESSIONS_TOLD)
    nowhere = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    wait_until(lambda: has_told(cut_off))
    assert not believes(Revocations(worker.redis, nowhere), session)
    assert not worker.redis.exists(keys.SESSIONS_TOLD)


def has_told(process: Revocations) -> bool:
    try:
        process.tell_missed()
    except redis.RedisError:
        return False
    return True


def test_a_logout_that_also_postgresql_did_not_take_is_told_as_a_question_only(
    cut_off: Revocations, connected: Revocations, proxy: Proxy, session: Session, worker: WorkerState
) -> None:
    def fail(connection: Connection) -> None:
        del connection
        raise SQLAlchemyError

    with pytest.raises(SQLAlchemyError):
        cut_off.revoke(session.id, fail)
    proxy.manner.is_silent = False
    wait_until(lambda: has_told(cut_off))
    assert worker.redis.get(keys.session_revoked(session.id)) == "?"
    assert believes(connected, session)


@pytest.mark.usefixtures("hasty")
def test_a_web_process_tells_redis_of_what_a_dead_one_could_not_where_no_worker_sweeps(
    cut_off: Revocations,
    connected: Revocations,
    watch_of: Callable[[Revocations], RevocationWatch],
    session: Session,
) -> None:
    log_out(cut_off, session)
    assert believes(connected, session)
    watch_of(connected).start()
    wait_until(lambda: not believes(connected, session))


def test_a_web_process_leaves_it_to_the_worker_that_has_just_caught_up(
    connected: Revocations, watch_of: Callable[[Revocations], RevocationWatch], worker: WorkerState
) -> None:
    revocations.catch_up(worker.redis, worker.engine)
    told = worker.redis.get(keys.SESSIONS_TOLD)
    watch_of(connected).take_turn()
    assert worker.redis.get(keys.SESSIONS_TOLD) == told
    worker.redis.set(keys.SESSIONS_TOLD, str(told))  # as an earlier version wrote it: nobody knows when
    watch_of(connected).take_turn()
    assert worker.redis.get(keys.SESSIONS_TOLD) != told


@pytest.mark.usefixtures("hasty")
def test_the_loop_goes_on_after_a_server_was_away_and_says_so_once(
    cut_off: Revocations,
    watch_of: Callable[[Revocations], RevocationWatch],
    monkeypatch: pytest.MonkeyPatch,
    proxy: Proxy,
    session: Session,
) -> None:
    log_out(cut_off, session)
    attempts: list[None] = []
    tell_missed = cut_off.tell_missed

    def count() -> None:
        attempts.append(None)
        tell_missed()

    monkeypatch.setattr(cut_off, "tell_missed", count)
    with structlog.testing.capture_logs() as logs:
        watch_of(cut_off).start()
        wait_until(lambda: len(attempts) > 1)
        proxy.manner.is_silent = False
        wait_until(lambda: any(line["event"] == "revocations_told" for line in logs))
    assert [line["event"] for line in logs] == ["revocation_watch_interrupted", "revocations_told"]


@pytest.mark.parametrize("wrong_by", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_the_clock_of_who_caught_up_last_hides_no_revocation(
    worker: WorkerState, session: Session, monkeypatch: pytest.MonkeyPatch, wrong_by: timedelta
) -> None:
    class WrongClock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            del tz
            return datetime.now(UTC) + wrong_by

    with monkeypatch.context() as patched:
        patched.setattr(revocations, "datetime", WrongClock)
        revocations.catch_up(worker.redis, worker.engine)
    with worker.engine.begin() as connection:
        sessions.revoke(connection, session.id, "logout")
    revocations.catch_up(worker.redis, worker.engine)
    assert worker.redis.get(keys.session_revoked(session.id)) == "1"


def test_what_is_kept_is_bounded_and_ends_with_the_mark() -> None:
    now = 0.0
    missed = MissedRevocations(60, lambda: now)
    missed.keep([str(number) for number in range(missed_revocations.KEPT_AT_MOST + 5)], "?")
    (kept,) = missed.waiting().values()
    assert (len(kept), kept[0]) == (missed_revocations.KEPT_AT_MOST, "5")
    now = 30.0
    missed.keep(["5"], "1")
    missed.told(kept, "?")
    assert missed.waiting() == {"1": ["5"]}
    now = 90.0
    assert missed.waiting() == {}


def test_a_revocation_that_redis_confirms_is_kept_no_longer(
    cut_off: Revocations, proxy: Proxy, session: Session
) -> None:
    cut_off.announce(session.id)
    proxy.manner.is_silent = False
    with structlog.testing.capture_logs() as logs:
        wait_until(lambda: not is_refused(cut_off, session))
        cut_off.tell_missed()
    assert [line for line in logs if line["event"] == "revocations_told"] == []


def is_refused(process: Revocations, session: Session) -> bool:
    with structlog.testing.capture_logs() as logs:
        process.confirm(session.id)
    return bool(logs)
