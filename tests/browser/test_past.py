"""The past, as somebody sees it: the page of a player, and the race on the page of a board."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
import requests

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.conftest import Visit
from tests.browser.crowd import Rivals, newcomer
from tests.caller import Caller
from tests.player import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.browser.conftest import Complaints

SIZES = [(390, 844), (1280, 900)]
DAYS = 20

_DAYS = """
INSERT INTO day_marks (user_id, board_id, day, at, score, rank, total)
SELECT %(user)s, 'main', current_date - n, now(), 1000 - 37 * n, 3 + n %% 5, 40 FROM generate_series(1, %(days)s) n
"""
PLACEMENTS = [
    {
        "board": "main",
        "period": f"2026-W{week}",
        "rank": rank,
        "total": 40,
        "score": 100,
        "closedAt": f"{day}T00:00:03.000Z",
    }
    for week, rank, day in ((47, 3, "2026-11-23"), (46, 12, "2026-11-16"), (45, 1, "2026-11-09"))
]


def has_days(stack: Stack, name: str) -> Caller:
    """A player who was active on the last twenty days."""
    player = newcomer(stack, name)
    assert player.update("win-match").status_code == 200
    with closing(psycopg2.connect(stack.environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute(_DAYS, {"user": player.user_id, "days": DAYS})
        connection.commit()
    return player


def give_placements(page: Page) -> None:
    """Let the server tell these final places, on two pages."""

    def tell(route: Route) -> None:
        is_second = "cursor=" in route.request.url
        placements = PLACEMENTS[2:] if is_second else PLACEMENTS[:2]
        route.fulfill(json={"placements": placements, "nextCursor": None if is_second else "more"})

    page.route("**/placements?*", tell)


def is_without_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def names_of_charts(page: Page, inside: str) -> Sequence[str]:
    return [str(plot.get_attribute("aria-label")) for plot in page.locator(f"{inside} [role=img]").all()]


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])
def test_the_page_of_a_player_shows_days_and_final_places(stack: Stack, visit: Visit, size: tuple[int, int]) -> None:
    veteran = has_days(stack, "veteran")
    width, height = size
    page = visit("/boards", viewport={"width": width, "height": height}, reduced_motion="reduce").page
    give_placements(page)
    page.goto(f"/p/{veteran.user_id}")
    page.get_by_role("button", name="Show more").click()
    page.locator("#placements tbody tr").nth(2).wait_for()
    assert page.locator("#who bdi").inner_text() == veteran.username
    assert page.title().startswith(veteran.username)
    assert page.locator("#days canvas").count() == 2
    rank, score = names_of_charts(page, "#days")
    assert rank == "Chart of Rank at the end of each day. Rank: 4 at the end, between 3 and 7."
    assert "Score: 963 at the end" in score
    rows = [row.inner_text().split() for row in page.locator("#placements tbody tr").all()]
    assert [(row[0], row[-4]) for row in rows] == [("2026-W47", "3"), ("2026-W46", "12"), ("2026-W45", "1")]
    assert is_without_sideways_scroll(page)
    page.locator("#days summary").first.focus()
    page.keyboard.press("Enter")
    wait_until(lambda: page.locator("#days .twin tbody tr").count() == DAYS)
    assert is_without_sideways_scroll(page)


def test_names_on_a_board_lead_to_the_pages_of_players(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    page = visit()
    page.wait_for_pill("live")
    link = page.page.get_by_role("link", name=rivals.first.username)
    link.focus()
    page.page.keyboard.press("Enter")
    page.page.wait_for_url(f"**/p/{rivals.first.user_id}")
    page.page.get_by_text(rivals.first.username).wait_for()


def test_who_is_not_named_has_a_page_of_their_own_alone(stack: Stack, visit: Visit) -> None:
    shy = has_days(stack, "shy")
    chosen = {"visibility": "anonymous"}
    answer = requests.post(f"{stack.url}/api/me/visibility", json=chosen, headers=shy.headers, timeout=10)
    assert answer.status_code == 200
    page = visit("/")
    page.sign_in(shy.username, PASSWORD)
    own = page.page.get_by_role("link", name="Your days and final places")
    own.click()
    page.page.get_by_text("You stand on boards as Anonymous").wait_for()
    assert page.page.locator("#who bdi").inner_text() == shy.username


def test_the_page_of_nobody_says_so(stack: Stack, visit: Visit, complaints: Complaints) -> None:
    complaints.expect("404")  # the browser's own words for the answer
    page = visit("/p/3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21").page
    page.get_by_text("There is no such player").wait_for()
    assert not page.locator("#body").is_visible()


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])
def test_the_race_is_a_chart_with_a_name_and_a_table(
    stack: Stack, rivals: Rivals, visit: Visit, size: tuple[int, int]
) -> None:
    crowd.wait_until_rendered(stack)
    width, height = size
    page = visit("/", viewport={"width": width, "height": height}).page
    page.locator("#race summary").focus()
    page.keyboard.press("Enter")
    page.locator("#race canvas").wait_for()
    (name,) = names_of_charts(page, "#race")
    assert rivals.first.username in name
    assert is_without_sideways_scroll(page)
    page.locator("#race .chart-table summary").click()
    wait_until(lambda: page.locator("#race .twin tbody tr").count() >= 1)
    assert rivals.first.username in page.locator("#race .twin thead").inner_text()
    assert is_without_sideways_scroll(page)
