"""The account of a run: what clients were told, against the ledger, the standings, Redis and what a viewer sees."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

import requests
from sqlalchemy import text

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.domain.entries import BoardHead
from common.postgres import standings
from common.redis_store.board import BoardNotServedError
from common.services.verification import Drift
from dev.harness.many import KEY
from tests.chaos import watch
from tests.chaos.clients import POINTS, Account
from tests.chaos.installation import Installation
from tests.chaos.private_players import PrivatePlayer
from tests.live_client import Screen

VIEWED = 100
SEES_SOMETHING_ELSE = "the viewer sees something else"
_PATIENCE_SECONDS = 5.0

_LEDGER = text(f"""
SELECT user_id::text, idempotency_key, action_id, points, second, refusal FROM score_events
WHERE idempotency_key <> '{KEY}'
""")  # noqa: S608 - built from a constant

_VISIBILITY = text("SELECT visibility FROM users WHERE id::text = :user_id")
_SUSPENDED = text("SELECT id::text FROM users WHERE id::text = ANY(:user_ids) AND suspended_at IS NOT NULL")


def balance(
    at: Installation,
    accounts: Iterable[Account],
    screen: Screen,
    suspended: Mapping[str, bool],
    private: PrivatePlayer,
) -> list[str]:
    """Everything that does not add up, now. Empty means: nothing lost, nothing doubled, everybody sees the same.

    `suspended` says of moderated players what was decided last.
    """
    problems = _against_ledger(at, list(accounts))
    if at.verifier.surplus(DEFAULT_BOARD, ALL_TIME):
        problems.append("Redis shows players without a standing")
    if not at.rebuilder.is_served(DEFAULT_BOARD, ALL_TIME):
        problems.append("Redis does not serve the board")
    if depth := at.inbox.depth():
        problems.append(f"{depth} updates are still in the inbox")
    with at.engine.connect() as connection:
        top = standings.top(connection, DEFAULT_BOARD, ALL_TIME, VIEWED)
        visibility = connection.scalar(_VISIBILITY, {"user_id": private.user_id})
    if visibility != private.visibility:
        problems.append(f"{private.user_id} is {visibility}, and was told to be {private.visibility}")
    if private.unlisted & {entry.user_id for entry in top.entries}:
        problems.append(f"{private.user_id} is unlisted, and on the board")
    if screen.scores != _due_rows(top, private):
        problems.append(SEES_SOMETHING_ELSE)
    problems += at.snapshots.not_closed()
    problems += _still_told(at)
    if problems:
        return problems
    try:
        return [*_moderated_otherwise(at, screen, suspended), *(_told(drift) for drift in _drifts(at))]
    except (BoardNotServedError, requests.RequestException) as error:
        return [f"something is away again: {type(error).__name__}"]


def first_difference(at: Installation, screen: Screen, private: PrivatePlayer) -> str:
    """Return the first row that a viewer sees otherwise than it is due; each is an id and a score."""
    with at.engine.connect() as connection:
        due = _due_rows(standings.top(connection, DEFAULT_BOARD, ALL_TIME, VIEWED), private)
    rows = enumerate(zip_longest(screen.scores, due), start=1)
    return next((f"row {rank} is {row[0]}; {row[1]} is due" for rank, row in rows if row[0] != row[1]), "as is due now")


def lost(at: Installation, accounts: Iterable[Account]) -> int:
    """How many updates a client knows to be applied that the ledger does not know."""
    with at.engine.connect() as connection:
        known = {(row.user_id, row.idempotency_key) for row in connection.execute(_LEDGER)}
    return sum((account.user_id, account.key) not in known for account in accounts if account.is_resolved)


def doubled(at: Installation) -> int:
    """How many points stand on the board that no ledger row accounts for."""
    with at.engine.connect() as connection:
        counted, recorded = connection.execute(
            text("""SELECT (SELECT coalesce(sum(score), 0) FROM standings WHERE board_id = :board AND period_id = :all),
                           (SELECT coalesce(sum(points), 0) FROM score_events e WHERE action_id = ANY(:actions)
                            AND NOT EXISTS (SELECT FROM voids v WHERE v.event_id = e.id))"""),
            {"board": DEFAULT_BOARD, "all": ALL_TIME, "actions": list(POINTS)},
        ).one()
    return int(counted) - int(recorded)


def _due_rows(top: BoardHead, private: PrivatePlayer) -> list[tuple[str, int]]:
    return [(private.id_on(DEFAULT_BOARD, entry.user_id), entry.score) for entry in top.entries]


def _against_ledger(at: Installation, accounts: list[Account]) -> list[str]:
    with at.engine.connect() as connection:
        rows = {(row.user_id, row.idempotency_key): row for row in connection.execute(_LEDGER)}
    problems = []
    for account in accounts:
        row = rows.pop((account.user_id, account.key), None)
        if account.was_refused:
            problems += [f"nothing was to be done, and it counts: {account}"] if row else []
        elif row is None:
            problems.append(f"lost: {account}")
        elif tuple(row)[2:] != (account.action_id, account.points, account.second, None):
            problems.append(f"recorded otherwise: {account}, {row}")
        elif not account.is_resolved:
            problems.append(f"never settled: {account}")
    return problems + [f"nobody sent this: {row}" for row in rows.values()]


def _moderated_otherwise(at: Installation, screen: Screen, suspended: Mapping[str, bool]) -> Iterator[str]:
    """Who is suspended is nowhere, and who is not is everywhere with the score of their standing."""
    with at.engine.connect() as connection:
        marked = set(connection.scalars(_SUSPENDED, {"user_ids": list(suspended)}))
        rows = standings.of_players(connection, sorted(suspended))
    scores = {row.key.user_id: row.score for row in rows if row.key.board == (DEFAULT_BOARD, ALL_TIME)}
    in_redis = at.board.places(DEFAULT_BOARD, ALL_TIME, suspended).of
    on_screen = dict(screen.scores)
    for user_id, is_suspended in suspended.items():
        if (user_id in marked) != is_suspended:
            yield f"{user_id} is {'' if user_id in marked else 'not '}suspended, and was told otherwise"
        due = None if is_suspended else scores[user_id]
        entry = in_redis[user_id].entry
        shown = {"Redis": entry and entry.score, "the viewer": on_screen.get(user_id), "the API": _in_api(at, user_id)}
        for where, score in shown.items():
            if score != due and not (where == "the viewer" and score is None and len(on_screen) == VIEWED):
                yield f"{where} shows {score} for {user_id}; {due} is due"


def corrected_otherwise(at: Installation, voided: Mapping[int, bool], off: Mapping[tuple[str, str], bool]) -> list[str]:
    """Return where voids and disqualifications are not as they were decided last, or do not show on the board."""
    with at.engine.connect() as connection:
        void = set(connection.scalars(text("SELECT event_id FROM voids")))
        rows = connection.execute(text("SELECT board_id, user_id::text FROM disqualifications"))
        judged = {(row.board_id, row.user_id) for row in rows}
    off_main = [user for board, user in judged if board == DEFAULT_BOARD]
    shown = at.board.places(DEFAULT_BOARD, ALL_TIME, off_main).of
    problems = [
        f"{event} is void or not, against what was told" for event in void ^ {e for e, v in voided.items() if v}
    ]
    problems += [f"{who} is off or not, against what was told" for who in judged ^ {w for w, o in off.items() if o}]
    return problems + [f"{user} is off the board and on it" for user in off_main if shown[user].entry]


def _in_api(at: Installation, user_id: str) -> int | None:
    answer = requests.get(f"{at.stack.url}/api/scores/user/{user_id}", timeout=_PATIENCE_SECONDS)
    return int(answer.json()["score"]) if answer.status_code == 200 else None


def _still_told(at: Installation) -> list[str]:
    seen = watch.look(at.stack)
    return [f"/readyz still says: {told}" for told in seen.told] if seen else ["/readyz does not answer"]


def _drifts(at: Installation) -> Iterator[Drift]:
    """Of everybody, in slices: those who were there before the run are many."""
    after = "00000000-0000-0000-0000-000000000000"
    while users := at.verifier.players(after):
        yield from at.verifier.check(users)
        after = users[-1]


def _told(drift: Drift) -> str:
    return f"{drift.where} differs at {drift.key}: {drift.expected} is due, {drift.found} is there"
