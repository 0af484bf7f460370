"""Players as whoever asks may see them, who may be the player."""

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.entries import Place
from common.domain.shown import Viewer
from web.guards import access
from web.services import services


def viewer_of(user_id: str) -> Viewer:
    """Return who looks at this player: somebody who may know who it is, as the player does, or anybody."""
    return Viewer.INSIDER if access.is_caller(user_id) else access.viewer()


def place(board_id: str, period_id: str, user_id: str) -> Place:
    """Return the place of a player. Raises `not_found` for one whom the caller may not know."""
    if access.is_caller(user_id):
        found = services().leaderboard.own_place(board_id, period_id, user_id)
    else:
        found = services().leaderboard.place(board_id, period_id, user_id, access.viewer())
    if found is None:
        raise _not_found()
    return found


def require(user_id: str) -> None:
    """Raise `not_found` unless there is such a player whom the caller may know."""
    if not services().leaderboard.is_known(user_id, viewer_of(user_id)):
        raise _not_found()


def _not_found() -> ScoreboardError:
    return ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
