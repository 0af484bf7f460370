"""A catalogue as a file: reading it, with every problem and its place, planning what it changes, and writing one. Pure.

The file is TOML with snake_case names, or JSON with camelCase ones. Boards, actions, seasons and achievements are
parsed one by one, so that one problem hides no other.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from common.contract.achievements import AchievementInFile, tables_of
from common.contract.catalogue import ActionInFile, BoardInFile, SeasonInFile
from common.contract.errors import MAX_PROBLEMS, ErrorCode, FieldProblem, ScoreboardError
from common.contract.errors import ErrorDetails as Details
from common.core.validation_messages import message_of
from common.domain.achievement_plan import add_achievement, check_achievement_room, disabled, put_achievement
from common.domain.catalogue_plan import Place, Plan, Problem, Stored, add_action, add_board, check_room, put_action
from common.domain.season_plan import add_season, check_overlaps, open_for_seasons
from common.domain.seasons import Season

_VERSION = 1
_FIELDS = ("version", "boards", "actions", "seasons", "achievements")
_GRAVEST = (
    ErrorCode.VALIDATION_FAILED,
    ErrorCode.UNKNOWN_BOARD,
    ErrorCode.UNKNOWN_ACTION,
    ErrorCode.BOARD_IMMUTABLE,
    ErrorCode.ACHIEVEMENT_IMMUTABLE,
    ErrorCode.TOO_MANY,
    ErrorCode.SEASON_OVERLAPS,
    ErrorCode.SEASON_OVER,
)
"""Of several problems the first of these codes is that of the answer."""

Spec = TypeVar("Spec", bound=BaseModel)


@dataclass(frozen=True)
class Placed(Generic[Spec]):
    """A board, an action, a season or an achievement of a file, and where it stands there."""

    at: Place
    id: str
    spec: Spec


@dataclass
class ParsedFile:
    """What could be read of a file, and what could not.

    `board_ids` has those of boards with problems too, and `action_ids` those of such actions.
    """

    boards: list[Placed[BoardInFile]] = field(default_factory=list)
    actions: list[Placed[ActionInFile]] = field(default_factory=list)
    seasons: list[Placed[SeasonInFile]] = field(default_factory=list)
    achievements: list[Placed[AchievementInFile]] = field(default_factory=list)
    board_ids: set[str] = field(default_factory=set)
    action_ids: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def parse_toml(text: str) -> ParsedFile:
    """Read the text of a file."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error).replace("at end of document", f"at its end, line {len(text.splitlines())}")
        return ParsedFile(problems=[Problem("", f"this is not TOML: {said}")])
    return parse(values, in_toml=True)


def parse(values: Mapping[str, object], *, in_toml: bool = False) -> ParsedFile:
    """Read the values of a file: of TOML, or the same in JSON."""
    parsed = ParsedFile()
    unknown = (name for name in values if name not in _FIELDS)
    parsed.problems += [Problem(name, "is not known to this version") for name in unknown]
    if values.get("version") != _VERSION or values["version"] is True:
        parsed.problems.append(Problem("version", f"must be {_VERSION}"))
    boards = list(_items(values, "boards", parsed.problems))
    actions = list(_items(values, "actions", parsed.problems))
    achievements = list(_items(values, "achievements", parsed.problems))
    parsed.board_ids, parsed.action_ids = _ids(boards), _ids(actions)
    parsed.boards = _parse_all(BoardInFile, boards, parsed.problems, in_toml=in_toml)
    parsed.actions = _parse_all(ActionInFile, actions, parsed.problems, in_toml=in_toml)
    parsed.seasons = _parse_all(
        SeasonInFile, _items(values, "seasons", parsed.problems), parsed.problems, in_toml=in_toml
    )
    parsed.achievements = _parse_all(AchievementInFile, achievements, parsed.problems, in_toml=in_toml)
    return parsed


def plan(file: ParsedFile, stored: Stored, now: datetime, most_boards: int, *, disable_missing: bool = False) -> Plan:
    """Return what the file changes of what is stored. What it does not name is left alone.

    With `disable_missing` actions and achievements that it does not name are disabled; boards never are.
    """
    planned = Plan(problems=list(file.problems))
    with_seasons = {season.spec.board for season in file.seasons}
    for board in file.boards:
        known = stored.boards.get(board.id)
        gets_season = board.id in with_seasons
        add_board(planned, board.at, board.id, board.spec, known=known, now=now, gets_season=gets_season)
    board_ids = stored.boards.keys() | file.board_ids
    for action in file.actions:
        add_action(planned, action.at, action.id, action.spec, known=stored.actions.get(action.id), board_ids=board_ids)
    _add_seasons(planned, file, stored, now)
    check_room(planned, stored, most_boards, "boards")
    _plan_achievements(planned, file, stored)
    if disable_missing:
        for action_id in actions_missing(file, stored):
            action_known, enabled = stored.actions[action_id]
            if enabled:
                put_action(planned, action_known, (action_known, enabled), enabled=False)
        for achievement_id in achievements_missing(file, stored):
            achievement = stored.achievements[achievement_id]
            put_achievement(planned, disabled(achievement), achievement)
    return planned


