"""The account of achievements: what clients know to have counted, against the steps and the unlocks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, text

from common.domain.achievements import Achievement, AchievementKind
from common.postgres import achievements
from tests.chaos.clients import POINTS, Account
from tests.chaos.installation import Installation

ACHIEVEMENTS = (
    Achievement("chaos-first", "The first one", AchievementKind.COUNT, actions=tuple(POINTS), goal=1),
    Achievement("chaos-ten", "Ten of them", AchievementKind.COUNT, actions=tuple(POINTS), goal=10),
    Achievement("chaos-wins", "Five wins", AchievementKind.COUNT, actions=("win-match", "win-tournament"), goal=5),
)

_EVENTS = text("SELECT id, user_id::text, idempotency_key FROM score_events WHERE id = ANY(:events)")
_STEPS = text("SELECT user_id::text, achievement_id, steps FROM achievement_steps")
_UNLOCKS = text("SELECT user_id::text, achievement_id FROM unlocks WHERE scope = ''")


def add(connection: Connection) -> None:
    """Make the achievements. Only what is recorded from now on counts."""
    achievements.write(connection, ACHIEVEMENTS, [])


def otherwise(at: Installation, accounts: Iterable[Account], voided: Mapping[int, bool]) -> list[str]:
    """Return where steps or unlocks are not what is due. `voided` says what was decided last of updates.

    A void takes steps back and leaves what is unlocked, so whoever was ever at the goal may have it.
    """
    with at.engine.connect() as connection:
        void_rows = connection.execute(_EVENTS, {"events": [event for event, is_void in voided.items() if is_void]})
        void = {(row.user_id, row.idempotency_key) for row in void_rows}
        steps = {(row.user_id, row.achievement_id): row.steps for row in connection.execute(_STEPS)}
        unlocked = {(row.user_id, row.achievement_id) for row in connection.execute(_UNLOCKS)}
    counted = [account for account in accounts if account.action_id in POINTS and not account.was_refused]
    return list(_differing(counted, void, steps, unlocked))


def _differing(
    counted: Iterable[Account],
    void: set[tuple[str, str]],
    steps: Mapping[tuple[str, str], int],
    unlocked: set[tuple[str, str]],
) -> Iterator[str]:
    ever, now = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for account in counted:
        for each in ACHIEVEMENTS:
            if account.action_id in each.actions:
                ever[account.user_id, each.id] += 1
                now[account.user_id, each.id] += (account.user_id, account.key) not in void
    goals = {each.id: each.goal or 0 for each in ACHIEVEMENTS}
    for who in sorted(ever.keys() | steps.keys() | unlocked):
        goal = goals[who[1]]
        if steps.get(who, 0) != min(goal, now[who]):
            yield f"{who} has {steps.get(who, 0)} steps; {min(goal, now[who])} are due"
        if now[who] >= goal and who not in unlocked:
            yield f"lost: {who} is at the goal and has not unlocked it"
        if who in unlocked and ever[who] < goal:
            yield f"{who} has unlocked it with {ever[who]} of {goal}"
