"""Accounts and sessions: register, log in, refresh, log out, and tickets for the live socket."""

import time
from datetime import UTC, datetime

import structlog
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from common.contract import known_passwords
from common.contract.account_requests import (
    LoginRequest,
    PasswordRequest,
    RefreshRequest,
    RegisterRequest,
    ResetRequest,
)
from common.contract.account_responses import IssuedTicket, LoggedOut, Login, PasswordChanged, PasswordReset, Registered
from common.contract.account_responses import User as UserOnTheWire
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import ExchangeRequest
from common.core import deadlines
from common.domain import passwords, signing, tokens
from common.domain.details import PlayerVisibility
from common.domain.permissions import Scope
from common.domain.tokens import AccessClaims
from common.postgres import identities, kept_names, sessions, users
from common.postgres.sessions import Refreshed
from common.postgres.users import Credentials, User
from common.redis_store import tickets
from common.redis_store.tickets import Ticket
from common.services.new_passwords import wrong_code
from web.api.parsing import body_as
from web.guards import limits, login_attempts
from web.guards.access import authenticated, by_api_key, identity, public, refuse_suspended, signing_key
from web.guards.addresses import client_address
from web.guards.api_keys import api_key
from web.reference.documented import ResponseDoc, documented
from web.server import hashing
from web.services import services

log = structlog.get_logger(__name__)

blueprint = Blueprint("auth", __name__, url_prefix="/api/auth")


@blueprint.post("/register")
@documented(
    "registerAccount",
    "Create an account",
    body=RegisterRequest,
    answers=[ResponseDoc(201, "The account exists; log in next.", Registered)],
    errors=[ErrorCode.REGISTRATION_CLOSED, ErrorCode.USERNAME_TAKEN],
)
@public
@limits.per_address_registrations
def register() -> tuple[Response, int]:
    if services().settings.registration == "closed":
        raise ScoreboardError(ErrorCode.REGISTRATION_CLOSED)
    wanted = body_as(RegisterRequest)
    with services().engine.connect() as connection:
        now, secret_keys = datetime.now(UTC), services().settings.secret_keys
        is_kept = kept_names.is_kept(connection, wanted.username, secret_keys, now)
        if is_kept or users.is_taken(connection, wanted.username):
            raise users.username_taken(wanted.username)  # before the hash, which is expensive
    password_hash = hashing.hashed(wanted.password, client_address())
    with services().engine.begin() as connection:
        visibility = PlayerVisibility(services().settings.visibility_default)
        user = users.create(connection, wanted.username, password_hash, "player", visibility)
        # Behind the insert, which waits for whoever has the name and is being erased.
        if kept_names.is_kept(connection, wanted.username, services().settings.secret_keys, datetime.now(UTC)):
            raise users.username_taken(wanted.username)
    login_attempts.remember(wanted.username)
    log.info("registered", user_id=user.id)
    answer: Registered = {"user": user_on_the_wire(user)}
    return jsonify(answer), 201


@blueprint.post("/login")
@documented(
    "logIn",
    "Begin a session",
    description="An unknown name and a wrong password get the same answer.",
    body=LoginRequest,
    answers=[ResponseDoc(200, "A new session of 24 hours.", Login)],
    errors=[ErrorCode.INVALID_CREDENTIALS, ErrorCode.ACCOUNT_SUSPENDED],
)
@public
@limits.per_address_logins
@limits.per_account_failures
def login() -> Response:
    given = body_as(LoginRequest)
    attempt = login_attempts.begin(given.username)
    attempt.refuse_if_spent()
    with services().engine.connect() as connection:
        found = users.find_credentials(connection, given.username)
    is_right = hashing.is_password(given.password, found.password_hash if found else None, client_address())
    attempt.record(is_right=is_right)
    if not is_right or not found:
        # Not the name that was sent: sometimes a person types the password there.
        log.info("login_failed", user_id=found.user.id if found else None)
        raise ScoreboardError(ErrorCode.INVALID_CREDENTIALS)
    user = found.user
    if found.password_hash and passwords.is_outdated(found.password_hash):
        _rehash(user, given.password, found.password_hash)
    now = datetime.now(UTC)
    with services().engine.begin() as connection:
        refuse_suspended(connection, user.id, keep=True)
        if not users.has_same_password(connection, found):  # it was changed while this one was checked
            raise ScoreboardError(ErrorCode.INVALID_CREDENTIALS)
        session = sessions.begin(connection, user.id, now)
    log.info("logged_in", user_id=user.id, session_id=session.session.id)
    return _granted(user, session, now)


