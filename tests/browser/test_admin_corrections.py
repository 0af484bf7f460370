"""The page of admins: updates count no more and again, by one or by a span, and players are off a board and back."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.admin_page import AdminPage
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Complaints, Enter
from tests.browser.test_appearance import sideways
from tests.caller import Caller
from tests.player import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Route

REASON = "a modified client"


@pytest.fixture
def player(stack: Stack) -> Caller:
    """One with two updates: 25 points and 1."""
    made = crowd.newcomer(stack, "mallory")
    made.update("win-match")
    made.update("share")
    return made


def score_of(player: Caller) -> int | None:
    place = requests.get(f"{player.url}/api/scores/user/{player.user_id}", timeout=10).json()
    return int(place["score"]) if place.get("rank") else None


def look(page: AdminPage, how: str) -> None:
    """Ask who moves if the updates from yesterday to tomorrow are void, or restored."""
    now = datetime.now(UTC)
    span = page.page.locator("[data-part=span]")
    span.get_by_label("What").select_option(how)
    span.get_by_label("From (your time)").fill(f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%S}")
    span.get_by_label("To, which belongs to it").fill(f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%S}")
    span.get_by_role("button", name="See who moves").click()


def disqualify_without_answer(page: AdminPage) -> Route:
    """Disqualify the player who is open from main. The request waits for what is done with its route."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.page.route("**/disqualify", hold)
    page.page.get_by_role("button", name="Disqualify from main").click()
    page.confirm("Disqualify", Reason=REASON)
    wait_until(lambda: page.page.title() != "" and len(held) == 1)  # routes are heard of while the page is asked
    return held[0]


def test_an_update_is_made_void_and_restored_by_keys_alone(enter: Enter, player: Caller) -> None:
    page = enter()
    page.open_player(player.username)
    for verb, said, score in (("Void", "counts no more", 1), ("Restore", "counts;", 26)):
        page.page.get_by_role("button", name=verb).and_(page.page.get_by_role("button", name="win-match")).focus()
        page.page.keyboard.press("Enter")
        page.dialog.get_by_label("Reason").focus()
        page.page.keyboard.type(REASON)
        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Enter")
        page.wait_until_said(said)
        wait_until(lambda score=score: score_of(player) == score)  # type: ignore[misc]
    page.wait_for_focus("Void")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_span_is_looked_at_before_it_is_made_void_and_comes_back(enter: Enter, player: Caller, width: int) -> None:
    page = enter(viewport={"width": width, "height": 844})
    page.open_player(player.username)
    look(page, "void")
    page.page.get_by_text("2 updates; 4 scores would change.").wait_for()
    assert score_of(player) == 26
    assert "26 → \N{EN DASH}" in page.page.locator("[data-part=preview]").inner_text()
    assert sideways(BoardPage(page.page)) == []
    page.page.get_by_role("button", name="Void 2 updates").click()
    page.confirm("Void", Reason=REASON)
    page.wait_until_said("2 updates void; 4 scores changed.")
    wait_until(lambda: score_of(player) is None)
    look(page, "restore")
    page.page.get_by_role("button", name="Restore 2 updates").click()
    page.confirm("Restore", Reason="it was an error of ours")
    page.wait_until_said("2 updates again; 4 scores changed.")
    wait_until(lambda: score_of(player) == 26)


def test_to_go_back_closes_the_question_whether_the_updates_of_a_player_shall_be_void(
    enter: Enter, stack: Stack, player: Caller
) -> None:
    other = crowd.newcomer(stack, "grace")
    page = enter(f"/admin#player/{other.user_id}")
    page.page.get_by_role("heading", name=other.username).wait_for()
    page.page.evaluate("id => { location.hash = `#player/${id}`; }", player.user_id)
    page.page.get_by_role("heading", name=player.username).wait_for()
    look(page, "void")
    page.page.get_by_role("button", name="Void 2 updates").click()
    page.dialog.get_by_role("heading", name=f"Void 2 updates of {player.username}").wait_for()
    page.page.go_back()
    page.page.get_by_role("heading", name=other.username).wait_for()
    wait_until(lambda: page.dialog.count() == 0)


def test_the_second_that_a_span_ends_with_belongs_to_it(enter: Enter, player: Caller) -> None:
    page = enter(timezone_id="UTC")
    page.open_player(player.username)
    updates = page.page.locator("[data-part=events]")
    newest = updates.get_by_role("rowheader").first.inner_text()[: len("2026-11-27, 14:03:22")].replace(", ", "T")
    updates.get_by_label("Until").fill(newest)
    with page.page.expect_response("**/events?**") as listed:
        updates.get_by_role("button", name="Show").click()
    assert [event["actionId"] for event in listed.value.json()["events"]] == ["share", "win-match"]
    day_before = datetime.fromisoformat(newest) - timedelta(days=1)
    span = page.page.locator("[data-part=span]")
    span.get_by_label("From (your time)").fill(f"{day_before:%Y-%m-%dT%H:%M:%S}")
    span.get_by_label("To, which belongs to it").fill(newest)
    span.get_by_role("button", name="See who moves").click()
    page.page.get_by_text("2 updates; 4 scores would change.").wait_for()


def test_what_was_on_its_way_when_the_session_ended_does_not_disturb_the_next_one(
    enter: Enter, player: Caller, chief: Caller, complaints: Complaints
) -> None:
    complaints.expect("ERR_FAILED")
    page = enter()
    page.open_player(player.username)
    held = disqualify_without_answer(page)
    page.page.go_back()
    page.page.get_by_role("button", name="Sign out").click()
    page.sign_in(chief.username, PASSWORD)
    page.open_player(player.username)
    page.page.get_by_role("button", name="Suspend").click()
    page.confirm("Suspend", Reason=REASON)
    page.wait_until_said("is suspended.")
    page.page.get_by_role("button", name="Reinstate").click()
    with page.page.expect_event("requestfailed"):
        held.abort()
    assert page.dialog.locator(".notice [role=status]").text_content() == ""
    page.confirm("Reinstate", Reason="it was an error of ours")
    page.wait_until_said("is reinstated.")


def test_what_was_on_its_way_when_another_view_was_opened_is_told_there(
    enter: Enter, player: Caller, complaints: Complaints
) -> None:
    complaints.expect("ERR_FAILED")
    page = enter()
    page.open_player(player.username)
    held = disqualify_without_answer(page)
    page.page.go_back()
    page.page.get_by_role("heading", name="Players").wait_for()
    held.abort()
    page.wait_until_said(f"Disqualify {player.username}: No answer came. It is unknown whether this was done.")


def test_a_player_is_taken_off_a_board_and_let_back(enter: Enter, player: Caller) -> None:
    page = enter()
    page.open_player(player.username)
    page.page.get_by_role("button", name="Disqualify from main").click()
    page.confirm("Disqualify", Reason=REASON)
    page.wait_until_said("is off main.")
    wait_until(lambda: score_of(player) is None)
    page.page.get_by_text(f": {REASON}").wait_for()
    page.page.get_by_role("button", name="Requalify on main").click()
    page.confirm("Requalify", Reason="it was an error of ours")
    page.wait_until_said("is back on main.")
    wait_until(lambda: score_of(player) == 26)
