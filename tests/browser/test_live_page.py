"""What moves on the page while somebody looks: the list, their own row, and the connection."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psycopg2
import requests
from psycopg2 import sql

from dev.harness.servers import Servers
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser import crowd
from tests.browser.conftest import Complaints, Visit
from tests.browser.crowd import Rivals
from tests.player import PASSWORD

MOST_MOVES = 20

UNREACHED = r"ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE"
"""What Chromium itself says of a server that is not there."""


def test_two_pages_and_a_client_see_the_same_move_within_a_second(stack: Stack, rivals: Rivals, visit: Visit) -> None:
    pages = [visit(), visit()]
    for page in pages:
        page.wait_for_pill("live")
        page.wait_for_rows(crowd.listed(stack))
    waits = [2.0]
    while waits[-1] >= 1 and len(waits) < MOST_MOVES:  # a busy machine makes one or the other late
        assert rivals.second.update("win-tournament").status_code == 200
        answered_at = time.monotonic()
        seen_by_the_client = crowd.listed(stack)
        for page in pages:
            page.wait_for_rows(seen_by_the_client)
        waits.append(time.monotonic() - answered_at)
        assert pages[0].names[:2] == [rivals.second.username, rivals.first.username]
    assert waits[-1] < 1


def test_who_passes_somebody_is_marked_with_the_places_gained_and_lost(rivals: Rivals, visit: Visit) -> None:
    page = visit()
    page.wait_for_pill("live")
    rivals.second.update("win-tournament")
    page.row_of(rivals.second.username).locator(".moved.is-fresh", has_text="▲1").wait_for()
    page.row_of(rivals.first.username).locator(".moved.is-fresh", has_text="▼1").wait_for()
    wait_until(lambda: page.news.startswith(f"{rivals.second.username} leads with"))


def test_a_server_that_was_killed_ends_in_a_right_list_without_a_reload(
    stack: Stack, rivals: Rivals, visit: Visit, complaints: Complaints
) -> None:
    complaints.expect(UNREACHED)
    page = visit()
    page.wait_for_pill("live")
    page.remember()
    stack.stop("web", signal.SIGKILL)
    page.wait_for_pill("reconnecting")
    assert page.state.startswith("As it stood at")
    stack.start("web")
    stack.wait_until_ready()
    rivals.second.update("win-tournament")
    page.wait_for_pill("live")
    page.wait_for_rows(crowd.listed(stack))
    assert page.names[0] == rivals.second.username
    assert page.is_remembered
    assert page.state == ""


def test_a_player_below_the_list_sees_their_own_row_move_though_they_do_nothing(stack: Stack, visit: Visit) -> None:
    ada = crowd.newcomer(stack, "ada")
    ada.update("share")
    for user_id in crowd.add_players(stack, [f"{ada.username}-{number}" for number in range(10)]).values():
        crowd.score(stack, user_id, "win-match")
    crowd.wait_until_counted(stack)
    page = visit()
    page.sign_in(ada.username, PASSWORD)
    place = page.own_row.locator(".place")
    rank_before = crowd.rank_of(ada)
    place.get_by_text(rank_before, exact=True).wait_for()
    crowd.newcomer(stack, "bob").update("win-match")
    assert crowd.rank_of(ada) != rank_before
    place.get_by_text(crowd.rank_of(ada), exact=True).wait_for()
    page.choose("Today")
    page.page.get_by_text("Points today").wait_for()
    place.get_by_text(crowd.rank_of(ada, "daily"), exact=True).wait_for()


def test_a_session_that_ended_elsewhere_leaves_the_page_live_and_asks_to_sign_in(
    stack: Stack, rivals: Rivals, visit: Visit, complaints: Complaints
) -> None:
    complaints.expect(r"\b401\b|HTTP Authentication failed")  # of a request; of a socket that was just being opened
    page = visit()
    page.sign_in(rivals.first.username, PASSWORD)
    page.own_row.wait_for()
    headers = {"Authorization": f"Bearer {page.access_token}"}
    assert requests.post(f"{stack.url}/api/auth/logout", headers=headers, timeout=10).status_code == 200
    page.page.get_by_text("Your session has ended. Sign in again.").last.wait_for()
    page.wait_for_pill("live")
    rivals.second.update("win-tournament")
    page.row_of(rivals.second.username).locator(".moved.is-fresh", has_text="▲1").wait_for()
    assert page.own_row.count() == 0


def test_signing_out_leaves_nothing_of_the_session_in_the_browser(rivals: Rivals, visit: Visit) -> None:
    page = visit()
    page.sign_in(rivals.first.username, PASSWORD)
    page.own_row.wait_for()
    page.page.get_by_role("button", name="Sign out").click()
    page.page.get_by_label("Username").wait_for()

    assert page.page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]
    assert page.page.get_by_label("Password", exact=True).input_value() == ""
    wait_until(lambda: page.own_row.count() == 0)


def test_a_board_of_players_waits_for_somebody_to_sign_in_and_asks_for_no_socket_before(
    stack: Stack, rivals: Rivals, visit: Visit
) -> None:
    board_id = crowd.add_board_of_players(stack)
    page = visit()
    page.wait_for_pill("live")
    page.count_sockets()
    page.page.goto(f"/b/{board_id}")
    page.page.get_by_text("This board is for players. Sign in to see it.").wait_for()
    page.page.get_by_text("Signed out").wait_for()
    for event in ("online", "pageshow", "visibilitychange"):  # each brings back a socket that was lost
        page.page.evaluate(
            "name => (name === 'visibilitychange' ? document : window).dispatchEvent(new Event(name))", event
        )
    assert page.sockets == []

    page.sign_in(rivals.first.username, PASSWORD)
    page.wait_for_pill("live")
    assert len(page.sockets) == 1
    assert f"board={board_id}" in page.sockets[0]
    assert "ticket=" in page.sockets[0]

    page.page.get_by_role("button", name="Sign out").click()
    page.page.get_by_text("Signed out").wait_for()
    assert len(page.sockets) == 1


def test_a_list_that_cannot_be_read_is_said_to_come_back_and_does(
    servers: Servers, stack: Stack, rivals: Rivals, visit: Visit, complaints: Complaints
) -> None:
    complaints.expect(r"\b503\b")
    with nothing_to_read(servers, stack):
        page = visit("/?limit=9")  # which nobody watches already: who does goes on seeing what was there
        page.remember()
        page.page.get_by_text("The list cannot be read right now. It comes back by itself.").wait_for()
        page.wait_for_pill("reconnecting")
        assert page.rows == []
    page.wait_for_pill("live")
    page.wait_for_rows(crowd.listed(stack)[:9])
    assert page.is_remembered
    stack.wait_until_ready()


@contextmanager
def nothing_to_read(servers: Servers, stack: Stack) -> Iterator[None]:
    """Neither Redis nor PostgreSQL has the board: one was emptied, the other lets nobody in."""
    servers.prove_own()
    database = urlsplit(stack.environment["DATABASE_URL"]).path.removeprefix("/")
    admission = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with closing(psycopg2.connect(servers.postgres.url_of("postgres"))) as connection:
        connection.autocommit = True  # ALTER DATABASE takes effect at once
        cursor = connection.cursor()
        cursor.execute(admission.format(sql.Identifier(database), sql.SQL("false")))
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])
        with closing(stack.redis()) as client:
            client.flushdb()
        try:
            yield
        finally:
            cursor.execute(admission.format(sql.Identifier(database), sql.SQL("true")))
