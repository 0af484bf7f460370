"""The one total order: score, then who reached that score first (the ledger's sequence).

A Redis sorted set orders equal scores by member, as text. So a member is `<tie rank>:<user id>`, where the tie
rank is the fixed-width complement of the ledger id: ZREVRANGE then yields exactly the order that PostgreSQL
yields for `ORDER BY score DESC, tie ASC`.
"""

GREATEST_SCORE = 2**53 - 1
"""Totals stay within plus or minus this: the integers that a double, and so a ZSET and JavaScript, holds."""

GREATEST_TIE = 10**15 - 1
TIE_DIGITS = 15


def tie_rank(tie: int) -> str:
    """The ledger id as text that sorts the other way round. Raises ValueError past the fixed width."""
    if not 0 <= tie <= GREATEST_TIE:
        raise ValueError(f"ledger id {tie} does not fit {TIE_DIGITS} digits")
    return f"{GREATEST_TIE - tie:0{TIE_DIGITS}d}"


def member(tie: int, user_id: str) -> str:
    return f"{tie_rank(tie)}:{user_id}"


def tie_of(zset_member: str) -> int:
    return GREATEST_TIE - int(zset_member[:TIE_DIGITS])


def user_of(zset_member: str) -> str:
    return zset_member[TIE_DIGITS + 1 :]


def percentile(rank: int, total: int) -> float:
    """The share of ranked players that this one is level with or ahead of, in percent, to two decimals."""
    return round(100 * (total - rank + 1) / total, 2)
