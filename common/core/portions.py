"""How much of a long piece of work is done at once, so that each statement stays short on any machine."""

from typing import NamedTuple


class Portion(NamedTuple):
    """A size between `least` and `most` that adapts to how long the last piece took."""

    size: int
    least: int
    most: int

    def halved(self) -> "Portion":
        """After a piece that took too long."""
        return self._replace(size=max(self.least, self.size // 2))

    def after(self, seconds: float, allowed: float) -> "Portion":
        """After a piece that was done: twice as much if it took less than a quarter of what is allowed."""
        if seconds * 4 > allowed:
            return self
        return self._replace(size=min(self.most, self.size * 2))

    @property
    def is_least(self) -> bool:
        return self.size <= self.least
