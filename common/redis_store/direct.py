"""A client whose commands go out and come back with nothing in between, for what every batch waits for.

redis-py takes a command through its pool, its retries and its reports to observers, which costs three times what the
command itself does in Python. Its connections, commands, scripts and errors are used all the same, and its pool where
a pipeline or a subscription asks for one.
"""

import os
from collections import deque
from typing import Any

import redis


class DirectClient(redis.Redis):
    """A client that keeps the connections of its commands itself.

    As with `client.connect`, a command is repeated once if its connection broke, and a command that timed out is not.
    Nothing is left on a connection that anything has interrupted: it is closed.
    """

    _idle: deque[Any]
    _process: int = 0

    def execute_command(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as redis-py
        """Send a command and return its reply, as redis-py would."""
        connection = self._taken()
        try:
            try:
                return self._ask(connection, arguments, options)
            except redis.ConnectionError:
                connection.disconnect()
                return self._ask(connection, arguments, options)
        except redis.ResponseError:
            raise
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close all connections. The next command opens one again."""
        while self._process == os.getpid() and self._idle:
            self._idle.pop().disconnect()
        super().close()

    def _taken(self) -> Any:  # noqa: ANN401 - a connection of redis-py
        """Return a connection that nobody uses. Those that a parent process has opened stay with it."""
        if self._process != os.getpid():
            self._process, self._idle = os.getpid(), deque()
        try:
            return self._idle.pop()
        except IndexError:
            pool = self.connection_pool
            return pool.connection_class(**pool.connection_kwargs)

    def _ask(self, connection: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401
        connection.send_command(*arguments)
        return self.parse_response(connection, arguments[0], **options)  # type: ignore[no-untyped-call]  # redis-py
