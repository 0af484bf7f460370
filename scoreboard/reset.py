"""`scoreboard reset --demo`: take the made-up players away, with all that they have scored.

A demo player is known by a handle of the demo and by the demo's password, which nobody else has. Each is erased and
purged as `users erase --purge` does it (docs/adr/0025). All are named in the audit log first, so that whoever is
interrupted says the same again.
"""

from pathlib import Path

import click
from sqlalchemy import Connection, Engine

from common.core.settings import Settings
from common.domain import passwords
from common.domain.standing import BoardId
from common.postgres import archive_purge, erasure, kept_names, standings
from common.postgres import users as accounts
from common.redis_store.board import Board
from common.redis_store.client import Client
from common.redis_store.inbox import Inbox
from common.services.erasing import Eraser
from common.services.rebuild import Rebuilder
from common.services.revocations import Revocations
from scoreboard import operator
from scoreboard.archives_held import archives_held
from scoreboard.demo import behaviour
from scoreboard.environment import connected, connected_as_owner, connected_to_redis, data_folder, load_settings
from scoreboard.progress import progress
from scoreboard.rebuild import rebuild_boards

_ACTION = "reset_demo"
_MOST_PLAYERS = 250
"""As many as `scoreboard demo` has at most."""


def _default_password_file() -> Path:
    return data_folder() / "secrets" / "demo_password"


@click.command()
@click.option("--demo", "is_demo", is_flag=True, required=True, help="Take the demo players away.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=_default_password_file,
    show_default="in SCOREBOARD_DATA_DIR",
    help="The demo players' password, by which they are known.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(is_demo: bool, password_file: Path, *, yes: bool) -> None:
    """Take demo players away: their accounts, and all that they have scored.

    Their rows leave the ledger and every board, those of periods that are over, too, and whoever stood behind them
    moves up. That takes the owner of the tables (SCOREBOARD_MIGRATE_DATABASE_URL). Stop the demo before, or they come
    back.
    """
    del is_demo  # click has seen to it
    config = load_settings()
    password = password_file.read_text(encoding="utf-8").strip()
    with connected() as engine, connected_as_owner(config, connections=2) as owner, connected_to_redis() as client:
        players = _found(engine, password)
        with engine.connect() as connection:
            begun = erasure.unpurged(connection, _ACTION)
        if not players and not begun:
            click.echo("there are no demo players")
            return
        if not yes:
            click.confirm(f"Take {len(players | begun)} demo players away for good?", abort=True)
        with engine.begin() as connection:
            for user_id, username in players.items():
                operator.record(connection, _ACTION, user_id, username=username)
        with archives_held(owner):
            boards = _remove(engine, owner, client, config, players | begun)
        rebuilder = Rebuilder(client, owner)
        rebuild_boards(owner, rebuilder, [board for board in sorted(boards) if rebuilder.is_served(*board)])
    click.echo(f"{len(players | begun)} demo players are gone")


def _found(engine: Engine, password: str) -> dict[str, str]:
    """Return the usernames of the accounts with a handle of the demo and its password, by user id."""
    names = [name for number in range(_MOST_PLAYERS) for name in behaviour.spellings(behaviour.handle(number))]
    with engine.connect() as connection:
        candidates = accounts.with_passwords(connection, names)
    found = {}
    with progress() as bars:
        for user, password_hash in bars.track(candidates, description="looking for demo players"):
            if passwords.is_password(password, password_hash):
                found[user.id] = user.username
    return found


def _remove(engine: Engine, owner: Engine, client: Client, config: Settings, players: dict[str, str]) -> set[BoardId]:
    """Erase and purge these players, and return the boards on which they stood. Safe to run twice, and to die in."""
    eraser = Eraser(engine, Revocations(client, engine), Board(client), Inbox.of(client, config), config.secret_keys[0])
    boards: set[BoardId] = set()
    with progress() as bars:
        for user_id, username in bars.track(players.items(), description="taking them away"):
            with owner.connect() as connection:
                boards |= {row.key.board for row in standings.of_players(connection, [user_id])}
            eraser.erase(user_id, operator.operator())
            archive_purge.remove_player(owner, user_id, lambda _done, _of: None)
            with owner.begin() as connection:
                _purge(connection, config, user_id, username)
    return boards


def _purge(connection: Connection, config: Settings, user_id: str, username: str) -> None:
    """Delete what is recorded of a player, and let the next demo have the name: no person's reputation is in it."""
    rows = erasure.purge(connection, user_id)
    kept_names.forget(connection, username, config.secret_keys)
    operator.record(connection, "purge_user", user_id, rows=rows)
