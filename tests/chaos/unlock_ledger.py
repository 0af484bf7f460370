"""Who must have unlocked what, counted from the rows of the ledger: nothing here is code of the product.

`python tests/chaos/unlock_ledger.py DATABASE_URL` prints where steps and unlocks differ from that. It knows
achievements that count uses, and those of scores of all time on boards where points add up and none are taken away.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg2

Key = tuple[str, str, str]
"""User id, achievement id, scope."""

_ROWS = """
SELECT e.id, e.user_id::text, e.action_id, e.action_version, e.points, e.accepted_at FROM score_events e
WHERE e.refusal IS NULL AND NOT EXISTS (SELECT FROM voids v WHERE v.event_id = e.id) ORDER BY e.id
"""
_ACHIEVEMENTS = """
SELECT id, kind, repeats, actions, goal, board_id, reach, since_event FROM achievements
WHERE kind = 'count' OR kind = 'score' AND period = 'all' AND repeats IS NULL
"""
_STEPS = "SELECT user_id::text, achievement_id, scope, steps FROM achievement_steps"
_UNLOCKS = "SELECT user_id::text, achievement_id, scope FROM unlocks"


class Due(NamedTuple):
    """What the ledger says: how many uses there were, the goal of each achievement, and what must be unlocked."""

    uses: Counter[Key]
    goals: dict[str, int]
    unlocked: set[Key]


def due(connection: Any) -> Due:  # noqa: ANN401 - a connection of psycopg2
    """Count all that the ledger has."""
    achievements = _read(connection, _ACHIEVEMENTS)
    seasons = _read(connection, "SELECT board_id, season_id, starts_at, ends_at FROM seasons")
    boards = {(row[0], row[1]): row[2] for row in _read(connection, "SELECT id, version, boards FROM actions")}
    uses, points, unlocked, goals = Counter[Key](), Counter[tuple[str, str]](), set[Key](), dict[str, int]()
    for event, user, action, version, worth, at in _read(connection, _ROWS):
        for name, kind, repeats, actions, goal, board, reach, since in achievements:
            if kind == "score" and board in boards[action, version]:
                points[user, name] += worth
                if points[user, name] >= reach and event > since:
                    unlocked.add((user, name, ""))
            if kind == "count" and action in actions and event > since:
                goals[name] = goal
                for scope in _scopes(repeats, board, at, seasons):
                    uses[user, name, scope] += 1
    unlocked |= {key for key, count in uses.items() if count >= goals[key[1]]}
    return Due(uses, goals, unlocked)


def differences(connection: Any) -> list[str]:  # noqa: ANN401
    """Return a sentence for each step and each unlock that is not as the ledger has it."""
    counted = due(connection)
    found = Counter(tuple(row) for row in _read(connection, _UNLOCKS))
    problems = [f"unlocked {times} times: {key}" for key, times in found.items() if times != 1]
    problems += [f"not unlocked: {key}" for key in sorted(counted.unlocked - found.keys())]
    problems += [f"unlocked without reason: {key}" for key in sorted(found.keys() - counted.unlocked)]
    steps = {(user, name, scope): count for user, name, scope, count in _read(connection, _STEPS)}
    for key in sorted(steps.keys() | counted.uses.keys()):
        expected = min(counted.goals.get(key[1], 0), counted.uses[key])
        if steps.get(key, 0) != expected:
            problems.append(f"{key} has {steps.get(key, 0)} steps; {expected} are due")
    return problems


_SCOPES: dict[str | None, Callable[[datetime], str]] = {
    None: lambda at: "",
    "daily": lambda at: f"{at.year:04}-{at.month:02}-{at.day:02}",
    "weekly": lambda at: "{:04}-W{:02}".format(*at.isocalendar()),
    "monthly": lambda at: f"{at.year:04}-{at.month:02}",
}


def _scopes(repeats: str | None, board: str | None, at: datetime, seasons: list[tuple[Any, ...]]) -> Iterator[str]:
    if repeats != "season":
        yield _SCOPES[repeats](at.astimezone(UTC))
        return
    for of_board, name, begin, end in seasons:
        if of_board == board and begin <= at < end:
            yield f"s-{name}"


def _read(connection: Any, statement: str) -> list[tuple[Any, ...]]:  # noqa: ANN401
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


if __name__ == "__main__":
    with closing(psycopg2.connect(sys.argv[1])) as database:
        told = differences(database)
    print("\n".join(told) or "steps and unlocks are those of the ledger")
    sys.exit(1 if told else 0)
