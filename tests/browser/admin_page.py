"""The page of admins as an admin uses it."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

from typing import TYPE_CHECKING

from dev.harness.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class AdminPage:
    """A page that is open. `page` is Playwright's own."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sign_in(self, username: str, password: str) -> None:
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def go(self, view: str) -> None:
        """Turn to a view, and wait until it has told how many there are."""
        self.page.get_by_role("navigation", name="Administration").get_by_role("link", name=view).click()
        section = self.page.get_by_role("region", name=view, exact=True)
        section.locator("[data-part=count]:not(:empty)").wait_for()

    def open_player(self, name: str) -> None:
        """Look for a player by a part of the name, and open the one who is found."""
        self.page.get_by_label("Part of a name").fill(name)
        self.page.get_by_role("button", name="Search").click()
        self.page.get_by_text("1 player", exact=True).wait_for()
        self.page.get_by_role("region", name="Players").get_by_role("row").get_by_role("link").click()
        self.page.locator("[data-part=events] [data-part=count]:not(:empty)").wait_for()

    def row(self, name: str) -> Locator:
        """The row whose heading has this name."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("rowheader", name=name))

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def confirm(self, verb: str, **values: str) -> None:
        """Fill the dialog in by the labels of its fields, and press its button."""
        for label, value in values.items():
            self.dialog.get_by_label(label.replace("_", " "), exact=True).fill(value)
        self.dialog.get_by_role("button", name=verb, exact=True).click()

    def wait_for_focus(self, *beginnings: str) -> None:
        """Wait until the focus is on something whose text begins so, in one way or another."""
        wait_until(lambda: str(self.page.evaluate("() => document.activeElement.textContent")).startswith(beginnings))

    def wait_for_focus_in(self, field: str) -> None:
        """Wait until the focus is in the field of this name."""
        wait_until(lambda: self.page.evaluate("() => document.activeElement.name") == field)

    def wait_until_said(self, sentence: str) -> None:
        self.page.locator("#said", has_text=sentence).wait_for()
