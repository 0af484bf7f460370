"""How the feed reads boards and tells groups of viewers."""

from datetime import UTC, datetime

import time_machine
from sqlalchemy.exc import OperationalError

from tests.integration.live_hub.fakes import FakeLeaderboard, NoNews, feed_of
from tests.integration.live_hub.peer import Peer, head, until
from web.live.group import Watch
from web.live.hub import Hub


def test_a_board_is_read_once_for_everybody_and_for_the_greatest_limit(hub: Hub) -> None:
    three, one = Peer(hub, Watch("main", "all", 3)), Peer(hub, Watch("main", "all", 1))
    board = FakeLeaderboard({("main", "all"): head(2, 30, 20, 10)})
    assert feed_of(hub, board).look() > 0
    until(lambda: (three.screen.seq, one.screen.seq) == (2, 2))
    assert board.reads == [("main", "all", 3)]
    assert (len(three.screen.entries), len(one.screen.entries)) == (3, 1)


def test_a_board_that_redis_does_not_serve_now_stays_as_it_was_last_seen(hub: Hub) -> None:
    peer = Peer(hub)
    board = FakeLeaderboard({("main", "all"): None})
    assert feed_of(hub, board).look() == 0
    board.heads["main", "all"] = head(1, 99, epoch="f")
    feed_of(hub, board)._mark_all_due()
    feed_of(hub, board).look()
    until(lambda: peer.screen.version == "f:1")
    assert [message["type"] for message in peer.messages] == ["snapshot", "snapshot"]


def test_one_board_that_cannot_be_read_keeps_no_other_from_being_told(hub: Hub) -> None:
    Peer(hub, Watch("broken", "all", 10))
    good = Peer(hub, Watch("good", "all", 10))
    away = OperationalError("SELECT", {}, Exception("away"))
    feed_of(hub, FakeLeaderboard({("broken", "all"): away, ("good", "all"): head(2, 20)})).look()
    until(lambda: good.screen.seq == 2)


def test_when_a_named_period_rolls_over_its_viewers_are_told_and_see_the_new_one(hub: Hub) -> None:
    board = FakeLeaderboard({("main", "2026-W48"): head(5, 50), ("main", "2026-W49"): head(1, epoch="f")})
    named = Peer(hub, Watch("main", "weekly", 10))
    fixed = Peer(hub, Watch("main", "2026-W48", 10))
    feed = feed_of(hub, board)
    with time_machine.travel(datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: named.screen.period == "2026-W48", 1e9)
    with time_machine.travel(datetime(2026, 11, 30, tzinfo=UTC), tick=False):
        feed.look()
        until(lambda: named.screen.period == "2026-W49", 1e9)
    rollover, snapshot = named.messages[-2:]
    assert rollover == {"type": "rollover", "board": "main", "period": "2026-W49"}
    assert (snapshot["type"], snapshot["period"], snapshot["entries"]) == ("snapshot", "2026-W49", [])
    assert (fixed.screen.period, fixed.screen.seq) == ("2026-W48", 5)


def test_a_redis_that_stays_away_is_tried_again_without_haste_and_the_board_still_polled(hub: Hub) -> None:
    peer, listener = Peer(hub), NoNews()
    feed = feed_of(hub, FakeLeaderboard({("main", "all"): head(2, 20)}), listener)
    feed.start()
    feed.start()
    try:
        until(lambda: peer.screen.seq == 2)
        until(lambda: listener.attempts >= 3)
        assert listener.attempts < 10
    finally:
        feed.stop()
