"""What stays where it is: the page while it arrives, its times under a wrong clock, and the page on paper."""

from collections.abc import Iterator

import pytest

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Complaints, Visit
from tests.browser.crowd import Rivals
from tests.browser.slow_page import SlowPages
from tests.browser.test_appearance import sideways
from tests.caller import Caller
from tests.player import PASSWORD

WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries()) {
        window.shifts.push([value, ...sources.map(({ node }) => node?.nodeName + "." + node?.className)]);
    }
}).observe({ type: "layout-shift", buffered: true });
"""
"""Chromium's own account of what moved though nobody had asked for it."""

STOPS = {
    b'<table id="board"': "#periods",
    b'<tbody data-part="own"': "#board [data-part=top] tr",
    b"<aside": "#news",
    b'<dl class="own"': ".who",
    b'<details class="profile"': "#play [data-part=presses]",
    b"<footer": "#play [data-part=erasure]",
}
"""Where a page stops that comes slowly, and what is there by then."""

TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

SET_CLOCK = """
const now = Date.now;
Date.now = () => now() + {hours} * 3_600_000;
"""

SPACE_TEXT = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }
"""
"""WCAG 2.2, 1.4.12."""


@pytest.mark.usefixtures("achievements")
@pytest.mark.parametrize("width", [320, 390, 412, 1440])
def test_nothing_moves_while_the_script_arrives(stack: Stack, rivals: Rivals, visit: Visit, width: int) -> None:
    crowd.wait_until_rendered(stack)
    page = visit("/", viewport={"width": width, "height": 844})
    page.wait_for_pill("live")
    page.page.add_init_script(WATCH_SHIFTS)
    assert shifts_of_a_visit(page) == []
    page.sign_in(rivals.first.username, PASSWORD)
    assert shifts_of_a_visit(page) == []


def shifts_of_a_visit(page: BoardPage) -> list[list[object]]:
    """What moved from an address typed to the list being live, and for two frames after that."""
    page.page.reload()
    return shifts_until_live(page)


def shifts_until_live(page: BoardPage) -> list[list[object]]:
    page.wait_for_pill("live")
    page.page.evaluate(TWO_FRAMES)
    found: list[list[object]] = page.page.evaluate("() => window.shifts.filter(([value]) => value >= 0.005)")
    return found


@pytest.fixture
def slow_pages(stack: Stack, rivals: Rivals) -> Iterator[SlowPages]:
    crowd.wait_until_rendered(stack)
    pages = SlowPages(int(stack.environment["SCOREBOARD_PORT"]))
    yield pages
    pages.close()


@pytest.fixture(scope="package")
def player_of_a_long_name(stack: Stack) -> Caller:
    return crowd.newcomer(stack, "w" * 23)


@pytest.mark.usefixtures("achievements")
@pytest.mark.parametrize("is_signed_in", [True, False])
@pytest.mark.parametrize("width", [412, 1440])
def test_nothing_moves_however_slowly_the_page_arrives(
    player_of_a_long_name: Caller, visit: Visit, slow_pages: SlowPages, width: int, is_signed_in: bool
) -> None:
    page = visit(slow_pages.url, viewport={"width": width, "height": 844})
    if is_signed_in:
        page.sign_in(player_of_a_long_name.username, PASSWORD)
    page.page.add_init_script(WATCH_SHIFTS)
    slow_pages.stops = tuple(STOPS)
    page.page.reload(wait_until="commit")
    for there_by_then in STOPS.values():
        page.page.locator(there_by_then).first.wait_for(state="attached")
        page.page.evaluate(TWO_FRAMES)
        assert page.page.evaluate("() => document.readyState") == "loading"
        slow_pages.go_on()
    assert shifts_until_live(page) == []


def test_the_page_can_be_used_as_soon_as_its_script_is_there(visit: Visit) -> None:
    page = visit("/")
    page.wait_for_pill("live")
    assert page.page.get_by_role("button", name="Create account").is_enabled()


def test_without_a_script_there_is_no_form_that_would_do_nothing(visit: Visit) -> None:
    page = visit("/", java_script_enabled=False)
    assert page.page.locator("#play").is_hidden()
    assert page.page.locator("#connection").is_hidden()
    assert page.page.locator("#board").is_visible()


@pytest.mark.parametrize("hours", [-24, -2, 2])
def test_times_are_told_by_the_server_s_clock(rivals: Rivals, visit: Visit, hours: int) -> None:
    right = visit("/?period=daily")
    page = visit("/?period=daily")
    page.page.add_init_script(SET_CLOCK.replace("{hours}", str(hours)))
    page.page.reload()
    for each in (right, page):
        each.wait_for_pill("live")
        each.row_of(rivals.first.username).wait_for()
    assert page.page.evaluate("() => Math.round((Date.now() - performance.timeOrigin) / 3_600_000)") == hours
    wait_until(lambda: page.caption == right.caption)
    wait_until(lambda: age_of(page, rivals.first.username) == age_of(right, rivals.first.username))


def age_of(page: BoardPage, name: str) -> str:
    return page.row_of(name).locator("time").inner_text()


def test_on_paper_there_is_the_list_alone_and_it_is_dark_on_light(rivals: Rivals, visit: Visit) -> None:
    page = visit("/", color_scheme="dark")
    page.row_of(rivals.first.username).wait_for()
    page.page.emulate_media(media="print", color_scheme="dark")
    brightness = page.page.evaluate("""() => [getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector("#board tbody th")).color].map(
        (color) => Number(color.match(/[0-9]+/)[0]))""")
    assert brightness[0] > 240
    assert brightness[1] < 64
    assert page.page.locator("#board").is_visible()
    for element in ("#play", "#connection", "#periods"):
        assert page.page.locator(element).is_hidden()


def test_with_the_text_spaced_wide_nothing_sticks_out_of_the_narrowest_window(visit: Visit) -> None:
    page = visit("/", viewport={"width": 320, "height": 700}, bypass_csp=True)
    page.wait_for_pill("live")
    page.page.add_style_tag(content=SPACE_TEXT)
    assert sideways(page) == []


def test_with_forced_colours_the_pill_keeps_its_dot(visit: Visit) -> None:
    page = visit("/", forced_colors="active")
    page.wait_for_pill("live")
    border = page.page.evaluate(
        "() => getComputedStyle(document.querySelector('#connection'), '::before').borderTopStyle"
    )
    assert border == "solid"


@pytest.mark.parametrize(("width", "is_open"), [(390, False), (1440, True)])
def test_the_contents_of_the_reference_are_folded_where_they_would_fill_the_window(
    visit: Visit, width: int, is_open: bool
) -> None:
    page = visit("/docs", viewport={"width": width, "height": 844}).page
    assert page.locator(".contents details").evaluate("(details) => details.open") is is_open


def test_in_the_reference_only_what_scrolls_stops_the_tab_key_and_has_a_name_of_its_own(visit: Visit) -> None:
    page = visit("/docs", viewport={"width": 1440, "height": 900}).page
    stops = "() => [...document.querySelectorAll('[tabindex]')].map((it) => it.scrollWidth - it.clientWidth)"
    wait_until(lambda: page.locator("article").count() > 10)
    assert all(beyond > 0 for beyond in page.evaluate(stops))
    page.set_viewport_size({"width": 390, "height": 844})
    wait_until(lambda: page.locator("[tabindex]").count() > 0)
    labels = page.locator("[role=region]").evaluate_all("(them) => them.map((it) => it.ariaLabel)")
    assert len(labels) == len(set(labels))


def test_the_first_tab_stop_of_the_reference_skips_the_contents(visit: Visit) -> None:
    page = visit("/docs").page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/docs#introduction")


def test_an_address_that_is_none_shows_a_page_that_leads_back(visit: Visit, complaints: Complaints) -> None:
    complaints.expect("404")
    page = visit("/there/is/nothing").page
    assert page.get_by_role("heading", name="nothing at this address").is_visible()
    page.get_by_role("link", name="To the leaderboard").click()
    page.locator("#board").wait_for()
