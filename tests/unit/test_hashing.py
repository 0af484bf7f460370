"""Hashing leaves processors to everybody else: one at a time in a process, and few in all processes together."""

import subprocess
import sys
import threading
from unittest.mock import patch

import pytest

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain import passwords
from web.server import hashing

FORKING = """
import multiprocessing
import os
import signal
import sys
from common.domain import passwords
from web.server import hashing

hashing._processors = lambda: int(sys.argv[1])
context = multiprocessing.get_context("fork")
inside, most = context.Value("i", 0), context.Value("i", 0)
arrivals = context.Barrier(int(sys.argv[2]))


def hashed(password):
    with inside:
        inside.value += 1
        most.value = max(most.value, inside.value)
    sum(range(100_000))
    with inside:
        inside.value -= 1


def hash_often(number):
    hashing.assign_hash_slot(number)
    arrivals.wait()
    for _ in range(50):
        hashing.hashed("a password", "192.0.2.1")


def die_while_hashing():
    hashing.assign_hash_slot(0)
    passwords.hashed = lambda password: os.kill(os.getpid(), signal.SIGKILL)
    hashing.hashed("a password", "192.0.2.1")


passwords.hashed = hashed
dying = context.Process(target=die_while_hashing)
dying.start()
dying.join()
processes = [context.Process(target=hash_often, args=(number,)) for number in range(int(sys.argv[2]))]
for process in processes:
    process.start()
for process in processes:
    process.join()
print(dying.exitcode, [process.exitcode for process in processes], most.value)
"""


@pytest.mark.parametrize(("processors", "processes", "at_once"), [(1, 2, 1), (2, 3, 1), (4, 4, 2)])
def test_forked_processes_hash_on_half_of_the_processors_and_one_may_die_of_it(
    processors: int, processes: int, at_once: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(processors), str(processes)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"-9 {[0] * processes} {at_once}\n"


def test_who_waits_too_long_is_told_to_try_again() -> None:
    begun, finished = threading.Event(), threading.Event()

    def hash_for_long(_password: str) -> str:
        begun.set()
        assert finished.wait(10)
        return ""

    with patch.object(passwords, "hashed", hash_for_long), patch.object(hashing, "LONGEST_WAIT_SECONDS", 0.01):
        slow = threading.Thread(target=hashing.hashed, args=("a password", "192.0.2.1"))
        slow.start()
        assert begun.wait(10)
        with pytest.raises(ScoreboardError) as refused:
            hashing.is_password("a password", None, "192.0.2.2")
        finished.set()
        slow.join()
    assert refused.value.code is ErrorCode.DEPENDENCY_UNAVAILABLE
    assert hashing.is_password("a password", passwords.hashed("a password"), "192.0.2.1")
