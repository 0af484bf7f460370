"""`scoreboard users`: the operator's accounts."""

import json
import re
import sys

import click
from rich.console import Console
from rich.table import Table

from common import accounts, passwords
from common.tokens import ROLES, Role
from scoreboard.environment import connected

_USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,32}", re.ASCII)
_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 8, 128


@click.group()
def users() -> None:
    """Create and list accounts."""


@users.command()
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), default="player", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(username: str, role: Role, *, password_stdin: bool) -> None:
    """Create the account USERNAME and print its user id. Reserved names are allowed here."""
    if not _USERNAME.fullmatch(username):
        raise click.BadParameter("3 to 32 of A-Z a-z 0-9 _ . -", param_hint="USERNAME")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise click.ClickException(f"a password has {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters")
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
    Console().print(table)


def _ask_password() -> str:
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
