"""Players of one run, who register and log in as anybody does, and a game server's API key."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import requests
from sqlalchemy import Engine

from common.core.settings import Settings
from common.domain import signing
from common.postgres import api_keys

PASSWORD = "correct horse"  # noqa: S105 - of players that live for one run
_AT_ONCE = 4


class Player(NamedTuple):
    """A logged-in player. `key` signs their updates."""

    user_id: str
    token: str
    key: bytes


class GameServer(NamedTuple):
    """An API key and its secret."""

    key_id: str
    secret: str


def register(url: str, count: int) -> list[Player]:
    """Register players and log them in."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda _: _register(url), range(count)))


def game_server(engine: Engine, settings: Settings) -> GameServer:
    """Create an API key."""
    with engine.begin() as connection:
        key = api_keys.create(connection, f"bench-{secrets.token_hex(4)}")
    return GameServer(key.id, api_keys.current_secret(key, settings.secret_key.get_secret_value()))


def _register(url: str) -> Player:
    body = {"username": f"bench-{secrets.token_hex(6)}", "password": PASSWORD}
    requests.post(f"{url}/api/auth/register", json=body, timeout=30).raise_for_status()
    answer = requests.post(f"{url}/api/auth/login", json=body, timeout=30)
    answer.raise_for_status()
    login = answer.json()
    return Player(login["user"]["userId"], login["accessToken"], signing.from_base64url(login["signingKey"]))
