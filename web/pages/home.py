"""The pages of boards, at `/` and `/b/…`, rendered by the server; the page's script then updates them.

A page is the same for all visitors, so it is rendered at most once a second, however many requests there are.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import redis
import structlog
from flask import Blueprint, Flask, current_app, make_response, render_template, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from common.contract.constants import DEFAULT_BOARD
from common.contract.errors import ErrorCode, ScoreboardError
from common.core.timestamps import format_instant, from_milliseconds
from common.domain import countries
from common.domain.boards import Board, Visibility, listed
from common.domain.claims import CLAIMED_BY_PLAYERS
from common.domain.entries import BoardHead, Entry
from common.domain.scoring import Catalogue, Kind
from common.domain.stand_ins import is_stand_in
from common.postgres.catalogue import DEFAULTS
from web.guards import root_path
from web.guards.access import public
from web.guards.errors import refuse
from web.pages import movement, period_links
from web.pages.page_headers import as_page
from web.pages.period_links import PeriodChoice
from web.pages.rendered import ORIGIN, RenderedPage
from web.pages.score_text import name_of, score_text
from web.services import Services, services
from web.shared_reads import SharedReads

log = structlog.get_logger(__name__)

ROWS = 10
RENDERED_EVERY_SECONDS = 1.0
UNAVAILABLE = (ScoreboardError, SQLAlchemyError, redis.RedisError)

_RENDERED = "rendered_pages"

blueprint = Blueprint("pages", __name__)


@dataclass(frozen=True)
class ActionButton:
    """A button of the page for an action. Its points are shown and never sent."""

    id: str
    points: int
    label: str


@blueprint.get("/")
@public
def home() -> AnyResponse:
    """Show a period of the default board."""
    return _show(DEFAULT_BOARD, "")


@blueprint.get("/b/<board_id>")
@public
def board_page(board_id: str) -> AnyResponse:
    """Show a period of any board."""
    return _show(board_id, f"b/{board_id}")


@blueprint.get("/boards")
@public
def list_of_boards() -> AnyResponse:
    """List the boards, by category."""
    now = datetime.now(UTC)
    try:
        shown = listed(services().catalogue.current().boards.values(), now)
    except UNAVAILABLE as error:
        log.warning("page_without_board", error=type(error).__name__)
        shown = []
    categories = [(category, list(boards)) for category, boards in groupby(shown, lambda board: board.category)]
    return as_page(make_response(render_template("boards.html", categories=categories, now=now)))


def _show(board_id: str, path: str) -> AnyResponse:
    """Show the board at this path, or a page that says that there is no such board, period or number of rows."""
    board = _find(board_id)
    if board is None:
        return nothing_here("There is no such board")
    periods = period_links.choose(request.args.get("period"), board, datetime.now(UTC))
    rows = _rows(request.args.get("limit"))
    if periods is None or rows is None:
        return nothing_here("This board has no such period" if periods is None else "A list has 1 to 100 rows")

    def render() -> RenderedPage:
        return _render(services(), periods, rows, path)

    if not periods.is_open or rows != ROWS:  # there are too many of these to be kept
        return as_page(render().at(_origin()).response())
    pages: SharedReads[tuple[str, str], RenderedPage] = current_app.extensions[_RENDERED]
    return as_page(pages.get((path, periods.period.id), render).at(_origin()).response())


def _origin() -> str:
    """Return the address of the service's root as this client has called it, which ends with a slash."""
    return f"{request.host_url.rstrip('/')}{request.script_root}/"


def _find(board_id: str) -> Board | None:
    """Return the board of a page. While no catalogue can be read there is the default one, as ever."""
    try:
        board = services().catalogue.knowing(board_id).boards.get(board_id)
    except UNAVAILABLE:
        return DEFAULTS.boards.get(board_id)
    return None if board is None or board.visibility is Visibility.HIDDEN else board


def _rows(asked: str | None) -> int | None:
    if asked is None:
        return ROWS
    return int(asked) if re.fullmatch(r"[1-9][0-9]?|100", asked, re.ASCII) else None


def nothing_here(sentence: str) -> AnyResponse:
    """Return the page that says that there is nothing at this address, in this sentence."""
    return as_page(make_response(render_template("not_found.html", sentence=sentence), 404))


