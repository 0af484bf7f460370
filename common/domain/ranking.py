"""The one total order: score, then second score, then who reached them first (the ledger's sequence).

A Redis sorted set orders equal scores by member, as text. So a member is `<tie rank>:<user id>`, where the tie
rank has a fixed width: the ledger id on a board that the lowest score leads, read with ZRANGE, and its complement on
every other, read with ZREVRANGE (`common/redis_store/lua/order.lua`). On a board with a second score its rank stands
before that of the tie, in 16 digits: moved into the positive, and mirrored where its order is not the board's. Either
way Redis yields exactly the order that PostgreSQL yields for `ORDER BY score, second, tie`, each in its direction.
"""

from typing import NamedTuple

from common.contract.constants import GREATEST_SECOND

GREATEST_TIE = 10**15 - 1
TIE_DIGITS = 15

_SECOND_OFFSET = GREATEST_SECOND + 1


class Order(NamedTuple):
    """Whether the lowest score leads a board, and whether the lowest second score does; None: it has none."""

    ascending: bool = False
    second_ascending: bool | None = None


PLAIN = Order()
"""The order of a board that the highest score leads, without a second score."""


def tiebreaker_of(zset_member: str, *, ascending: bool) -> int:
    """Return the ledger id in a member of a sorted set."""
    rank = int(zset_member.partition(":")[0][-TIE_DIGITS:])
    return rank if ascending else GREATEST_TIE - rank


def second_of(zset_member: str, order: Order) -> int | None:
    """Return the second score in a member of a sorted set; None on a board that has none."""
    if order.second_ascending is None:
        return None
    moved = int(zset_member.partition(":")[0][:-TIE_DIGITS]) - _SECOND_OFFSET
    return moved if order.second_ascending == order.ascending else -moved


def user_of(zset_member: str) -> str:
    return zset_member.partition(":")[2]


def percentile(rank: int, total: int) -> float:
    """Return the percentage of ranked players that this one is level with or ahead of, to two decimals."""
    return round(100 * (total - rank + 1) / total, 2)
