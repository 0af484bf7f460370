"""The HTTP and WebSocket front end: it authenticates, validates, accepts updates and shows boards. It counts no points.

It shares only `common` with the workers and sends them tasks by name; `lint-imports` holds that.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask

from common.core.settings import Settings
from web.api import (
    achievement_changes,
    achievements,
    adjustments,
    admin,
    auth,
    boards_list,
    catalogue,
    corrections,
    events,
    export,
    feeds,
    health,
    insight,
    leaderboard,
    ledger_tail,
    me,
    overview,
    past,
    periods,
    players,
    scores,
    seasons,
    snapshots,
)
from web.guards import access, errors, limits, proxies, request_context, security_headers
from web.guards.root_path import RootPath
from web.json_body import OrjsonProvider
from web.lane import middleware as lane
from web.live import views as live
from web.pages import admin_page, assets, branding, dashboard_page, home, movement, pictures, player_page
from web.reference import views as reference
from web.services import Services


class _SynchronousFlask(Flask):
    """Flask without coroutines: we have none, and Flask looks for them at each of some seventeen calls a request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings) -> Flask:
    """Create the application. It connects to nothing: that happens on first use, in the process that serves."""
    app = _SynchronousFlask(__name__, template_folder="pages/templates", static_folder=None)  # `assets` serves them
    app.config["APPLICATION_ROOT"] = settings.root_path or "/"
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # no redirect: the contract has none
    app.json = OrjsonProvider(app)
    adapters = Services.create(settings)
    adapters.install(app)

    request_context.init_app(app)
    security_headers.init_app(app, settings)
    errors.init_app(app)
    limits.init_app(app, adapters)
    lane.init_app(app, adapters)
    proxies.init_app(app, settings)
    app.before_request(request_context.refuse_too_large)  # only now: it counts like any other
    access.init_app(app)
    live.init_app(app, adapters)

    of_admins = (admin, overview, insight, adjustments, corrections, catalogue, achievement_changes)
    of_api = (
        auth,
        me,
        *of_admins,
        players,
        scores,
        events,
        boards_list,
        seasons,
        periods,
        leaderboard,
        past,
        achievements,
        snapshots,
        health,
    )
    for_others = (export, feeds, ledger_tail)
    of_pages = (assets, pictures, home, player_page, admin_page, dashboard_page)
    for module in (*of_api, *for_others, *of_pages, reference):
        app.register_blueprint(module.blueprint)
    movement.init_app(app)
    branding.init_app(app, settings)
    if settings.root_path:
        app.wsgi_app = RootPath(app.wsgi_app, settings.root_path)  # type: ignore[method-assign]  # Flask's documented place
    return app