@blueprint.post("/exchange")
@documented(
    "exchangePlayer",
    "Begin a session for a player of a game server",
    description="The game hands the session to its client, which may then watch with a ticket and claim what players "
    "may claim. The player has no password, so there is no other way in.",
    body=ExchangeRequest,
    headers=["X-Signature.v2"],
    answers=[ResponseDoc(200, "A new session of 24 hours.", Login)],
    errors=[ErrorCode.UNKNOWN_USER, ErrorCode.ACCOUNT_SUSPENDED],
)
@by_api_key(Scope.PLAYERS)
@limits.per_api_key
def exchange() -> Response:
    external_id = body_as(ExchangeRequest).external_id
    now = datetime.now(UTC)
    with services().engine.begin() as connection:
        user_id = identities.find(connection, api_key().realm, [external_id]).get(external_id)
        if user_id is None:
            raise ScoreboardError(ErrorCode.UNKNOWN_USER, f"There is no player {external_id!r} in this realm.")
        refuse_suspended(connection, user_id, keep=True)
        user = users.get(connection, user_id)
        session = sessions.begin(connection, user_id, now)
    log.info("exchanged", user_id=user_id, session_id=session.session.id, api_key=api_key().id)
    return _granted(user, session, now)


@blueprint.post("/refresh")
@documented(
    "refreshSession",
    "Exchange a refresh token for new tokens",
    description="Session and signing key stay. A token is good once; only within 10 seconds, while its successor is "
    "unused, it gives the same successor again, so that a lost answer ends no session. Any later use ends it.",
    body=RefreshRequest,
    answers=[ResponseDoc(200, "New tokens of the same session.", Login)],
    errors=[ErrorCode.REFRESH_TOKEN_INVALID, ErrorCode.REFRESH_TOKEN_REUSED, ErrorCode.ACCOUNT_SUSPENDED],
)
@public
def refresh() -> Response:
    given = body_as(RefreshRequest)
    now = datetime.now(UTC)
    with services().engine.begin() as connection:
        result = sessions.refresh(connection, given.refresh_token, services().settings.secret_keys, now)
        if isinstance(result, Refreshed):
            user = users.get(connection, result.session.user_id)
        else:
            services().revocations.announce(result.session_id)
    if isinstance(result, Refreshed):
        log.info("refreshed", user_id=user.id, session_id=result.session.id)
        return _granted(user, result, now)
    services().revocations.confirm(result.session_id)
    log.warning("refresh_token_reused", session_id=result.session_id)
    raise ScoreboardError(ErrorCode.REFRESH_TOKEN_REUSED)


@blueprint.post("/logout")
@documented(
    "logOut",
    "End the session",
    description="Its access token, refresh token and signing key are dead from then on, everywhere.",
    answers=[ResponseDoc(200, "The session has ended.", LoggedOut)],
)
@authenticated
def logout() -> Response:
    session_id = identity().session_id
    services().revocations.revoke(session_id, lambda connection: sessions.revoke(connection, session_id, "logout"))
    log.info("logged_out", user_id=identity().user_id, session_id=session_id)
    answer: LoggedOut = {"status": "logged_out"}
    return jsonify(answer)


@blueprint.post("/password")
@documented(
    "changePassword",
    "Change one's password",
    description="This session stays, and every other one ends. A wrong current password counts as a failed login.",
    body=PasswordRequest,
    answers=[ResponseDoc(200, "The password is changed.", PasswordChanged)],
    errors=[ErrorCode.INVALID_CREDENTIALS, ErrorCode.NO_PASSWORD],
)
@authenticated
@limits.per_account_failures
def change_password() -> Response:
    given = body_as(PasswordRequest)
    with services().engine.connect() as connection:
        before = users.get_credentials(connection, identity().user_id)
    prove_password(before, given.current_password)
    if before is None:
        raise ScoreboardError(ErrorCode.INVALID_CREDENTIALS)
    problem = known_passwords.problem(given.new_password, before.user.username)
    if passwords.is_same(given.current_password, given.new_password):
        problem = "must not be the password that you have"
    if problem:
        raise invalid_field("newPassword", problem)
    new_hash = hashing.hashed(given.new_password, client_address())
    ended = services().new_passwords.change(before, new_hash, identity().session_id)
    answer: PasswordChanged = {"status": "changed", "sessionsEnded": ended}
    return jsonify(answer)


