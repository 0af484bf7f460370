"""The page at `/`: the current board, rendered by the server; the page's script then updates it.

The page is the same for all visitors, so it is rendered at most once a second, however many requests there are.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
import structlog
from flask import Blueprint, Flask, current_app, make_response, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.contract.errors import ErrorCode, ScoreboardError
from common.core.timestamps import format_instant, from_milliseconds
from common.domain import countries
from common.domain.claims import CLAIMED_BY_PLAYERS
from common.domain.entries import BoardHead, Entry
from common.domain.scoring import Catalogue
from web.guards import root_path
from web.guards.access import public
from web.guards.errors import refuse
from web.pages import period_links
from web.pages.assets import Content
from web.pages.period_links import PeriodChoice
from web.services import Services, services
from web.shared_reads import SharedReads

log = structlog.get_logger(__name__)

ROWS = 10
RENDERED_EVERY_SECONDS = 1.0
UNAVAILABLE = (ScoreboardError, SQLAlchemyError, redis.RedisError)

# No inline script or style, nothing from elsewhere, no framing: a hostile username has nothing to hold on to.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

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
    """Show a period. An address with an unknown period is redirected to all time."""
    periods = period_links.choose(request.args.get("period", ALL_TIME), datetime.now(UTC))
    if periods is None:
        return redirect("./")
    pages: SharedReads[str, Content] = current_app.extensions[_RENDERED]
    response = pages.get(periods.period.id, lambda: _render(services(), periods)).response()
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.record_once
def install(state: BlueprintSetupState) -> None:
    """Give the application its rendered pages, and templates their way to the root of the service."""
    state.app.extensions[_RENDERED] = SharedReads[str, Content](RENDERED_EVERY_SECONDS)
    state.app.jinja_env.globals["root"] = root_path.relative_root
    state.app.register_error_handler(NotFound, not_found)


def not_found(error: NotFound) -> AnyResponse:
    """Answer a browser with a page, and any other client with the API's error."""
    del error
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    if wants_page and request.path != "/api" and not request.path.startswith("/api/"):
        response = make_response(render_template("not_found.html"), 404)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response
    return refuse(ScoreboardError(ErrorCode.NOT_FOUND, "There is nothing at this address."))


def forget_rendered(app: Flask) -> None:
    """Let the next request of each page render it anew."""
    app.extensions[_RENDERED] = SharedReads[str, Content](RENDERED_EVERY_SECONDS)


@blueprint.app_template_filter("instant")
def instant(entry: Entry) -> str:
    """Return the instant at which the entry's score last changed, for `<time datetime>`."""
    return format_instant(from_milliseconds(entry.updated_at))


blueprint.add_app_template_filter(format_instant, "iso")


@blueprint.app_template_filter("minute")
def minute(iso_instant: str) -> str:
    """Return an instant in UTC, for readers without the script that knows their time zone."""
    return f"{iso_instant[:16].replace('T', ' ')} UTC"


def buttons(catalogue: Catalogue) -> list[ActionButton]:
    """Return a button for each action of the board that is shown, the smallest points first."""
    shown = [
        action
        for action in catalogue.actions.values()
        if DEFAULT_BOARD in action.boards and action.claimed_by in CLAIMED_BY_PLAYERS
    ]
    shown.sort(key=lambda action: (action.points, action.id))
    return [ActionButton(action.id, action.points, _label(action.id)) for action in shown]


def _render(adapters: Services, periods: PeriodChoice) -> Content:
    top = _top(adapters, periods.period.id)
    page = render_template(
        "home.html",
        periods=periods,
        top=top,
        doubled=doubled(top.entries if top else ()),
        countries=" ".join(sorted(countries.CODES)),
        rows=ROWS,
        actions=_actions(adapters),
        registration_is_open=adapters.settings.registration == "open",
        now=format_instant(datetime.now(UTC)),
    )
    return Content.of(page.encode(), "text/html")


def doubled(entries: Sequence[Entry]) -> set[str]:
    """Return the ids of players in view whose name another one has, too: their usernames tell them apart."""
    names = Counter(entry.display_name or entry.username for entry in entries)
    return {entry.user_id for entry in entries if entry.display_name and names[entry.display_name] > 1}


def _label(action_id: str) -> str:
    return action_id.replace("-", " ").replace("_", " ").strip().capitalize()


def _top(adapters: Services, period_id: str) -> BoardHead | None:
    """Return the head of the board, or None if it cannot be read: the page then says so."""
    try:
        return adapters.leaderboard.top(DEFAULT_BOARD, period_id, ROWS)
    except UNAVAILABLE as error:
        log.warning("page_without_board", error=type(error).__name__)
        return None


def _actions(adapters: Services) -> list[ActionButton] | None:
    try:
        return buttons(adapters.catalogue.current())
    except UNAVAILABLE as error:
        log.warning("page_without_actions", error=type(error).__name__)
        return None
