"""Achievements as JSON tells them. Pure."""

from typing import Any, cast

from common.contract.achievement_responses import ListedAchievement, StoredAchievement, Unlocked
from common.core.timestamps import format_instant, from_milliseconds
from common.domain.achievements import Achievement, AchievementKind, Unlock


def described_achievement(achievement: Achievement) -> StoredAchievement:
    """Return all that people decide of an achievement."""
    told: dict[str, Any] = {
        "id": achievement.id,
        "title": achievement.title,
        "description": achievement.description,
        "icon": achievement.icon,
        "secret": achievement.secret,
        "repeat": "period" if achievement.repeats else "once",
        **({"period": achievement.repeats} if achievement.repeats else {}),
        "retroactive": achievement.retroactive,
        "enabled": achievement.enabled,
        "kind": achievement.kind.value,
        achievement.kind.value: table_of(achievement),
    }
    return cast(StoredAchievement, told)


def table_of(achievement: Achievement) -> dict[str, Any]:
    """Return what decides an achievement, by its kind."""
    of_seasons = {"board": achievement.board_id} if achievement.board_id else {}
    of_kind: dict[AchievementKind, dict[str, Any]] = {
        AchievementKind.COUNT: {"actions": list(achievement.actions), "goal": achievement.goal, **of_seasons},
        AchievementKind.SCORE: {
            "board": achievement.board_id,
            "period": achievement.period,
            "reach": achievement.reach,
        },
        AchievementKind.PLACEMENT: {
            "board": achievement.board_id,
            "period": achievement.period,
            "within": achievement.within,
            "minPlayers": achievement.min_players,
        },
        AchievementKind.GRANTED: {"goal": achievement.goal, **of_seasons},
    }
    return of_kind[achievement.kind]


def listed_achievement(achievement: Achievement, rarity: float | None, *, is_known: bool) -> ListedAchievement:
    """Return an achievement as it is told to somebody who has it, or to anybody if it is not secret: `is_known`."""
    told = {**described_achievement(achievement), "rarity": rarity}
    del told["retroactive"], told["enabled"]
    if not is_known:
        told |= {"title": None, "description": None, "icon": None}
        del told[achievement.kind.value]
    return cast(ListedAchievement, told)


def told_unlock(unlock: Unlock, achievement: Achievement, *, is_known: bool) -> Unlocked:
    """Return that a player has an achievement, as `listed_achievement` tells it."""
    told: Unlocked = {
        "achievementId": unlock.achievement_id,
        "title": achievement.title if is_known else None,
        "icon": achievement.icon if is_known else None,
        "unlockedAt": format_instant(from_milliseconds(unlock.unlocked_at)),
        "scope": unlock.scope,
    }
    if achievement.board_id and is_known:
        told["board"] = achievement.board_id
    return told
