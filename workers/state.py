"""The adapters that the tasks of a worker process act with, created after the fork, at the first task."""

import os
import secrets
import socket
from dataclasses import dataclass
from functools import cache
from typing import Self

from sqlalchemy import Engine

from common.core import settings
from common.core.settings import Settings
from common.postgres import engine as database
from common.postgres.catalogue import CatalogueCache
from common.redis_store import client as redis_client
from common.redis_store.board import Board
from common.redis_store.chores_watch import ChoresWatch
from common.redis_store.client import Client
from common.redis_store.inbox import Inbox
from common.redis_store.served_boards import ServedBoards
from common.services.rebuild import Rebuilder
from common.services.verification import Verifier
from workers.batches import Batches
from workers.drain import Drain
from workers.failures import FailureTracker
from workers.held_updates import HeldUpdates

STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 2_000
"""The longest wait for a lock. Batches hold their locks for milliseconds."""

IDLE_IN_TRANSACTION_MS = 10_000


@dataclass(frozen=True)
class WorkerState:
    """The adapters of this process. With the engine `recording` batches are recorded, and nothing else is done."""

    settings: Settings
    engine: Engine
    recording: Engine
    redis: Client
    inbox: Inbox
    board: Board
    served: ServedBoards
    rebuilder: Rebuilder
    verifier: Verifier
    catalogue: CatalogueCache
    drain: Drain
    failures: FailureTracker
    chores_watch: ChoresWatch

    @classmethod
    def create(cls, config: Settings) -> Self:
        client = redis_client.connect_directly(config.redis_url)
        engine, recording = (
            database.create(
                config,
                pool_size=2,
                statement_timeout_ms=STATEMENT_TIMEOUT_MS,
                lock_timeout_ms=LOCK_TIMEOUT_MS,
                idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
                transactions=transactions,
            )
            for transactions in (True, False)
        )
        inbox = Inbox.of(client, config)
        rebuilder = Rebuilder(client, engine)
        catalogue = CatalogueCache(engine)
        board = Board(client)
        batches = Batches(engine, inbox, board, rebuilder, catalogue, recording=recording)
        consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        drain = Drain(inbox, batches, consumer, HeldUpdates(client))
        verifier, failures, watch = Verifier(engine, board), FailureTracker(client), ChoresWatch(client)
        return cls(
            config,
            engine,
            recording,
            client,
            inbox,
            board,
            ServedBoards(board),
            rebuilder,
            verifier,
            catalogue,
            drain,
            failures,
            watch,
        )

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.recording.dispose()
        self.redis.close()


@cache
def state() -> WorkerState:
    """Return the state of this process, created from its environment."""
    return WorkerState.create(settings.load())
