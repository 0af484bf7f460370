"""`scoreboard users`: the operator's accounts."""

import json
import re
import sys

import click
from rich.table import Table

from common import accounts, known_passwords, passwords, suspensions
from common.board import Board
from common.fields import composed
from common.inbox import Inbox
from common.moderation import Moderator
from common.revocations import Revocations
from common.schemas import LONGEST_PASSWORD, NEW_USERNAME, SHORTEST_PASSWORD
from common.suspensions import Decision
from common.tokens import ROLES, Role
from scoreboard import tables
from scoreboard.environment import connected, connected_to_redis, load_settings


@click.group()
def users() -> None:
    """Create and list accounts."""


@users.command()
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), default="player", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(username: str, role: Role, *, password_stdin: bool) -> None:
    """Create the account USERNAME and print its user id. Reserved names are allowed here."""
    if not re.fullmatch(NEW_USERNAME, username, re.ASCII):
        raise click.BadParameter("3 to 32 of A-Z a-z 0-9 _ . - and neither . nor - first", param_hint="USERNAME")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    if not SHORTEST_PASSWORD <= len(composed(password)) <= LONGEST_PASSWORD:
        raise click.ClickException(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    problem = known_passwords.problem(password, username)
    if problem:
        raise click.ClickException(f"the password {problem}")
    with connected() as engine, engine.begin() as connection:
        user = accounts.create(connection, username, passwords.hashed(password), role)
    click.echo(user.id)


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array for programs.")
def listing(*, as_json: bool) -> None:
    """List all accounts, oldest first."""
    with connected() as engine, engine.connect() as connection:
        everybody = accounts.everybody(connection)
    if as_json:
        click.echo(
            json.dumps([{"userId": user.id, "username": user.username, "role": user.role} for user in everybody])
        )
        return
    table = Table("user id", "username", "role")
    for user in everybody:
        table.add_row(*user)
    tables.show(table)


@users.command()
@click.argument("username")
@click.option("--reason", default="", help="Why, for the audit log.")
def suspend(username: str, reason: str) -> None:
    """Suspend USERNAME: their sessions end, and their entries leave every board until they are reinstated."""
    _moderate(username, reason, suspended=True)
    click.echo(f"{username}: suspended")


@users.command()
@click.argument("username")
@click.option("--reason", default="", help="Why, for the audit log.")
def reinstate(username: str, reason: str) -> None:
    """Reinstate USERNAME: they can log in again, and their entries are back."""
    _moderate(username, reason, suspended=False)
    click.echo(f"{username}: reinstated")


def _moderate(username: str, reason: str, *, suspended: bool) -> None:
    settings = load_settings()
    with connected() as engine, connected_to_redis() as client:
        with engine.connect() as connection:
            found = accounts.find_by_name(connection, username)
        if found is None:
            raise click.ClickException(f"there is no user {username}")
        inbox = Inbox(client, capacity=settings.inbox_max, receipt_ttl=settings.receipt_ttl)
        moderator = Moderator(engine, Revocations(client, engine), Board(client), inbox)
        moderator.carry_out(Decision(found[0].id, suspended, suspensions.COMMAND_LINE, reason))


def _ask_password() -> str:
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
