"""GET /: a page that stands without its script, without its board, and against its players' names."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import cast
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from common.domain import periods
from common.domain.boards import Board, Rule, ScoreFormat, Visibility
from common.domain.entries import BoardHead, Entry
from common.domain.scoring import Action, Catalogue, ClaimedBy, Kind
from common.postgres.catalogue import DEFAULTS
from common.services.leaderboard import Leaderboard
from tests.conftest import SettingsFactory
from tests.player import Player, register
from web import create_app
from web.pages import home


class FixedLeaderboard:
    """A leaderboard that says what it is told to say."""

    def __init__(self, answer: BoardHead | Exception) -> None:
        self._answer = answer

    def top(self, *_asked: object) -> BoardHead:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@contextmanager
def showing(app: Flask, answer: BoardHead | Exception) -> Iterator[FlaskClient]:
    adapters = app.extensions["scoreboard"]
    app.extensions["scoreboard"] = replace(adapters, leaderboard=cast(Leaderboard, FixedLeaderboard(answer)))
    home.forget_rendered(app)
    yield app.test_client()
    app.extensions["scoreboard"] = adapters
    home.forget_rendered(app)


def top_of(*entries: Entry, total: int | None = None) -> BoardHead:
    return BoardHead("epoch", 1, 0, len(entries) if total is None else total, entries)


def entry(username: str, score: int, rank: int = 1) -> Entry:
    return Entry(f"00000000-0000-4000-8000-{rank:012}", username, score, rank, 1_795_425_300_123)


class Outline(HTMLParser):
    """The elements of a page with their attributes, and the text of each table row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.inline = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style"):
            self.inline += data.strip()
        if self.rows and data.strip():
            self.rows[-1].append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.usefixtures("draining")
def test_the_list_is_in_the_page_before_any_script_runs(client: FlaskClient, ada: Player) -> None:
    bob = register(client, "bob")
    ada.update("win-match")
    bob.update("win-tournament")
    page = client.get("/")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert [row[:2] for row in Outline(page.text).rows[1:3]] == [["1", "bob"], ["2", "ada"]]
    assert "2 players" in page.text


def test_the_list_is_a_table_with_a_caption_and_named_columns(client: FlaskClient) -> None:
    outline = Outline(client.get("/").text)
    assert len(outline.all("table")) == len(outline.all("caption")) == 1
    assert outline.rows[0] == ["Rank", "Player", "Last scored", "Points"]
    assert [heading["scope"] for heading in outline.all("th")[:4]] == ["col"] * 4


def test_numbers_are_grouped_and_instants_can_be_read_by_machines(app: Flask) -> None:
    with showing(app, top_of(entry("ada", 9_007_199_254_740_991), total=1234)) as client:
        outline = Outline(client.get("/").text)
    assert outline.rows[1] == ["1", "ada", "You", "2026-11-23 09:15 UTC", "9,007,199,254,740,991"]
    assert outline.all("time")[0]["datetime"] == "2026-11-23T09:15:00.123Z"


def test_a_hostile_username_is_text(app: Flask) -> None:
    with showing(app, top_of(entry("<script>alert(1)</script>", 5))) as client:
        outline = Outline(client.get("/").text)
    assert outline.rows[1][1] == "<script>alert(1)</script>"
    assert len(outline.all("script")) == 2


def test_an_empty_board_says_so(client: FlaskClient) -> None:
    assert "Nobody has scored yet" in shown_text(client.get("/").text)


def test_a_board_that_cannot_be_read_leaves_a_page_that_says_so(app: Flask) -> None:
    with showing(app, OperationalError("SELECT", {}, Exception("away"))) as client:
        page = client.get("/")
    assert page.status_code == 200
    assert "cannot be read right now" in shown_text(page.text)
    assert "Nobody has scored yet" not in shown_text(page.text)


