"""The live page as somebody sees it who reads it, clicks on it, and waits for it."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dev.harness.waiting import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocketRoute

Row = tuple[str, str, str]
"""Rank, player and points, as they are shown."""

_ROWS = """rows => rows.map(row => ["rank", "username", "score"].map(
    name => row.querySelector(`[data-field="${name}"]`).textContent))"""


class BoardPage:
    """A page that is open. `page` is Playwright's own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._socket: WebSocketRoute | None = None
        self.sockets: list[str] = []

    @property
    def rows(self) -> list[Row]:
        found: list[list[str]] = self.page.locator("#board [data-part=top] tr").evaluate_all(_ROWS)
        return [(rank, name, points) for rank, name, points in found]

    @property
    def names(self) -> list[str]:
        return [name for _, name, _ in self.rows]

    @property
    def caption(self) -> str:
        return " ".join(self.page.locator("#board caption").inner_text().split())

    @property
    def path(self) -> str:
        return self.path_of(self.page.url)

    @property
    def current_period(self) -> str:
        return self.page.locator("#periods [aria-current=page]").inner_text()

    @property
    def state(self) -> str:
        """The sentence below the list."""
        return self.page.locator("#state").text_content() or ""

    @property
    def news(self) -> str:
        """What a screen reader was told last."""
        return self.page.locator("#news").text_content() or ""

    @property
    def own_row(self) -> Locator:
        return self.page.locator("#board tr.is-own")

    @staticmethod
    def path_of(address: str) -> str:
        _, _, path, query, _ = urlsplit(address)
        return f"{path}?{query}" if query else path

    def row_of(self, name: str) -> Locator:
        return self.page.locator("#board tr", has=self.page.get_by_text(name, exact=True))

    def wait_for_pill(self, state: str, seconds: float = PATIENCE_SECONDS) -> None:
        self.page.locator(f"#connection[data-state={state}]").wait_for(timeout=seconds * 1000)

    def wait_for_rows(self, rows: list[Row], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until exactly these rows are shown; what is shown instead stands in the failure."""
        try:
            wait_until(lambda: self.rows == rows, seconds)
        except AssertionError:
            assert self.rows == rows

    def choose(self, period: str) -> None:
        self.page.get_by_role("navigation", name="Period").get_by_role("link", name=period).click()

    def sign_in(self, username: str, password: str) -> None:
        self.page.get_by_text("Sign in", exact=True).first.click()
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Sign out").wait_for()

    @property
    def access_token(self) -> str:
        """The token of whoever is signed in."""
        return str(self.page.evaluate("() => JSON.parse(sessionStorage.getItem('scoreboard.session')).accessToken"))

    def open_interposed(self, path: str) -> None:
        """Open an address with a hand on its live socket, so that `tell` can speak for the server."""
        self.page.route_web_socket("**/ws/scoreboard*", self._interpose)
        self.page.goto(path)

    def open_cut_off(self, path: str) -> None:
        """Open an address whose live socket is closed as soon as it is open, again and again."""
        self.page.route_web_socket("**/ws/scoreboard*", lambda socket: socket.close(code=1012))
        self.page.goto(path)

    def _interpose(self, socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        self._socket = socket

    def tell(self, *messages: dict[str, Any]) -> None:
        """Send these messages as the server would, on the socket that is open."""
        assert self._socket
        for message in messages:
            self._socket.send(json.dumps(message))

    def count_sockets(self) -> None:
        """Write the address of each socket that is asked for from now on into `sockets`."""
        self.page.on("websocket", lambda socket: self.sockets.append(socket.url))

    def remember(self) -> None:
        """Leave a mark that only a reload takes away."""
        self.page.evaluate("() => { window.isRemembered = true; }")

    @property
    def is_remembered(self) -> bool:
        found: Any = self.page.evaluate("() => window.isRemembered === true")
        return bool(found)
