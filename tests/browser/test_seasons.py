"""Seasons on the page of a board: the running one, one that ends while the next begins, and the first one."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

import secrets
from datetime import UTC, datetime, timedelta

import requests

from common.core import settings
from common.core.timestamps import format_instant
from common.domain.boards import NOTICE, Board
from common.domain.catalogue_plan import Plan, put_board
from common.domain.scoring import Action
from common.domain.season_plan import put_season
from common.domain.seasons import Season
from common.postgres import catalogue_changes, engine
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Visit
from tests.browser.test_appearance import sideways
from tests.caller import Caller

DAY = timedelta(days=1)
LONG_TITLE = "The season of the very long evenings by the fire of 2026/27"
_STANDS_ABOVE_THE_TABLE = """caption => caption.scrollHeight <= caption.clientHeight"""

SHORTLY = NOTICE + timedelta(seconds=1)
"""From a decision about a season to what it is about, with a second for the requests."""


def add_board(stack: Stack, *seasons: Season) -> tuple[str, str]:
    """A board that has these seasons from its beginning, whoever asks for it, and an action that counts on it."""
    board_id, action_id = f"league-{secrets.token_hex(4)}", f"goal-{secrets.token_hex(4)}"
    plan = Plan(actions=[(Action(action_id, 1, 25, (board_id,)), True)])
    put_board(plan, Board(board_id, periods=("all", "weekly", "season")), None)
    for season in seasons:
        put_season(plan, board_id, season, None)
    database = engine.create(settings.load(stack.environment), pool_size=1, statement_timeout_ms=10_000)
    with database.begin() as connection:
        catalogue_changes.hold(connection, with_ledger=True)
        catalogue_changes.write(connection, plan)
    database.dispose()
    wait_until(lambda: requests.get(f"{stack.url}/b/{board_id}", timeout=10).ok)
    return board_id, action_id


def put(chief: Caller, board_id: str, season: Season) -> None:
    address = f"{chief.url}/api/admin/boards/{board_id}/seasons/{season.id}"
    begin, end = format_instant(season.starts_at), format_instant(season.ends_at)
    body = {"title": season.title, "startsAt": begin, "endsAt": end}
    answer = requests.put(address, json=body, headers=chief.headers, timeout=10)
    assert answer.ok, answer.text


def score(stack: Stack, action_id: str) -> str:
    """A player who scores; their name."""
    name = f"rookie-{secrets.token_hex(4)}"
    crowd.score(stack, crowd.add_players(stack, [name])[name], action_id)
    return name


def now_ms() -> datetime:
    """Now, as JSON can tell it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def links(page: BoardPage) -> list[str]:
    return page.page.locator("#periods a").all_inner_texts()


def test_the_running_season_is_shown_and_the_next_one_begins_before_the_eyes_of_its_viewers(
    stack: Stack, chief: Caller, visit: Visit
) -> None:
    begin = now_ms() - DAY
    board_id, action_id = add_board(stack, Season("spring", begin, begin + 3 * DAY, "Spring"))
    young_id, young_action = add_board(stack)
    name = score(stack, action_id)
    page = visit(f"/b/{board_id}?period=season", viewport={"width": 390, "height": 844})
    young = visit(f"/b/{young_id}", viewport={"width": 1440, "height": 900})
    young.wait_for_pill("live")
    page.wait_for_rows([("1", name, "25")])
    assert page.caption == "Top 10 in Spring 1 player ends in 47 h"
    assert page.page.title() == f"Spring · {board_id} · Scoreboard"
    assert links(page) == ["All time", "This week", "Spring"]
    assert links(young) == ["All time", "This week"]

    turn = now_ms() + SHORTLY
    put(chief, board_id, Season("spring", begin, turn, "Spring"))
    put(chief, board_id, Season("summer", turn, turn + 5 * DAY, "Summer"))
    put(chief, young_id, Season("first", turn, turn + 5 * DAY, LONG_TITLE))
    page.remember()
    wait_until(lambda: page.caption == "Top 10 in Spring 1 player ends in a moment")
    page.choose("All time")
    wait_until(lambda: page.caption == "Top 10 1 player")
    page.page.go_back()
    wait_until(lambda: page.caption == "Top 10 in Spring 1 player ends in a moment")
    assert (page.path, page.current_period) == (f"/b/{board_id}?period=season", "Spring")

    page.wait_for_rows([])
    assert datetime.now(UTC) >= turn
    wait_until(lambda: page.caption == "Top 10 in Summer 0 players ends in 4 days")
    assert page.state == "A new season has begun."
    assert page.news == "A new season has begun: nobody has scored yet."
    page.page.get_by_text("Nobody has scored yet in Summer.").wait_for()
    assert links(page) == ["All time", "This week", "Summer"]
    assert page.current_period == "Summer"
    wait_until(lambda: links(young) == ["All time", "This week", LONG_TITLE])
    other, first = score(stack, action_id), score(stack, young_action)
    page.wait_for_rows([("1", other, "25")])
    assert page.is_remembered

    young.choose(LONG_TITLE)
    young.wait_for_rows([("1", first, "25")])
    wait_until(lambda: young.caption == f"Top 10 in {LONG_TITLE} 1 player ends in 4 days")
    for width in (1440, 390, 320):
        young.page.set_viewport_size({"width": width, "height": 844})
        assert sideways(young) == []
        assert young.page.locator("#board caption").evaluate(_STANDS_ABOVE_THE_TABLE)
