"""The account of a load: what was accepted against what the ledger and the boards have."""

from collections.abc import Mapping

from sqlalchemy import Engine, text

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.postgres import standings
from common.redis_store.board import Board
from common.redis_store.client import Client
from common.services.verification import Verifier

_LEDGER = text("""
SELECT user_id::text, idempotency_key, action_id, points FROM score_events WHERE user_id = ANY(CAST(:users AS uuid[]))
""")


def balance(engine: Engine, client: Client, updates: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what does not add up: each accepted update is one ledger row, and a score is the sum of its rows."""
    players = sorted(updates)
    with engine.connect() as connection:
        rows = connection.execute(_LEDGER, {"users": players}).all()
        scores = {
            row.key.user_id: row.score
            for row in standings.of_players(connection, players)
            if row.key.board == (DEFAULT_BOARD, ALL_TIME)
        }
    accepted = sorted((user_id, key, action) for user_id, keys in updates.items() for key, action in keys.items())
    problems = []
    if accepted != sorted((row.user_id, row.idempotency_key, row.action_id) for row in rows):
        problems.append(f"{len(accepted)} updates were accepted, and the ledger has {len(rows)} or others")
    due = {user_id: sum(row.points for row in rows if row.user_id == user_id) for user_id in players}
    if due != scores:
        problems.append("a score is not the sum of its updates")
    return problems + [
        f"{drift.where} differs at {drift.key}" for drift in Verifier(engine, Board(client)).check(players)
    ]
