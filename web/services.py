"""The adapters that the views act with: one set for each process."""

import secrets
from dataclasses import dataclass
from typing import Self, cast

from flask import Flask, current_app
from sqlalchemy import Engine

from common.core.settings import Settings
from common.domain.shown import Gate
from common.domain.stand_ins import StandIns
from common.postgres import engine as database
from common.postgres.catalogue import CatalogueCache
from common.redis_store import client as redis_client
from common.redis_store.board import Board
from common.redis_store.client import Client
from common.redis_store.inbox import Inbox
from common.services.corrections import Corrector
from common.services.ctftime import CtftimeFeeds
from common.services.disqualifying import Referee
from common.services.erasing import Eraser
from common.services.exports import Exports
from common.services.leaderboard import Leaderboard
from common.services.ledger_tail import LedgerTail
from common.services.moderation import Moderator
from common.services.new_passwords import NewPasswords
from common.services.profiles import Profiles
from common.services.races import Races
from common.services.revocations import Revocations
from web.api.readiness import Readiness
from web.guards.identities import Identities
from web.guards.revocation_watch import RevocationWatch
from web.intake.doorbell import Doorbell
from web.intake.replies import Replies
from web.live.heartbeats import Heartbeats
from web.pipelined.clients import RedisClients

POOL_SIZE = 8
STATEMENT_TIMEOUT_MS = 1500
IDLE_IN_TRANSACTION_MS = 5_000


@dataclass(frozen=True)
class Services:
    """The adapters of this process. `process_id` names it where workers address their replies.

    `redis` is the client for commands; `redis_clients` has it too, beside the ones for limits and for bare replies.
    """

    settings: Settings
    process_id: str
    engine: Engine
    redis: Client
    redis_clients: RedisClients
    identities: Identities
    catalogue: CatalogueCache
    leaderboard: Leaderboard
    races: Races
    exports: Exports
    ctftime_feeds: CtftimeFeeds
    ledger_tail: LedgerTail
    inbox: Inbox
    moderator: Moderator
    corrector: Corrector
    referee: Referee
    profiles: Profiles
    new_passwords: NewPasswords
    eraser: Eraser
    doorbell: Doorbell
    replies: Replies
    revocations: Revocations
    revocation_watch: RevocationWatch
    heartbeats: Heartbeats
    readiness: Readiness

    @classmethod
    def create(cls, settings: Settings) -> Self:
        redis_clients = RedisClients.create(settings)
        client = redis_clients.commands
        engine = database.create(
            settings,
            pool_size=POOL_SIZE,
            statement_timeout_ms=STATEMENT_TIMEOUT_MS,
            idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
            in_parallel=True,
        )
        process_id = secrets.token_hex(8)
        heartbeats = Heartbeats()
        board = Board(client)
        inbox = Inbox.of(client, settings)
        revocations = Revocations(client, engine)
        catalogue = CatalogueCache(engine)
        gate = Gate(StandIns(settings.secret_keys))
        leaderboard = Leaderboard(board, engine, gate)
        return cls(
            settings=settings,
            process_id=process_id,
            engine=engine,
            redis=client,
            redis_clients=redis_clients,
            identities=Identities(settings),
            catalogue=catalogue,
            leaderboard=leaderboard,
            races=Races(leaderboard, engine),
            exports=Exports(engine, gate),
            ctftime_feeds=CtftimeFeeds(engine, leaderboard, gate),
            ledger_tail=LedgerTail(engine),
            inbox=inbox,
            profiles=Profiles(engine, board, inbox),
            new_passwords=NewPasswords(engine, revocations),
            eraser=Eraser(engine, revocations, board, inbox, settings.secret_keys[0]),
            moderator=Moderator(engine, revocations, board, inbox),
            corrector=Corrector(engine, board, inbox),
            referee=Referee(engine, board, inbox),
            doorbell=Doorbell(settings.celery_broker_url),
            replies=Replies(redis_client.connect_to_listen(settings.redis_url), process_id, heartbeats),
            revocations=revocations,
            revocation_watch=RevocationWatch(revocations, client, engine, heartbeats),
            heartbeats=heartbeats,
            readiness=Readiness(engine, client, board, catalogue, heartbeats),
        )

    def close(self) -> None:
        """End the loops, and close every connection."""
        self.revocation_watch.close()
        self.replies.close()
        self.redis_clients.close()
        self.engine.dispose()

    def install(self, app: Flask) -> None:
        app.extensions["scoreboard"] = self


def services() -> Services:
    """Return the services of the application that handles this request."""
    return cast(Services, current_app.extensions["scoreboard"])
