"""`scoreboard players`: the players of game servers, who need no account."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from common.core.printable import escaped
from common.core.settings import Settings
from common.domain import permissions
from common.domain.details import PlayerVisibility
from common.domain.permissions import DEFAULT_REALM
from common.postgres import game_players, identities, kept_names
from common.postgres import users as accounts
from common.postgres.game_players import GamePlayer
from scoreboard import operator, player_lines
from scoreboard.adjust import adjust
from scoreboard.environment import connected, load_settings
from scoreboard.player_lines import HeaderError, PlayerLine, RefusedLine
from scoreboard.progress import progress

_LINES_AT_ONCE = 1_000
"""The number of lines that go into one transaction."""

_ATTEMPTS = 3
"""How often lines are tried where somebody registers one of their names at the same moment."""

_SOME_REFUSED = 1


class Terms(NamedTuple):
    """What holds for every line: the realm, how new players stand on boards, and the secrets of names that are kept."""

    realm: str
    visibility: PlayerVisibility
    secret_keys: Sequence[bytes]

    @classmethod
    def of(cls, realm: str, settings: Settings) -> Self:
        """Return the terms of an import under these settings."""
        return cls(realm, PlayerVisibility(settings.visibility_default), settings.secret_keys)


class Imported(NamedTuple):
    """The result of importing some lines: how many players are new, how many were there, and what was refused."""

    new: int
    known: int
    refused: list[RefusedLine]


@click.group()
def players() -> None:
    """Import players of game servers, and adjust scores."""


players.add_command(adjust)


@players.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--realm", default=DEFAULT_REALM, show_default=True, help="The game whose ids they are.")
@click.pass_context
def import_(context: click.Context, file: Path, realm: str) -> None:
    """Import the players of FILE, comma-separated values in UTF-8 under a header.

    The header names the columns: `externalId`, the game's own id, and any of `displayName`, `country` and `username`,
    whose values may be empty. Players who are there stay, with the display name and country that the file gives, so it
    may be imported again. A line that is refused is named with the reason; all the others are imported, and the exit
    code is 1.
    """
    if not permissions.is_realm(realm):
        raise click.BadParameter("1 to 64 of a-z 0-9 _ - and neither _ nor - first", param_hint="--realm")
    with connected() as engine:
        try:
            done = import_file(engine, file, Terms.of(realm, load_settings()))
        except HeaderError as error:
            raise click.BadParameter(escaped(str(error)), param_hint="FILE") from None
    for line in sorted(done.refused):
        click.echo(f"line {line.number}: {escaped(line.reason)}", err=True)
    click.echo(f"{done.new} players are new, {done.known} were there already, {len(done.refused)} lines were refused")
    if done.refused:
        context.exit(_SOME_REFUSED)


def import_file(engine: Engine, file: Path, terms: Terms) -> Imported:
    """Import a file. What is not UTF-8 in it fits no column, so its line is refused."""
    # They come with a long list of passwords: only this command pays for that.
    from common.contract.requests import NEW_USERNAME, WORDS_OF_FORM  # noqa: PLC0415

    new, known, refused = 0, 0, list[RefusedLine]()
    with progress() as bars, file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        bar = bars.add_task("players", total=_count_lines(file) - 1)
        lines = player_lines.read(text, (NEW_USERNAME, WORDS_OF_FORM[NEW_USERNAME]))
        for some in _at_once(lines):
            good = [line for line in some if isinstance(line, PlayerLine)]
            done = _import_safely(engine, terms, good)
            new, known = new + done.new, known + done.known
            refused += done.refused
            refused += [line for line in some if isinstance(line, RefusedLine)]
            bars.advance(bar, len(some))
    return Imported(new, known, refused)


def _import_safely(engine: Engine, terms: Terms, lines: Sequence[PlayerLine]) -> Imported:
    """Import some lines in one transaction, and again if somebody took one of their names meanwhile."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(IntegrityError, OperationalError), engine.begin() as connection:
            return _import(connection, terms, lines)
    with engine.begin() as connection:
        return _import(connection, terms, lines)


def _import(connection: Connection, terms: Terms, lines: Sequence[PlayerLine]) -> Imported:
    realm = terms.realm
    # The names first: of an import of the same players that is committed in between, the players are then known.
    taken = _taken(connection, {line.username for line in lines if line.username}, terms.secret_keys)
    known = identities.find(connection, realm, [line.external_id for line in lines])
    names = accounts.find_usernames(connection, set(known.values()))
    players = {line.external_id: GamePlayer(line.external_id, line.profile, line.username) for line in lines}
    misleading = game_players.refused_names(connection, realm, list(players.values()))
    refused = []
    for line in lines:
        user_id = known.get(line.external_id)
        problem = _problem(line, names[user_id] if user_id else None, taken)
        if line.external_id in misleading:
            problem = problem or "displayName: must not be the username of another player"
        if problem:
            refused.append(RefusedLine(line.number, problem))
            del players[line.external_id]
    ensured = game_players.ensure(connection, realm, list(players.values()), terms.visibility)
    new = sum(player.created for player in ensured.known.values())
    if new or ensured.changed:
        changed = len(ensured.changed)
        operator.record(connection, "import_players", realm, new=new, known=len(players) - new, changed=changed)
    return Imported(new, len(players) - new, refused)


def _taken(connection: Connection, usernames: set[str], secret_keys: Sequence[bytes]) -> set[str]:
    """Return, in lower case, those of these names that accounts have, or had until a short while ago."""
    kept = kept_names.find_kept(connection, usernames, secret_keys, datetime.now(UTC))
    return accounts.find_taken(connection, usernames) | kept


def _problem(line: PlayerLine, username_now: str | None, taken: set[str]) -> str | None:
    """Return why a line is refused. `username_now` is the name of its player, if there is one."""
    if line.username is None or (username_now and username_now.lower() == line.username.lower()):
        return None
    if username_now:
        return f"username: the player is called {username_now} already"
    return f"username: {line.username} is taken" if line.username.lower() in taken else None


def _at_once(lines: Iterator[PlayerLine | RefusedLine]) -> Iterator[tuple[PlayerLine | RefusedLine, ...]]:
    while some := tuple(islice(lines, _LINES_AT_ONCE)):
        yield some


def _count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
