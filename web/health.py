"""For load balancers and people on call: is the process alive, and is the service whole."""

from collections.abc import Callable

import redis
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from common import database, keys
from web.access import public
from web.services import Services, services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def ready() -> Response:
    parts = {name: _state(check) for name, check in _CHECKS.items()}
    missing = [name for name, state in parts.items() if state != "ok"]
    if not missing:
        return jsonify(status="ready", parts=parts)
    message = f"Not ready: {', '.join(missing)}."
    response = jsonify(error={"code": "dependency_unavailable", "message": message, "details": {"parts": parts}})
    response.status_code = 503
    response.headers["Retry-After"] = "1"
    return response


def _state(check: Callable[[Services], bool]) -> str:
    try:
        return "ok" if check(services()) else "missing"
    except (redis.RedisError, SQLAlchemyError):
        return "away"


def _postgresql(adapters: Services) -> bool:
    database.ping(adapters.engine)
    return True


_CHECKS: dict[str, Callable[[Services], bool]] = {
    "postgresql": _postgresql,
    "redis": lambda adapters: bool(adapters.redis.ping()),
    "worker": lambda adapters: bool(adapters.redis.exists(keys.WORKER_SEEN)),
}
