"""The view of a whole board as a file."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from common.contract.board_responses import BoardFile, CsvFile, Entry
from common.contract.errors import SENTENCES, ErrorCode
from common.contract.requests import BoardQuery, ExportQuery
from common.core.timestamps import format_instant
from common.domain import board_files
from common.domain.board_files import MEDIA_TYPES, FileFormat, Label
from web import board_pages
from web.api.parsing import query_as
from web.guards import access, board_access, limits
from web.guards.access import by_visibility
from web.reference.documented import ResponseDoc, documented
from web.revalidation import private_if_asked_by_name
from web.services import services

blueprint = Blueprint("export", __name__, url_prefix="/api/boards")

_HEADERS = ["Content-Disposition"]


@blueprint.get("/<board_id>/export")
@documented(
    "exportBoard",
    "Get a whole board as a file",
    description="Every row of one instant, in order, as an attachment. In CSV a text that a spreadsheet would take for "
    "a formula has an apostrophe in front. Of more than 50,000 rows none are sent: `scoreboard export` has no limit. "
    "An admin's access token, or an API key of the scope `read`, shows who everybody is. A transfer that ends early is "
    "not whole: the connection is cut.",
    query=ExportQuery,
    answers=[
        ResponseDoc(200, "The board.", CsvFile, headers=_HEADERS, media_type=MEDIA_TYPES[FileFormat.CSV]),
        ResponseDoc(200, "The board.", BoardFile, headers=_HEADERS),
        ResponseDoc(200, "The board.", Entry, headers=_HEADERS, media_type=MEDIA_TYPES[FileFormat.NDJSON]),
    ],
    errors=[ErrorCode.NOT_FOUND, ErrorCode.TOO_LARGE, ErrorCode.RATE_LIMITED],
)
@by_visibility
@limits.per_api_key
def export(board_id: str) -> Response:
    query = query_as(ExportQuery)
    boards = services().catalogue.knowing(board_id).boards
    board = board_access.board_or_not_found(boards, board_id, SENTENCES[ErrorCode.UNKNOWN_BOARD])
    period = board_pages.period_of(BoardQuery(board=board.id, period=query.period), board, datetime.now(UTC))
    form = FileFormat(query.format)
    opened = services().exports.open(board.id, period.id, access.viewer())
    label = Label(board.id, period.id, format_instant(opened.at))
    answer = Response(board_files.written(form, label, opened.pages), content_type=_content_type(form))
    answer.call_on_close(opened.close)
    answer.headers["Content-Disposition"] = f'attachment; filename="{board_files.name_of(label, form)}"'
    return private_if_asked_by_name(answer)


def _content_type(form: FileFormat) -> str:
    return f"{MEDIA_TYPES[form]}; charset=utf-8" if form is FileFormat.CSV else MEDIA_TYPES[form]
