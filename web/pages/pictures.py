"""`/avatars/{n}.svg`: the built-in pictures of players, and `/avatars/{userId}.svg` for who has chosen none."""

from functools import lru_cache

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from common.contract.fields import is_uuid
from common.domain.details import PICTURES
from web.guards.access import public
from web.pages import avatars
from web.pages.assets import Content

_FOR_A_DAY = "public, max-age=86400"
_NUMBERS = frozenset(map(str, range(PICTURES)))

blueprint = Blueprint("pictures", __name__)


@blueprint.get("/avatars/<name>.svg")
@public
def picture(name: str) -> Response:
    """Send a picture by number or by user id. Raises NotFound."""
    if name not in _NUMBERS and not is_uuid(name):
        raise NotFound
    response = _drawn(name).response()
    response.headers["Cache-Control"] = _FOR_A_DAY
    return response


@lru_cache(maxsize=1024)
def _drawn(name: str) -> Content:
    svg = avatars.figure(int(name)) if name in _NUMBERS else avatars.identicon(name)
    return Content.of(svg.encode(), "image/svg+xml")
