"""Requests of game servers: which API key they come with, and whether its secret signed them."""

import re
import time
from datetime import UTC, datetime
from typing import cast

from flask import g, request
from sqlalchemy.exc import SQLAlchemyError

from common import api_keys, signing
from common.errors import ErrorCode, ErrorDetails, ScoreboardError
from common.timestamps import format_instant
from web.requests import read_body
from web.services import services

API_KEY_HEADER = "X-Api-Key"
SIGNATURE_SECONDS = 300
TAKEN_BY = ("scores.batch", "scores.receipt")
_KEY_ID = re.compile(r"sbk_[0-9a-f]{20}", re.ASCII)
_SIGNATURE = re.compile(r"t=([0-9]{1,15}),v1=([0-9a-f]{64})", re.ASCII)


def has_api_key() -> bool:
    """Whether this request comes with a valid API key. What is wrong with another one is said by `api_key_id`."""
    if not is_by_api_key():
        return False
    try:
        api_key_id()
    except (ScoreboardError, SQLAlchemyError):
        return False
    return True


def is_by_api_key() -> bool:
    """Whether the request carries an API key, valid or not, to a view that takes one."""
    return API_KEY_HEADER in request.headers and request.endpoint in TAKEN_BY


def api_key_id() -> str:
    """The valid API key of this request, verified once.

    Raises `api_key_invalid`, `signature_invalid`, `timestamp_out_of_range`, or SQLAlchemyError.
    """
    if "api_key" not in g:
        try:
            g.api_key = _verified()
        except (ScoreboardError, SQLAlchemyError) as error:
            g.api_key = error
    if isinstance(g.api_key, Exception):
        raise g.api_key
    return cast(str, g.api_key)


def _verified() -> str:
    key_id = request.headers.get(API_KEY_HEADER, "")
    body = read_body()
    secrets = _secrets_of(key_id) if _KEY_ID.fullmatch(key_id) else ()
    if not secrets:
        raise ScoreboardError(ErrorCode.API_KEY_INVALID, "The API key is not valid.")
    signed = _SIGNATURE.fullmatch(request.headers.get("X-Signature", ""))
    seconds, signature = signed.groups() if signed else ("0", "")
    text = signing.api_request_text(seconds, body)
    if not any(signing.is_signed(secret, text, signature) for secret in secrets):
        raise ScoreboardError(ErrorCode.SIGNATURE_INVALID, "The signature does not fit the request.")
    if abs(int(seconds) - time.time()) > SIGNATURE_SECONDS:
        message = f"The signature is more than {SIGNATURE_SECONDS} s from the server's time."
        details: ErrorDetails = {"serverTime": format_instant(datetime.now(UTC))}
        raise ScoreboardError(ErrorCode.TIMESTAMP_OUT_OF_RANGE, message, details)
    return key_id


def _secrets_of(key_id: str) -> tuple[bytes, ...]:
    """What the key may sign with now; nothing for one that is unknown or revoked."""
    with services().engine.connect() as connection:
        found = api_keys.find(connection, key_id)
    if found is None:
        return ()
    key, now = found
    return tuple(api_keys.signing_secrets(key, services().settings.secret_key.get_secret_value(), now))
