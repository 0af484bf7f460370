"""Which scopes of API keys a view takes: what it declares decides how a request with a key is checked and measured."""

from collections.abc import Callable
from typing import TypeVar

from flask import current_app, request

from common.domain.permissions import Scope

View = TypeVar("View", bound=Callable[..., object])

API_KEY_HEADER = "X-Api-Key"

_SCOPES, _NEEDS_KEY = "api_key_scopes", "needs_api_key"


def declare(view: View, scopes: tuple[Scope, ...], *, needs_key: bool) -> View:
    """Declare that a view takes API keys with one of these scopes, and whether it takes no request without a key."""
    setattr(view, _SCOPES, scopes)
    setattr(view, _NEEDS_KEY, needs_key)
    return view


def taken() -> tuple[Scope, ...]:
    """Return the scopes that the view of this request takes, the one that it names first; none without such a view."""
    scopes: tuple[Scope, ...] = getattr(_view(), _SCOPES, ())
    return scopes


def is_by_api_key() -> bool:
    """Return whether the request carries an API key, valid or not, to a view that takes one."""
    return API_KEY_HEADER in request.headers and bool(taken())


def has_body_of_game_server() -> bool:
    """Return whether the request may have a body as long as a game server's."""
    return is_by_api_key() or bool(getattr(_view(), _NEEDS_KEY, False))


def _view() -> Callable[..., object] | None:
    return current_app.view_functions.get(request.endpoint or "")
