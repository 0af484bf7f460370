"""Lets psycopg2 wait in gevent's loop: without it a query stops the whole process until the server answers."""

from gevent.socket import wait_read, wait_write
from psycopg2 import OperationalError, extensions

from common.core import deadlines

LONGEST_WAIT_SECONDS = 1.7
"""Longer than any statement may take here. libpq ignores `connect_timeout` when it connects step by step."""

SECOND_WAIT_SECONDS = 0.1
"""The longest wait of a request that has timed out before."""


def install() -> None:
    """Install the wait callback for every connection of this process."""
    extensions.set_wait_callback(_wait)


def _wait(connection: extensions.connection) -> None:
    """Take the steps that libpq asks for, each when its socket is ready (psycopg2 docs, "Green" support)."""
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        if state not in (extensions.POLL_READ, extensions.POLL_WRITE):
            raise OperationalError(f"unexpected state {state} of a connection")
        seconds = SECOND_WAIT_SECONDS if deadlines.has_timed_out("postgresql") else LONGEST_WAIT_SECONDS
        wait = wait_read if state == extensions.POLL_READ else wait_write
        try:
            wait(connection.fileno(), seconds)
        except TimeoutError:
            deadlines.mark_timed_out("postgresql")
            # psycopg2 closes the connection of a wait that failed.
            raise OperationalError(f"the server has not answered for {seconds:g} s") from None
