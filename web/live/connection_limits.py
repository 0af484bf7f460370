"""The limits on live connections, in all and from one address. Pure."""

from collections import Counter

from common.contract.errors import Allowance, ErrorCode, ScoreboardError

TRY_AGAIN_SECONDS = 10


class ConnectionLimits:
    """Counts connections when they are admitted, before the handshake, so that a burst cannot exceed a limit."""

    def __init__(self, *, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._taken: Counter[str] = Counter()
        self.total = 0

    def acquire(self, address: str) -> None:
        """Count a connection.

        Raises `too_many_connections` for this address, `dependency_unavailable` if the process has no room.
        """
        if self._taken[address] >= self._most_per_address:
            allowance = Allowance(self._most_per_address)
            raise ScoreboardError(ErrorCode.TOO_MANY_CONNECTIONS, retry_after=TRY_AGAIN_SECONDS, allowance=allowance)
        if self.total >= self._most:
            message = "All places for viewers are taken."
            raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, message, retry_after=TRY_AGAIN_SECONDS)
        self._taken[address] += 1
        self.total += 1

    def release(self, address: str) -> None:
        self.total -= 1
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]
