"""Viewers of a board that becomes stricter are closed, whenever they came; nobody else is."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy.exc import OperationalError

from common.domain.boards import Board, Visibility
from common.domain.scoring import Catalogue
from common.domain.seasons import Season
from common.postgres.catalogue import CatalogueCache
from tests.integration.live_hub.peer import Peer, expect, head, tell, until
from web.live.board_watch import BoardWatch
from web.live.group import Watch
from web.live.hub import Hub

CLUB = Watch("club", "all", 10)
DAY = timedelta(days=1)


@dataclass
class Boards:
    """What a process knows of the catalogue; None while PostgreSQL has never been reached."""

    boards: dict[str, Board] | None = field(default_factory=dict)

    def current(self) -> Catalogue:
        if self.boards is None:
            raise OperationalError("SELECT", {}, Exception("away"))
        return Catalogue(boards=self.boards, actions={})

    def show(self, board_id: str, visibility: Visibility) -> None:
        assert self.boards is not None
        self.boards[board_id] = Board(board_id, visibility=visibility)


@pytest.fixture
def boards() -> Boards:
    known = Boards()
    known.show("main", Visibility.PUBLIC)
    known.show("club", Visibility.PUBLIC)
    return known


@pytest.fixture
def watch(hub: Hub, boards: Boards) -> BoardWatch:
    return BoardWatch(hub, cast(CatalogueCache, boards))


@pytest.mark.parametrize("stricter", [Visibility.PLAYERS, Visibility.HIDDEN])
def test_viewers_of_a_board_that_becomes_stricter_are_closed_with_1008_and_no_others(
    hub: Hub, boards: Boards, watch: BoardWatch, stricter: Visibility
) -> None:
    club, deeper, main = Peer(hub, CLUB), Peer(hub, CLUB._replace(limit=50)), Peer(hub)
    watch.look()
    assert (club.close_code, deeper.close_code) == (None, None)
    boards.show("club", stricter)
    watch.look()
    until(lambda: (club.close_code, deeper.close_code) == (1008, 1008))
    assert club.close_reason == "board not public"
    tell(hub, main, head(2, 20))
    until(lambda: main.screen.seq == 2)
    assert main.close_code is None
    assert not hub.is_watched(CLUB)


def test_one_who_came_after_the_last_look_and_before_the_change_is_closed_too(
    hub: Hub, boards: Boards, watch: BoardWatch
) -> None:
    watch.look()
    peer = Peer(hub, CLUB)
    boards.show("club", Visibility.PLAYERS)
    watch.look()
    until(lambda: peer.close_code == 1008)


def test_one_whose_handshake_is_under_way_while_the_board_becomes_stricter_sees_nothing_of_it(
    hub: Hub, boards: Boards, watch: BoardWatch
) -> None:
    slot = hub.reserve("192.0.2.1")
    expect(hub, slot, CLUB)
    boards.show("club", Visibility.PLAYERS)
    watch.look()
    late = Peer(hub, slot=slot)
    until(lambda: late.close_code == 1008)
    assert late.messages == []


def test_who_was_admitted_as_a_player_stays_when_the_board_was_public_for_a_while(
    hub: Hub, boards: Boards, watch: BoardWatch
) -> None:
    boards.show("club", Visibility.PLAYERS)
    player = Peer(hub, CLUB, visibility=Visibility.PLAYERS)
    watch.look()
    boards.show("club", Visibility.PUBLIC)
    watch.look()
    boards.show("club", Visibility.PLAYERS)
    watch.look()
    tell(hub, player, head(2, 20))
    until(lambda: player.screen.seq == 2)
    assert player.close_code is None


def test_whoever_comes_back_with_a_right_to_see_it_is_let_in_while_the_old_ones_are_still_closing(
    hub: Hub, boards: Boards, watch: BoardWatch
) -> None:
    old = Peer(hub, CLUB)
    boards.show("club", Visibility.PLAYERS)
    watch.look()
    player = Peer(hub, CLUB, visibility=Visibility.PLAYERS)
    watch.look()
    tell(hub, player, head(2, 20))
    until(lambda: player.screen.seq == 2)
    until(lambda: old.close_code == 1008)
    assert [message["seq"] for message in old.messages] == [1]


def test_a_catalogue_that_cannot_be_read_ends_nobody(hub: Hub, boards: Boards, watch: BoardWatch) -> None:
    peer = Peer(hub, CLUB)
    boards.boards = None
    watch.look()
    tell(hub, peer, head(2, 20))
    until(lambda: peer.screen.seq == 2)
    assert peer.close_code is None


def test_the_season_of_a_board_is_noted_and_one_that_is_over_stays_for_who_watches_it(hub: Hub, boards: Boards) -> None:
    now = datetime.now(UTC)
    spring = Season("spring", now - DAY, now + DAY, "Spring")
    of_season, of_all = Peer(hub, Watch("main", "season", 10)), Peer(hub)
    changes: list[None] = []
    watch = BoardWatch(hub, cast(CatalogueCache, boards), lambda: changes.append(None))
    assert boards.boards is not None

    def seasons() -> list[Season | None]:
        watch.look()
        return [peer.group.season_now for peer in (of_season, of_all) if peer.group]

    assert (seasons(), changes) == ([None, None], [])
    boards.boards["main"] = Board("main", seasons=(spring,))
    assert (seasons(), len(changes)) == ([spring, spring], 2)
    over = replace(spring, ends_at=now)
    boards.boards["main"] = Board("main", seasons=(over,))
    assert seasons() == [spring, None]
