"""The page of admins: a player is found, suspended, adjusted and looked through, and changes and keys are listed."""

import secrets
from contextlib import closing

import psycopg2
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

REASON = "a match was counted twice"


@pytest.fixture
def player(stack: Stack) -> Caller:
    """One with a score, whose name on boards would be harmful as markup."""
    made = crowd.newcomer(stack, "eve")
    made.update("win-match")
    with closing(psycopg2.connect(stack.environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        name = f"<b onclick=x>{secrets.token_hex(4)}"
        cursor.execute("UPDATE users SET display_name = %s WHERE id = %s", (name, made.user_id))
        connection.commit()
    return made


def score_of(player: Caller) -> int:
    place = requests.get(f"{player.url}/api/scores/user/{player.user_id}", timeout=10).json()
    return int(place["score"])


def adjustments_of(page: AdminPage) -> int:
    return page.page.get_by_role("row").filter(has_text="adjust-main").count()


def test_a_player_is_found_by_a_part_of_the_name_suspended_and_reinstated_by_keys_alone(
    enter: Enter, player: Caller
) -> None:
    page = enter()
    page.open_player(player.username)
    keyboard = page.page.keyboard
    for verb, said in (("Suspend", "is suspended."), ("Reinstate", "is reinstated.")):
        page.page.get_by_role("button", name=f"{verb} ").focus()
        keyboard.press("Enter")
        keyboard.type("impossible scores")
        keyboard.press("Tab")
        keyboard.press("Tab")
        keyboard.press("Enter")
        page.wait_until_said(said)
        answer = requests.get(f"{player.url}/api/scores/user/{player.user_id}", timeout=10)
        assert (answer.json().get("rank") is None) is (verb == "Suspend")
    page.wait_for_focus("Suspend")


def test_an_adjustment_counts_once_though_its_answer_was_lost_and_it_was_tried_again(
    enter: Enter, player: Caller, complaints: Complaints
) -> None:
    complaints.expect("ERR_FAILED")
    before = score_of(player)
    page = enter()
    page.open_player(player.username)
    keys: list[str] = []

    def lose(route: object) -> None:
        keys.append(route.request.post_data_json["idempotencyKey"])  # type: ignore[attr-defined]  # Playwright's
        route.fetch()  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.page.route("**/adjust", lose)
    page.page.get_by_role("button", name="Adjust a score").click()
    page.dialog.get_by_label("Board").select_option("main")
    page.confirm("Adjust", Amount="-5", Reason=REASON)
    page.dialog.get_by_text("It is unknown whether this was done.").last.wait_for()
    assert page.dialog.get_by_label("Amount").is_disabled()
    page.page.keyboard.press("Escape")
    page.page.get_by_role("button", name="Adjust a score").click()
    assert page.dialog.get_by_label("Amount").input_value() == "-5"
    page.page.unroute("**/adjust")
    with page.page.expect_request("**/adjust") as again:
        page.confirm("Try again")
    page.wait_until_said(f"on main: {before - 5} now.")
    assert (again.value.post_data_json or {})["idempotencyKey"] == keys[0]
    assert score_of(player) == before - 5
    wait_until(lambda: adjustments_of(page) == 1)


def test_an_adjustment_whose_outcome_is_unknown_is_kept_while_another_player_is_adjusted(
    enter: Enter, stack: Stack, player: Caller, complaints: Complaints
) -> None:
    complaints.expect("ERR_FAILED")
    other = crowd.newcomer(stack, "grace")
    page = enter(f"/admin#player/{player.user_id}")
    page.page.route("**/adjust", lambda route: route.abort())
    page.page.get_by_role("button", name="Adjust a score").click()
    page.dialog.get_by_label("Board").select_option("main")
    with page.page.expect_request("**/adjust") as lost:
        page.confirm("Adjust", Amount="-5", Reason=REASON)
    page.dialog.get_by_text("It is unknown whether this was done.").last.wait_for()
    page.page.unroute("**/adjust")
    page.page.evaluate("id => { location.hash = `#player/${id}`; }", other.user_id)
    page.page.get_by_role("heading", name=other.username).wait_for()
    page.page.get_by_role("button", name="Adjust a score").click()
    page.dialog.get_by_label("Board").select_option("main")
    page.confirm("Adjust", Amount="7", Reason=REASON)
    page.wait_until_said("on main: 7 now.")
    page.page.go_back()
    page.page.get_by_text(player.username).wait_for()
    page.page.get_by_role("button", name="Adjust a score").click()
    assert page.dialog.get_by_label("Amount").input_value() == "-5"
    with page.page.expect_request("**/adjust") as again:
        page.confirm("Try again")
    page.wait_until_said("on main: 20 now.")
    assert again.value.post_data == lost.value.post_data


def test_an_adjustment_that_is_refused_says_why_at_its_field(
    enter: Enter, player: Caller, complaints: Complaints
) -> None:
    complaints.expect(r"\b400\b")
    page = enter()
    page.open_player(player.username)
    page.page.get_by_role("button", name="Adjust a score").click()
    page.dialog.get_by_label("Board").select_option("main")
    page.confirm("Adjust", Amount="0", Reason=REASON)
    page.dialog.get_by_text("It must not be 0, which changes nothing.").wait_for()
    page.wait_for_focus_in("amount")
    page.confirm("Adjust", Amount="a lot", Reason="x")
    wait_until(lambda: page.dialog.locator(".problem:not(:empty)").count() == 2)
    page.confirm("Adjust", Amount="3", Reason=REASON)
    page.wait_until_said("on main: 28 now.")


def test_updates_are_listed_with_what_they_are_worth_and_narrowed_by_time(enter: Enter, player: Caller) -> None:
    player.update("share")
    page = enter()
    page.open_player(player.username)
    updates = page.page.locator("[data-part=events]")
    updates.get_by_text("2 updates", exact=True).wait_for()
    assert [row.split("\t")[1:3] for row in updates.get_by_role("row").all_inner_texts()[1:]] == [
        ["share", "+1"],
        ["win-match", "+25"],
    ]
    updates.get_by_label("Until").fill("2020-01-01T00:00:00")
    updates.get_by_role("button", name="Show").click()
    updates.get_by_text("No updates.").wait_for()


def test_a_change_stands_in_the_audit_log_with_its_reason_as_text(enter: Enter, player: Caller) -> None:
    page = enter()
    page.open_player(player.username)
    page.page.get_by_role("button", name="Take the name away").click()
    page.confirm("Take away", Reason="<i>insulting</i>")
    page.wait_until_said(f"{player.username} has no other name now.")
    page.page.get_by_role("link", name="in the audit log").click()
    log = page.page.get_by_role("region", name="Audit log")
    log.get_by_text("1 change", exact=True).wait_for()
    assert "<i>insulting</i>" in log.get_by_role("row").last.inner_text()
    log.get_by_role("link", name=player.user_id).click()
    page.page.get_by_role("heading", name=player.username).wait_for()


def test_a_long_list_is_read_page_by_page(enter: Enter, stack: Stack) -> None:
    part = secrets.token_hex(4)
    crowd.add_players(stack, [f"{part}-{number:02}" for number in range(53)])
    page = enter()
    page.page.get_by_label("Part of a name").fill(part)
    page.page.get_by_role("button", name="Search").click()
    page.row(f"{part}-49").wait_for()
    page.page.get_by_role("button", name="Show more").press("Enter")
    page.page.get_by_text("53 players", exact=True).wait_for()
    page.wait_for_focus(f"{part}-50")


def test_a_list_that_cannot_be_read_says_so_and_is_tried_again(enter: Enter, complaints: Complaints) -> None:
    complaints.expect(r"\b503\b")
    page = enter()
    error = {"error": {"code": "dependency_unavailable", "message": "PostgreSQL cannot be reached."}}
    page.page.route("**/api/admin/keys", lambda route: route.fulfill(status=503, json=error))
    page.page.get_by_role("link", name="API keys").click()
    page.page.get_by_text("Nothing was changed; try again in a moment.").last.wait_for()
    page.page.unroute("**/api/admin/keys")
    page.page.get_by_role("region", name="API keys").get_by_role("button", name="Try again").click()
    page.page.get_by_text("No keys.").wait_for()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_player_fits_into_the_window(enter: Enter, player: Caller, width: int) -> None:
    page = enter(viewport={"width": width, "height": 844})
    page.open_player(player.username)
    assert sideways(BoardPage(page.page)) == []
    page.page.get_by_role("button", name="Adjust a score").click()
    assert sideways(BoardPage(page.page)) == []
