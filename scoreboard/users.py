"""`scoreboard users`: the operator's accounts."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from sqlalchemy import Connection

from common.contract.fields import composed, is_uuid
from common.domain.tokens import ROLES, Role
from common.postgres import users as accounts
from common.postgres.users import User
from scoreboard import operator, pages, password_input, tables
from scoreboard.environment import connected, connected_as_owner, connected_to_redis, load_settings
from scoreboard.found_users import found_user

if TYPE_CHECKING:
    from common.core.settings import Settings
    from common.redis_store.client import Client

_USERS_AT_ONCE = 5_000
"""No index has them in this order, so that each page reads all of them."""


@click.group()
def users() -> None:
    """Create, list, suspend and reinstate accounts, and set passwords anew."""


@users.command()
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), default="player", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--if-missing", is_flag=True, help="Leave an account of this name and role as it is, password included.")
def create(username: str, role: Role, *, password_stdin: bool, if_missing: bool) -> None:
    """Create the account USERNAME and print its user id. Reserved names are allowed here."""
    # These hash when they are imported, or are long lists: only this command pays for that.
    from common.contract.requests import NEW_USERNAME  # noqa: PLC0415
    from common.domain import passwords  # noqa: PLC0415

    if not re.fullmatch(NEW_USERNAME, username, re.ASCII):
        raise click.BadParameter("3 to 32 of A-Z a-z 0-9 _ . - and neither . nor - first", param_hint="USERNAME")
    with connected() as engine:
        if if_missing:
            with engine.connect() as connection:
                known = accounts.find_credentials(connection, username)
            if known:
                click.echo(_same_role(known.user, role).id)
                return
        password = _new_password(username, from_stdin=password_stdin)
        with engine.begin() as connection:
            _refuse_kept(connection, username)
            user = accounts.create(connection, username, passwords.hashed(password), role)
            operator.record(connection, "create_user", user.id, username=username, role=role)
    click.echo(user.id)


@users.command("reset-code")
@click.argument("user")
def reset_code(user: str) -> None:
    """Print a code with which USER, a name or a user id, sets a new password. It is good once, for an hour."""
    # What ends sessions needs Redis, whose client takes a tenth of a second to import.
    from common.services.new_passwords import NewPasswords  # noqa: PLC0415
    from common.services.revocations import Revocations  # noqa: PLC0415

    with connected() as engine, connected_to_redis() as client:
        with engine.connect() as connection:
            account = found_user(connection, user)
        code = NewPasswords(engine, Revocations(client, engine)).issue_code(account.id, operator.operator())
    click.echo(code)


@users.command("set-password")
@click.argument("user")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def set_password(user: str, *, password_stdin: bool) -> None:
    """Set a new password of USER, a name or a user id. Every session of theirs ends."""
    from common.domain import passwords  # noqa: PLC0415
    from common.services.new_passwords import NewPasswords  # noqa: PLC0415
    from common.services.revocations import Revocations  # noqa: PLC0415

    with connected() as engine, connected_to_redis() as client:
        with engine.connect() as connection:
            account = accounts.get_credentials(connection, found_user(connection, user).id)
        if account is None or account.password_hash is None:
            raise click.ClickException(f"{user} has no password: this account belongs to a game server")
        password = _new_password(account.user.username, from_stdin=password_stdin)
        service = NewPasswords(engine, Revocations(client, engine))
        ended = service.set(account.user.id, passwords.hashed(password), operator.operator())
    click.echo(f"{user}: the password is set; sessions ended: {ended}")


@users.command()
@click.argument("user")
@click.option("--purge", is_flag=True, help="Delete what is recorded of them, too: ledger, standings, names in logs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(user: str, *, purge: bool, yes: bool) -> None:
    """Erase USER, a name or a user id, for good: nothing says any more who it was, and their scores stay.

    With --purge their scores go, too, also from periods that are over; that takes the owner of the tables
    (SCOREBOARD_MIGRATE_DATABASE_URL). An account that is erased already is purged by its user id.
    """
    from common.postgres import erasure  # noqa: PLC0415
    from common.redis_store.board import Board  # noqa: PLC0415
    from common.redis_store.inbox import Inbox  # noqa: PLC0415
    from common.services.erasing import Eraser  # noqa: PLC0415
    from common.services.revocations import Revocations  # noqa: PLC0415

    settings = load_settings()
    with connected() as engine, connected_to_redis() as client:
        with engine.connect() as connection:
            is_erased = is_uuid(user.lower()) and erasure.is_erased(connection, user.lower())
            user_id = user.lower() if is_erased else found_user(connection, user).id
        if not yes:
            click.confirm(f"Erase {user} for good?", abort=True)
        board, inbox = Board(client), Inbox.of(client, settings)
        eraser = Eraser(engine, Revocations(client, engine), board, inbox, settings.secret_keys[0])
        eraser.erase(user_id, operator.operator())
        click.echo(f"{user_id}: erased")
        if purge:
            _purge(settings, client, user_id)


def _purge(settings: "Settings", client: "Client", user_id: str) -> None:
    """Delete what is recorded of an erased account, and build the boards anew on which it stood."""
    from common.postgres import archive_purge, erasure, standings  # noqa: PLC0415
    from common.services.rebuild import Rebuilder  # noqa: PLC0415
    from scoreboard.archives_held import archives_held  # noqa: PLC0415
    from scoreboard.progress import progress  # noqa: PLC0415

    with connected_as_owner(settings, connections=2) as owner, archives_held(owner):
        with owner.connect() as connection:
            boards = sorted({row.key.board for row in standings.of_players(connection, [user_id])})
        with owner.begin() as connection:
            erasure.purge_mentions(connection, user_id)
        with progress() as bars:
            bar = bars.add_task("archived days", total=None)
            archive_purge.remove_player(owner, user_id, lambda done, of: bars.update(bar, completed=done, total=of))
        with owner.begin() as connection:
            rows = erasure.purge(connection, user_id)
            operator.record(connection, "purge_user", user_id, rows=rows)
        rebuilder = Rebuilder(client, owner)
        for board in boards:
            if rebuilder.is_served(*board):
                rebuilder.rebuild(*board)
    click.echo(f"{user_id}: purged, with {rows} updates")


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List all accounts, oldest first."""
    with connected() as engine:
        everybody = pages.each(engine, lambda connection, last: accounts.page(connection, last, _USERS_AT_ONCE))
        if as_json:
            tables.print_json_array(
                {"userId": user.id, "username": user.username, "role": user.role} for user in everybody
            )
        else:
            tables.show_all(("user id", "username", "role"), everybody)