@blueprint.post("/reset")
@documented(
    "resetPassword",
    "Set a new password with a code of the operator",
    description="An unknown name and a wrong code get the same answer. Every session of the account ends.",
    body=ResetRequest,
    answers=[ResponseDoc(200, "The password is another one; log in next.", PasswordReset)],
    errors=[ErrorCode.INVALID_CREDENTIALS],
)
@public
@limits.per_address_logins
@limits.per_account_failures
def reset_password() -> Response:
    given = body_as(ResetRequest)
    attempt = login_attempts.begin(given.username)
    attempt.refuse_if_spent()
    is_right = services().new_passwords.is_good_code(given.username, given.code)
    attempt.record(is_right=is_right)
    if not is_right:
        log.info("reset_refused")
        raise wrong_code()
    new_hash = hashing.hashed(given.new_password, client_address())
    services().new_passwords.reset(given.username, given.code, new_hash)
    answer: PasswordReset = {"status": "reset"}
    return jsonify(answer)


def prove_password(account: Credentials | None, password: str) -> None:
    """Check the password of the account that is logged in, and count a failure as that of a login.

    Raises `invalid_credentials`, `login_throttled` or `no_password`.
    """
    if account is None:
        raise ScoreboardError(ErrorCode.INVALID_CREDENTIALS)
    if account.password_hash is None:
        raise ScoreboardError(ErrorCode.NO_PASSWORD)
    attempt = login_attempts.begin(account.user.username)
    attempt.refuse_if_spent()
    is_right = hashing.is_password(password, account.password_hash, client_address())
    attempt.record(is_right=is_right)
    if not is_right:
        raise ScoreboardError(ErrorCode.INVALID_CREDENTIALS, "This is not your password.")


@blueprint.post("/ticket")
@documented(
    "issueTicket",
    "Get a ticket for the live socket",
    description="With it, a viewer also hears of their own place. It is good once, for 30 seconds.",
    answers=[ResponseDoc(200, "A new ticket.", IssuedTicket)],
)
@authenticated
def ticket() -> Response:
    """Issue a ticket for the live socket, because an access token must not be in an address."""
    caller = identity()
    with deadlines.effect(deadlines.REPEAT):
        token = tickets.issue(services().redis, Ticket(caller.user_id, caller.session_id))
    answer: IssuedTicket = {"ticket": token, "expiresIn": tickets.LIFETIME_SECONDS}
    return jsonify(answer)


def _rehash(user: User, password: str, old_hash: str) -> None:
    """Store a hash with the current parameters while the password is known. A failure does not affect the login."""
    try:
        new_hash = hashing.hashed(password, client_address())
    except ScoreboardError:
        return
    try:
        with services().engine.begin() as connection:
            users.rehash(connection, user.id, old_hash, new_hash)
    except SQLAlchemyError:
        log.warning("password_not_rehashed", user_id=user.id)


def _granted(user: User, session: Refreshed, now: datetime) -> Response:
    services().revocations.remember(session.session)
    claims = AccessClaims(user.id, session.session.id, user.role)
    access_token = tokens.issue(claims, services().settings.jwt_secrets[0], int(time.time()))
    answer: Login = {
        "accessToken": access_token,
        "tokenType": "Bearer",
        "expiresIn": tokens.LIFETIME_SECONDS,
        "refreshToken": session.refresh_token,
        "refreshExpiresIn": int((session.session.expires_at - now).total_seconds()),
        "signingKey": signing.to_base64url(signing_key(session.session.id)),
        "user": user_on_the_wire(user),
    }
    return jsonify(answer)


def user_on_the_wire(user: User) -> UserOnTheWire:
    return {"userId": user.id, "username": user.username, "role": user.role}
