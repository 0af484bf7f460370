"""When a process that died is started again. Pure."""

from dataclasses import dataclass, replace

LONGEST_DELAY_SECONDS = 5.0
FORGIVEN_AFTER_SECONDS = 10.0


@dataclass(frozen=True)
class Restarts:
    """How often a process has died in a row; a life of 10 s or more is forgiven."""

    deaths: int = 0

    def after_death(self, lived_seconds: float) -> "Restarts":
        return Restarts(1) if lived_seconds >= FORGIVEN_AFTER_SECONDS else replace(self, deaths=self.deaths + 1)

    @property
    def delay(self) -> float:
        """Seconds to wait: none at first, then 0.5, 1, 2, 4 and never more than 5."""
        return 0.0 if self.deaths <= 1 else min(LONGEST_DELAY_SECONDS, 0.25 * 2.0 ** min(self.deaths - 1, 10))
