"""Whose service it is: the title of the pages, a logo and a colour of the operator's own.

The page's content policy allows no inline style, so the colour is a style sheet of its own. The logo is read once.
"""

from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Flask, Response, current_app
from werkzeug.exceptions import NotFound

from common.core.settings import Settings
from web.guards.access import public
from web.guards.root_path import relative_root
from web.pages.assets import Content, asset_address, asset_path

GREATEST_LOGO_BYTES = 256 * 1024

BRIGHT = 150
"""The luma (ITU-R BT.601, 0 to 255) from which on black is easier to read upon a colour than white."""

_KINDS = {".svg": "image/svg+xml", ".png": "image/png"}
_NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'"
"""A picture in SVG that is opened by itself runs no script."""

blueprint = Blueprint("branding", __name__)


class BrandingError(Exception):
    """The logo of the settings cannot be shown."""


class Branding(NamedTuple):
    """The files of one service, each None without its setting."""

    logo: Content | None
    accent: Content | None


def init_app(app: Flask, settings: Settings) -> None:
    """Read the logo. Raises BrandingError if it cannot be shown."""
    logo = _read(settings.logo) if settings.logo else None
    accent = Content.of(_style(settings.accent).encode(), "text/css") if settings.accent else None
    app.extensions["branding"] = Branding(logo, accent)
    app.jinja_env.globals |= {
        "service": settings.title,
        "logo": lambda: f"{relative_root()}branding/logo" if logo else asset_address("favicon.svg"),
        "picture": lambda: _picture_path(logo),
        "has_accent": accent is not None,
        "may_play": settings.play == "on",
    }
    app.register_blueprint(blueprint)


@blueprint.get("/branding/logo")
@public
def logo() -> Response:
    """Send the logo. Raises NotFound if there is none."""
    response = _sent(_branding().logo)
    response.headers["Content-Security-Policy"] = _NOTHING_ELSE
    return response


@blueprint.get("/branding/accent.css")
@public
def accent() -> Response:
    """Send the style sheet of the colour. Raises NotFound if there is none."""
    return _sent(_branding().accent)


def _picture_path(logo: Content | None) -> str:
    """Return the path of the picture that shared links show: the operator's own, if it is one that others can show."""
    return "branding/logo" if logo and logo.mimetype == _KINDS[".png"] else asset_path("share.png")


def _branding() -> Branding:
    found: Branding = current_app.extensions["branding"]
    return found


def _sent(content: Content | None) -> Response:
    if content is None:
        raise NotFound
    return content.response()


def _read(path: Path) -> Content:
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise BrandingError(f"SCOREBOARD_LOGO: {path} must end with .svg or .png")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BrandingError(f"SCOREBOARD_LOGO: {path} cannot be read: {error.strerror}") from None
    if len(raw) > GREATEST_LOGO_BYTES:
        raise BrandingError(f"SCOREBOARD_LOGO: {path} has more than 256 KiB")
    return Content.of(raw, kind)


def _style(colour: str) -> str:
    """Return the rule that sets the colour, with black or white upon it, whichever is easier to read."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    upon = "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > BRIGHT else "#ffffff"
    return f":root {{ --accent: {colour}; --accent-hover: {colour}; --on-accent: {upon}; }}\n"
