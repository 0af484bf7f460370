"""Chromium under Playwright, and pages whose console has to stay silent."""

from __future__ import annotations  # Playwright is missing where the browser tests are skipped

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

from dev.harness.servers import Servers
from dev.harness.stack import Stack, running_stack
from tests.browser import crowd
from tests.browser.admin_page import AdminPage
from tests.browser.board_page import BoardPage
from tests.browser.crowd import Rivals, newcomer
from tests.caller import Caller
from tests.conftest import PATIENT, QUICK_HASHES, TEMPLATE
from tests.player import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

REDIS_DATABASE = 3
_ARGUMENTS = [
    "--no-sandbox",  # root in a container has no other way
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

Visit = Callable[..., BoardPage]
"""Opens an address below the stack's; keyword arguments are Playwright's for a context."""

Enter = Callable[..., AdminPage]
"""Opens the page of admins, and signs an admin in; keyword arguments are Playwright's for a context."""


class Complaints:
    """What browsers complained of: script errors, policy violations, and whatever else reaches a console."""

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._expected: list[str] = []
        self._listens = True

    def hear(self, text: str) -> None:
        if self._listens:
            self._heard.append(text)

    def stop_listening(self) -> None:
        """The test is over: a page that is closed in the middle of a handshake says so."""
        self._listens = False

    def hear_console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.hear(text)

    def expect(self, pattern: str) -> None:
        """Take complaints of this form for what the test is about."""
        self._expected.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self._heard if not any(re.search(pattern, text) for pattern in self._expected)]


@pytest.fixture(scope="package")
def stack(servers: Servers) -> Iterator[Stack]:
    """One running product for all pages: starting it takes longer than most of these tests."""
    servers.flush_redis(REDIS_DATABASE)
    url = servers.create_database(f"pages_{secrets.token_hex(6)}", TEMPLATE)
    environment = {"SCOREBOARD_LIVE_PER_IP": "100", **PATIENT}
    with running_stack(servers, url, REDIS_DATABASE, QUICK_HASHES, **environment) as running:
        yield running


@pytest.fixture(scope="package")
def accounts(stack: Stack) -> Rivals:
    return Rivals(newcomer(stack, "ada"), newcomer(stack, "grace"))


@pytest.fixture
def rivals(accounts: Rivals) -> Rivals:
    """The two at the top of the list, whatever other tests did to it."""
    accounts.line_up()
    return accounts


@pytest.fixture(scope="package")
def achievements(stack: Stack) -> None:
    """What `crowd.ACHIEVEMENTS` defines, from the first test that asks for it on."""
    crowd.set_achievements(stack)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; Playwright's own is a download. The one without windows takes less than half of the time."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make install")
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium-headless-shell")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    heard = Complaints()
    yield heard
    assert heard.unexpected == []


@pytest.fixture
def visit(browser: Browser, stack: Stack, complaints: Complaints) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/", **options: object) -> BoardPage:
        context = browser.new_context(base_url=stack.url, **options)  # type: ignore[arg-type]  # any of forty
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.hear_console(message.type, message.text))
        page.on("pageerror", lambda error: complaints.hear(str(error)))
        page.goto(path)
        return BoardPage(page)

    yield open_page
    for context in contexts:
        for page in context.pages:
            page.wait_for_timeout(0)  # hears what was said until now
    complaints.stop_listening()
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def chief(stack: Stack) -> Caller:
    """An admin."""
    made = newcomer(stack, "chief")
    with closing(psycopg2.connect(stack.environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE users SET role = 'admin' WHERE id = %s", (made.user_id,))
        connection.commit()
    made.log_in()
    return made


@pytest.fixture
def enter(visit: Visit, chief: Caller) -> Enter:
    def entered(path: str = "/admin", **options: object) -> AdminPage:
        page = AdminPage(visit(path, **options).page)
        page.sign_in(chief.username, PASSWORD)
        page.page.get_by_role("button", name="Sign out").wait_for()
        return page

    return entered
