"""What somebody who decides about a season would change, and every reason for which it cannot be. Pure.

Whether an update counts in a season is decided by each process from its copy of the catalogue, so nothing that is
decided holds before every process knows of it: `NOTICE` after the decision. From `NOTICE` before the instant at which a
season begins or ends, that instant stays.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from common.contract.catalogue import SeasonSpec, problem_of_season_id
from common.contract.constants import SEASON
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.domain.boards import NOTICE, Board
from common.domain.catalogue_plan import Change, Place, Plan, Problem, note_differences, put_board
from common.domain.catalogue_wire import described_season
from common.domain.seasons import Season

_SOON = f"must be at least {NOTICE.seconds} seconds from now"


def add_season(
    plan: Plan, at: Place, board_id: str, season_id: str, spec: SeasonSpec, *, known: Season | None, now: datetime
) -> None:
    """Add what makes the stored season the one that is wanted. Whether it overlaps others is checked afterwards."""
    problems: list[Problem] = []
    if known is None and (wrong := problem_of_season_id(season_id)):
        problems.append(Problem(at.prefix + at.id_field, wrong))
    wanted = Season(season_id, spec.starts_at, spec.ends_at, spec.title)
    if known is None or wanted.starts_at != known.starts_at:
        if known and known.starts_at < now + NOTICE:
            problems.append(Problem(at.of("starts_at"), "has passed, or is about to, and does not change any more"))
        elif wanted.starts_at < now + NOTICE:
            problems.append(Problem(at.of("starts_at"), _SOON))
    if known and wanted.ends_at != known.ends_at:
        if known.ends_at < now + NOTICE:
            problems.append(Problem(at.of("ends_at"), "does not change any more", ErrorCode.SEASON_OVER))
        elif wanted.ends_at < now + NOTICE:
            problems.append(Problem(at.of("ends_at"), _SOON))
    if problems:
        plan.problems += problems
        return
    put_season(plan, board_id, wanted, known)


def put_season(plan: Plan, board_id: str, wanted: Season, known: Season | None) -> None:
    """Add a season as it shall be, of which nothing is left to check. One that is stored already changes nothing."""
    path = f"seasons.{board_id}.{wanted.id}"
    if known is None:
        plan.new_seasons.append((board_id, wanted))
        plan.changes.append(Change(path, None, described_season(board_id, wanted)))
    elif wanted != known:
        plan.changed_seasons.append((board_id, wanted))
        note_differences(plan, path, described_season(board_id, known), described_season(board_id, wanted))


def delete_season(plan: Plan, board_id: str, known: Season | None, now: datetime) -> None:
    """Add that a planned season goes. One that is not there changes nothing. Raises `season_begun`."""
    if known is None:
        return
    if known.starts_at < now + NOTICE:
        raise ScoreboardError(ErrorCode.SEASON_BEGUN)
    plan.deleted_seasons.append((board_id, known))
    plan.changes.append(Change(f"seasons.{board_id}.{known.id}", described_season(board_id, known), None))


def open_for_seasons(plan: Plan, board: Board) -> None:
    """Add the period `season` to those of a stored board that has it not."""
    if SEASON not in board.periods:
        put_board(plan, replace(board, periods=(*board.periods, SEASON)), board)


def check_overlaps(plan: Plan, board_id: str, stored: Iterable[Season], path: str) -> None:
    """Add a problem if two seasons of a board would overlap. `path` names where the planned ones stand."""
    planned = {season.id: season for board, season in (*plan.new_seasons, *plan.changed_seasons) if board == board_id}
    wanted = sorted(({each.id: each for each in stored} | planned).values(), key=lambda each: each.starts_at)
    for earlier, later in pairwise(wanted):
        if earlier.overlaps(later):
            message = f"{later.id} begins before {earlier.id} ends"
            plan.problems.append(Problem(path, message, ErrorCode.SEASON_OVERLAPS))


def ended(season: Season, at: datetime | None, now: datetime) -> Season:
    """Return the season as it ends at an instant, or without one as soon as can be. Safe to repeat.

    Raises `season_over` for another instant than that of a season that is over, `validation_failed` for one that
    cannot be.
    """
    is_over = season.ends_at < now + NOTICE
    if at == season.ends_at or (is_over and at is None):
        return season
    if is_over:
        raise ScoreboardError(ErrorCode.SEASON_OVER)
    at = at or now + NOTICE
    if at < now + NOTICE:
        raise invalid_field("at", _SOON)
    if at <= season.starts_at:
        raise invalid_field("at", "a season ends after it starts; move it instead")
    return replace(season, ends_at=at)
