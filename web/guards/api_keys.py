"""Requests of game servers: the API key that they name, and whether its secret signed them.

The cheap checks come first, so that a request without a valid key costs little:

1. the form of the header fields, and whether the instant is within 300 s;
2. whether the key exists, by a copy of the ids that is a few seconds old at most. An id that is missing there is
   looked up in PostgreSQL, as long as the address has made few such mistakes, so that a new key works at once;
3. whether this address has sent few bad signatures of this key;
4. the body, and then the signature, with the key's current row in PostgreSQL, so that a revocation holds at once;
5. whether the key has a scope that the view takes.
"""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import cast

from flask import Flask, current_app, g, request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from common.contract.errors import ErrorCode, ErrorDetails, ScoreboardError
from common.core.timestamps import format_instant
from common.domain import signing
from common.domain.permissions import Scope
from common.postgres import api_keys
from common.postgres.api_keys import ApiKey
from web.guards import scopes
from web.guards.addresses import client_address
from web.guards.budgets import Budget, budgets
from web.guards.request_context import read_body
from web.guards.root_path import sent_target
from web.guards.scopes import API_KEY_HEADER
from web.services import services

SIGNATURE_HEADER = "X-Signature"
SIGNATURE_SECONDS = 300
_SIGNED_BY_BODY_ALONE = ("scores.batch",)
"""The views that still accept `v1`, which signs neither the method nor the address."""

_COPY_SECONDS = 5.0
_KEY_ID = re.compile(r"sbk_[0-9a-f]{20}", re.ASCII)
_SIGNATURE = re.compile(r"t=([0-9]{1,15})(,v1=[0-9a-f]{64})?(,v2=[0-9a-f]{64})?", re.ASCII)
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_FORM = "t=<Unix seconds>,v2=<64 lower-case hexadecimal digits>"
_FIRST_MILLISECONDS = 10**11
"""As seconds this is the year 5138, as milliseconds 1973."""

_ORIGIN_OF_TARGET = re.compile(r"https?://[^/?#]*", re.ASCII | re.IGNORECASE)


class KnownKeys:
    """The ids of the live API keys, at most `_COPY_SECONDS` old."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        self._reading = Lock()

    def has(self, key_id: str) -> bool:
        """Return whether the copy has this key. Raises SQLAlchemyError."""
        self._read(time.monotonic() - _COPY_SECONDS)
        return key_id in self._ids

    def has_now(self, key_id: str) -> bool:
        """Return whether PostgreSQL has the key now. Simultaneous callers share one query. Raises SQLAlchemyError."""
        self._read(time.monotonic())
        return key_id in self._ids

    def _read(self, no_earlier_than: float) -> None:
        if self._read_at >= no_earlier_than:
            return
        with self._reading:
            if self._read_at >= no_earlier_than:
                return
            begun_at = time.monotonic()
            with self._engine.connect() as connection:
                self._ids = api_keys.live_ids(connection)
            self._read_at = begun_at


@dataclass(frozen=True)
class _Signature:
    """The parts of `X-Signature` that are checked: the instant as written, and the signature of the newest version."""

    seconds: str
    version: str
    hexadecimal: str


def init_app(app: Flask, engine: Engine) -> None:
    app.extensions["known_api_keys"] = KnownKeys(engine)


def has_api_key() -> bool:
    """Return whether this request has a valid API key of a scope that its view takes. `api_key` raises the error."""
    if not scopes.is_by_api_key():
        return False
    try:
        api_key()
    except (ScoreboardError, SQLAlchemyError):
        return False
    return True


def api_key_id() -> str:
    """Return the id of this request's API key. Raises what `api_key` does."""
    return api_key().id


def require_scope(*any_of: Scope) -> None:
    """Raise `api_key_scope` unless this request's API key has one of these scopes. The error names the first."""
    _check_scope(api_key(), any_of)


def api_key() -> ApiKey:
    """Return this request's API key, which is verified once for each request.

    Raises `api_key_invalid`, `signature_invalid`, `timestamp_out_of_range`, `api_key_scope`, `rate_limited`, or
    SQLAlchemyError.
    """
    if "api_key" not in g:
        try:
            g.api_key = _verified()
        except (ScoreboardError, SQLAlchemyError) as error:
            g.api_key = error
    if isinstance(g.api_key, Exception):
        raise g.api_key
    return cast(ApiKey, g.api_key)


