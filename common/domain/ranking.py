"""The one total order: score, then who reached that score first (the ledger's sequence).

A Redis sorted set orders equal scores by member, as text. So a member is `<tie rank>:<user id>`, where the tie
rank has a fixed width: the ledger id on a board that the lowest score leads, read with ZRANGE, and its complement on
every other, read with ZREVRANGE (`common/redis_store/lua/order.lua`). Either way Redis yields exactly the order that
PostgreSQL yields for `ORDER BY score, tie` or `ORDER BY score DESC, tie`.
"""

GREATEST_TIE = 10**15 - 1
TIE_DIGITS = 15


def tiebreaker_of(zset_member: str, *, ascending: bool) -> int:
    """Return the ledger id in a member of a sorted set."""
    rank = int(zset_member[:TIE_DIGITS])
    return rank if ascending else GREATEST_TIE - rank


def user_of(zset_member: str) -> str:
    return zset_member[TIE_DIGITS + 1 :]


def percentile(rank: int, total: int) -> float:
    """Return the percentage of ranked players that this one is level with or ahead of, to two decimals."""
    return round(100 * (total - rank + 1) / total, 2)