def test_a_page_without_its_board_asks_again_by_itself_where_no_script_does(app: Flask) -> None:
    with showing(app, OperationalError("SELECT", {}, Exception("away"))) as client:
        assert '<noscript><meta http-equiv="refresh"' in client.get("/").text
    with showing(app, top_of()) as client:
        assert "refresh" not in client.get("/").text


@pytest.mark.parametrize("name", ["all", "daily", "weekly", "monthly"])
def test_each_period_has_an_address_of_its_own(client: FlaskClient, name: str) -> None:
    outline = Outline(client.get("/").text)
    (address,) = [link["href"] for link in outline.all("a") if link.get("data-period") == name]
    outline = Outline(client.get(urljoin("/", address or "")).text)
    assert [link["href"] for link in outline.all("a") if link.get("aria-current") == "page"] == [address]
    shown = periods.current(name, datetime.now(UTC))
    assert outline.all("table")[0]["data-period-id"] == shown.id


@pytest.mark.usefixtures("draining")
def test_a_period_shows_its_own_list_under_its_own_name(app: Flask, client: FlaskClient, ada: Player) -> None:
    ada.update("win-match")
    page = client.get("/?period=weekly").text
    assert Outline(page).rows[1][:2] == ["1", "ada"]
    assert "Top 10 this week" in page
    assert "<title>This week · Scoreboard</title>" in page
    assert f"ends {periods.current('weekly', datetime.now(UTC)).ends_at:%Y-%m-%d} 00:00 UTC" in page
    assert 'href="./api/scores/leaderboard?period=weekly"' in page
    with showing(app, top_of()) as client_of_fixed:
        empty = client_of_fixed.get("/?period=daily").text
    assert 'Nobody has scored yet<span data-field="when"> today</span>.' in empty


