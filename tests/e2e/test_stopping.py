"""SIGTERM: what is under way comes to its end, the program ends in seconds, and nothing is dropped."""

import json
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text

from common.redis_store import keys
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.caller import Caller

ENDS_WITHIN_SECONDS = 10.0
SENDERS = 4


@pytest.fixture
def caller(stack: Stack) -> Iterator[Caller]:
    yield Caller(stack, f"player-{secrets.token_hex(4)}")
    for name in ("web", "worker"):
        if name not in stack.processes:
            stack.start(name)
    with stack.redis() as client:
        client.delete(keys.WORKER_SEEN)  # what the worker before this one has left
    stack.wait_until_ready()


def stop(stack: Stack, name: str) -> None:
    """Ask a program to end, and hold it to its time."""
    started = time.monotonic()
    assert stack.stop(name, signal.SIGTERM) == 0
    assert time.monotonic() - started < ENDS_WITHIN_SECONDS


def inbox_depth(stack: Stack) -> int:
    with stack.redis() as client:
        return int(client.xlen(keys.INBOX))


def points_of(stack: Stack, caller: Caller) -> int:
    engine = create_engine(stack.environment["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://", 1))
    with engine.connect() as connection:
        statement = text("SELECT coalesce(sum(points), 0) FROM score_events WHERE user_id = :user")
        points = connection.execute(statement, {"user": caller.user_id}).scalar_one()
    engine.dispose()
    return int(points)


def test_a_request_that_waits_is_answered_before_the_web_ends(stack: Stack, caller: Caller) -> None:
    stop(stack, "worker")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(caller.update, "win-match")
        wait_until(lambda: inbox_depth(stack) == 1)
        stop(stack, "web")
        assert waiting.result().status_code == 202
    stack.start("worker")
    wait_until(lambda: points_of(stack, caller) == 25, 30)


def test_a_worker_that_is_asked_to_stop_while_updates_come_leaves_nothing_behind(stack: Stack, caller: Caller) -> None:
    stopped = threading.Event()

    def send() -> int:
        """Updates until the worker has stopped; how many were accepted."""
        accepted = 0
        while not stopped.is_set():
            assert caller.update("share", Prefer="respond-async").status_code == 202
            accepted += 1
        return accepted

    with ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(send) for _ in range(SENDERS)]
        try:
            wait_until(lambda: points_of(stack, caller) > 0, 30)
            stop(stack, "worker")
        finally:
            stopped.set()
    accepted = sum(sender.result() for sender in senders)
    assert points_of(stack, caller) < accepted
    stack.start("worker")
    wait_until(lambda: inbox_depth(stack) == 0, 30)
    assert points_of(stack, caller) == accepted


def test_the_last_lines_of_a_program_are_in_its_log_when_it_has_ended(stack: Stack, caller: Caller) -> None:
    request_id = f"last-{secrets.token_hex(8)}"
    assert caller.update("win-match", **{"X-Request-ID": request_id}).status_code == 200
    for name, event in (("web", "request"), ("worker", "update_applied")):
        stop(stack, name)
        lines = [json.loads(line) for line in stack.log(name).splitlines() if request_id in line]
        assert event in [line["event"] for line in lines], name
