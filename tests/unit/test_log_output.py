"""Lines are written in their order, many at a time, and whoever does not read them holds nobody up."""

import _thread
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from common.core import log_output
from common.core.log_output import GATHERED_LINES, MOST_WAITING_LINES, LogOutput
from dev.harness.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
CONFIGURED = """
import os, signal, sys, time
from types import SimpleNamespace
import structlog
from common.core import logging
logging.configure(SimpleNamespace(log_format="auto", log_level="INFO"), "test")
log = structlog.get_logger("program")
"""


class Pipe:
    """A pipe, and what has come out of it."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.read = b""

    def lines(self) -> list[bytes]:
        with suppress(BlockingIOError):
            while chunk := os.read(self.reader, 65536):
                self.read += chunk
        return self.read.splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    for descriptor in (made.reader, made.writer):
        with suppress(OSError):
            os.close(descriptor)


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are gathered wait for a number of them, not for the time."""
    monkeypatch.setattr(log_output, "GATHERED_SECONDS", 3600.0)


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"line %d" % number for number in range(start, start + count)]


@pytest.mark.usefixtures("never")
def test_lines_are_written_when_there_are_enough_of_them(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)
    for line in numbered(GATHERED_LINES - 1):
        output.add(line + b"\n")
    assert pipe.lines() == []

    output.add(b"the last\n")

    assert pipe.lines() == [*numbered(GATHERED_LINES - 1), b"the last"]


def test_a_few_lines_are_written_soon(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)
    output.add(b"one\n")
    wait_until(lambda: pipe.lines() == [b"one"])
    output.add(b"two\n")
    wait_until(lambda: pipe.lines() == [b"one", b"two"])


