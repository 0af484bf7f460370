"""`scoreboard verify`: compare the ledger with the standings, and the standings with the boards in Redis.

A board that Redis does not serve counts as a difference of its own kind.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from common.core import priority
from common.domain.standing import BoardId
from common.postgres.checkpoint import CHUNK, Checkpoint
from common.postgres.engine import TooSlowError
from common.redis_store.board import Board
from common.services.rebuild import Rebuilder
from common.services.verification import LONGEST_TAIL, SLICE, Drift, Verifier, boards_of
from scoreboard import operator, tables, verified_periods
from scoreboard.boards import chosen
from scoreboard.environment import connected, connected_to_redis
from scoreboard.progress import progress
from scoreboard.rebuild import rebuild_boards
from scoreboard.whole_numbers import WholeNumber

EXIT_DRIFT = 1
MAX_ROWS_PRINTED = 20
TIMEOUT_MS = 5_000
"""The limit of one statement; a chunk that takes longer is halved."""

STABLE_WITHIN_SECONDS = 15.0
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Finding:
    """The result of a check of all `players`.

    `surplus` is how many players too many Redis has, by board; `not_served` are the boards that Redis does not serve.
    So many `archived` periods are not compared.
    """

    players: int
    drifts: Sequence[Drift]
    surplus: Mapping[BoardId, int]
    not_served: Sequence[BoardId]
    archived: int

    @property
    def is_clean(self) -> bool:
        return not self.drifts and not self.surplus and not self.not_served

    def to_json(self) -> str:
        drifts = [
            {"where": drift.where, **drift.key._asdict(), "expected": drift.expected, "found": drift.found}
            for drift in self.drifts
        ]
        surplus = [{"board_id": of[0], "period_id": of[1], "players": count} for of, count in self.surplus.items()]
        not_served = [{"board_id": board, "period_id": period} for board, period in self.not_served]
        found = {"players": self.players, "drift": drifts, "surplus": surplus, "not_served": not_served}
        found["archived_periods"] = self.archived
        return json.dumps(found)


@click.command()
@click.option("--repair", is_flag=True, help="Count drifting standings again from the ledger; fill their boards anew.")
@click.option("--full", is_flag=True, help="Read the whole ledger anew, and not only what came since the last check.")
@click.option(
    "--patience",
    type=WholeNumber(min=0),
    default=15,
    show_default=True,
    help="Seconds for which a difference may be an update that is just being applied.",
)
@click.option("--periods", "of_periods", is_flag=True, help="Instead, compute the digests of ranked periods again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs.")
def verify(*, repair: bool, full: bool, patience: int, of_periods: bool, as_json: bool) -> None:
    """Compare ledger, standings and Redis, player by player. Exit code 0: they agree; 1: they do not.

    A board that Redis does not serve when the patience is over counts as disagreement.
    """
    priority.give_way()
    if of_periods:
        if repair or full:
            raise click.UsageError("--periods goes with neither --repair nor --full: it compares and changes nothing")
        _verify_periods(as_json=as_json)
        return
    with connected() as engine, connected_to_redis() as client:
        board, boards = Board(client), chosen(engine, None, None)
        verifier = Verifier(engine, board)
        finding = _find(verifier, board, boards, patience, is_full=full)
        if repair and not full and any(drift.where == "postgresql" for drift in finding.drifts):
            # The checkpoint itself may be wrong, so nothing is repaired from it.
            finding = _find(verifier, board, boards, patience, is_full=True)
        if repair and not finding.is_clean:
            _print(finding, Console(stderr=True))
            with engine.begin() as connection:
                found = {"drifts": len(finding.drifts), "boards_with_surplus": len(finding.surplus)}
                operator.record(connection, "repair", "standings", **found)
            _repair(engine, verifier, Rebuilder(client, engine), finding)
            finding = _find(verifier, board, boards, patience)
    if as_json:
        click.echo(finding.to_json())
    else:
        _print(finding, Console())
    if not finding.is_clean:
        sys.exit(EXIT_DRIFT)


def _verify_periods(*, as_json: bool) -> None:
    with connected() as engine:
        checked = verified_periods.check(engine)
    if as_json:
        click.echo(checked.to_json())
    else:
        checked.show()
    if checked.misfits:
        sys.exit(EXIT_DRIFT)


def _find(
    verifier: Verifier, board: Board, boards: Sequence[BoardId], patience: int, *, is_full: bool = False
) -> Finding:
    """Return the differences that remain when the patience is over."""
    if is_full:
        verifier.checkpoint.reset()
    with progress() as bars:
        lag = verifier.checkpoint.lag()
        summing = bars.add_task("adding up the ledger", total=lag)
        _advance_checkpoint(verifier.checkpoint, lambda left: bars.update(summing, completed=lag - left))
        checking = bars.add_task("verifying players", total=verifier.player_count())
        players, drifts = _check_all(verifier, lambda count: bars.advance(checking, count))
    deadline = time.monotonic() + patience
    while (drifts := verifier.check_again(drifts)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    while (not_served := board.find_unserved(boards)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    surplus = {of: count for of in boards if (count := verifier.surplus(*of))}
    return Finding(players, drifts, surplus, not_served, verifier.archived_periods())


def _check_all(verifier: Verifier, tell: Callable[[int], None]) -> tuple[int, list[Drift]]:
    """Return the number of players and the differences; `tell` is called with the size of each slice."""
    drifts: list[Drift] = []
    players, after, chunk = 0, str(UUID(int=0)), SLICE
    while user_ids := verifier.players(after, chunk.size):
        started = time.monotonic()
        try:
            drifts += verifier.check(user_ids, TIMEOUT_MS)
        except TooSlowError:
            if chunk.is_smallest:
                raise
            chunk = chunk.halved()
            continue
        chunk = chunk.adapted(time.monotonic() - started, TIMEOUT_MS / 1000)
        players, after = players + len(user_ids), user_ids[-1]
        tell(len(user_ids))
        if verifier.checkpoint.lag() > LONGEST_TAIL:
            _advance_checkpoint(verifier.checkpoint)
    return players, drifts


def _advance_checkpoint(checkpoint: Checkpoint, tell: Callable[[int], None] | None = None) -> None:
    """Advance the checkpoint to the end of the ledger; `tell` is called with the remaining ids after each step."""
    most, at, chunk = checkpoint.find_stable_id(STABLE_WITHIN_SECONDS), 0, CHUNK
    while at < most:
        to, chunk = checkpoint.step(most, chunk, TIMEOUT_MS)
        at = to or at
        if tell and to:
            tell(most - to)


def _repair(engine: Engine, verifier: Verifier, rebuilder: Rebuilder, finding: Finding) -> None:
    verifier.recount({drift.key.user_id for drift in finding.drifts if drift.where != "redis"})
    rebuild_boards(engine, rebuilder, sorted({*boards_of(finding.drifts), *finding.surplus, *finding.not_served}))


def _print(finding: Finding, console: Console) -> None:
    if finding.drifts:
        tables.show(_table(finding.drifts), stderr=console.stderr)
    for (board, period), count in finding.surplus.items():
        console.print(f"{board} {period}: Redis shows {count} players that have no standing")
    for board, period in finding.not_served:
        console.print(f"{board} {period}: Redis does not serve this board")
    console.print(f"{finding.players} players verified: {_verdict(finding)}")
    if finding.archived:
        said = "archived days are not compared with the ledger; --periods checks their digests"
        console.print(f"{finding.archived} {said}")


def _verdict(finding: Finding) -> str:
    if finding.is_clean:
        return "everything agrees"
    if finding.not_served and not finding.drifts:
        return f"{len(finding.not_served)} boards are not served"
    return f"{len(finding.drifts)} standings differ"


def _table(drifts: Sequence[Drift]) -> Table:
    table = Table("where", "board", "period", "player", "expected (score, tie, second score)", "found", title="Drift")
    for drift in drifts[:MAX_ROWS_PRINTED]:
        table.add_row(drift.where, *drift.key, str(drift.expected), str(drift.found))
    if len(drifts) > MAX_ROWS_PRINTED:
        table.caption = f"and {len(drifts) - MAX_ROWS_PRINTED} more"
    return table
