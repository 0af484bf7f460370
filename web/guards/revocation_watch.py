"""The loop of a web process that tells Redis of revocations it has missed, also where no worker sweeps."""

import threading

import redis
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from common.redis_store.client import Client
from common.services import revocations
from common.services.revocations import Revocations
from web.live.heartbeats import Heartbeats

log = structlog.get_logger(__name__)

TURN_SECONDS = 1.0
CAUGHT_UP_FOR_SECONDS = 5.0
"""A worker catches up every two seconds. If nobody has for this long, a web process does."""

_LONGEST_PAUSE = 5.0


class RevocationWatch:
    """The loop. It starts with the server that serves the application, not with the application."""

    def __init__(self, own: Revocations, client: Client, engine: Engine, heartbeats: Heartbeats) -> None:
        self._own = own
        self._client = client
        self._engine = engine
        self._heartbeats = heartbeats
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the loop. Further calls do nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="revocations", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the loop after its turn."""
        self._closed.set()
        if self._thread:
            self._thread.join()

    def take_turn(self) -> None:
        """Tell Redis what this process could not tell it, and what it may have missed from others.

        The first needs no PostgreSQL. Raises RedisError or SQLAlchemyError, and leaves what is left to the next turn.
        """
        self._own.tell_missed()
        if revocations.behind_for(self._client) > CAUGHT_UP_FOR_SECONDS:
            revocations.catch_up(self._client, self._engine)

    def _run(self) -> None:
        """Take turns until closed. After each failure in a row the pause before the next turn is longer."""
        pause = TURN_SECONDS
        while not self._closed.wait(pause):
            try:
                self.take_turn()
                self._heartbeats.beat("revocations")
                pause = TURN_SECONDS
                continue
            except (redis.RedisError, SQLAlchemyError) as error:
                if pause == TURN_SECONDS:  # once for each outage
                    log.warning("revocation_watch_interrupted", error=type(error).__name__)
            except Exception:
                log.exception("revocation_watch_failed")
            pause = min(_LONGEST_PAUSE, pause * 2)