@pytest.mark.parametrize("name", ["nonsense", "", "Daily", "daily%00", "%F0%9F%8E%B2", "2026-W60"])
def test_an_address_that_names_no_period_is_a_page_that_says_so(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/?period={name}")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "no such period" in shown_text(answer.text)


def test_a_period_that_is_over_is_shown_by_its_id(client: FlaskClient) -> None:
    page = client.get("/?period=2020-W01").text
    outline = Outline(page)
    assert outline.all("table")[0]["data-period-id"] == "2020-W01"
    assert [link["data-period"] for link in outline.all("a") if link.get("aria-current")] == ["2020-W01"]
    assert "Top 10 in 2020-W01" in page


@pytest.mark.parametrize(("limit", "status"), [("1", 200), ("100", 200), ("0", 404), ("101", 404), ("ten", 404)])
def test_a_list_has_as_many_rows_as_are_asked_for_up_to_a_hundred(client: FlaskClient, limit: str, status: int) -> None:
    answer = client.get(f"/?limit={limit}")
    assert answer.status_code == status
    if status == 200:
        assert Outline(answer.text).all("table")[0]["data-limit"] == limit
        assert f"./?period=weekly&limit={limit}" in [link.get("href") for link in Outline(answer.text).all("a")]


@contextmanager
def boards(app: Flask, *made: Board, actions: Sequence[Action] = ()) -> Iterator[None]:
    """These boards and actions beside the default ones."""
    cache = app.extensions["scoreboard"].catalogue
    known = cache.current()
    cache._catalogue = Catalogue(
        {**known.actions, **{action.id: action for action in actions}},
        {**known.boards, **{each.id: each for each in made}},
    )
    home.forget_rendered(app)
    yield
    cache._catalogue = known
    home.forget_rendered(app)


LAPS = Board(
    "laps", title="Monza <best>", description="One lap.", category="laps", rule=Rule.LOWEST, ascending=True,
    periods=("weekly", "monthly"), format=ScoreFormat("duration", 0, "ms"),
)  # fmt: skip


def test_any_board_has_a_page_with_its_title_its_periods_and_its_format(app: Flask) -> None:
    with boards(app, LAPS), showing(app, top_of(entry("ada", 61200))) as client:
        page = client.get("/b/laps")
        outline = Outline(page.text)
    assert page.status_code == 200
    assert "<title>This week · Monza &lt;best&gt; · Scoreboard</title>" in page.text
    assert outline.rows[0] == ["Rank", "Player", "Last scored", "Score"]
    assert outline.rows[1][-1] == "1:01.200"
    table = outline.all("table")[0]
    assert (table["data-board"], table["data-format"]) == ("laps", "duration:ms")
    links = [link["href"] for link in outline.all("a") if "data-period" in link]
    assert links == ["../b/laps", "../b/laps?period=monthly"]
    as_json = next(link["href"] for link in outline.all("a") if link.get("id") == "as-json")
    assert as_json == "../api/scores/leaderboard?board=laps&period=weekly"
    assert {"og:title", "og:description", "og:type"} <= {meta.get("property") for meta in outline.all("meta")}


def test_nobody_is_asked_to_play_on_a_board_that_only_the_game_feeds(app: Flask) -> None:
    with boards(app, LAPS), showing(app, top_of(entry("ada", 61200))) as client:
        of_game, of_players = shown_text(client.get("/b/laps").text), shown_text(client.get("/").text)
    assert "press a button" in of_players
    assert "Signed by the player" in of_players
    assert "press a button" not in of_game
    assert "Signed by the game" in of_game
    assert "Sign in to see your own place" in of_game


@pytest.mark.parametrize("path", ["/b/nowhere", "/b/secret", "/b/laps?period=daily", "/b/laps?period=all"])
def test_a_board_or_period_that_is_not_there_is_a_page_that_says_so(app: Flask, path: str) -> None:
    with boards(app, LAPS, Board("secret", visibility=Visibility.HIDDEN)):
        answer = app.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "no such" in shown_text(answer.text)


def test_a_board_of_players_shows_nobody_on_its_page(app: Flask) -> None:
    secret = Board("club", visibility=Visibility.PLAYERS)
    with boards(app, secret), showing(app, top_of(entry("ada", 5))) as client:
        text = shown_text(client.get("/b/club").text)
    assert "Sign in to see it" in text
    assert not re.search(r"\bada\b", text)


def test_a_closed_board_is_final_and_has_no_buttons(app: Flask) -> None:
    over = Board("over", closes_at=datetime(2026, 1, 1, tzinfo=UTC))
    with boards(app, over, actions=[Action("late", 1, 5, ("over",))]):
        page = app.test_client().get("/b/over").text
    assert "Final" in shown_text(page)
    assert "data-action" not in page


def test_the_boards_are_listed_by_category_without_hidden_and_archived_ones(app: Flask) -> None:
    now = datetime.now(UTC)
    gone, secret = Board("gone", archived_at=now), Board("secret", visibility=Visibility.HIDDEN)
    with boards(app, LAPS, gone, secret):
        page = app.test_client().get("/boards").text
    links = [link["href"] for link in Outline(page).all("a")]
    assert links == ["./", "./b/laps"]
    assert "Monza &lt;best&gt;" in page
    assert "<h3>laps</h3>" in page


def test_every_action_of_the_catalogue_has_a_button(client: FlaskClient) -> None:
    buttons = [button for button in Outline(client.get("/").text).all("button") if "data-action" in button]
    assert [button["data-action"] for button in buttons] == [
        "share",
        "daily-login",
        "complete-level",
        "win-match",
        "win-tournament",
    ]
    assert "+100" in client.get("/").text


def test_buttons_are_for_actions_that_move_the_board_shown_and_that_players_claim() -> None:
    other = Action("other-game", 1, 7, ("other",))
    of_server = Action("referee", 1, 7, ("main",), claimed_by=ClaimedBy.SERVER)
    value = Action("lap", 1, 0, ("main",), kind=Kind.VALUE, claimed_by=ClaimedBy.SERVER)
    more = {action.id: action for action in (other, of_server, value)}
    catalogue = Catalogue({**DEFAULTS.actions, **more}, {**DEFAULTS.boards, "other": Board("other")})
    main = DEFAULTS.boards["main"]
    assert home.buttons(catalogue, main) == home.buttons(DEFAULTS, main)
    assert home.buttons(DEFAULTS, main)[-1] == home.ActionButton("win-tournament", 100, "Win tournament")


def test_whoever_has_no_script_is_told(client: FlaskClient) -> None:
    assert "<noscript>" in client.get("/").text


def test_nobody_is_invited_to_register_where_they_cannot(make_settings: SettingsFactory) -> None:
    application = create_app(make_settings(SCOREBOARD_REGISTRATION="closed"))
    page = application.test_client().get("/").text
    application.extensions["scoreboard"].close()
    assert 'value="register"' not in page
    assert "Sign in" in page


def test_a_strict_policy_holds_because_nothing_is_inline_and_nothing_comes_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    outline = Outline(answer.text)
    assert outline.inline == ""
    assert not outline.all("style")
    for _, attributes in outline.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href"):
            assert (attributes.get(name) or "./").startswith(("./", "#"))


def test_all_that_the_page_asks_for_is_served(client: FlaskClient) -> None:
    outline = Outline(client.get("/").text)
    linked = [element["href"] for element in outline.all("link")]
    shown = [element for tag in ("script", "img") for element in outline.all(tag)]
    linked += [element["src"] for element in shown if "src" in element]  # a row that is filled later has no picture yet
    asked = [urljoin("/", address or "") for address in linked]
    seen: set[str] = set()
    while asked:
        path = asked.pop()
        if path in seen:
            continue
        seen.add(path)
        with client.get(path) as answer:
            assert answer.status_code == 200, path
            if path.endswith(".js"):
                assert answer.mimetype == "text/javascript"
                asked += [
                    urljoin(path, name) for name in re.findall(r'from "(\./\w+\.js)"', answer.get_data(as_text=True))
                ]
            assert "immutable" in answer.headers["Cache-Control"], path
    names = {path.split("/", 3)[3] for path in seen}
    assert {"page.css", "favicon.svg", "js/early.js", "js/main.js", "js/board.js"} <= names


def test_the_page_is_never_an_old_one(client: FlaskClient) -> None:
    assert client.get("/").headers["Cache-Control"] == "no-store"


def shown_text(page: str) -> str:
    """The page without its hidden table parts."""
    return re.sub(r"<tbody[^>]* hidden>.*?</tbody>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("origin", ["http://scores.example/", "https://scores.example/"])
def test_a_link_that_is_shared_has_a_picture_at_the_address_by_which_it_was_called(app: Flask, origin: str) -> None:
    with boards(app, LAPS), showing(app, top_of(entry("ada", 61200))) as client:
        client.get("/b/laps", headers={"Host": "somebody.elses"})  # whose page is kept for a second
        page = client.get("/b/laps", base_url=origin)
        metas = [meta for meta in Outline(page.text).all("meta") if "property" in meta]
        told = {str(meta["property"]): str(meta["content"]) for meta in metas}
        assert told["og:url"] == f"{origin}b/laps"
        assert told["og:image"].startswith(f"{origin}static/")
        picture = client.get(told["og:image"].removeprefix(origin.rstrip("/")))
    assert (picture.mimetype, picture.data[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")


def test_a_host_that_is_none_becomes_no_markup(app: Flask) -> None:
    with showing(app, top_of()) as client:
        assert '"><script>alert' not in client.get("/", headers={"Host": 'a"><script>alert'}).text


def test_an_archived_board_is_final_too(app: Flask) -> None:
    old = replace(LAPS, archived_at=datetime(2020, 1, 1, tzinfo=UTC))
    with boards(app, old), showing(app, top_of(entry("ada", 61200))) as client:
        assert '<strong class="final">Final</strong>' in client.get("/b/laps").text
