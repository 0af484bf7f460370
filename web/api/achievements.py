"""The views of achievements: what there is, what a player has, and what game servers grant."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify
from sqlalchemy import Connection

from common.contract.achievement_responses import Achievements, Granted, PlayerAchievements, Progress
from common.contract.achievements import Grant, GrantRequest
from common.contract.errors import ErrorCode, ScoreboardError, sentence_of
from common.contract.responses import PlayerRefusal
from common.domain.achievement_wire import listed_achievement, told_unlock
from common.domain.achievements import Achievement, AchievementKind, StepKey, Steps, Unlock
from common.domain.boards import Visibility
from common.domain.permissions import Scope
from common.domain.shown import Viewer
from common.postgres import achievements, unlocks
from common.services import achieving
from web.api.boards import parsed_user_id
from web.api.parsing import body_as, validated
from web.guards import access, limits
from web.guards.access import by_api_key, by_visibility
from web.guards.api_keys import api_key
from web.intake import batch_players
from web.intake.batch_players import Players
from web.reference.documented import ResponseDoc, documented
from web.revalidation import by_content, private_if_asked_by_name
from web.services import services

blueprint = Blueprint("achievements", __name__, url_prefix="/api/achievements")


@blueprint.get("")
@documented(
    "listAchievements",
    "List what can be achieved",
    description="Of a secret achievement nothing but that it is there is told to whoever does not have it; with an "
    "access token a player is told of those that they have. Those of boards that the caller may not see are left out.",
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "The achievements.", Achievements, headers=["ETag", "Cache-Control"]),
        ResponseDoc(304, "They are the same.", headers=["ETag", "Cache-Control"]),
    ],
)
@by_visibility
@limits.per_api_key
def listing() -> Response:
    known, caller = _known(), access.caller_id()
    rarities: Mapping[str, float] = {}
    own: set[str] = set()
    if known:
        with services().engine.connect() as connection:
            rarities = achievements.rarities(connection)
            own = _achieved_by(connection, caller)
    is_insider = access.viewer() is Viewer.INSIDER
    body: Achievements = {
        "achievements": [
            listed_achievement(each, rarities.get(each.id), is_known=is_insider or not each.secret or each.id in own)
            for each in known.values()
            if (each.enabled or each.id in own) and _may_see(each)
        ]
    }
    return by_content(jsonify(body), is_private=caller is not None or is_insider)


@blueprint.get("/user/<user_id>")
@documented(
    "readPlayerAchievements",
    "Read what a player has achieved",
    description="`progress` is told to the player alone. A player who is not named is found by nobody but themselves, "
    "admins, and API keys of the scope `read`.",
    answers=[ResponseDoc(200, "What the player has, the oldest first.", PlayerAchievements)],
    errors=[ErrorCode.NOT_FOUND],
)
@by_visibility
@limits.per_api_key
def of_user(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    is_own = access.is_caller(user_id)
    viewer = Viewer.INSIDER if is_own else access.viewer()
    if not services().leaderboard.is_known(user_id, viewer):
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    caller = access.caller_id()
    with services().engine.connect() as connection:
        theirs = unlocks.of_player(connection, user_id)
        mine = _achieved_by(connection, caller)
        steps = unlocks.steps_of(connection, user_id) if is_own else {}
    body = _shelf(theirs, mine, tells_all=viewer is Viewer.INSIDER)
    if is_own:
        body["progress"] = _progress(steps, {(each.achievement_id, each.scope) for each in theirs})
    return private_if_asked_by_name(jsonify(body))


@blueprint.post("/grant")
@documented(
    "grantAchievements",
    "Grant achievements, whole or in steps",
    description="Up to 1000, each looked at by itself. `steps` means at least so many by now, so a request is safe to "
    "repeat whatever became of it; without `steps` the achievement is unlocked.",
    body=GrantRequest,
    headers=["X-Signature.v2"],
    answers=[
        ResponseDoc(200, "What became of them.", Granted),
        ResponseDoc(400, "Every grant was refused.", Granted),
    ],
)
@by_api_key(Scope.ACHIEVEMENTS)
@limits.per_api_key
def grant() -> tuple[Response, int]:
    items = body_as(GrantRequest).grants
    good, refused = _read(items)
    players = batch_players.find(services(), api_key().permissions, good.values())
    steps: dict[StepKey, Steps] = {}
    keys: list[StepKey] = []
    now = datetime.now(UTC)
    for index, item in good.items():
        try:
            key, wanted = _steps(item, players, now)
        except ScoreboardError as error:
            refused[index] = _refusal(index, error)
            continue
        keys.append(key)
        if key not in steps or steps[key].taken < wanted.taken:
            steps[key] = wanted
    done = achieving.grant(services().engine, services().inbox, services().catalogue.current(), steps)
    body: Granted = {
        "unlocked": len(done.unlocked),
        "progressed": len(done.progressed),
        "unchanged": len(keys) - len(done.unlocked) - len(done.progressed),
        "refused": [refused[index] for index in sorted(refused)],
    }
    return jsonify(body), 200 if keys else 400


def _achieved_by(connection: Connection, user_id: str | None) -> set[str]:
    return set(unlocks.achieved(connection, [user_id])[user_id]) if user_id else set()


def _known() -> Mapping[str, Achievement]:
    return services().catalogue.current().achievements


def _may_see(achievement: Achievement) -> bool:
    """Return whether the caller may know of the board of an achievement, if it has one."""
    if achievement.board_id is None or access.viewer() is Viewer.INSIDER:
        return True
    board = services().catalogue.current().boards.get(achievement.board_id)
    if board is None or board.visibility is Visibility.HIDDEN:
        return False
    return board.visibility is Visibility.PUBLIC or access.has_session()


def _shelf(found: list[Unlock], mine: set[str], *, tells_all: bool) -> PlayerAchievements:
    known = _known()
    shown = [each for each in found if each.achievement_id in known and _may_see(known[each.achievement_id])]
    return {
        "unlocked": [
            told_unlock(each, achievement, is_known=tells_all or not achievement.secret or achievement.id in mine)
            for each in shown
            for achievement in [known[each.achievement_id]]
        ]
    }


def _progress(steps: Mapping[tuple[str, str], int], unlocked: set[tuple[str, str]]) -> list[Progress]:
    """Return how far the caller is on the way to what is not secret and not unlocked."""
    now = datetime.now(UTC)
    catalogue = services().catalogue.current()
    boards = catalogue.boards
    told: list[Progress] = []
    for each in catalogue.achievements.values():
        scope = each.scope_at(now, boards)
        if scope is None:
            continue
        place = (each.id, scope)
        is_open = each.enabled and not each.secret and _may_see(each)
        if each.goal is not None and is_open and place not in unlocked:
            told.append({"achievementId": each.id, "steps": steps.get(place, 0), "goal": each.goal, "scope": scope})
    return told


def _read(items: list[Grant]) -> tuple[dict[int, Grant], dict[int, PlayerRefusal]]:
    """Return the grants that are well formed, by their places in the request, and the refusals of the others."""
    good: dict[int, Grant] = {}
    refused: dict[int, PlayerRefusal] = {}
    for index, item in enumerate(items):
        try:
            good[index] = validated(Grant, item)
        except ScoreboardError as error:
            refused[index] = _refusal(index, error)
    return good, refused


def _steps(item: Grant, players: Players, now: datetime) -> tuple[StepKey, Steps]:
    """Return the steps of a grant. Raises `unknown_user`, `unknown_achievement`, `not_grantable` or `no_season`."""
    achievement = _known().get(item.achievement_id)
    if achievement is None or not achievement.enabled:
        raise ScoreboardError(ErrorCode.UNKNOWN_ACHIEVEMENT, f"There is no achievement {item.achievement_id!r}.")
    if achievement.kind is not AchievementKind.GRANTED or achievement.goal is None:
        raise ScoreboardError(ErrorCode.NOT_GRANTABLE)
    scope = achievement.scope_at(now, services().catalogue.current().boards)
    if scope is None:
        raise ScoreboardError(ErrorCode.NO_SEASON)
    key = StepKey(players.user_of(item), achievement.id, scope)
    return key, Steps(min(item.steps or achievement.goal, achievement.goal), achievement.goal, 0)


def _refusal(index: int, error: ScoreboardError) -> PlayerRefusal:
    return {"index": index, "code": error.code, "message": sentence_of(error)}
