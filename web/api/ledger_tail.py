"""The view of the whole ledger, for programs that follow it."""

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode
from common.contract.requests import TailQuery
from common.contract.responses import LedgerEvent, LedgerPage
from common.core.timestamps import format_instant
from common.postgres.ledger_tail import TailEvent
from web.api.parsing import query_as
from web.guards import limits
from web.guards.access import insider
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("ledger_tail", __name__, url_prefix="/api/admin")


@blueprint.get("/events")
@documented(
    "followLedger",
    "Follow the ledger",
    description="Every update that was ever recorded, counted or refused, in the order of the ledger. Go on with "
    "`after` as the last page's `nextAfter`, for ever: no update is left out, and none comes twice. A page that is not "
    "full has all that is settled; ask again in a second.",
    query=TailQuery,
    headers=["X-Signature"],
    answers=[ResponseDoc(200, "Updates, the oldest first.", LedgerPage)],
)
@insider
@limits.per_api_key
def follow() -> Response:
    query = query_as(TailQuery)
    events = services().ledger_tail.read(int(query.after), query.limit)
    body: LedgerPage = {
        "events": [_on_the_wire(event) for event in events],
        "nextAfter": str(events[-1].id) if events else str(int(query.after)),
    }
    return jsonify(body)


def _on_the_wire(event: TailEvent) -> LedgerEvent:
    return {
        "eventId": str(event.id),
        "userId": event.user_id,
        "actionId": event.action_id,
        "actionVersion": event.action_version,
        "idempotencyKey": event.idempotency_key,
        "points": event.points,
        "second": event.second,
        "occurredAt": format_instant(event.occurred_at),
        "acceptedAt": format_instant(event.accepted_at),
        "recordedAt": format_instant(event.recorded_at),
        "boards": list(event.boards),
        "refusal": ErrorCode(event.refusal) if event.refusal else None,
        "source": event.source,
        "void": {"at": format_instant(event.voided_at), "reason": event.void_reason or ""} if event.voided_at else None,
    }
