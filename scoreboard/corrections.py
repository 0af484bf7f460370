"""Corrections by the command line: single updates, or everybody's of a span of time in slices.

New updates wait while a slice is corrected, and go on before the next one.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

import click
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from common.contract.errors import ScoreboardError
from common.domain.corrections import Span, Told
from common.postgres import catalogue, voids
from common.postgres.misfits import sqlstate
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services.corrections import Corrected, Corrector
from scoreboard import operator
from scoreboard.environment import STATEMENT_TIMEOUT_MS, connected, connected_to_redis, load_settings
from scoreboard.found_users import found_user
from scoreboard.progress import progress

PLAYERS_AT_ONCE, EVENTS_AT_ONCE = 500, 10_000
"""What one transaction corrects at most, while batches wait: so many players, who have so many updates of all kinds.

A player who has more of them is corrected alone.
"""

_ATTEMPTS = 20
_TRY_AGAIN = ("55P03", "40P01")
"""SQLSTATE codes: a lock that could not be had in time, and a deadlock, which ends one of those in it."""

Result = TypeVar("Result")


class Asked(NamedTuple):
    """What a command is about: single updates, or those of a span of time, of one player or of everybody."""

    event_ids: tuple[int, ...]
    span: Span | None
    player: str | None
    restores: bool
    told: Told
    dry_run: bool


class Done(NamedTuple):
    """What came of it. `longest` is for how many seconds batches may have waited at one time."""

    players: int
    updates: int
    longest: float


def correct(asked: Asked) -> None:
    """Carry out what a command asks for, and say what came of it."""
    with connected() as engine, connected_to_redis() as client:
        _refuse_unknown_action(engine, asked.span)
        inbox = Inbox.of(client, load_settings())
        corrector = Corrector(engine, Board(client), inbox, STATEMENT_TIMEOUT_MS, is_bounded=False)
        if asked.span is None:
            done = _correct_events(corrector, asked)
        else:
            done = _correct_span(engine, corrector, asked, asked.span)
    of = f"{done.updates} updates of {done.players} players"
    if asked.dry_run:
        click.echo(f"{of} would {'count again' if asked.restores else 'count no more'}")
    else:
        count = "count again" if asked.restores else "count no more"
        click.echo(f"{of} {count}; new updates waited for {done.longest:.1f} s at most")


def _correct_events(corrector: Corrector, asked: Asked) -> Done:
    """Correct single updates, each in a transaction of its own."""
    players, updates, longest = set(), 0, 0.0
    act = corrector.restore_event if asked.restores else corrector.void_event
    for event_id in asked.event_ids:
        began = time.monotonic()
        try:
            done = _patiently(partial(act, event_id, asked.told, operator.operator()))
        except ScoreboardError as error:
            raise click.ClickException(f"{event_id}: {error.message}") from error
        longest = max(longest, time.monotonic() - began)
        if done.is_new:
            players.add(done.user_id)
            updates += 1
    return Done(len(players), updates, longest)


def _correct_span(engine: Engine, corrector: Corrector, asked: Asked, span: Span) -> Done:
    """Correct the updates of a span of time, in slices of players."""
    with engine.connect() as connection:
        only = found_user(connection, asked.player).id if asked.player else None
        amends = bool(asked.told.amends)
        chosen = voids.players_in_span(connection, span, only, restores=asked.restores, amends=amends)
    if asked.dry_run:
        return Done(len(chosen), sum(chosen.values()), 0.0)
    updates, longest = 0, 0.0
    with progress() as bars:
        bar = bars.add_task("players", total=len(chosen))
        for some in _slices(engine, list(chosen)):
            done, seconds = _correct_slice(corrector, asked, span, some)
            updates, longest = updates + done.events, max(longest, seconds)
            bars.advance(bar, len(some))
    return Done(len(chosen), updates, longest)


def _refuse_unknown_action(engine: Engine, span: Span | None) -> None:
    if span is None or span.action_id is None:
        return
    with engine.connect() as connection:
        if not catalogue.has_action(connection, span.action_id):
            raise click.ClickException(f"there is no action {span.action_id}")


def _correct_slice(corrector: Corrector, asked: Asked, span: Span, user_ids: list[str]) -> tuple[Corrected, float]:
    """Correct a slice, show it, and return for how many seconds batches may have waited."""

    def act() -> tuple[Corrected, float]:
        began = time.monotonic()
        done = corrector.correct_span_unseen(user_ids, span, asked.told, operator.operator(), restores=asked.restores)
        return done, time.monotonic() - began

    try:
        done, seconds = _patiently(act)
    except ScoreboardError as error:
        raise click.ClickException(f"{error.message} What was said to be done until here stays done.") from error
    corrector.show({each.key.user_id for each in done.moved})
    return done, seconds


def _slices(engine: Engine, user_ids: list[str]) -> Iterator[list[str]]:
    """Yield the players in slices, each of which is recounted in well under a second."""
    for start in range(0, len(user_ids), PLAYERS_AT_ONCE):
        some = user_ids[start : start + PLAYERS_AT_ONCE]
        with engine.connect() as connection:
            sizes = voids.count_events(connection, some)
        part: list[str] = []
        for user_id in some:
            if part and sum(sizes[each] for each in part) + sizes[user_id] > EVENTS_AT_ONCE:
                yield part
                part = []
            part.append(user_id)
        yield part


def _patiently(act: Callable[[], Result]) -> Result:
    """Act, and again if the ledger could not be held within a second, or if others stood in the way."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return act()
        except OperationalError as error:
            if sqlstate(error) not in _TRY_AGAIN:
                raise
    return act()
