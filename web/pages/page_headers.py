"""The header fields of pages for people: what a page may load and do, and that nobody keeps it."""

from werkzeug.wrappers import Response

# No inline script or style, nothing from elsewhere, no framing: a hostile username has nothing to hold on to.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def as_page(response: Response) -> Response:
    """Return the response with the header fields of a page."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cache-Control"] = "no-store"
    return response
