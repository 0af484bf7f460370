"""The forms for one's own account: another password, a copy of one's data, and its end."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

import json
from pathlib import Path

import requests

from dev.harness.stack import Stack
from tests.browser.conftest import Complaints, Visit
from tests.browser.crowd import newcomer
from tests.player import PASSWORD

NEW_PASSWORD = "another correct horse"
REFUSED = r"the server responded with a status of 40[01]"


def test_a_player_changes_the_password_takes_a_copy_and_deletes_the_account(
    stack: Stack, visit: Visit, complaints: Complaints
) -> None:
    complaints.expect(REFUSED)
    somebody = newcomer(stack, "leaver")
    page = visit("/")
    page.sign_in(somebody.username, PASSWORD)
    page.page.get_by_text("Your password and data").click()

    page.page.get_by_label("Current password").fill("not this one")
    page.page.get_by_label("New password").fill(NEW_PASSWORD)
    page.page.get_by_role("button", name="Change the password").click()
    page.page.get_by_text("This is not your password.").wait_for()
    page.page.get_by_label("Current password").fill(PASSWORD)
    page.page.get_by_label("New password").fill("short")
    page.page.get_by_role("button", name="Change the password").click()
    page.page.get_by_text("Use 8 to 128 characters.").wait_for()
    page.page.get_by_label("New password").fill(NEW_PASSWORD)
    page.page.get_by_role("button", name="Change the password").click()
    page.page.locator(".shown", has_text="Your password is changed.").wait_for()
    assert log_in(stack, somebody.username, PASSWORD) == 401
    assert log_in(stack, somebody.username, NEW_PASSWORD) == 200

    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Download my data").click()
    assert download.value.suggested_filename == f"scoreboard-{somebody.username}.json"
    assert json.loads(Path(download.value.path()).read_text())["account"]["username"] == somebody.username

    page.page.get_by_label("Your password", exact=True).fill(NEW_PASSWORD)
    page.page.get_by_role("button", name="Delete my account").click()
    page.page.locator(".shown", has_text="Tick the box first").wait_for()
    page.page.get_by_label("I know that this cannot be undone").check()
    page.page.get_by_role("button", name="Delete my account").click()
    page.page.locator(".shown", has_text="Your account is deleted.").wait_for()
    assert page.page.evaluate("() => sessionStorage.length") == 0
    assert log_in(stack, somebody.username, NEW_PASSWORD) == 401


def log_in(stack: Stack, username: str, password: str) -> int:
    body = {"username": username, "password": password}
    return requests.post(f"{stack.url}/api/auth/login", json=body, timeout=10).status_code
