"""`scoreboard verify`: does the ledger agree with the standings, and do the standings with the boards in Redis?"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from common.board import Board, BoardId
from common.rebuild import Rebuilder
from common.verification import Drift, Verifier, boards_of
from scoreboard import operator, tables
from scoreboard.boards import chosen
from scoreboard.environment import connected, connected_to_redis
from scoreboard.progress import progress
from scoreboard.rebuild import rebuild_boards
from scoreboard.whole_numbers import WholeNumber

EXIT_DRIFT = 1
SHOWN = 20
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Finding:
    """What a check of all `players` found. `surplus`: how many players too many Redis shows, by board."""

    players: int
    drifts: Sequence[Drift]
    surplus: Mapping[BoardId, int]

    @property
    def is_clean(self) -> bool:
        return not self.drifts and not self.surplus

    def to_json(self) -> str:
        drifts = [
            {"where": drift.where, **drift.key._asdict(), "expected": drift.expected, "found": drift.found}
            for drift in self.drifts
        ]
        surplus = [{"board_id": of[0], "period_id": of[1], "players": count} for of, count in self.surplus.items()]
        return json.dumps({"players": self.players, "drift": drifts, "surplus": surplus})


@click.command()
@click.option("--repair", is_flag=True, help="Count drifting standings again from the ledger; fill their boards anew.")
@click.option(
    "--patience",
    type=WholeNumber(min=0),
    default=15,
    show_default=True,
    help="Seconds for which a difference may be an update that is just being applied.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs.")
def verify(*, repair: bool, patience: int, as_json: bool) -> None:
    """Compare ledger, standings and Redis, player by player. Exit code 0: they agree; 1: they do not."""
    with connected() as engine, connected_to_redis() as client:
        verifier, boards = Verifier(engine, Board(client)), chosen(engine, None, None)
        finding = _find(verifier, boards, patience)
        if repair and not finding.is_clean:
            _print(finding, Console(stderr=True))
            with engine.begin() as connection:
                found = {"drifts": len(finding.drifts), "boards_with_surplus": len(finding.surplus)}
                operator.record(connection, "repair", "standings", **found)
            _repair(engine, verifier, Rebuilder(client, engine), finding)
            finding = _find(verifier, boards, patience)
    if as_json:
        click.echo(finding.to_json())
    else:
        _print(finding, Console())
    if not finding.is_clean:
        sys.exit(EXIT_DRIFT)


def _find(verifier: Verifier, boards: Sequence[BoardId], patience: int) -> Finding:
    """What still differs when the patience is over."""
    drifts: list[Drift] = []
    players, after = 0, str(UUID(int=0))
    with progress() as bars:
        bar = bars.add_task("verifying players", total=verifier.player_count())
        while user_ids := verifier.players(after):
            drifts += verifier.check(user_ids)
            players, after = players + len(user_ids), user_ids[-1]
            bars.advance(bar, len(user_ids))
    deadline = time.monotonic() + patience
    while (drifts := verifier.check_again(drifts)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    surplus = {board: count for board in boards if (count := verifier.surplus(*board))}
    return Finding(players, drifts, surplus)


def _repair(engine: Engine, verifier: Verifier, rebuilder: Rebuilder, finding: Finding) -> None:
    verifier.recount({drift.key.user_id for drift in finding.drifts if drift.where == "postgresql"})
    rebuild_boards(engine, rebuilder, sorted({*boards_of(finding.drifts), *finding.surplus}))


def _print(finding: Finding, console: Console) -> None:
    if finding.drifts:
        tables.show(_table(finding.drifts), stderr=console.stderr)
    for (board, period), count in finding.surplus.items():
        console.print(f"{board} {period}: Redis shows {count} players that have no standing")
    verdict = "everything agrees" if finding.is_clean else f"{len(finding.drifts)} standings differ"
    console.print(f"{finding.players} players verified: {verdict}")


def _table(drifts: Sequence[Drift]) -> Table:
    table = Table("where", "board", "period", "player", "expected (score, tie)", "found", title="Drift")
    for drift in drifts[:SHOWN]:
        table.add_row(drift.where, *drift.key, str(drift.expected), str(drift.found))
    if len(drifts) > SHOWN:
        table.caption = f"and {len(drifts) - SHOWN} more"
    return table
