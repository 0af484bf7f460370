"""`scoreboard players`: the players of game servers, who need no account."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from common.contract.errors import ScoreboardError
from common.core.printable import escaped
from common.core.settings import Settings
from common.domain import enrolments, permissions
from common.domain.boards import Board
from common.domain.corrections import Told
from common.domain.details import PlayerVisibility
from common.domain.enrolments import Enrolment
from common.domain.permissions import DEFAULT_REALM
from common.postgres import catalogue, game_players, identities, kept_names
from common.postgres import users as accounts
from common.postgres.game_players import GamePlayer
from scoreboard import operator, player_lines
from scoreboard.adjust import adjust
from scoreboard.enrol import enrol
from scoreboard.environment import connected, connected_to_redis, load_settings
from scoreboard.found_users import found_user
from scoreboard.player_lines import HeaderError, PlayerLine, RefusedLine
from scoreboard.progress import progress
from scoreboard.reason import reason_option

_LINES_AT_ONCE = 1_000
"""The number of lines that go into one transaction."""

_ATTEMPTS = 3
"""How often lines are tried where somebody registers one of their names at the same moment."""

_SOME_REFUSED = 1


class Terms(NamedTuple):
    """What holds for every line: the realm, how new players stand on boards, and the secrets of names that are kept.

    `boards` are those that there are, by id.
    """

    realm: str
    visibility: PlayerVisibility
    secret_keys: Sequence[bytes]
    boards: Mapping[str, Board]

    @classmethod
    def of(cls, realm: str, settings: Settings, boards: Iterable[Board] = ()) -> Self:
        """Return the terms of an import under these settings."""
        visibility = PlayerVisibility(settings.visibility_default)
        return cls(realm, visibility, settings.secret_keys, {board.id: board for board in boards})


class Imported(NamedTuple):
    """The result of importing some lines: how many players are new, how many were there, and what was refused.

    `enrolments` are those that the lines ask for.
    """

    new: int
    known: int
    refused: list[RefusedLine]
    enrolments: list[Enrolment]


Enrol = Callable[[Sequence[Enrolment]], None]
"""Enrols players who are committed."""


@click.group()
def players() -> None:
    """Import players of game servers, adjust scores, and take players off a board."""


players.add_command(adjust)


@players.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--realm", default=DEFAULT_REALM, show_default=True, help="The game whose ids they are.")
@click.pass_context
def import_(context: click.Context, file: Path, realm: str) -> None:
    """Import the players of FILE, comma-separated values in UTF-8 under a header.

    The header names the columns: `externalId`, the game's own id, and any of `displayName`, `country`, `username` and
    `boards`, whose values may be empty. Players who are there stay, with the display name and country that the file
    gives, so it may be imported again. On `boards`, separated by semicolons, they begin at 0. A line that is refused is
    named with the reason; all the others are imported, and the exit code is 1.
    """
    if not permissions.is_realm(realm):
        raise click.BadParameter("1 to 64 of a-z 0-9 _ - and neither _ nor - first", param_hint="--realm")
    with connected() as engine:
        with engine.connect() as connection:
            boards = catalogue.list_boards(connection)
        try:
            done = import_file(engine, file, Terms.of(realm, load_settings(), boards), partial(enrol, engine))
        except HeaderError as error:
            raise click.BadParameter(escaped(str(error)), param_hint="FILE") from None
    for line in sorted(done.refused):
        click.echo(f"line {line.number}: {escaped(line.reason)}", err=True)
    told = f"{done.new} players are new, {done.known} were there already, {len(done.refused)} lines were refused"
    enrolled = f"; {len(done.enrolments)} enrolments are recorded or on their way" if done.enrolments else ""
    click.echo(told + enrolled)
    if done.refused:
        context.exit(_SOME_REFUSED)


@players.command()
@click.argument("user")
@click.option("--board", required=True, metavar="BOARD", help="Off which board they are.")
@reason_option
@click.option("--amend-closed", is_flag=True, help="Change closed periods, too; each has a new revision.")
def disqualify(user: str, board: str, reason: str, *, amend_closed: bool) -> None:
    """Take USER, a name or a user id, off a board, also with what they score there later. Their account stays."""
    _judge(user, board, Told(reason, amend_closed), is_off=True)
    click.echo(f"{user}: disqualified on {board}")


@players.command()
@click.argument("user")
@click.option("--board", required=True, metavar="BOARD", help="On which board they are again.")
@reason_option
@click.option("--amend-closed/--keep-closed", default=None, help="Change closed periods, too, or not; else as before.")
def requalify(user: str, board: str, reason: str, *, amend_closed: bool | None) -> None:
    """Let USER, a name or a user id, back on a board, with all that they have scored there meanwhile."""
    _judge(user, board, Told(reason, amend_closed), is_off=False)
    click.echo(f"{user}: not disqualified on {board}")


def _judge(user: str, board_id: str, told: Told, *, is_off: bool) -> None:
    # These need Redis, whose client takes a tenth of a second to import.
    from common.redis_store.board import Board  # noqa: PLC0415
    from common.redis_store.inbox import Inbox  # noqa: PLC0415
    from common.services.disqualifying import Referee  # noqa: PLC0415

    with connected() as engine, connected_to_redis() as client:
        with engine.connect() as connection:
            user_id = found_user(connection, user).id
            if not catalogue.has_board(connection, board_id):
                raise click.ClickException(f"there is no board {board_id}")
        referee = Referee(engine, Board(client), Inbox.of(client, load_settings()))
        judge = referee.disqualify if is_off else referee.requalify
        judge(board_id, user_id, told, operator.operator())


def import_file(engine: Engine, file: Path, terms: Terms, enrol_all: Enrol = lambda _none: None) -> Imported:
    """Import a file. What is not UTF-8 in it fits no column, so its line is refused."""
    # They come with a long list of passwords: only this command pays for that.
    from common.contract.requests import NEW_USERNAME, WORDS_OF_FORM  # noqa: PLC0415

    new, known, refused, enrolled = 0, 0, list[RefusedLine](), list[Enrolment]()
    with progress() as bars, file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        bar = bars.add_task("players", total=_count_lines(file) - 1)
        lines = player_lines.read(text, (NEW_USERNAME, WORDS_OF_FORM[NEW_USERNAME]))
        for some in _at_once(lines):
            good = [line for line in some if isinstance(line, PlayerLine)]
            done = _import_safely(engine, terms, good)
            new, known = new + done.new, known + done.known
            enrol_all(done.enrolments)
            enrolled += done.enrolments
            refused += done.refused
            refused += [line for line in some if isinstance(line, RefusedLine)]
            bars.advance(bar, len(some))
    return Imported(new, known, refused, enrolled)


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
    refused, now = [], datetime.now(UTC)
    for line in lines:
        user_id = known.get(line.external_id)
        problem = _problem(line, names[user_id] if user_id else None, taken)
        if line.external_id in misleading:
            problem = problem or "displayName: must not be the username of another player"
        problem = problem or _problem_of_boards(line, terms.boards, now)
        if problem:
            refused.append(RefusedLine(line.number, problem))
            del players[line.external_id]
    ensured = game_players.ensure(connection, realm, list(players.values()), terms.visibility)
    new = sum(player.created for player in ensured.known.values())
    if new or ensured.changed:
        changed = len(ensured.changed)
        operator.record(connection, "import_players", realm, new=new, known=len(players) - new, changed=changed)
    asked = ((ensured.known[line.external_id].user_id, line.boards) for line in lines if line.external_id in players)
    return Imported(new, len(players) - new, refused, enrolments.of_players(asked, terms.boards))


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


def _problem_of_boards(line: PlayerLine, boards: Mapping[str, Board], now: datetime) -> str | None:
    try:
        enrolments.check(line.boards, boards, now)
    except ScoreboardError as error:
        fields = (error.details or {}).get("fields", [])
        return f"boards: {fields[0]['message'] if fields else error.message}"
    return None


def _at_once(lines: Iterator[PlayerLine | RefusedLine]) -> Iterator[tuple[PlayerLine | RefusedLine, ...]]:
    while some := tuple(islice(lines, _LINES_AT_ONCE)):
        yield some


def _count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
