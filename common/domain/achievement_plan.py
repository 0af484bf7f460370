"""What an achievement that somebody wants would change of the stored one, and every reason why it cannot. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from common.contract.achievements import AchievementSpec, problem_of_achievement_id, tables_of
from common.contract.constants import ALL_TIME, SEASON
from common.contract.errors import ErrorCode
from common.domain.achievement_wire import described_achievement, table_of
from common.domain.achievements import Achievement, AchievementKind
from common.domain.boards import Board
from common.domain.catalogue_plan import Change, Place, Plan, Problem, note_differences

MOST = 1000
"""The greatest number of achievements of an installation."""


def add_achievement(
    plan: Plan,
    at: Place,
    achievement_id: str,
    spec: AchievementSpec,
    *,
    known: Achievement | None,
    boards: Mapping[str, Board],
    action_ids: Collection[str],
) -> None:
    """Add what makes the stored achievement the one that is wanted.

    `boards` and `action_ids` have all that there will be.
    """
    problems: list[Problem] = []
    if known is None and (wrong := problem_of_achievement_id(achievement_id)):
        problems.append(Problem(at.prefix + at.id_field, wrong))
    wanted = _wanted(at, achievement_id, spec, known, problems)
    if wanted and known:
        problems += _immutable(at, known, wanted)
    elif wanted:
        problems += _unfounded(at, wanted, boards, action_ids)
    plan.problems += problems
    if wanted and not problems:
        put_achievement(plan, wanted, known)


def put_achievement(plan: Plan, wanted: Achievement, known: Achievement | None) -> None:
    """Add an achievement as it shall be, of which nothing is left to check."""
    path, after = f"achievements.{wanted.id}", described_achievement(wanted)
    if known is None:
        plan.new_achievements.append(wanted)
        plan.changes.append(Change(path, None, after))
    elif wanted != known:
        plan.changed_achievements.append((known, wanted))
        note_differences(plan, path, described_achievement(known), after)


def check_achievement_room(plan: Plan, known: Collection[str], path: str) -> None:
    """Add a problem if there would be more achievements than an installation may have."""
    if plan.new_achievements and len(known) + len(plan.new_achievements) > MOST:
        plan.problems.append(Problem(path, f"there may be {MOST} achievements", ErrorCode.TOO_MANY))


def _wanted(
    at: Place, achievement_id: str, spec: AchievementSpec, known: Achievement | None, problems: list[Problem]
) -> Achievement | None:
    table = tables_of(spec)
    if known is None and not table:
        where = at.of(spec.kind or "kind")
        problems.append(Problem(where, "a new achievement needs one of count, score, placement and granted"))
        return None
    kind = spec.of_kind or (known.kind.value if known else None)
    if kind is None:
        raise RuntimeError("an achievement with a table and without a kind")
    decided = _of_table(table) if table else _decided_by(known)
    wanted = Achievement(
        id=achievement_id,
        title=spec.title,
        kind=AchievementKind(kind),
        description=spec.description,
        icon=spec.icon,
        secret=spec.secret,
        repeats=spec.period if spec.repeat or known is None else known.repeats,
        enabled=spec.enabled,
        retroactive=spec.retroactive if spec.retroactive is not None else bool(known and known.retroactive),
        **decided,
    )
    if wanted.retroactive and wanted.kind is AchievementKind.GRANTED:
        problems.append(Problem(at.of("retroactive"), f"does not go with {wanted.kind}"))
    return wanted


_NAMES = {"board": "board_id"}
_SNAKE = {"minPlayers": "min_players"}


def _of_table(table: Mapping[str, Any]) -> dict[str, Any]:
    fields = {_NAMES.get(name, name): value for name, value in table.items()}
    return {**fields, "actions": tuple(fields.get("actions", ()))}


def _decided_by(known: Achievement | None) -> dict[str, Any]:
    names = ("actions", "goal", "board_id", "period", "reach", "within", "min_players")
    return {name: getattr(known, name) for name in names} if known else {}


def _immutable(at: Place, known: Achievement, wanted: Achievement) -> list[Problem]:
    """Return what would rewrite who has it."""
    found: list[tuple[str, Any]] = []
    if wanted.kind is not known.kind:
        found.append((at.of("kind"), known.kind.value))
    elif table_of(wanted) != table_of(known):
        before, after = table_of(known), table_of(wanted)
        differing = [name for name in before | after if before.get(name) != after.get(name)]
        table = at.of(known.kind.value)
        found += [(f"{table}.{at.named(_SNAKE.get(name, name))}", before.get(name, "not given")) for name in differing]
    if wanted.repeats != known.repeats:
        found.append((at.of("repeat"), f"once in each period, {known.repeats}" if known.repeats else "once"))
    if known.retroactive and not wanted.retroactive:
        found.append((at.of("retroactive"), "true"))
    return [Problem(path, f"never changes; it is {what}", ErrorCode.ACHIEVEMENT_IMMUTABLE) for path, what in found]


def _unfounded(
    at: Place, wanted: Achievement, boards: Mapping[str, Board], action_ids: Collection[str]
) -> list[Problem]:
    """Return what a new achievement names that is not there."""
    table = at.of(wanted.kind.value)
    for index, action_id in enumerate(wanted.actions):
        if action_id not in action_ids:
            where = f"{table}.actions[{index}]"
            return [Problem(where, f"there is no action {action_id!r}", ErrorCode.UNKNOWN_ACTION)]
    if wanted.board_id is None:
        missing = Problem(f"{table}.board", "must be the board whose seasons are meant")
        return [missing] if wanted.repeats == SEASON else []
    board = boards.get(wanted.board_id)
    if board is None:
        return [Problem(f"{table}.board", f"there is no board {wanted.board_id!r}", ErrorCode.UNKNOWN_BOARD)]
    return _unfounded_season(table, wanted, board) if wanted.has_steps else _unfounded_period(at, wanted, board)


def _unfounded_season(table: str, wanted: Achievement, board: Board) -> list[Problem]:
    if wanted.repeats != SEASON:
        return [Problem(f"{table}.board", f"goes with the period {SEASON} alone")]
    if SEASON not in board.periods:
        return [Problem(f"{table}.board", "has no seasons yet: plan the first one before")]
    return []


def _unfounded_period(at: Place, wanted: Achievement, board: Board) -> list[Problem]:
    if wanted.period not in board.periods:
        return [Problem(f"{at.of(wanted.kind.value)}.period", f"the board has {', '.join(board.periods)}")]
    if wanted.repeats and (wanted.period == ALL_TIME or wanted.period != wanted.repeats):
        return [Problem(at.of("period"), f"must be that of its {wanted.kind}, {wanted.period}")]
    return []


def disabled(achievement: Achievement) -> Achievement:
    """Return an achievement that counts nothing any more."""
    return replace(achievement, enabled=False)
