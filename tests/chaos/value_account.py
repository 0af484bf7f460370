"""The account of the boards of values: one count of our own, and the standings, Redis and the API beside it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
from sqlalchemy import text

from common.contract.constants import ALL_TIME
from common.domain.standing import BoardId
from tests.chaos import value_boards
from tests.chaos.clients import Account
from tests.chaos.installation import Installation
from tests.chaos.private_players import PrivatePlayer
from tests.chaos.value_boards import BOARDS, State, Value

_LIMIT = 100
"""More than ever stand on one of these boards."""

_PATIENCE_SECONDS = 5.0
_RECORDED = text("""
SELECT user_id::text, idempotency_key, id, to_char(accepted_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month
FROM score_events WHERE action_id = ANY(:actions) OR action_id LIKE 'adjust-%' OR action_id LIKE 'enrol-%'
""")
_STANDINGS = text("""
SELECT user_id::text, score, tie, second, hidden FROM standings
WHERE (board_id, period_id) = (:board, :period) AND NOT (hidden AND tie = 0)
""")


def otherwise(
    at: Installation,
    accounts: Iterable[Account],
    voided: Mapping[int, bool],
    off: Mapping[tuple[str, str], bool],
    private: PrivatePlayer,
) -> list[str]:
    """Return where standings, Redis or the API have not exactly what is due, on each board of values.

    `voided` and `off` say what was decided last of updates, and of players on a board.
    """
    values = [value for value in _recorded(at, accounts) if not voided.get(value.id)]
    month = datetime.now(UTC).strftime("%Y-%m")
    problems = []
    for board_id in BOARDS:
        hidden = {user_id for (board, user_id), is_off in off.items() if board == board_id and is_off}
        hidden |= private.unlisted
        for period_id, of_period in (
            (ALL_TIME, values),
            (month, [value for value in values if value.month == month]),
        ):
            states = value_boards.due(board_id, of_period)
            found = _found(at, private, (board_id, period_id), states, hidden)
            problems += [f"{board_id} {period_id}: {problem}" for problem in found]
    return problems


def _recorded(at: Installation, accounts: Iterable[Account]) -> Iterator[Value]:
    with at.engine.connect() as connection:
        rows = connection.execute(_RECORDED, {"actions": list(value_boards.FEEDS)})
        known = {(row.user_id, row.idempotency_key): row for row in rows}
    for account in accounts:
        row = known.get((account.user_id, account.key))
        if row and account.value is not None:
            said = (account.user_id, account.action_id, account.value, account.second, account.happened_at)
            yield Value(row.id, *said, row.month)


def _found(
    at: Installation, private: PrivatePlayer, board: BoardId, states: dict[str, State], hidden: set[str]
) -> Iterator[str]:
    """Whoever is off the board, or unlisted, is counted all the same, and shown nowhere."""
    board_id, period_id = board
    with at.engine.connect() as connection:
        rows = connection.execute(_STANDINGS, {"board": board_id, "period": period_id}).all()
    standings = {row.user_id: ((row.score, row.tie, row.second), row.hidden) for row in rows}
    yield from _differing("the standings", standings, {who: (state, who in hidden) for who, state in states.items()})

    shown = {user_id: state for user_id, state in states.items() if user_id not in hidden}
    asked = sorted({*states, *standings})
    in_redis = at.board.states({board: asked})[board]
    if in_redis is None and shown:
        yield "Redis does not serve it"
    elif in_redis is not None:
        there = {user_id: state for user_id, state in zip(asked, in_redis, strict=True) if state}
        yield from _differing("Redis", there, shown)
        if (size := at.board.size(board_id, period_id)) != len(shown):
            yield f"{size} players are in Redis, {len(shown)} are due"

    ordered = value_boards.in_order(board_id, shown)
    due = [
        (private.id_on(board_id, user_id), state.score, state.second, rank)
        for rank, (user_id, state) in enumerate(ordered, start=1)
    ]
    in_api = _in_api(at, board_id, period_id)
    if in_api != due:
        first = next((pair for pair in zip(in_api, due, strict=False) if pair[0] != pair[1]), "the length")
        yield f"the API shows {len(in_api)} rows, {len(due)} are due, and differs first in {first}"


def _differing(where: str, found: Mapping[str, Any], due: Mapping[str, Any]) -> Iterator[str]:
    for user_id in sorted(found.keys() | due.keys()):
        if found.get(user_id) != due.get(user_id):
            yield f"{where} have {found.get(user_id)} for {user_id}; {due.get(user_id)} is due"


def _in_api(at: Installation, board_id: str, period_id: str) -> list[tuple[str, int, int, int]]:
    answer = requests.get(
        f"{at.stack.url}/api/scores/leaderboard",
        params={"board": board_id, "period": period_id, "limit": str(_LIMIT)},
        timeout=_PATIENCE_SECONDS,
    )
    if answer.status_code != 200:
        raise requests.RequestException(f"{answer.status_code} of a board")
    entries = answer.json()["entries"]
    return [(entry["userId"], entry["score"], entry.get("second", 0), entry["rank"]) for entry in entries]
