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
from common.domain.permissions import Scope
from common.domain.shown import Viewer
from common.postgres import users
from common.services import suspensions
from web.guards import scopes
from web.guards.api_keys import api_key, has_api_key
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
    """Let anybody call this view, which asks itself who looks if its board is not public, or somebody is not named.

    An API key of the scope `read` is shown more. Any other key is passed over where everybody may look.
    """
    setattr(view, _DECISION, "by_visibility")
    return scopes.declare(view, (Scope.READ,), needs_key=False)


def authenticated(view: View[Params]) -> View[Params]:
    """Require the access token of a live session; `identity()` then returns its user."""
    return _guarded(view, "authenticated", authenticate)


def admin(view: View[Params]) -> View[Params]:
    """Require the access token of a live session of a user who is an admin now, whatever the token says."""
    return _guarded(view, "admin", authenticate_admin)


def manager(view: View[Params]) -> View[Params]:
    """Require somebody who may change the catalogue: an API key of the scope `manage` if one is given, or an admin."""
    guarded = _guarded(view, "manager", _api_key_or(authenticate_admin))
    return scopes.declare(guarded, (Scope.MANAGE,), needs_key=False)


def insider(view: View[Params]) -> View[Params]:
    """Require somebody who may see who is who: an API key of the scope `read` if one is given, or an admin."""
    guarded = _guarded(view, "insider", _api_key_or(authenticate_admin))
    return scopes.declare(guarded, (Scope.READ,), needs_key=False)


def by_api_key(*any_of: Scope) -> Callable[[View[Params]], View[Params]]:
    """Require a valid API key of one of these scopes, and a signature with its secret; `api_key()` then returns it."""

    def guard(view: View[Params]) -> View[Params]:
        return scopes.declare(_guarded(view, "by_api_key", api_key), any_of, needs_key=True)

    return guard


def authenticated_or_by_api_key(*any_of: Scope) -> Callable[[View[Params]], View[Params]]:
    """Require an API key of one of these scopes if one is given, otherwise the access token of a live session."""

    def guard(view: View[Params]) -> View[Params]:
        guarded = _guarded(view, "authenticated_or_by_api_key", _api_key_or(authenticate))
        return scopes.declare(guarded, any_of, needs_key=False)

    return guard


def public_or_by_api_key(scope: Scope) -> Callable[[View[Params]], View[Params]]:
    """Let anybody call this view. An API key, if one is given, must be valid and of this scope."""

    def guard(view: View[Params]) -> View[Params]:
        guarded = _guarded(view, "public_or_by_api_key", _api_key_or(lambda: None))
        return scopes.declare(guarded, (scope,), needs_key=False)

    return guard


def identity() -> Identity:
    """Return the caller of the request that is being handled."""
    return cast(Identity, g.identity)


def has_session() -> bool:
    """Return whether the request has the access token of a live session, at a view that asks for none."""
    return _given_identity() is not None


def caller_id() -> str | None:
    """Return the user of the access token of a live session, at a view that asks for none; None without one."""
    given = _given_identity()
    return given.user_id if given else None


def is_caller(user_id: str) -> bool:
    """Return whether the request has the access token of a live session of this user, at a view that asks for none."""
    given = _given_identity()
    return given is not None and given.user_id == user_id


def has_admin_session() -> bool:
    """Return whether the request has the access token of a live session of a user who is an admin now."""
    given = _given_identity()
    return given is not None and is_admin(given.user_id)


def viewer() -> Viewer:
    """Return who looks, at a view that asks for no access token: somebody who may see who is who, or anybody.

    The former are admins with a live session, and API keys of the scope `read`.
    """
    if has_api_key():
        return Viewer.INSIDER if Scope.READ in api_key().permissions.scopes else Viewer.ANYBODY
    given = _given_identity()
    is_insider = given is not None and given.role == "admin" and is_admin(given.user_id)
    return Viewer.INSIDER if is_insider else Viewer.ANYBODY


def is_by_admin() -> bool:
    """Return whether the request carries the token of an admin's live session, which `identity()` then has.

    The role is that of the token, which lives for an hour: `admin` asks PostgreSQL for the role of now. False while
    nobody can tell whether the session is live.
    """
    if "is_by_admin" not in g:
        g.is_by_admin = _bears_live_token_of_admin()
    return cast(bool, g.is_by_admin)


def _bears_live_token_of_admin() -> bool:
    caller = services().identities.in_header(request.headers.get("Authorization", ""))
    if caller is None or caller.role != "admin":
        return False
    try:
        is_live = services().revocations.is_live(caller.session_id, caller.user_id)
    except SQLAlchemyError:
        return False
    if is_live:
        g.identity = caller
    return is_live


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


def _api_key_or(otherwise: Callable[[], None]) -> Callable[[], None]:
    """Return a check of the API key if one is given; the other check is made only without one."""

    def check() -> None:
        if scopes.is_by_api_key():
            api_key()
        else:
            otherwise()

    return check


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


def _given_identity() -> Identity | None:
    """Return the caller whom a good access token names; None without one, which is no mistake here."""
    if "given_identity" not in g:
        g.given_identity = None
        with suppress(ScoreboardError, SQLAlchemyError):
            authenticate()
            g.given_identity = identity()
    return cast("Identity | None", g.given_identity)


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
