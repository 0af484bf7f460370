"""The actions that boards bring with them. Each has a row from its first use on; boards without use cost nothing."""

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from common.domain.scoring import Action
from common.postgres import catalogue
from common.postgres.tables import actions


def ensure(connection: Connection, wanted: Collection[Action]) -> None:
    """Add those of these actions that were never used. Safe to run twice and at the same time.

    A worker that meets one that it does not know reads the catalogue anew (`CatalogueCache.including`).
    """
    rows = [{**asdict(action), "boards": list(action.boards)} for action in sorted(wanted, key=lambda each: each.id)]
    added = [
        connection.execute(insert(actions).values(row).on_conflict_do_nothing().returning(actions.c.id)).first()
        for row in rows
    ]
    if any(added):
        catalogue.count_change(connection)
