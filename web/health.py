"""For load balancers and people on call: is the process alive, and is the service whole."""

from collections.abc import Callable
from typing import Literal

import redis
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from common import database, keys
from common.errors import ErrorCode, ScoreboardError
from common.wire import Alive, Ready
from web.access import public
from web.reference.documented import Answer, documented
from web.services import Services, services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@documented("readHealth", "Is the process alive?", answers=[Answer(200, "It is.", Alive)])
@public
def alive() -> Response:
    answer: Alive = {"status": "ok"}
    return jsonify(answer)


@blueprint.get("/readyz")
@documented(
    "readReadiness",
    "Is the service whole?",
    description="Asks PostgreSQL and Redis, whether a worker was seen, and whether the loops of this process still go "
    "around. `details.parts` of a 503 says what is not.",
    answers=[Answer(200, "It is.", Ready)],
    errors=[ErrorCode.DEPENDENCY_UNAVAILABLE],
)
@public
def ready() -> Response:
    parts = {name: _state(check) for name, check in _CHECKS.items()}
    missing = [name for name, state in parts.items() if state != "ok"]
    if missing:
        message = f"Not ready: {', '.join(missing)}."
        raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, message, {"parts": parts}, 1)
    answer: Ready = {"status": "ready", "parts": dict.fromkeys(parts, "ok")}
    return jsonify(answer)


def _state(check: Callable[[Services], bool]) -> Literal["ok", "missing", "away"]:
    try:
        return "ok" if check(services()) else "missing"
    except (redis.RedisError, SQLAlchemyError):
        return "away"


def _postgresql(adapters: Services) -> bool:
    database.ping(adapters.engine)
    return True


def _redis(adapters: Services) -> bool:
    """A server that is full still answers a ping, and takes no update."""
    return bool(adapters.redis.set(keys.READY, "1", px=1000))


_CHECKS: dict[str, Callable[[Services], bool]] = {
    "postgresql": _postgresql,
    "redis": _redis,
    "worker": lambda adapters: bool(adapters.redis.exists(keys.WORKER_SEEN)),
    "loops": lambda adapters: not adapters.pulses.stalled(),
}
