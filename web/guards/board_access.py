"""Who may see a board: everybody, whoever is logged in, or admins. To others a hidden board is not there."""

from collections.abc import Mapping

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.boards import Board, Visibility
from common.redis_store.tickets import Ticket
from web.guards import access


def board_for_caller(boards: Mapping[str, Board], board_id: str) -> Board:
    """Return the board if the caller of this request may see it.

    Raises `unknown_board` for a board that is not there or hidden from them, and the errors of a token for a board of
    players.
    """
    board = boards.get(board_id)
    if board is None:
        raise unknown(board_id)
    if board.visibility is Visibility.PLAYERS:
        access.authenticate()
    elif board.visibility is Visibility.HIDDEN and not _is_admin():
        raise unknown(board_id)
    return board


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


def _is_admin() -> bool:
    try:
        access.authenticate_admin()
    except ScoreboardError:
        return False
    return True
