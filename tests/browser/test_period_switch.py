"""From one period to another: by click, by key, by the browser's own buttons, by the clock, and without a script."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.conftest import Visit
from tests.browser.crowd import Rivals
from tests.player import PASSWORD

LONG_AGO = timedelta(days=80)


@pytest.fixture
def veteran(stack: Stack, rivals: Rivals) -> str:
    """The leader of all time, who has done nothing for long."""
    name = f"veteran-{secrets.token_hex(4)}"
    crowd.lead_by_then(stack, name, datetime.now(UTC) - LONG_AGO)
    return name


def test_a_click_shows_the_other_list_without_a_reload_and_back_returns(
    stack: Stack, veteran: str, visit: Visit
) -> None:
    page = visit()
    page.wait_for_pill("live")
    page.remember()
    assert page.names[0] == veteran
    page.choose("This week")
    page.wait_for_rows(crowd.listed(stack, "weekly"))
    assert page.path == "/?period=weekly"
    assert page.current_period == "This week"
    assert page.caption.startswith("Top 10 this week")
    assert veteran not in page.names
    page.page.go_back()
    page.wait_for_rows(crowd.listed(stack))
    assert (page.path, page.current_period, page.names[0]) == ("/", "All time", veteran)
    page.page.go_forward()
    page.wait_for_rows(crowd.listed(stack, "weekly"))
    assert page.current_period == "This week"
    assert page.is_remembered


def test_back_returns_to_all_time_however_its_address_said_so(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    page = visit("/?from=a-link&period=all")
    page.wait_for_pill("live")
    page.choose("Today")
    page.wait_for_rows(crowd.listed(stack, "daily"))
    page.page.go_back()
    wait_until(lambda: page.caption.startswith("Top 10 ") and "today" not in page.caption)
    assert page.current_period == "All time"


def test_a_switch_by_key_keeps_the_focus_says_what_is_shown_and_goes_on_live(
    stack: Stack, rivals: Rivals, visit: Visit
) -> None:
    page = visit()
    page.wait_for_pill("live")
    link = page.page.get_by_role("link", name="Today")
    link.focus()
    page.page.keyboard.press("Enter")
    page.wait_for_rows(crowd.listed(stack, "daily"))
    assert link.evaluate("link => link === document.activeElement")
    wait_until(lambda: page.news.startswith("Today: "))
    assert f"{rivals.first.username} leads with" in page.news
    rivals.second.update("win-tournament")
    page.wait_for_rows(crowd.listed(stack, "daily"))
    assert page.names[0] == rivals.second.username


def test_an_address_with_a_period_opens_it_and_says_when_it_ends(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    page = visit("/?period=daily")
    page.wait_for_pill("live")
    page.wait_for_rows(crowd.listed(stack, "daily"))
    wait_until(lambda: end_of_today() in page.caption)
    assert page.page.title() == "Today · Scoreboard"


def end_of_today() -> str:
    left = datetime.now(UTC).replace(hour=23, minute=59, second=59) - datetime.now(UTC)
    hours = int(left.total_seconds() // 3600)
    return f"ends in {hours} h" if hours else "ends in"


def test_a_period_that_rolls_over_is_shown_anew_and_said_to_be(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    """The server's clock cannot be moved, so its two messages are: they come while the page is live."""
    page = visit()
    page.open_interposed("/?period=weekly")
    page.wait_for_pill("live")
    page.wait_for_rows(crowd.listed(stack, "weekly"))
    next_week = f"{datetime.now(UTC) + timedelta(days=7):%G-W%V}"
    snapshot = {"epoch": "next", "seq": 0, "at": "2026-11-30T00:00:00.000Z", "limit": 10, "total": 0, "entries": []}
    page.tell(
        {"type": "rollover", "board": "main", "period": next_week},
        {"type": "snapshot", "board": "main", "period": next_week, **snapshot},
    )
    page.wait_for_rows([])
    wait_until(lambda: page.state == "A new week has begun.")
    wait_until(lambda: page.news == "A new week has begun: nobody has scored yet.")
    page.page.get_by_text("Nobody has scored yet this week.").wait_for()


def test_one_ticket_is_asked_for_each_connection_and_nothing_else(rivals: Rivals, visit: Visit) -> None:
    page = visit()
    page.sign_in(rivals.first.username, PASSWORD)
    requested: list[str] = []
    page.page.on("request", lambda request: requested.append(page.path_of(request.url)))
    for period in ("Today", "This week"):
        page.choose(period)
        page.page.get_by_text(f"Points {period.lower()}").wait_for()
    assert [path for path in requested if path.startswith("/api/")] == ["/api/auth/ticket"] * 2


def test_without_a_script_the_links_and_the_lists_are_there(stack: Stack, veteran: str, visit: Visit) -> None:
    for period in ("all", "daily"):
        crowd.wait_until_rendered(stack, period)
    page = visit(java_script_enabled=False)
    assert page.rows == crowd.listed(stack)
    assert page.names[0] == veteran
    page.choose("Today")
    assert page.path == "/?period=daily"
    assert page.rows == crowd.listed(stack, "daily")
    assert page.current_period == "Today"
    assert "ends 20" in page.caption