@users.command()
@click.argument("user")
@click.option("--reason", default="", help="Why, for the audit log.")
def suspend(user: str, reason: str) -> None:
    """Suspend USER, a name or a user id: their sessions end, and their entries leave every board until a reinstatement.

    A name that begins with `-` stands after `--`, or take the user id.
    """
    _moderate(user, reason, suspended=True)
    click.echo(f"{user}: suspended")


@users.command()
@click.argument("user")
@click.option("--reason", default="", help="Why, for the audit log.")
def reinstate(user: str, reason: str) -> None:
    """Reinstate USER, a name or a user id: they can log in again, and their entries are back.

    A name that begins with `-` stands after `--`, or take the user id.
    """
    _moderate(user, reason, suspended=False)
    click.echo(f"{user}: reinstated")


def _moderate(name_or_id: str, reason: str, *, suspended: bool) -> None:
    # These need Redis, whose client takes a tenth of a second to import.
    from common.redis_store.board import Board  # noqa: PLC0415
    from common.redis_store.inbox import Inbox  # noqa: PLC0415
    from common.services.moderation import Moderator  # noqa: PLC0415
    from common.services.revocations import Revocations  # noqa: PLC0415
    from common.services.suspensions import Decision  # noqa: PLC0415

    settings, actor = load_settings(), operator.operator()
    with connected() as engine, connected_to_redis() as client:
        with engine.connect() as connection:
            user = found_user(connection, name_or_id)
        inbox = Inbox.of(client, settings)
        moderator = Moderator(engine, Revocations(client, engine), Board(client), inbox)
        moderator.carry_out(Decision(user.id, suspended, actor.name, reason, actor.os_user))


def _refuse_kept(connection: Connection, username: str) -> None:
    from common.postgres import kept_names  # noqa: PLC0415

    if kept_names.is_kept(connection, username, load_settings().secret_keys, datetime.now(UTC)):
        days = kept_names.KEPT.days
        raise click.ClickException(f"{username} was the name of an account that was erased less than {days} days ago")


def _new_password(username: str, *, from_stdin: bool) -> str:
    """Ask for a password that an account of this name may have. Raises click.ClickException."""
    from common.contract import known_passwords  # noqa: PLC0415
    from common.contract.requests import LONGEST_PASSWORD, SHORTEST_PASSWORD  # noqa: PLC0415

    password = password_input.read_line() if from_stdin else password_input.ask()
    if not SHORTEST_PASSWORD <= len(composed(password)) <= LONGEST_PASSWORD:
        raise click.ClickException(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    problem = known_passwords.problem(password, username)
    if problem:
        raise click.ClickException(f"the password {problem}")
    return password


def _same_role(user: User, role: Role) -> User:
    if user.role != role:
        raise click.ClickException(f"there is a user {user.username} already, with the role {user.role}")
    return user