def _add_seasons(planned: Plan, file: ParsedFile, stored: Stored, now: datetime) -> None:
    """Add the seasons of a file. A board of theirs that the file does not name gets the period `season`."""
    for placed in file.seasons:
        board_id = placed.spec.board
        if board_id not in stored.boards and board_id not in file.board_ids:
            where = placed.at.of("board")
            planned.problems.append(Problem(where, f"there is no board {board_id!r}", ErrorCode.UNKNOWN_BOARD))
            continue
        known = {each.id: each for each in seasons_of(stored, board_id)}
        season_id = placed.spec.id
        add_season(planned, placed.at, board_id, season_id, placed.spec, known=known.get(season_id), now=now)
    for board_id in sorted({season.spec.board for season in file.seasons}):
        if board_id in stored.boards and board_id not in file.board_ids:
            open_for_seasons(planned, stored.boards[board_id])
        check_overlaps(planned, board_id, seasons_of(stored, board_id), "seasons")


def seasons_of(stored: Stored, board_id: str) -> tuple[Season, ...]:
    """Return the stored seasons of a board, none of one that is not stored."""
    board = stored.boards.get(board_id)
    return board.seasons if board else ()


def seasons_missing(file: ParsedFile, stored: Stored) -> list[str]:
    """Return the stored seasons that the file does not name, each with its board before it."""
    named = {(season.spec.board, season.spec.id) for season in file.seasons}
    return sorted(
        f"{board.id}.{season.id}"
        for board in stored.boards.values()
        for season in board.seasons
        if (board.id, season.id) not in named
    )


def _plan_achievements(planned: Plan, file: ParsedFile, stored: Stored) -> None:
    boards = {**stored.boards, **{board.id: board for board in (*planned.changed_boards, *planned.new_boards)}}
    unread = file.board_ids - boards.keys()  # of boards with problems, which are told once
    for each in file.achievements:
        if tables_of(each.spec).get("board") in unread:
            continue
        add_achievement(
            planned,
            each.at,
            each.id,
            each.spec,
            known=stored.achievements.get(each.id),
            boards=boards,
            action_ids=stored.ordinary_actions | file.action_ids,
        )
    check_achievement_room(planned, stored.achievements, "achievements")


def achievements_missing(file: ParsedFile, stored: Stored) -> list[str]:
    """Return the stored achievements that the file does not name."""
    return sorted(stored.achievements.keys() - {each.id for each in file.achievements})


def actions_missing(file: ParsedFile, stored: Stored) -> list[str]:
    """Return the stored actions that the file does not name, but for those that boards bring with them."""
    return sorted(stored.ordinary_actions - {action.id for action in file.actions})


def boards_missing(file: ParsedFile, stored: Stored) -> list[str]:
    """Return the stored boards that the file does not name."""
    return sorted(stored.boards.keys() - {board.id for board in file.boards})


def refusal(problems: Iterable[Problem]) -> ScoreboardError:
    """Return the error that names problems, at most `MAX_PROBLEMS` of them."""
    found = list(problems)
    code = min((problem.code for problem in found), key=_GRAVEST.index)
    of_code = sorted(found, key=lambda problem: problem.code is not code)[:MAX_PROBLEMS]
    fields: list[FieldProblem] = [{"field": problem.path, "message": problem.message} for problem in of_code]
    details: Details = {"fields": fields}
    return ScoreboardError(code, details=details)


def problems_of(error: ValidationError, at: Place) -> list[Problem]:
    """Return the problems that a model found, each with its path."""
    return [Problem(_path(at, problem["loc"]), _sentence(problem)) for problem in error.errors(include_input=False)]


def _ids(items: Iterable[tuple[Place, object]]) -> set[str]:
    return {str(item["id"]) for _, item in items if isinstance(item, dict) and "id" in item}


def _items(values: Mapping[str, object], name: str, problems: list[Problem]) -> Iterator[tuple[Place, object]]:
    items = values.get(name, [])
    if not isinstance(items, list):
        problems.append(Problem(name, "must be a list of tables"))
        return
    for index, item in enumerate(items):
        yield Place(f"{name}[{index}].", "id", str), item


def _parse_all(
    model: type[Spec], items: Iterable[tuple[Place, object]], problems: list[Problem], *, in_toml: bool
) -> list[Placed[Spec]]:
    found: list[Placed[Spec]] = []
    seen: set[str] = set()
    for place, item in items:
        at = replace(place, named=str if in_toml else to_camel)
        try:
            spec = model.model_validate(item, strict=True, by_name=in_toml, by_alias=not in_toml)
        except ValidationError as error:
            problems += problems_of(error, at)
            continue
        item_id = _id_of(spec)
        if item_id in seen:
            problems.append(Problem(at.of("id"), f"{item_id!r} is named twice"))
        seen.add(item_id)
        found.append(Placed(at, item_id, spec))
    return found


def _id_of(spec: BaseModel) -> str:
    """Return what no two tables of a list may have in common; a season is of a board."""
    if isinstance(spec, SeasonInFile):
        return f"{spec.board}.{spec.id}"
    return str(spec.id)  # type: ignore[attr-defined]  # the other models have one, too


def _path(at: Place, location: tuple[int | str, ...]) -> str:
    path = at.prefix
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else step if path.endswith(".") or not path else f".{step}"
    return path.removesuffix(".")


def _sentence(problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        return "is not known"
    return message_of(problem)
