import os
import signal
import subprocess
import sys
from pathlib import Path

from dev.harness.waiting import wait_until
from dev.supervise import processes
from tests.dev.dummy import REPOSITORY, is_alive

SLEEP = ["sleep", "1000"]

PARENT = """
import signal, subprocess, sys
from dev.supervise import processes
child = processes.spawn(sys.argv[1:], death_signal=signal.SIGTERM, output=subprocess.DEVNULL)
print(child.pid, flush=True)
signal.pause()
"""


def spawn(*command: str) -> subprocess.Popen[bytes]:
    return processes.spawn(command, death_signal=signal.SIGTERM, output=subprocess.PIPE)


def line_of(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout
    return child.stdout.readline()


def close(child: subprocess.Popen[bytes]) -> None:
    assert child.stdout
    child.stdout.close()


def test_a_child_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, *SLEEP], stdout=subprocess.PIPE, cwd=REPOSITORY) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        wait_until(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n")  # it has become the command
        parent.kill()

    wait_until(lambda: not is_alive(child))


def test_a_child_leads_a_session_of_its_own_so_that_ctrl_c_spares_it() -> None:
    child = spawn(*SLEEP)

    assert os.getsid(child.pid) == child.pid
    assert processes.end(child, signal.SIGTERM, 5) == -signal.SIGTERM
    close(child)


def test_a_child_that_ignores_the_request_is_ended_with_its_whole_family() -> None:
    child = spawn("sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; wait")
    grandchild = int(line_of(child))

    assert processes.end(child, signal.SIGTERM, 0.2) == -signal.SIGKILL
    wait_until(lambda: not is_alive(grandchild))
    close(child)


def test_what_a_dead_child_left_behind_is_ended_when_it_is_buried() -> None:
    child = spawn("sh", "-c", "sleep 1000 & echo $!")
    grandchild = int(line_of(child))
    wait_until(lambda: processes.has_ended(child))
    assert is_alive(grandchild)

    assert processes.reap(child) == 0
    wait_until(lambda: not is_alive(grandchild))
    close(child)


def test_a_command_that_does_not_exist_says_so() -> None:
    child = spawn("/nonexistent/program")

    assert line_of(child) == b"/nonexistent/program: No such file or directory\n"
    assert child.wait() == 1
    close(child)
