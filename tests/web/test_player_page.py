"""The page of a player, and what leads to it: it tells nobody more than the API does."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.inbox import accept, add_users, drain_completely
from tests.past_days import ago, end, play
from tests.player import Player, register
from tests.web.test_page import Outline
from web.pages import home, movement
from workers.state import WorkerState


@pytest.fixture
def fresh(app: Flask) -> Iterator[None]:
    home.forget_rendered(app)
    movement.init_app(app)
    yield


def test_the_page_is_the_same_for_every_player_and_for_nobody(client: FlaskClient, ada: Player) -> None:
    page = client.get(f"/p/{ada.user_id}")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert page.text == client.get(f"/p/{uuid.uuid4()}").text == client.get(f"/p/{ada.user_id.upper()}").text
    assert ada.user_id not in page.text
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    outline = Outline(page.text)
    assert outline.inline == ""
    assert [each["value"] for each in outline.all("option")] == ["main"]


@pytest.mark.parametrize("name", ["x", "main", "3f2b8c1e5d4a4c3b9a2e7f6d5c4b3a21", "%00"])
def test_what_is_no_id_of_a_player_is_a_page_that_says_so(client: FlaskClient, name: str) -> None:
    page = client.get(f"/p/{name}")
    assert (page.status_code, page.mimetype) == (404, "text/html")


def test_boards_that_are_hidden_or_archived_are_not_offered(client: FlaskClient, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO boards (id, title, periods, visibility, archived_at) VALUES
                ('weeks', 'By week', '{all,weekly}', 'public', NULL),
                ('secret', '', '{all}', 'hidden', NULL),
                ('gone', '', '{all}', 'public', now())
            """)
        )
        connection.execute(text("UPDATE catalogue_version SET version = version + 1"))
    client.application.extensions["scoreboard"].catalogue.expire()
    options = Outline(client.get(f"/p/{uuid.uuid4()}").text).all("option")
    assert [(each["value"], each.get("data-history")) for each in options] == [("main", None), ("weeks", "no")]


@pytest.mark.usefixtures("fresh")
def test_names_lead_to_pages_of_players_unless_they_are_not_named(client: FlaskClient, worker: WorkerState) -> None:
    ada, ben = register(client, "ada"), register(client, "ben")
    for player in (ada, ben):
        accept(worker, player.user_id)
    drain_completely(worker)
    chosen = client.post("/api/me/visibility", json={"visibility": "anonymous"}, headers=ben.headers)
    assert chosen.status_code == 200
    names = [link for link in Outline(client.get("/").text).all("a") if link.get("class") == "name"]
    assert [link.get("href") for link in names] == [f"./p/{ada.user_id}", None, None]  # the last is of the template


@pytest.mark.usefixtures("fresh")
def test_the_list_says_how_ranks_have_moved_since_yesterday(client: FlaskClient, worker: WorkerState) -> None:
    ada, ben, cy = add_users(worker.engine, 3)
    play(worker, ago(1), (ada, "win-match"), (ben, "complete-level"))
    end(worker, ago(1))
    play(worker, datetime.now(UTC).date(), (ben, "win-match"), (cy, "share"), hour=0)
    rows = {row["data-user-id"]: row for row in Outline(client.get("/").text).all("tr") if row.get("data-user-id")}
    assert {user_id: row.get("data-yesterday") for user_id, row in rows.items()} == {ben: "2", ada: "1", cy: None}
    page = Outline(client.get("/").text)
    assert [row[:3] for row in page.rows[1:3]] == [
        ["1", "▲1", ", up 1 since yesterday"],
        ["2", "▼1", ", down 1 since yesterday"],
    ]
    assert page.rows[3][0] == "3"
    assert "since yesterday" not in client.get("/?period=daily").text
