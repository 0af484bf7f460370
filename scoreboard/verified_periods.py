"""`scoreboard verify --periods`: compute the digests of ranked periods again, and compare their final ranks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import click
from rich.table import Table
from sqlalchemy import Engine

from common.postgres import ranking
from common.postgres.ranking import Ranked, Recomputed
from scoreboard import tables
from scoreboard.progress import progress

MAX_ROWS_PRINTED = 20


@dataclass(frozen=True)
class Misfit:
    """A ranked period whose rows do not say what was recorded when it was ranked."""

    period: Ranked
    found: Recomputed


@dataclass(frozen=True)
class CheckedPeriods:
    """The result of a check of so many ranked `periods`."""

    periods: int
    misfits: Sequence[Misfit]

    def to_json(self) -> str:
        """Return it for programs."""
        told = [
            {
                "board_id": each.period.board_id,
                "period_id": each.period.period_id,
                "expected": {"digest": each.period.digest, "players": each.period.total},
                "found": {"digest": each.found.digest, "players": each.found.total, "misplaced": each.found.misplaced},
            }
            for each in self.misfits
        ]
        return json.dumps({"periods": self.periods, "misfits": told})

    def show(self) -> None:
        """Print it for people."""
        if self.misfits:
            table = Table("board", "period", "players", "digest", "found players", "found digest", "ranks that differ")
            for each in self.misfits[:MAX_ROWS_PRINTED]:
                recorded, found = each.period, each.found
                row = (*recorded.board, recorded.total, recorded.digest, found.total, found.digest, found.misplaced)
                table.add_row(*map(str, row))
            if len(self.misfits) > MAX_ROWS_PRINTED:
                table.caption = f"and {len(self.misfits) - MAX_ROWS_PRINTED} more"
            tables.show(table)
        verdict = f"{len(self.misfits)} differ" if self.misfits else "every digest agrees"
        click.echo(f"{self.periods} ranked periods verified: {verdict}")


def check(engine: Engine) -> CheckedPeriods:
    """Check every ranked period, each in a snapshot of its own."""
    with engine.connect() as connection:
        listed = ranking.ranked(connection)
    misfits = []
    with progress() as bars:
        checking = bars.add_task("verifying periods", total=len(listed))
        for period in listed:
            misfit = _check(engine, period)
            misfits += [misfit] if misfit else []
            bars.advance(checking)
    return CheckedPeriods(len(listed), misfits)


def _check(engine: Engine, period: Ranked) -> Misfit | None:
    """Return what differs; nothing of a period that is amended, or ranked anew, meanwhile."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        if not ranking.is_still(connection, period):
            return None
        found = ranking.recompute(connection, period)
    fits = found == Recomputed(period.digest, period.total, 0)
    return None if fits else Misfit(period, found)