def _verified() -> ApiKey:
    key_id = request.headers.get(API_KEY_HEADER, "")
    if not _KEY_ID.fullmatch(key_id):
        raise _no_key_id(key_id)
    signature = _signature()
    if not _is_known(key_id):
        raise _unknown_key()
    bad_signatures = _failures(f"{client_address()}:{key_id}")
    budgets().refuse_spent(bad_signatures)
    text = _signed_text(signature, key_id)
    key, secrets = _find(key_id)
    if not any(signing.is_signed(secret, text, signature.hexadecimal) for secret in secrets):
        budgets().spend(bad_signatures)
        raise _bad_signature()
    _check_scope(key, scopes.taken())
    return key


def _check_scope(key: ApiKey, any_of: tuple[Scope, ...]) -> None:
    if not key.permissions.scopes.intersection(any_of):
        message = f"This API key does not have the scope {any_of[0]}."
        raise ScoreboardError(ErrorCode.API_KEY_SCOPE, message, details={"scope": any_of[0].value})


def _signature() -> _Signature:
    """Parse `X-Signature`.

    Raises `timestamp_out_of_range`, and `signature_invalid` for another form, or without `v2` where that is required.
    """
    given = request.headers.get(SIGNATURE_HEADER, "")
    signed = _SIGNATURE.fullmatch(given)
    seconds, *signatures = signed.groups() if signed else ("0",)
    newest = next((each for each in reversed(signatures) if each), None)
    if newest is None:
        problem = f"must be {_FORM}" if given else f"is missing: {_FORM}"
        raise ScoreboardError(ErrorCode.SIGNATURE_INVALID, f"{SIGNATURE_HEADER} {problem}.")
    version, _, hexadecimal = newest[1:].partition("=")
    if version == "v1" and request.endpoint not in _SIGNED_BY_BODY_ALONE:
        raise ScoreboardError(ErrorCode.SIGNATURE_INVALID, "This address takes no v1 signature: sign with v2.")
    if abs(int(seconds) - time.time()) > SIGNATURE_SECONDS:
        message = f"The signature is more than {SIGNATURE_SECONDS} s from the server's time."
        if int(seconds) >= _FIRST_MILLISECONDS:
            message = f"`t` in {SIGNATURE_HEADER} is Unix time in seconds, and these are milliseconds."
        details: ErrorDetails = {"serverTime": format_instant(datetime.now(UTC))}
        raise ScoreboardError(ErrorCode.TIMESTAMP_OUT_OF_RANGE, message, details=details)
    return _Signature(seconds, version, hexadecimal)


def _is_known(key_id: str) -> bool:
    known: KnownKeys = current_app.extensions["known_api_keys"]
    if known.has(key_id):
        return True
    mistakes = _failures(client_address())
    if not budgets().is_left(mistakes):
        return False
    if known.has_now(key_id):
        return True
    budgets().spend(mistakes)
    return False


def _failures(place: str) -> Budget:
    return Budget("api_key_failures", services().settings.api_key_failure_limit, place)


def _signed_text(signature: _Signature, key_id: str) -> bytes:
    if signature.version == "v1":
        return signing.api_request_text(signature.seconds, read_body())
    return signing.api_request_text_v2(signature.seconds, request.method, _target(), key_id, read_body())


def _target() -> str:
    """Return the path with the query, exactly as the client sent it."""
    environ = request.environ
    target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    return sent_target(_ORIGIN_OF_TARGET.sub("", target, count=1))


def _find(key_id: str) -> tuple[ApiKey, tuple[bytes, ...]]:
    """Return the key with the secrets that are valid for it now. Raises `api_key_invalid` if it is revoked."""
    with services().engine.connect() as connection:
        found = api_keys.find(connection, key_id)
    if found is None or found[0].revoked_at is not None:
        raise _unknown_key()
    key, now = found
    return key, tuple(
        secret
        for secret_key in services().settings.secret_keys
        for secret in api_keys.signing_secrets(key, secret_key, now)
    )


def _no_key_id(given: str) -> ScoreboardError:
    """Return the error for a header field that holds no id of a key, with the likely mistake."""
    problem = "takes the id of an API key, sbk_ and 20 hexadecimal digits"
    if not given:
        problem = "is missing: it names the API key"
    elif _SECRET.fullmatch(given):
        problem = "takes the id of the API key, and this looks like its secret, which is never sent"
    return ScoreboardError(ErrorCode.API_KEY_INVALID, f"{API_KEY_HEADER} {problem}.")


def _unknown_key() -> ScoreboardError:
    return ScoreboardError(ErrorCode.API_KEY_INVALID, "There is no such API key, or it was revoked.")


def _bad_signature() -> ScoreboardError:
    return ScoreboardError(ErrorCode.SIGNATURE_INVALID)
