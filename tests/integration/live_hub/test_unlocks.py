"""What viewers with a ticket are told of their achievements."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest
from sqlalchemy import Engine

from common.domain.achievements import Achievement, AchievementKind, StepKey, Unlock
from common.domain.scoring import Catalogue
from common.postgres import unlocks
from common.postgres.catalogue import CatalogueCache
from common.redis_store.tickets import Ticket
from tests.inbox import add_users
from tests.integration.live_hub.peer import Peer, until
from web.live.hub import Hub
from web.live.unlocks import UnlockFeed
from workers.state import WorkerState

WINS = Achievement("wins", "Ten wins", AchievementKind.COUNT, icon="trophy", actions=("win-match",), goal=10)
OTHER = Achievement("other", "Another", AchievementKind.GRANTED, goal=1)


class FakeCatalogue:
    """What a process knows, and what there is."""

    def __init__(self, *known: Achievement) -> None:
        self.known = list(known)
        self.there = list(known)

    def current(self) -> Catalogue:
        return Catalogue({}, {}, {each.id: each for each in self.known})

    def read_anew(self) -> Catalogue:
        self.known = list(self.there)
        return self.current()


@pytest.fixture
def engine(worker: WorkerState) -> Engine:
    return worker.engine


@pytest.fixture
def users(engine: Engine) -> Iterator[list[str]]:
    yield add_users(engine, 2)


def feed_with(hub: Hub, engine: Engine, *known: Achievement) -> tuple[UnlockFeed, FakeCatalogue]:
    catalogue = FakeCatalogue(*known)
    return UnlockFeed(hub, engine, cast(CatalogueCache, catalogue)), catalogue


def peer_of(hub: Hub, user_id: str) -> Peer:
    return Peer(hub, ticket=Ticket(user_id, f"session-of-{user_id}"))


def told(peer: Peer) -> list[object]:
    """Lists as they are, and of each achievement its id, title and scope."""
    found: list[object] = []
    for message in peer.messages:
        if message["type"] == "achievements":
            found.append(message["unlocked"])
        elif message["type"] == "achievement":
            one = message["achievement"]
            found.append((one["achievementId"], one["title"], one["icon"], one["scope"]))
    return found


def unlock(engine: Engine, user_id: str, achievement_id: str, scope: str = "") -> None:
    with engine.begin() as connection:
        unlocks.add(connection, [StepKey(user_id, achievement_id, scope)], datetime.now(UTC))


def test_who_connects_with_a_ticket_is_told_all_they_have_once_and_others_nothing(
    hub: Hub, engine: Engine, users: list[str]
) -> None:
    ada, ben = users
    for scope in ("2026-W47", "2026-W48"):
        unlock(engine, ada, WINS.id, scope)
    peers = [peer_of(hub, ada), peer_of(hub, ben)]
    stranger = Peer(hub)
    feed, _ = feed_with(hub, engine, WINS)
    feed.look()
    feed.look()
    until(lambda: [told(peer) for peer in peers] == [[[WINS.id]], [[]]])
    assert told(stranger) == []


def test_a_message_tells_the_player_in_all_tabs_and_nobody_else(hub: Hub, engine: Engine, users: list[str]) -> None:
    ada, ben = users
    tabs, other = [peer_of(hub, ada), peer_of(hub, ada)], peer_of(hub, ben)
    feed, _ = feed_with(hub, engine, WINS)
    feed.look()
    feed.take_in([Unlock(ada, WINS.id, "2026-W48", 1_793_000_000_123)])
    feed.look()
    for tab in tabs:
        until(lambda tab=tab: told(tab) == [[], (WINS.id, "Ten wins", "trophy", "2026-W48")])  # type: ignore[misc]
    assert tabs[0].messages[-1]["achievement"]["unlockedAt"] == "2026-10-26T07:33:20.123Z"
    assert told(other) == [[]]


def test_one_that_this_process_has_not_heard_of_is_looked_up(hub: Hub, engine: Engine, users: list[str]) -> None:
    ada = peer_of(hub, users[0])
    feed, catalogue = feed_with(hub, engine, WINS)
    catalogue.there.append(OTHER)
    feed.take_in([Unlock(users[0], OTHER.id, "", 0)])
    feed.look()
    until(lambda: ("other", "Another", "star", "") in told(ada))


def test_after_a_gap_in_the_messages_everybody_is_told_everything_again(
    hub: Hub, engine: Engine, users: list[str]
) -> None:
    ada = peer_of(hub, users[0])
    feed, _ = feed_with(hub, engine, WINS)
    feed.look()
    unlock(engine, users[0], WINS.id)
    feed.owe_lists()
    feed.look()
    until(lambda: told(ada) == [[], [WINS.id]])


def test_where_there_is_nothing_to_achieve_nothing_is_read_and_nobody_is_told(hub: Hub, users: list[str]) -> None:
    ada = peer_of(hub, users[0])
    feed, _ = feed_with(hub, cast(Engine, None))
    feed.look()
    assert told(ada) == []
