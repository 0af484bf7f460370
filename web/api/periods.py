"""The view of a board's periods: which there are, whether their standings are final, and the digests of these."""

from datetime import datetime

from flask import Blueprint, Response, jsonify

from common.contract import board_responses
from common.contract.board_responses import PeriodPage
from common.contract.errors import ErrorCode
from common.contract.requests import PeriodsQuery
from common.core.timestamps import format_instant
from common.domain.boards import Visibility
from common.postgres import period_list
from common.postgres.period_list import ListedPeriod
from web.api.paging import paged, position_in
from web.api.parsing import query_as
from web.guards import limits
from web.guards.access import by_visibility
from web.guards.board_access import board_for_caller
from web.reference.documented import ResponseDoc, documented
from web.revalidation import private
from web.services import services

blueprint = Blueprint("periods", __name__, url_prefix="/api/periods")


@blueprint.get("")
@documented(
    "listPeriods",
    "List the periods of a board",
    description="Days, weeks, months and seasons in which somebody has scored. Soon after its end a period is closed "
    "and ranked; the digest of a ranked one lets anybody check a copy of its final table. It is computed of the digest "
    "before it and of a line `rank,userId,score,second,tie` for each player.",
    query=PeriodsQuery,
    answers=[ResponseDoc(200, "Periods, those that began last first.", PeriodPage)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.INVALID_CURSOR],
)
@by_visibility
@limits.per_api_key
def listing() -> Response:
    query = query_as(PeriodsQuery)
    board = board_for_caller(services().catalogue.current().boards, query.board)
    scope = f"periods {board.id} {query.kind or ''}"
    position = position_in(query.cursor, scope)
    before = (datetime.fromisoformat(str(position[0])), str(position[1])) if position else None
    with services().engine.connect() as connection:
        found = period_list.page(connection, board.id, query.kind, query.limit + 1, before)
    shown, cursor = paged(found, query.limit, scope, lambda last: [last.starts_at.isoformat(), last.period_id])
    body: PeriodPage = {"periods": [_told(period) for period in shown], "nextCursor": cursor}
    told = jsonify(body)
    return told if board.visibility is Visibility.PUBLIC else private(told)


def _told(period: ListedPeriod) -> board_responses.ListedPeriod:
    return {
        "period": period.period_id,
        "startsAt": format_instant(period.starts_at),
        "endsAt": format_instant(period.ends_at),
        "state": period.state,
        "total": period.total,
        "revision": period.revision,
        "digest": period.digest,
        "previousDigest": period.previous_digest,
    }