@blueprint.record_once
def install(state: BlueprintSetupState) -> None:
    """Give the application its rendered pages, and templates their way to the root of the service."""
    state.app.extensions[_RENDERED] = SharedReads[tuple[str, str], RenderedPage](RENDERED_EVERY_SECONDS)
    state.app.jinja_env.globals["root"] = root_path.relative_root
    state.app.register_error_handler(NotFound, not_found)


def not_found(error: NotFound) -> AnyResponse:
    """Answer a browser with a page, and any other client with the API's error."""
    del error
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    if wants_page and request.path != "/api" and not request.path.startswith("/api/"):
        return nothing_here("There is nothing at this address")
    return refuse(ScoreboardError(ErrorCode.NOT_FOUND, "There is nothing at this address."))


def forget_rendered(app: Flask) -> None:
    """Let the next request of each page render it anew."""
    app.extensions[_RENDERED] = SharedReads[tuple[str, str], RenderedPage](RENDERED_EVERY_SECONDS)


@blueprint.app_template_filter("instant")
def instant(entry: Entry) -> str:
    """Return the instant at which the entry's score last changed, for `<time datetime>`."""
    return format_instant(from_milliseconds(entry.updated_at))


blueprint.add_app_template_filter(format_instant, "iso")
blueprint.add_app_template_filter(score_text, "score")
blueprint.add_app_template_test(is_stand_in, "stand_in")


@blueprint.app_template_filter("minute")
def minute(iso_instant: str) -> str:
    """Return an instant in UTC, for readers without the script that knows their time zone."""
    return f"{iso_instant[:16].replace('T', ' ')} UTC"


def buttons(catalogue: Catalogue, board: Board) -> list[ActionButton]:
    """Return a button for each action of the board that a player may claim, the smallest points first."""
    shown = [
        action
        for action in catalogue.actions.values()
        if board.id in action.boards and action.kind is Kind.POINTS and action.claimed_by in CLAIMED_BY_PLAYERS
    ]
    shown.sort(key=lambda action: (action.points, action.id))
    return [ActionButton(action.id, action.points, _label(action.id)) for action in shown]


def _render(adapters: Services, periods: PeriodChoice, rows: int, path: str) -> RenderedPage:
    board, now = periods.board, datetime.now(UTC)
    top = _top(adapters, board, periods.period.id, rows)
    page = render_template(
        "home.html",
        board=board,
        state=board.state_at(now),
        path=path,
        origin=ORIGIN,
        is_default=board.id == DEFAULT_BOARD,
        is_for_players=board.visibility is Visibility.PLAYERS,
        needs_ticket=board.visibility is not Visibility.PUBLIC or adapters.settings.live_auth == "required",
        format_name=name_of(board.format),
        periods=periods,
        top=top,
        doubled=doubled(top.entries if top else ()),
        yesterday=movement.ranks_of_yesterday(adapters, board, periods.period.id, top),
        countries=" ".join(sorted(countries.CODES)),
        rows=rows,
        usual_rows=ROWS,
        actions=_actions(adapters, board),
        achievable=_achievable(adapters),
        registration_is_open=adapters.settings.registration == "open",
        now=format_instant(now),
    )
    return RenderedPage(page)


def doubled(entries: Sequence[Entry]) -> set[str]:
    """Return the ids of players in view whose name another one has, too: their usernames tell them apart."""
    names = Counter(entry.display_name or entry.username for entry in entries)
    return {entry.user_id for entry in entries if entry.display_name and names[entry.display_name] > 1}


def _label(action_id: str) -> str:
    return action_id.replace("-", " ").replace("_", " ").strip().capitalize()


def _top(adapters: Services, board: Board, period_id: str, rows: int) -> BoardHead | None:
    """Return the head of the board, or None if it cannot be read, or not by everybody: the page then says so."""
    if board.visibility is not Visibility.PUBLIC:
        return None
    try:
        return adapters.leaderboard.top(board.id, period_id, rows)
    except UNAVAILABLE as error:
        log.warning("page_without_board", error=type(error).__name__)
        return None


def _actions(adapters: Services, board: Board) -> list[ActionButton] | None:
    try:
        return buttons(adapters.catalogue.current(), board)
    except UNAVAILABLE as error:
        log.warning("page_without_actions", error=type(error).__name__)
        return None


def _achievable(adapters: Services) -> int:
    """Return how many achievements there are; 0 while nobody can tell, since actions cannot be read then."""
    try:
        return sum(achievement.enabled for achievement in adapters.catalogue.current().achievements.values())
    except UNAVAILABLE:
        return 0
