"""How the feed reads boards and tells groups of viewers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import gevent
import pytest
import time_machine
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from common.contract.errors import ErrorCode, ScoreboardError
from common.core.metrics import GROUPS_REFUSED
from common.domain.seasons import Season
from tests.integration.live_hub.fakes import FakeLeaderboard, NoNews, SlowLeaderboard, feed_of
from tests.integration.live_hub.peer import Peer, head, until
from web.live.feed import BOARDS_AT_ONCE, OVER_POLL_SECONDS, POLL_SECONDS
from web.live.group import Watch
from web.live.hub import Hub

SPRING = Season("spring", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), "Spring")
SUMMER = Season("summer", SPRING.ends_at, datetime(2026, 9, 1, tzinfo=UTC), "Summer")


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


def test_a_period_that_is_long_over_is_read_once_a_minute_or_when_it_changed(hub: Hub) -> None:
    watches = [("main", "2026-W40"), ("main", "2026-W48"), ("main", "all")]
    board = FakeLeaderboard({watch: head(1, 10) for watch in watches})
    for _, period in watches:
        Peer(hub, Watch("main", period, 10))
    feed = feed_of(hub, board)
    with time_machine.travel(datetime(2026, 11, 30, 0, 30, tzinfo=UTC), tick=False):
        feed.look()
        assert {period for _, period, _ in board.reads} == {"2026-W40", "2026-W48", "all"}
        board.reads.clear()
        _let_pass(hub, POLL_SECONDS)
        feed.look()
        assert {period for _, period, _ in board.reads} == {"2026-W48", "all"}  # half an hour after its end
        board.reads.clear()
        feed._take_in('{"boards": [{"board": "main", "period": "2026-W40", "seq": 2}], "players": [], "at": 0}')
        feed.look()
        assert board.reads == [("main", "2026-W40", 10)]
        board.reads.clear()
        _let_pass(hub, OVER_POLL_SECONDS)
        feed.look()
        assert len(board.reads) == 3


def test_it_is_measured_how_long_a_commit_takes_to_reach_the_viewers_if_there_are_any(hub: Hub) -> None:
    def measured() -> float:
        return REGISTRY.get_sample_value("scoreboard_shown_seconds_count") or 0.0

    Peer(hub, Watch("measured-laps", "all", 10))
    viewers = REGISTRY.get_sample_value("scoreboard_board_viewers", {"board": "measured-laps"})
    board = FakeLeaderboard({("measured-laps", "all"): head(2, 20)})
    feed = feed_of(hub, board)
    before = measured()
    feed.look()
    assert measured() == before, "nobody has said when it was committed"
    for seq, told in ((3, '"measured-laps", "period": "all"'), (4, '"other", "period": "all"')):
        board.heads["measured-laps", "all"] = head(seq, 20 + seq)
        feed._take_in(f'{{"boards": [{{"board": {told}, "seq": {seq}}}], "players": [], "at": 1764000000000}}')
        feed.look()
    assert measured() == before + 1, "a board that nobody watches is on no screen"
    assert viewers == 1


def test_boards_that_have_not_moved_are_not_read_by_the_poll(hub: Hub) -> None:
    names = [f"board-{number}" for number in range(50)]
    for name in names:
        Peer(hub, Watch(name, "all", 10))
    board = FakeLeaderboard({(name, "all"): head(1, 10) for name in names}, tells_versions=True)
    feed = feed_of(hub, board)
    feed.look()
    board.reads.clear()
    board.heads["board-7", "all"] = head(2, 20)
    _let_pass(hub, POLL_SECONDS)
    feed.look()
    assert board.reads == [("board-7", "all", 10)]


def test_many_boards_are_read_at_the_same_time_and_all_viewers_told(hub: Hub) -> None:
    names = [f"board-{number}" for number in range(3 * BOARDS_AT_ONCE)]
    peers = [Peer(hub, Watch(name, "all", 10)) for name in names]
    board = SlowLeaderboard({(name, "all"): head(2, 20) for name in names})
    feed_of(hub, board).look()
    until(lambda: all(peer.screen.seq == 2 for peer in peers))
    assert board.most_at_once == BOARDS_AT_ONCE
    assert len(board.reads) == len(names)


def test_one_list_more_than_a_process_may_show_is_refused_and_counted() -> None:
    hub = Hub(most=10, most_per_address=10, most_groups=1)
    first = Peer(hub)
    refused = GROUPS_REFUSED._value.get()
    with pytest.raises(ScoreboardError) as full:
        hub.open(Watch("main", "all", 11), "all", head(1))
    assert full.value.code is ErrorCode.DEPENDENCY_UNAVAILABLE
    assert GROUPS_REFUSED._value.get() == refused + 1
    Peer(hub)
    for peer in Peer.made:
        peer.socket.close()
    until(lambda: first.group and not first.group.viewers)
    hub.open(Watch("main", "all", 11), "all", head(1))


def _let_pass(hub: Hub, seconds: float) -> None:
    for group in hub.watched():
        group.last_read_at -= seconds


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


def test_viewers_of_the_season_see_the_last_one_until_the_next_one_begins(hub: Hub) -> None:
    board = FakeLeaderboard({("main", "s-spring"): head(5, 50), ("main", "s-summer"): head(1, epoch="f")})
    peer = Peer(hub, Watch("main", "season", 10))
    feed = feed_of(hub, board)
    note(hub, SPRING)
    feed.look()
    until(lambda: peer.screen.period == "s-spring")
    board.heads["main", "s-spring"] = head(6, 60)
    _let_pass(hub, POLL_SECONDS)
    feed.look()
    until(lambda: (peer.screen.period, peer.screen.seq) == ("s-spring", 6))
    note(hub, SUMMER)
    feed.look()
    until(lambda: peer.screen.period == "s-summer")
    assert {"type": "rollover", "board": "main", "period": "s-summer"} in peer.messages
    begin, end = "2026-06-01T00:00:00.000Z", "2026-09-01T00:00:00.000Z"
    assert peer.messages[-1]["season"] == {"period": "s-summer", "title": "Summer", "startsAt": begin, "endsAt": end}


def test_viewers_are_told_of_another_end_of_the_season_although_nobody_scores_and_once(hub: Hub) -> None:
    board = FakeLeaderboard({("main", "s-spring"): head(5, 50), ("main", "all"): head(1, 10)})
    of_season, of_all = Peer(hub, Watch("main", "season", 10)), Peer(hub)
    feed = feed_of(hub, board)
    note(hub, SPRING)
    feed.look()
    note(hub, replace(SPRING, ends_at=SPRING.ends_at + timedelta(hours=1)))
    feed.look()
    for peer in (of_season, of_all):
        until(lambda peer=peer: told_end(peer) == "2026-06-01T01:00:00.000Z")  # type: ignore[misc]
    assert (of_season.screen.seq, of_all.screen.seq) == (5, 1), "the list is the same"
    told = [len(peer.messages) for peer in (of_season, of_all)]
    feed.look()
    gevent.sleep(0.01)
    assert [len(peer.messages) for peer in (of_season, of_all)] == told


def note(hub: Hub, season: Season) -> None:
    """What the watch of boards notes of each group of viewers."""
    for group in hub.watched():
        group.season_now = season


def told_end(peer: Peer) -> object:
    return peer.messages[-1].get("season", {}).get("endsAt")


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
