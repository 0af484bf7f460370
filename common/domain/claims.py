"""Whether a claim fits its action: who may claim it, and with which value and second score. Pure.

The door judges a claim by the catalogue of that moment, and so does the worker that applies it, since an action may
have got a new version meanwhile.
"""

from collections.abc import Mapping

from common.contract.constants import GREATEST_SCORE
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.domain.boards import Board
from common.domain.ledger_row import PLAYER, LedgerRow, is_of_admin
from common.domain.outcomes import Outcome
from common.domain.parts import Reserved
from common.domain.scoring import Action, ClaimedBy, Kind

CLAIMED_BY_SERVERS = (ClaimedBy.SERVER, ClaimedBy.BOTH)
CLAIMED_BY_PLAYERS = (ClaimedBy.PLAYER, ClaimedBy.BOTH)
"""Whose claims an action takes."""


def problem_of(
    action: Action, boards: Mapping[str, Board], source: str | None, value: int | None, second: int | None
) -> ScoreboardError | None:
    """Return the error for a claim that does not fit its action, or None.

    `source` is as in the ledger; entries of versions that did not say it are of actions that anybody may claim.
    """
    return (
        _problem_of_claimant(action, source)
        or (_problem_of_value(action, value) if action.kind is Kind.VALUE or value is not None else None)
        or (_problem_of_second(action, boards) if second is not None else None)
    )


def unknown_action(action_id: str) -> ScoreboardError:
    return ScoreboardError(ErrorCode.UNKNOWN_ACTION, f"There is no action {action_id!r}.")


def points_of(action: Action, value: int | None) -> int:
    """Return what an update of this action counts: its points, or the value that came with it."""
    return (value or 0) if action.kind is Kind.VALUE else action.points


def is_repetition(
    known: Outcome | LedgerRow, action_id: str, value: int | None = None, second: int | None = None
) -> bool:
    """Return whether an update that is known is the one that is claimed again, value and all.

    A refusal is answered whatever value comes; so is a receipt that does not tell the value.
    """
    if isinstance(known, LedgerRow):
        counted = _counted(known.points, known.second, value, second)
        return known.action_id == action_id and (known.refusal is not None or counted)
    if known["update"]["actionId"] != action_id:
        return False
    if known["status"] == "accepted":
        tells = "value" in known or "second" in known
        return not tells or (value in (None, known.get("value")) and (second or 0) == known.get("second", 0))
    if known["status"] == "applied":
        return _counted(known["update"]["points"], known["update"].get("second", 0), value, second)
    return True


def _counted(points: int, known_second: int, value: int | None, second: int | None) -> bool:
    return value in (None, points) and (second or 0) == known_second


def _problem_of_claimant(action: Action, source: str | None) -> ScoreboardError | None:
    if action.claimed_by is ClaimedBy.ADMIN:
        return None if _may_use_reserved(action, source) else unknown_action(action.id)
    if action.claimed_by is ClaimedBy.BOTH or source is None:
        return None
    if source == PLAYER:
        return None if action.claimed_by in CLAIMED_BY_PLAYERS else ScoreboardError(ErrorCode.SERVER_ACTION)
    if action.claimed_by in CLAIMED_BY_SERVERS:
        return None
    return ScoreboardError(ErrorCode.ACTION_NOT_ALLOWED, f"{action.id} is claimed by players only.")


def _may_use_reserved(action: Action, source: str | None) -> bool:
    """Return whether the source may have sent this to the inbox. What is claimed by request never names such actions.

    An adjustment is of an admin; an enrolment may also be of an API key that makes players known.
    """
    return is_of_admin(source) or (action.reserved is Reserved.ENROLMENT and source not in (None, PLAYER))


def _problem_of_value(action: Action, value: int | None) -> ScoreboardError | None:
    if action.kind is not Kind.VALUE:
        return invalid_field("value", f"must be left out: {action.id} is worth points of the catalogue")
    if value is None:
        return invalid_field("value", f"is required: {action.id} takes a value")
    least = -GREATEST_SCORE if action.value_min is None else action.value_min
    most = GREATEST_SCORE if action.value_max is None else action.value_max
    if least <= value <= most:
        return None
    return ScoreboardError(ErrorCode.VALUE_OUT_OF_RANGE, f"{action.id} takes values from {least} to {most}.")


def _problem_of_second(action: Action, boards: Mapping[str, Board]) -> ScoreboardError | None:
    if any(board_id in boards and boards[board_id].second for board_id in action.boards):
        return None
    return invalid_field("second", f"must be left out: no board of {action.id} has a second score")
