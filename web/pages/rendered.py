"""A rendered page, which is the same for all visitors but for the address by which they have called the service.

What reads shared links wants whole addresses. A Host that somebody made up must not end up on what others are shown, so
the page is kept without one, and each gets their own.
"""

from markupsafe import escape

from web.pages.assets import Content

ORIGIN = "\ue000"
"""Stands in the page for the address of the root. It is a character of private use, which no name can have."""

MOST_ORIGINS = 8
"""As many are kept ready; a page lives for a second."""


class RenderedPage:
    """The text of a page, and its bytes by address."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._contents: dict[str, Content] = {}

    def at(self, origin: str) -> Content:
        """Return the page for who called the service by this address."""
        found = self._contents.get(origin)
        if found is None:
            found = Content.of(self._text.replace(ORIGIN, str(escape(origin))).encode(), "text/html")
            if len(self._contents) < MOST_ORIGINS:
                self._contents[origin] = found
        return found
