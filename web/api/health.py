"""Health checks, for load balancers and people on call."""

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.responses import Alive, Ready
from web.guards.access import public
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@documented("readHealth", "Is the process alive?", answers=[ResponseDoc(200, "It is.", Alive)])
@public
def alive() -> Response:
    answer: Alive = {"status": "ok"}
    return jsonify(answer)


@blueprint.get("/readyz")
@documented(
    "readReadiness",
    "Is the service whole?",
    description="Asks PostgreSQL and Redis, whether a worker was seen, and whether the loops of this process still go "
    "around, once a second for everybody who asks. `details.parts` of a 503 says what is not. A board that Redis does "
    "not show, a task that fails again and again, chores that nobody does, or updates that are held back do not stop "
    "the service: the status is `degraded` then, and `degraded` names them.",
    answers=[ResponseDoc(200, "It is.", Ready)],
    errors=[ErrorCode.DEPENDENCY_UNAVAILABLE],
)
@public
def ready() -> Response:
    report = services().readiness.current()
    if report.missing:
        message = f"Not ready: {', '.join(report.missing)}."
        raise ScoreboardError(
            ErrorCode.DEPENDENCY_UNAVAILABLE, message, details={"parts": report.needed}, retry_after=1
        )
    degraded = [sentence for sentences in report.degraded.values() for sentence in sentences]
    answer: Ready = {
        "status": "degraded" if degraded else "ready",
        "parts": {
            **dict.fromkeys(report.needed, "ok"),
            **{name: "degraded" if sentences else "ok" for name, sentences in report.degraded.items()},
        },
        "degraded": degraded,
    }
    return jsonify(answer)
