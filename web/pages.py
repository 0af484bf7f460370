"""The page at `/`: the board as the server knows it now; its script then keeps it moving."""

from dataclasses import dataclass
from datetime import UTC, datetime

import redis
import structlog
from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from common.entries import Entry, Top
from common.errors import ScoreboardError
from common.keys import DEFAULT_BOARD
from common.periods import ALL_TIME
from common.scoring import Catalogue
from common.timestamps import format_instant, from_milliseconds
from web import period_links
from web.access import public
from web.services import Services, services

log = structlog.get_logger(__name__)

ROWS = 10
UNAVAILABLE = (ScoreboardError, SQLAlchemyError, redis.RedisError)

# No inline script or style, nothing from elsewhere, no framing: a hostile username has nothing to hold on to.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("pages", __name__)


@dataclass(frozen=True)
class ActionButton:
    """An action as the page offers it. The points are shown, never sent."""

    id: str
    points: int
    label: str


@blueprint.get("/")
@public
def home() -> AnyResponse:
    """An address that names no period of the page leads to all time, so that it says what is shown."""
    periods = period_links.choose(request.args.get("period", ALL_TIME), datetime.now(UTC))
    if periods is None:
        return redirect(url_for("pages.home"))
    adapters = services()
    page = render_template(
        "home.html",
        periods=periods,
        top=_top(adapters, periods.period.id),
        rows=ROWS,
        actions=_actions(adapters),
        registration_is_open=adapters.settings.registration == "open",
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.record_once
def open_static_files(state: BlueprintSetupState) -> None:
    """Flask makes their route itself, and every route has to say who may call it."""
    public(state.app.view_functions["static"])


@blueprint.app_template_filter("instant")
def instant(entry: Entry) -> str:
    """When the entry's score last changed, for `<time datetime>`."""
    return format_instant(from_milliseconds(entry.updated_at))


blueprint.add_app_template_filter(format_instant, "iso")


@blueprint.app_template_filter("minute")
def minute(iso_instant: str) -> str:
    """An instant for people who have no script that knows their time zone."""
    return f"{iso_instant[:16].replace('T', ' ')} UTC"


def buttons(catalogue: Catalogue) -> list[ActionButton]:
    """A button for each action that moves the board shown here, the smallest first."""
    shown = [action for action in catalogue.actions.values() if DEFAULT_BOARD in action.boards]
    shown.sort(key=lambda action: (action.points, action.id))
    return [ActionButton(action.id, action.points, _label(action.id)) for action in shown]


def _label(action_id: str) -> str:
    return action_id.replace("-", " ").replace("_", " ").strip().capitalize()


def _top(adapters: Services, period_id: str) -> Top | None:
    """The list, or None: a page that says so is better than no page."""
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
