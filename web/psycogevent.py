"""Lets psycopg2 wait in gevent's loop: without it a query stops the whole process until the server answers."""

from gevent.socket import wait_read, wait_write
from psycopg2 import OperationalError, extensions

LONGEST_WAIT_SECONDS = 3.0
"""Longer than any statement may take here. libpq's own `connect_timeout` does not work in steps."""


def install() -> None:
    """For every connection of this process."""
    extensions.set_wait_callback(_wait)


def _wait(connection: extensions.connection) -> None:
    """Take the steps that libpq asks for, each when its socket is ready (psycopg2 docs, "Green" support)."""
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        if state == extensions.POLL_READ:
            wait_read(connection.fileno(), LONGEST_WAIT_SECONDS, _gone())
        elif state == extensions.POLL_WRITE:
            wait_write(connection.fileno(), LONGEST_WAIT_SECONDS, _gone())
        else:
            raise OperationalError(f"unexpected state {state} of a connection")


def _gone() -> OperationalError:
    """What a wait ends with that took too long; psycopg2 then closes the connection."""
    return OperationalError(f"the server has not answered for {LONGEST_WAIT_SECONDS:g} s")
