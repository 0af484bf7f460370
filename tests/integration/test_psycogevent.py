"""psycopg2 beside gevent, in a process of its own that is patched as the web's is."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from common.core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from gevent import monkey
monkey.patch_all()
import json, sys, time
import gevent
from sqlalchemy import create_engine, exc, text
from web.server import psycogevent
psycogevent.install()
engine = create_engine(sys.argv[1], pool_size=10, max_overflow=0)

def ask():
    with engine.connect() as connection:
        return connection.scalar(text(sys.argv[2]))

started = time.monotonic()
greenlets = [gevent.spawn(ask) for _ in range(10)]
gevent.joinall(greenlets)
outcomes = [type(one.exception).__name__ if one.exception else one.value for one in greenlets]
print(json.dumps([outcomes, time.monotonic() - started]))
"""


IN_VAIN = PROGRAM.replace(
    "from web.server import", "from common.core import deadlines\nfrom web.server import"
).replace(
    "def ask():",
    """
def ask():
    deadlines.begin()
    for _ in range(3):
        try:
            query()
        except exc.OperationalError:
            continue
    return "given up"

def query():""",
)


def ask_ten_times_at_once(url: str, statement: str, program: str = PROGRAM) -> tuple[list[object], float]:
    """Ten outcomes (a value, or the name of an exception) and the seconds for all of them."""
    command = [sys.executable, "-W", "error", "-c", program, url, statement]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    outcomes, seconds = json.loads(done.stdout)
    return outcomes, seconds


def test_ten_slow_queries_take_as_long_as_one(settings: Settings) -> None:
    outcomes, seconds = ask_ten_times_at_once(settings.database_url, "SELECT 1 FROM pg_sleep(0.3)")
    assert outcomes == [1] * 10
    assert 0.3 <= seconds < 2.8, "one after the other takes three seconds"


def test_an_error_of_a_statement_is_an_error_and_no_more(settings: Settings) -> None:
    outcomes, _ = ask_ten_times_at_once(settings.database_url, "SELECT 1 / 0")
    assert outcomes == ["DataError"] * 10


def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as mute:
        url = f"postgresql+psycopg2://x:y@127.0.0.1:{mute.getsockname()[1]}/z"
        outcomes, seconds = ask_ten_times_at_once(url, "SELECT 1")
    assert outcomes == ["OperationalError"] * 10
    assert 1 < seconds < 8, "one after the other takes fifteen seconds"


def test_a_request_that_has_waited_in_vain_waits_no_second_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as mute:
        url = f"postgresql+psycopg2://x:y@127.0.0.1:{mute.getsockname()[1]}/z"
        outcomes, seconds = ask_ten_times_at_once(url, "SELECT 1", IN_VAIN)
    assert outcomes == ["given up"] * 10
    assert seconds < 4.5, "three times in vain would be five seconds"
