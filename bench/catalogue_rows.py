"""An update that counts on one board, and one that counts on ten."""

from functools import partial

from sqlalchemy import insert

from bench import http_rows
from bench.http_rows import Rows
from bench.place import Place
from common.contract.constants import DEFAULT_BOARD
from common.domain.scoring import Action
from common.postgres import catalogue
from common.postgres.tables import boards

BOARDS = 10
_ON_TEN = "share-on-ten"


def rows(place: Place) -> Rows:
    """Add nine boards and an action of one point that counts on all ten, and return the rows."""
    others = [f"board-{number}" for number in range(2, BOARDS + 1)]
    with place.product.engine.begin() as connection:
        connection.execute(insert(boards), [{"id": board_id} for board_id in others])
        catalogue.add(connection, Action(_ON_TEN, 1, 1, (DEFAULT_BOARD, *others)), enabled=True)
    return {
        "update, 202, on 1 board": partial(http_rows.updates_of, place),
        f"update, 202, on {BOARDS} boards": partial(http_rows.updates_of, place, action=_ON_TEN),
    }
