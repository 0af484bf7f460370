"""What the views act with: one set of adapters for each process."""

import secrets
from dataclasses import dataclass
from typing import Self, cast

from flask import Flask, current_app
from sqlalchemy import Engine

from common import database, redis
from common.board import Board
from common.redis import Client
from common.settings import Settings

POOL_SIZE = 8
STATEMENT_TIMEOUT_MS = 1500


@dataclass(frozen=True)
class Services:
    """The adapters of this process. `process_id` names it where workers address their replies."""

    settings: Settings
    process_id: str
    engine: Engine
    redis: Client
    board: Board

    @classmethod
    def create(cls, settings: Settings) -> Self:
        client = redis.connect(settings.redis_url)
        return cls(
            settings=settings,
            process_id=secrets.token_hex(8),
            engine=database.create(settings, pool_size=POOL_SIZE, statement_timeout_ms=STATEMENT_TIMEOUT_MS),
            redis=client,
            board=Board(client),
        )

    def install(self, app: Flask) -> None:
        app.extensions["scoreboard"] = self


def services() -> Services:
    """The services of the application that handles this request."""
    return cast(Services, current_app.extensions["scoreboard"])
