"""The page of admins: who is let in, how their session ends, and boards that are moved, by mouse and by key."""

import re
import secrets

import pytest
import requests

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.admin_page import AdminPage
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Complaints, Enter, Visit
from tests.browser.test_appearance import sideways
from tests.caller import Caller
from tests.player import PASSWORD

SIZES = [(390, 844), (1280, 900)]


@pytest.fixture
def board_id(stack: Stack, chief: Caller) -> str:
    """A board of its own, whose title would be harmful as markup."""
    name = f"board-{secrets.token_hex(4)}"
    body = {"title": f"<img src=/ onerror='window.isHarmed = true'>{name}"}
    made = requests.put(f"{stack.url}/api/admin/boards/{name}", json=body, headers=chief.headers, timeout=10)
    assert made.status_code == 201
    return name


def state_of(stack: Stack, board_id: str) -> str:
    return str(requests.get(f"{stack.url}/api/boards/{board_id}", timeout=10).json()["state"])


def test_the_shell_is_served_to_anybody_has_no_data_and_is_on_no_list(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/admin", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_who_is_no_admin_is_told_so_and_has_no_session_left(visit: Visit, stack: Stack, chief: Caller) -> None:
    ada = crowd.newcomer(stack, "ada")
    page = AdminPage(visit("/admin").page)
    with page.page.expect_response("**/api/auth/logout") as ended:
        page.sign_in(ada.username, PASSWORD)
    assert ended.value.status == 200
    page.page.get_by_text("This account is no admin's.").last.wait_for()
    assert page.page.get_by_role("navigation", name="Administration").count() == 0


def test_a_wrong_password_is_told_in_words(visit: Visit, chief: Caller, complaints: Complaints) -> None:
    complaints.expect(r"\b401\b")
    page = AdminPage(visit("/admin").page)
    page.sign_in(chief.username, "wrong horse")
    page.page.get_by_text("That username and password do not belong together.").last.wait_for()


def test_the_session_is_kept_nowhere_and_ends_with_the_page(enter: Enter, board_id: str) -> None:
    page = enter("/admin#boards")
    page.row(board_id).wait_for()
    kept = "[sessionStorage.length, localStorage.length, document.cookie]"
    assert page.page.evaluate(kept) == [0, 0, ""]
    page.page.reload()
    page.page.get_by_label("Username").wait_for()
    assert page.page.get_by_role("row").count() == 0


def test_signing_out_ends_the_session_and_leaves_no_data_on_the_page(enter: Enter, board_id: str) -> None:
    page = enter("/admin#boards")
    page.row(board_id).wait_for()
    with page.page.expect_response("**/api/auth/logout") as ended:
        page.page.get_by_role("button", name="Sign out").click()
    assert ended.value.status == 200
    page.page.get_by_text("You are signed out.").last.wait_for()
    wait_until(lambda: board_id not in page.page.content())


def test_a_session_that_ended_elsewhere_asks_to_sign_in_and_leaves_no_data(
    enter: Enter, stack: Stack, board_id: str, complaints: Complaints
) -> None:
    complaints.expect(r"\b401\b|ERR_FAILED")
    page = enter("/admin#boards")
    page.row(board_id).get_by_role("button", name="Close").click()
    with page.page.expect_request("**/api/admin/boards/*/close") as sent:
        page.page.route("**/api/admin/boards/*/close", lambda route: route.abort())
        page.confirm("Close")
    page.page.unroute("**/api/admin/boards/*/close")
    headers = {"Authorization": sent.value.headers["authorization"]}
    assert requests.post(f"{stack.url}/api/auth/logout", headers=headers, timeout=10).status_code == 200
    page.confirm("Close")
    page.page.get_by_text("Your session has ended. Sign in again.").last.wait_for()
    wait_until(lambda: page.dialog.count() == 0)
    wait_until(lambda: board_id not in page.page.content())


def test_a_board_is_closed_and_opened_by_keys_alone_and_the_focus_is_never_lost(
    enter: Enter, stack: Stack, board_id: str
) -> None:
    page = enter("/admin#boards")
    row = page.row(board_id)
    row.get_by_role("button", name="Close").focus()
    page.page.keyboard.press("Enter")
    assert page.dialog.get_by_role("heading").inner_text().startswith("Close <img")
    page.page.keyboard.press("Escape")
    wait_until(lambda: page.dialog.count() == 0)
    page.wait_for_focus("Close")
    page.page.keyboard.press("Enter")
    page.dialog.get_by_label("Reason").focus()
    page.page.keyboard.type("the season is over")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    page.wait_until_said("closes.")
    page.wait_for_focus("Keep open", "Open")
    wait_until(lambda: state_of(stack, board_id) == "closed")
    page.page.reload()
    assert page.page.evaluate("() => window.isHarmed") is None


def test_an_outcome_that_is_unknown_is_said_to_be_and_trying_again_is_safe(
    enter: Enter, board_id: str, complaints: Complaints
) -> None:
    complaints.expect("ERR_FAILED")
    page = enter("/admin#boards")
    page.row(board_id).get_by_role("button", name="Close").click()
    page.page.route("**/close", lambda route: (route.fetch(), route.abort()))
    page.confirm("Close", Reason="over")
    page.dialog.get_by_text("No answer came. It is unknown whether this was done.").last.wait_for()
    page.page.unroute("**/close")
    page.confirm("Close")
    page.wait_until_said("closes.")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((503, "dependency_unavailable", "PostgreSQL cannot be reached."), "Nothing was changed"),
        ((503, "outcome_unknown", "It was not confirmed."), "could not confirm|unknown whether this was done"),
        ((409, "board_immutable", "The board is archived, for good."), "The board is archived, for good."),
        ((429, "rate_limited", "Too many requests."), r"Too many requests\. You can go on in \d+ s, at \d\d:\d\d:\d\d"),
    ],
)
def test_a_refusal_is_told_in_words_beside_what_was_asked_for(
    enter: Enter, board_id: str, complaints: Complaints, answer: tuple[int, str, str], told: str
) -> None:
    status, code, message = answer
    complaints.expect(rf"\b{status}\b")
    page = enter("/admin#boards")
    body = {"error": {"code": code, "message": message}}
    headers = {"Retry-After": "40"} if status == 429 else {}
    page.page.route("**/close", lambda route: route.fulfill(status=status, json=body, headers=headers))
    page.row(board_id).get_by_role("button", name="Close").click()
    page.confirm("Close")
    wait_until(lambda: re.search(told, page.dialog.locator(".notice [role=status]").text_content() or "") is not None)
    assert page.dialog.is_visible()


def test_a_field_that_is_wrong_has_the_problem_beside_it_and_the_focus(
    enter: Enter, board_id: str, complaints: Complaints
) -> None:
    complaints.expect(r"\b400\b")
    page = enter("/admin#boards")
    page.row(board_id).get_by_role("button", name="Close").click()
    page.dialog.get_by_label("When (your time)").fill("2020-01-01T00:00:00")
    page.confirm("Close")
    page.dialog.get_by_text("It must be at least 6 seconds from now.").wait_for()
    page.wait_for_focus_in("at")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_scrolls_sideways_on_any_view(enter: Enter, board_id: str, size: tuple[int, int], scheme: str) -> None:
    width, height = size
    page = enter(viewport={"width": width, "height": height}, color_scheme=scheme)
    for view in ("Players", "Audit log", "API keys", "Boards"):
        page.go(view)
        assert sideways(BoardPage(page.page)) == []
    brightness = page.page.evaluate("() => Number(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0])")
    assert (brightness < 64) is (scheme == "dark")
    page.row(board_id).get_by_role("button", name="Close").click()
    assert sideways(BoardPage(page.page)) == []