def test_the_timer_ends_when_nothing_comes_and_begins_anew(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    start = _thread.start_new_thread
    monkeypatch.setattr(log_output, "_QUIET_ROUNDS", 1)
    monkeypatch.setattr("_thread.start_new_thread", lambda *thread: started.append(start(*thread)))
    output = LogOutput(pipe.writer)

    output.add(b"one\n")
    wait_until(lambda: pipe.lines() == [b"one"])
    wait_until(lambda: output._due_at == 0)
    output.add(b"two\n")
    wait_until(lambda: pipe.lines() == [b"one", b"two"])

    assert len(started) == 2


@pytest.mark.usefixtures("never")
def test_what_was_gathered_goes_out_before_a_line_that_cannot_wait(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)
    output.add(b"first\n")
    output.add(b"warning\n", at_once=True)
    assert pipe.lines() == [b"first", b"warning"]


@pytest.mark.usefixtures("never")
def test_the_lines_of_a_batch_are_written_together(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)
    output.add_all(line + b"\n" for line in numbered(500))
    assert pipe.lines() == numbered(500)


@pytest.mark.usefixtures("never")
def test_once_closed_an_output_writes_each_line_at_once(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)
    output.add(b"gathered\n")
    output.close()
    output.add(b"late\n")
    assert pipe.lines() == [b"gathered", b"late"]


def test_a_reader_that_does_not_read_holds_nobody_up_and_is_told_what_it_missed(pipe: Pipe) -> None:
    dropped: list[int] = []
    output = LogOutput(pipe.writer, dropped=dropped.append, notice=lambda count: b"%d are missing\n" % count)
    total = 3 * MOST_WAITING_LINES
    for line in numbered(total):
        output.add(line + b"\n", at_once=True)
    assert sum(dropped) > 0

    wait_until(lambda: b"missing" in b"".join(pipe.lines()[-1:]))

    *shown, notice = pipe.lines()
    assert shown == numbered(total - sum(dropped))
    assert notice == b"%d are missing" % sum(dropped)


def test_the_pipe_itself_stays_as_it_was_for_those_who_share_it(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)
    output.add(b"line\n", at_once=True)
    assert not fcntl.fcntl(pipe.writer, fcntl.F_GETFL) & os.O_NONBLOCK
    output.release()
    assert os.get_blocking(pipe.writer)


def test_a_reader_that_has_gone_away_ends_nothing(pipe: Pipe) -> None:
    dropped: list[int] = []
    output = LogOutput(pipe.writer, dropped=dropped.append)
    os.close(pipe.reader)
    for _ in range(10):
        output.add(b"line\n", at_once=True)
    output.close()
    assert sum(dropped) == 10


def test_a_line_longer_than_what_a_pipe_takes_at_once_arrives_whole(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)
    long = b"x" * 300_000
    output.add(long + b"\n", at_once=True)
    output.add(b"after\n", at_once=True)
    wait_until(lambda: pipe.lines()[-1:] == [b"after"])
    assert pipe.lines() == [long, b"after"]


def test_a_line_that_the_pipe_takes_in_part_is_ended_before_another_process_writes(pipe: Pipe) -> None:
    first, second = LogOutput(pipe.writer), LogOutput(pipe.writer)  # two open files, as of two processes
    long = b"x" * 300_000
    first.add(long + b"\n", at_once=True)
    assert len(pipe.lines()[0]) < len(long)

    second.add(b"short\n", at_once=True)
    second.add(long + b"\n", at_once=True)

    wait_until(lambda: len(pipe.lines()) == 3 and pipe.read.endswith(b"\n"))
    assert sorted(pipe.lines()) == sorted([long, long, b"short"])


@pytest.mark.usefixtures("never")
def test_a_process_that_ends_within_a_line_leaves_the_pipe_to_the_others(pipe: Pipe) -> None:
    ended, other = LogOutput(pipe.writer), LogOutput(pipe.writer)
    ended.add(b"x" * 300_000 + b"\n", at_once=True)
    pipe.lines()
    other.add(b"before\n", at_once=True)
    ended.release()
    other.add(b"after\n", at_once=True)
    assert pipe.lines()[0].endswith(b"xbefore")
    assert pipe.lines()[1:] == [b"after"]


def test_no_line_is_lost_or_doubled_among_threads(pipe: Pipe) -> None:
    output = LogOutput(pipe.writer)

    def write(start: int) -> None:
        for line in numbered(500, start):
            output.add(line + b"\n")

    threads = [threading.Thread(target=write, args=[start]) for start in range(0, 2000, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    output.close()
    assert sorted(pipe.lines()) == sorted(numbered(2000))


# -- whole programs ---------------------------------------------------------------------------------------------------


def run(program: str, before: str = "") -> tuple[list[str], int]:
    """Return the events of the program's lines, which are JSON since its output is a pipe, and its exit code."""
    ended = subprocess.run(
        [sys.executable, "-c", before + CONFIGURED + program], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    return [json.loads(line)["event"] for line in ended.stdout.splitlines()], ended.returncode


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise RuntimeError('crash')", 1),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(4)); os.kill(os.getpid(), signal.SIGTERM)", 4),
        ("logging.flush(); os._exit(5)", 5),
        ("log.warning('alarm'); os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_however_a_program_ends_its_last_lines_are_written(end: str, code: int) -> None:
    events, returned = run(f"log.info('last')\n{end}")
    assert [event for event in events if event != "alarm"] == ["last"]
    assert returned == code


def test_a_fork_takes_none_of_the_lines_of_its_parent_and_writes_its_own() -> None:
    events, _ = run(
        "log.info('before')\n"
        "if not os.fork():\n"
        "    log.info('child')\n"
        "    time.sleep(10 * 0.05)  # its own timer writes the line, since this end of a process flushes nothing\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "log.info('after')\n"
    )
    assert events == ["before", "child", "after"]


def test_the_lines_of_many_processes_are_never_mixed() -> None:
    events, _ = run(
        "for name in 'abcd':\n"
        "    if not os.fork():\n"
        "        for number in range(2000):\n"
        "            log.info(name, detail='x' * (20_000 if number % 20 == 0 else number % 700))\n"
        "            if number % 50 == 0: time.sleep(0.001)  # so that the reader keeps up and nothing is dropped\n"
        "        sys.exit()\n"
        "for _ in 'abcd': os.wait()\n"
    )
    assert {name: events.count(name) for name in "abcd"} == dict.fromkeys("abcd", 2000)


def test_under_gevent_a_line_switches_to_nobody_and_is_written_soon() -> None:
    events, code = run(
        "import gevent\n"
        "switched = []\n"
        "gevent.spawn(switched.append, 1)\n"
        "for _ in range(100): log.info('line')\n"
        "assert not switched\n"
        "gevent.sleep(1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)  # nothing is left to flush\n",
        before="from gevent import monkey; monkey.patch_all()\n",
    )
    assert (events, code) == (["line"] * 100, -signal.SIGKILL)


def test_on_a_terminal_lines_are_readable_and_elsewhere_they_are_json() -> None:
    ours, theirs = os.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", CONFIGURED + "log.info('it_happened', at='sea')"], cwd=ROOT, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    assert program.wait(60) == 0
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "it_happened" in shown
    assert "\x1b[" in shown
    assert not shown.startswith("{")
    assert run("log.info('it_happened')") == (["it_happened"], 0)
