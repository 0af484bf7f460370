"""Tickets, which viewers put into an address instead of an access token. Each is for one use within 30 seconds."""

import secrets
from typing import NamedTuple

import orjson

from common.domain.signing import fingerprint
from common.redis_store import keys
from common.redis_store.client import Client

LIFETIME_SECONDS = 30


class Ticket(NamedTuple):
    """The user and the session that a ticket was issued to."""

    user_id: str
    session_id: str


def issue(client: Client, ticket: Ticket) -> str:
    """Issue a random ticket, of which Redis keeps only the fingerprint."""
    token = secrets.token_urlsafe(32)
    client.set(_key(token), orjson.dumps(list(ticket)), ex=LIFETIME_SECONDS)
    return token


def find(client: Client, token: str) -> Ticket | None:
    """Return the ticket without using it up; None if it is unknown, used or expired."""
    return _read(client.get(_key(token)))


def redeem(client: Client, token: str) -> Ticket | None:
    """Use the ticket up and return it; None if it is unknown, used or expired."""
    return _read(client.getdel(_key(token)))


def _read(stored: object) -> Ticket | None:
    return Ticket(*orjson.loads(str(stored))) if stored else None


def _key(token: str) -> str:
    return keys.ticket(fingerprint(token).hex())
