"""Who may call a view: every view declares it, and a view that does not is not served."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from common.contract.errors import ErrorCode, ScoreboardError
from common.postgres import users
from common.services import suspensions
from web.guards.api_keys import api_key_id, is_by_api_key
from web.guards.identities import Identity
from web.services import services

Params = ParamSpec("Params")
View = Callable[Params, ResponseReturnValue]
AnyView = TypeVar("AnyView", bound=Callable[..., object])

_DECISION = "access_decision"


def public(view: AnyView) -> AnyView:
    """Let anybody call this view."""
    setattr(view, _DECISION, "public")
    return view


def by_visibility(view: AnyView) -> AnyView:
    """Let anybody call this view, which asks for an access token itself if its board is not public."""
    setattr(view, _DECISION, "by_visibility")
    return view


def authenticated(view: View[Params]) -> View[Params]:
    """Require the access token of a live session; `identity()` then returns its user."""
    return _guarded(view, "authenticated", authenticate)


def admin(view: View[Params]) -> View[Params]:
    """Require the access token of a live session of a user who is an admin now, whatever the token says."""
    return _guarded(view, "admin", authenticate_admin)


def manager(view: View[Params]) -> View[Params]:
    """Require somebody who may change the catalogue: an admin."""
    return admin(view)


def by_api_key(view: View[Params]) -> View[Params]:
    """Require a valid API key and a signature with its secret."""
    return _guarded(view, "by_api_key", api_key_id)


def authenticated_or_by_api_key(view: View[Params]) -> View[Params]:
    """Require an API key if one is given, otherwise the access token of a live session."""
    return _guarded(view, "authenticated_or_by_api_key", lambda: api_key_id() if is_by_api_key() else authenticate())


def identity() -> Identity:
    """Return the caller of the request that is being handled."""
    return cast(Identity, g.identity)


def signing_key(session_id: str) -> bytes:
    """Return the signing key of a session. It is derived, so that nothing of it is stored."""
    return services().identities.signing_key(session_id)


def decision(view: Callable[..., object]) -> str | None:
    """Return what a view declares about who may call it, or None."""
    said: str | None = getattr(view, _DECISION, None)
    return said


def refuse_suspended(connection: Connection, user_id: str, *, keep: bool = False) -> None:
    """Raise `account_suspended` for a suspended user. With `keep` that cannot change before this transaction ends."""
    if suspensions.is_suspended(connection, user_id, keep=keep):
        raise ScoreboardError(ErrorCode.ACCOUNT_SUSPENDED)


def init_app(app: Flask) -> None:
    @app.before_request
    def refuse_undeclared() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if view and not decision(view):
            raise ScoreboardError(ErrorCode.FORBIDDEN, "This address is not open to anybody.")


def _guarded(view: View[Params], name: str, check: Callable[[], object]) -> View[Params]:
    """Return the view behind a check, which raises the error for whoever may not call it, and declare it by `name`."""

    @wraps(view)
    def checked(*args: Params.args, **kwargs: Params.kwargs) -> ResponseReturnValue:
        check()
        return view(*args, **kwargs)

    setattr(checked, _DECISION, name)
    return checked


def authenticate_admin() -> None:
    """Set the identity of the request. Raises as `authenticate` does, and `forbidden` for one who is no admin now."""
    authenticate()
    if not is_admin(identity().user_id):
        raise ScoreboardError(ErrorCode.FORBIDDEN)


def is_admin(user_id: str) -> bool:
    """Return whether a user is an admin now."""
    with services().engine.connect() as connection:
        user = users.find(connection, user_id)
    return user is not None and user.role == "admin"


def authenticate() -> None:
    """Set the identity of the request. Raises the error for a token that is missing, invalid or of no live session."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ScoreboardError(ErrorCode.TOKEN_MISSING)
    caller = services().identities.of(token.strip())
    if not services().revocations.is_live(caller.session_id, caller.user_id):
        # The error names a suspension if it can; the token is refused also while the database is away.
        with suppress(SQLAlchemyError), services().engine.connect() as connection:
            refuse_suspended(connection, caller.user_id)
        raise ScoreboardError(ErrorCode.TOKEN_REVOKED)
    g.identity = caller
