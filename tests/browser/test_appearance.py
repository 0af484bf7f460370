"""How the page looks and what it bears: any width, light and dark, no motion, and names that mean harm."""

import secrets
from datetime import UTC, datetime

import pytest

from common.contract.constants import GREATEST_SCORE
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Visit
from tests.browser.crowd import Rivals
from tests.player import PASSWORD

COUNT_MOTION = """() => {
    window.moves = 0;
    window.fades = 0;
    const animate = Element.prototype.animate;
    Element.prototype.animate = function (...how) { window.moves += 1; return animate.apply(this, how); };
    addEventListener("animationstart", (event) => {
        const running = event.target.getAnimations().filter((one) => one.animationName === event.animationName);
        const frames = running.flatMap((one) => one.effect.getKeyframes());
        if (!frames.every((frame) => frame.easing.startsWith("steps"))) window.fades += 1;
    });
}"""
"""Counts rows that slide, and animations of the style sheet that are more than shown and gone."""


INSTANT = "2026-11-23T09:15:00.123Z"
HOSTILE = (
    "<script>window.isHarmed = true</script>",
    "<img src=/ onerror='window.isHarmed = true'>",
    "\u202e</bdi></td><svg onload=window.isHarmed=true>",
)


@pytest.fixture
def thirty_players(stack: Stack) -> None:
    """A full list of names as long as they may be, which do not break."""
    names = [f"{number:02}{secrets.token_hex(4)}".ljust(32, "W") for number in range(30)]
    for user_id in crowd.add_players(stack, names).values():
        crowd.score(stack, user_id, "win-match")
    crowd.wait_until_counted(stack)


@pytest.mark.parametrize("width", [360, 1440, 3840])
@pytest.mark.usefixtures("thirty_players")
def test_nothing_is_cut_off_and_nothing_scrolls_sideways(rivals: Rivals, visit: Visit, width: int) -> None:
    page = visit("/?period=monthly", viewport={"width": width, "height": 900})
    page.wait_for_pill("live")
    assert sideways(page) == []
    page.sign_in(rivals.first.username, PASSWORD)
    page.own_row.wait_for()
    assert sideways(page) == []


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.usefixtures("thirty_players")
def test_nothing_scrolls_sideways_while_the_page_tries_to_reconnect(visit: Visit, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900})
    page.open_cut_off("/")
    page.wait_for_pill("reconnecting")
    assert sideways(page) == []


def test_the_greatest_scores_break_sooner_than_they_push_anything_out(visit: Visit) -> None:
    page = visit(viewport={"width": 360, "height": 900})
    page.open_interposed("/")
    page.wait_for_pill("live")
    entries = [
        {"userId": f"u{rank}", "username": "W" * 32, "score": GREATEST_SCORE, "rank": rank, "lastUpdated": INSTANT}
        for rank in range(1, 11)
    ]
    board = {"board": "main", "period": "all", "epoch": "other", "seq": 0, "at": INSTANT, "limit": 10, "total": 10**6}
    page.tell({"type": "snapshot", **board, "entries": entries})
    wait_until(lambda: page.names == ["W" * 32] * 10)
    assert page.rows[0][2] == "9,007,199,254,740,991"
    assert sideways(page) == []


def test_light_and_dark_are_what_the_system_says(visit: Visit) -> None:
    brightness = [
        visit(color_scheme=scheme).page.evaluate(
            "() => Number(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0])"
        )
        for scheme in ("dark", "light")
    ]
    assert brightness[0] < 64
    assert brightness[1] > 192


def test_rows_slide_to_their_new_places(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    moves, fades = motion_of_a_move(stack, rivals, visit("/", reduced_motion="no-preference"))
    assert moves > 0
    assert fades > 0


def test_nothing_moves_or_fades_for_whoever_asked_for_less_motion(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    assert motion_of_a_move(stack, rivals, visit("/", reduced_motion="reduce")) == (0, 0)


def test_a_hostile_name_is_shown_and_not_run(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    live = visit()
    live.wait_for_pill("live")
    names = [f"{name}{secrets.token_hex(4)}" for name in HOSTILE]
    for name in names:
        crowd.lead_by_then(stack, name, datetime.now(UTC))
    rendered = visit()
    for page in (live, rendered):
        page.wait_for_rows(crowd.listed(stack))
        assert set(names) <= set(page.names)
        assert page.page.evaluate("() => window.isHarmed") is None


def motion_of_a_move(stack: Stack, rivals: Rivals, page: BoardPage) -> tuple[int, int]:
    """How much slides and fades when the second passes the first."""
    page.wait_for_pill("live")
    page.wait_for_rows(crowd.listed(stack))
    page.page.evaluate(COUNT_MOTION)
    rivals.second.update("win-tournament")
    page.row_of(rivals.second.username).locator(".moved.is-fresh", has_text="▲1").wait_for()
    wait_until(lambda: page.page.evaluate("() => document.querySelector('.has-scored') !== null"))
    page.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    moves, fades = page.page.evaluate("() => [window.moves, window.fades]")
    return moves, fades


def sideways(page: BoardPage) -> list[str]:
    """What is wider than the place it has, or reaches beyond the window."""
    found: list[str] = page.page.evaluate("""() => {
        const beyond = [...document.querySelectorAll("body *:not(.unseen)")].filter((element) => {
            const { right, left, width } = element.getBoundingClientRect();
            return width > 1 && (right > innerWidth + 0.5 || left < -0.5);
        });
        const tight = [...document.querySelectorAll("body, .board, .side, .card, nav, td, th, button")].filter(
            (element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0);
        return [...beyond, ...tight].map((element) => element.outerHTML.slice(0, 120));
    }""")
    return found
