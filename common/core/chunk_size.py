"""The size of the chunks in which long work is done, so that each statement stays short on any machine. Pure."""

from typing import NamedTuple


class ChunkSize(NamedTuple):
    """A number of rows between `least` and `most`, adapted to how long the last chunk took."""

    size: int
    least: int
    most: int

    def halved(self) -> "ChunkSize":
        """Return half of this size, for after a chunk that took too long."""
        return self._replace(size=max(self.least, self.size // 2))

    def adapted(self, seconds: float, allowed: float) -> "ChunkSize":
        """Return the next size: twice as large if the last chunk took less than a quarter of the seconds allowed."""
        if seconds * 4 > allowed:
            return self
        return self._replace(size=min(self.most, self.size * 2))

    @property
    def is_smallest(self) -> bool:
        return self.size <= self.least
