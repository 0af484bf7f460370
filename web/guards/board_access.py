"""Who may see a board: everybody, whoever is logged in, or admins and API keys of the scope `read`.

To others a hidden board is not there.
"""

from collections.abc import Mapping
from datetime import datetime

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.boards import Board, Visibility
from common.domain.permissions import Scope
from common.redis_store.tickets import Ticket
from web.guards import access, api_keys, scopes


def board_for_caller(boards: Mapping[str, Board], board_id: str) -> Board:
    """Return the board if the caller of this request may see it.

    Raises `unknown_board` for a board that is not there or hidden from them, and the errors of a token for a board of
    players. An API key, if one is given, is looked at only if the board is not public; its errors are raised then.
    """
    board = boards.get(board_id)
    if board and board.visibility is Visibility.PUBLIC:
        return board
    if scopes.is_by_api_key():
        api_keys.require_scope(Scope.READ)
    elif board and board.visibility is Visibility.PLAYERS:
        access.authenticate()
    elif not access.has_admin_session():
        raise unknown(board_id)
    if board is None:
        raise unknown(board_id)
    return board


def board_or_not_found(boards: Mapping[str, Board], board_id: str, sentence: str) -> Board:
    """Return the board as `board_for_caller` does, but raise `not_found` with this sentence for one that is hidden.

    That is for addresses that name a board, or something of it, in the path.
    """
    try:
        return board_for_caller(boards, board_id)
    except ScoreboardError as error:
        if error.code is ErrorCode.UNKNOWN_BOARD:
            raise ScoreboardError(ErrorCode.NOT_FOUND, sentence) from None
        raise


def boards_for_caller(boards: Mapping[str, Board], now: datetime | None) -> list[Board]:
    """Return the boards that the caller of this request may see, without those that are archived by `now`, if given."""
    is_insider = api_keys.has_api_key() or access.has_admin_session()
    seen = {Visibility.PUBLIC} | ({Visibility.PLAYERS} if is_insider or access.has_session() else set())
    visible = (board for board in boards.values() if is_insider or board.visibility in seen)
    return [board for board in visible if now is None or not board.is_archived_at(now)]


def board_for_ticket(boards: Mapping[str, Board], board_id: str, ticket: Ticket | None) -> Board:
    """Return the board if the owner of a ticket, or without one anybody, may see it.

    Raises `unknown_board`, or `token_missing` for a board of players.
    """
    board = boards.get(board_id)
    if board is None:
        raise unknown(board_id)
    if board.visibility is Visibility.PLAYERS and ticket is None:
        raise ScoreboardError(ErrorCode.TOKEN_MISSING, "A ticket is needed: POST /api/auth/ticket.")
    if board.visibility is Visibility.HIDDEN and not (ticket and access.is_admin(ticket.user_id)):
        raise unknown(board_id)
    return board


def unknown(board_id: str) -> ScoreboardError:
    return ScoreboardError(ErrorCode.UNKNOWN_BOARD, f"There is no board {board_id!r}.")
