"""Viewers with a ticket: their own place, and the end of their session."""

from datetime import UTC, datetime

import orjson
import time_machine

from common.redis_store.tickets import Ticket
from tests.integration.live_hub.fakes import FakeLeaderboard, NoNews, feed_of
from tests.integration.live_hub.peer import Peer, bulky, head, stall, until, viewer_of
from web.live.feed import Feed
from web.live.frames import text_frame
from web.live.group import Watch
from web.live.hub import Hub

ADA = Ticket("ada", "session-of-ada")


def own_places(peer: Peer) -> list[tuple[int, int | None, int | None]]:
    """Score, rank and the rank before, as told in each `me`."""
    told = [message for message in peer.messages if message["type"] == "me"]
    return [(message["entry"]["score"], message["entry"]["rank"], message["previousRank"]) for message in told]


def news_of(feed: Feed, *players: str) -> None:
    feed._take_in(orjson.dumps({"boards": [{"board": "main", "period": "all"}], "players": players}).decode())


def test_a_follower_hears_of_their_place_after_the_first_snapshot(hub: Hub) -> None:
    ada, other = Peer(hub, ticket=ADA), Peer(hub)
    feed = feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 30)}, {"grace": 30, "ada": 20}))
    feed.look()
    until(lambda: own_places(ada) == [(20, 2, None)])
    assert [message["type"] for message in ada.messages] == ["snapshot", "delta", "me"]
    assert (ada.messages[-1]["seq"], ada.messages[-1]["entry"]["username"]) == (2, "ada")
    assert own_places(other) == []


def test_a_follower_who_is_not_ranked_hears_that(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 30)})).look()
    until(lambda: own_places(ada) == [(0, None, None)])
    assert ada.messages[-1]["entry"]["lastUpdated"] is None


def test_a_follower_s_own_score_is_told_at_once_and_a_mere_rank_once_a_second(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    board = FakeLeaderboard({("main", "all"): head(2, 30)}, {"ada": 20})
    feed = feed_of(hub, board)
    feed.look()
    until(lambda: own_places(ada) == [(20, 1, None)])

    board.heads["main", "all"], board.scores["ada"] = head(3, 30, 25), 25
    news_of(feed, "ada")
    feed.look()
    until(lambda: own_places(ada)[1:] == [(25, 1, 1)])

    for seq in range(4, 8):
        board.heads["main", "all"], board.scores["grace"] = head(seq, 30, 25), 26 + seq
        news_of(feed, "grace")
        feed.look()
    read = board.places_read
    assert read == 2, "a rank that others moved is not even looked up within the second"
    (follower,) = hub.followers._of.values()
    follower.read_at -= 1.0
    news_of(feed, "grace")
    feed.look()
    until(lambda: own_places(ada)[2:] == [(25, 2, 1)])


def test_what_did_not_change_is_not_told(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    feed = feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 30)}, {"ada": 20}))
    for _ in range(3):
        news_of(feed, "ada")
        feed.look()
    until(lambda: own_places(ada) == [(20, 1, None)])
    viewer_of(ada).send(text_frame({"type": "end"}))
    until(lambda: ada.messages[-1]["type"] == "end")
    assert own_places(ada) == [(20, 1, None)]


def test_a_follower_who_lags_is_told_when_they_have_caught_up(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA, reads=False)
    seq = stall(hub, ada)
    board = FakeLeaderboard({("main", "all"): bulky(seq + 1)}, {"ada": 20})
    feed = feed_of(hub, board)
    feed.look()
    assert board.places_read == 0
    until(lambda: ada.screen.seq == seq + 1 and not viewer_of(ada).is_waiting)
    feed._mark_all_due()
    feed.look()
    until(lambda: own_places(ada) == [(20, 1, None)])


def test_a_rollover_brings_the_follower_s_place_in_the_new_period(hub: Hub) -> None:
    board = FakeLeaderboard({("main", "2026-W48"): head(5, 50), ("main", "2026-W49"): head(1, epoch="f")}, {"ada": 50})
    ada = Peer(hub, Watch("main", "weekly", 10), ticket=ADA)
    feed = feed_of(hub, board)
    with time_machine.travel(datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: own_places(ada) == [(50, 1, None)], 1e9)
    board.scores.clear()
    with time_machine.travel(datetime(2026, 11, 30, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: own_places(ada)[1:] == [(0, None, None)], 1e9)
    assert [message["type"] for message in ada.messages[-3:]] == ["rollover", "snapshot", "me"]


def test_a_session_s_end_closes_its_streams_and_no_other(hub: Hub) -> None:
    ada, again, other, guest = (
        Peer(hub, ticket=ADA),
        Peer(hub, ticket=ADA),
        Peer(hub, ticket=Ticket("b", "s")),
        Peer(hub),
    )
    hub.end_sessions([ADA.session_id])
    until(lambda: (ada.close_code, again.close_code) == (1008, 1008))
    assert (other.close_code, guest.close_code) == (None, None)


def test_a_session_that_ended_unheard_of_is_found_out(hub: Hub) -> None:
    ada, other = Peer(hub, ticket=ADA), Peer(hub, ticket=Ticket("grace", "session-of-grace"))
    feed = feed_of(hub, FakeLeaderboard({}), NoNews(), ADA.session_id)
    feed.start()
    assert ada.group
    try:
        feed.expect_follower(ada.group)
        until(lambda: ada.close_code == 1008)
    finally:
        feed.stop()
    assert other.close_code is None


def test_a_follower_who_is_gone_is_forgotten(hub: Hub) -> None:
    ada = Peer(hub, ticket=ADA)
    assert hub.followers.sessions() == {ADA.session_id}
    ada.socket.close()
    until(lambda: not hub.followers.sessions())
    assert hub.followers.in_sessions([ADA.session_id]) == []
