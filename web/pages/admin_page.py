"""The page of admins, at `/admin`: a shell without data, which its script fills with what the API gives an admin.

The shell is the same for everybody, so it is no secret. No search engine shall list it.
"""

from flask import Blueprint, make_response, render_template
from werkzeug.wrappers import Response

from web.guards.access import public
from web.pages.page_headers import as_page

blueprint = Blueprint("admin_page", __name__)


@blueprint.get("/admin")
@public
def admin() -> Response:
    """Show the shell."""
    response = as_page(make_response(render_template("admin.html")))
    response.headers["X-Robots-Tag"] = "noindex"
    return response
