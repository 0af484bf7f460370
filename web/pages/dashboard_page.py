"""The dashboard, at `/dashboard`: a shell without data, which its script fills with what the API gives an admin."""

from flask import Blueprint, make_response, render_template
from werkzeug.wrappers import Response

from web.guards.access import public
from web.pages.page_headers import as_page

blueprint = Blueprint("dashboard_page", __name__)


@blueprint.get("/dashboard")
@public
def dashboard() -> Response:
    """Show the shell."""
    response = as_page(make_response(render_template("dashboard.html")))
    response.headers["X-Robots-Tag"] = "noindex"
    return response
