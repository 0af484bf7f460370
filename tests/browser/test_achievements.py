"""The shelf of achievements: progress, a quiet word on unlocking, and room for it on a telephone."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

import pytest

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Visit
from tests.browser.crowd import newcomer
from tests.browser.test_appearance import sideways
from tests.player import PASSWORD


def told(page: BoardPage, achievement: str) -> list[str]:
    """The words of an achievement on the shelf."""
    text = page.page.locator(f"[data-part=shelf] li[data-achievement={achievement}]").inner_text()
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.usefixtures("achievements")
def test_a_player_sees_how_far_they_are_and_hears_quietly_of_what_they_unlock(stack: Stack, visit: Visit) -> None:
    somebody = newcomer(stack, "collector")
    page = visit("/", viewport={"width": 390, "height": 844})
    shelf = page.page.locator("[data-part=shelf]")
    assert not shelf.is_visible()
    page.sign_in(somebody.username, PASSWORD)
    shelf.wait_for()
    assert told(page, "two-wins") == ["Two wins", "0 of 2"]
    assert told(page, "under-cover") == ["Secret", "Unlock it to learn what it is."]
    assert shelf.get_by_role("progressbar", name="Steps towards Two wins").get_attribute("max") == "2"
    assert sideways(page) == []

    page.wait_for_pill("live")
    win = page.page.get_by_role("button", name="Win match")
    win.click()
    wait_until(lambda: told(page, "two-wins") == ["Two wins", "1 of 2"])
    win.focus()
    win.click()
    shelf.locator(".shown", has_text="Unlocked: Two wins.").wait_for()
    assert shelf.get_by_role("status").text_content() == "Unlocked: Two wins."
    assert win.evaluate("button => button === document.activeElement"), "the focus stays where it was"
    wait_until(lambda: told(page, "two-wins")[1].startswith("Unlocked "))
    assert shelf.locator("h3").inner_text().split("\n")[-1] == "1 of 3"
    assert sideways(page) == []

    page.page.reload()
    shelf.wait_for()
    assert told(page, "two-wins")[1].startswith("Unlocked ")
    assert shelf.locator(".shown").text_content() == "", "what is known is no news"
    page.page.get_by_role("button", name="Sign out").click()
    shelf.wait_for(state="hidden")
