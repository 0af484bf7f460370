"""What the views act with: one set of adapters for each process."""

import secrets
from dataclasses import dataclass
from typing import Self, cast

from flask import Flask, current_app
from sqlalchemy import Engine

from common import database, redis
from common.board import Board
from common.catalogue import CatalogueCache
from common.inbox import Inbox
from common.leaderboard import Leaderboard
from common.moderation import Moderator
from common.redis import Client
from common.revocations import Revocations
from common.settings import Settings
from web.doorbell import Doorbell
from web.pulses import Pulses
from web.readiness import Readiness
from web.replies import Replies

POOL_SIZE = 8
STATEMENT_TIMEOUT_MS = 1500
IDLE_IN_TRANSACTION_MS = 5_000


@dataclass(frozen=True)
class Services:
    """The adapters of this process. `process_id` names it where workers address their replies."""

    settings: Settings
    process_id: str
    engine: Engine
    redis: Client
    catalogue: CatalogueCache
    leaderboard: Leaderboard
    inbox: Inbox
    moderator: Moderator
    doorbell: Doorbell
    replies: Replies
    revocations: Revocations
    pulses: Pulses
    readiness: Readiness

    @classmethod
    def create(cls, settings: Settings) -> Self:
        client = redis.connect(settings.redis_url)
        engine = database.create(
            settings,
            pool_size=POOL_SIZE,
            statement_timeout_ms=STATEMENT_TIMEOUT_MS,
            idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
        )
        process_id = secrets.token_hex(8)
        pulses = Pulses()
        board = Board(client)
        inbox = Inbox(client, capacity=settings.inbox_max, receipt_ttl=settings.receipt_ttl)
        revocations = Revocations(client, engine)
        catalogue = CatalogueCache(engine)
        return cls(
            settings=settings,
            process_id=process_id,
            engine=engine,
            redis=client,
            catalogue=catalogue,
            leaderboard=Leaderboard(board, engine),
            inbox=inbox,
            moderator=Moderator(engine, revocations, board, inbox),
            doorbell=Doorbell(settings.celery_broker_url),
            replies=Replies(redis.connect_to_listen(settings.redis_url), process_id, pulses),
            revocations=revocations,
            pulses=pulses,
            readiness=Readiness(engine, client, board, catalogue, pulses),
        )

    def close(self) -> None:
        """Let go of every connection."""
        self.replies.close()
        self.redis.close()
        self.engine.dispose()

    def install(self, app: Flask) -> None:
        app.extensions["scoreboard"] = self


def services() -> Services:
    """The services of the application that handles this request."""
    return cast(Services, current_app.extensions["scoreboard"])
