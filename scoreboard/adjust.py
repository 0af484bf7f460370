"""`scoreboard players adjust`: add to a player's score, or take off it."""

import secrets
import time
from datetime import UTC, datetime

import click
from sqlalchemy import Connection

from common.contract.constants import GREATEST_SCORE, GREATEST_SECOND
from common.contract.errors import ScoreboardError, sentence_of
from common.contract.fields import WORDS_OF_IDEMPOTENCY_KEY, is_idempotency_key
from common.domain import claims
from common.domain.adjustments import Adjustment
from common.domain.boards import Board
from common.domain.inbox_entries import Update
from common.domain.ledger_row import OPERATOR
from common.domain.outcomes import Outcome
from common.postgres import adjustments, catalogue, ledger
from common.redis_store.inbox import Accepted, Inbox, InboxFullError
from scoreboard import operator
from scoreboard.environment import connected, connected_to_redis, load_settings
from scoreboard.found_users import found_user
from scoreboard.reason import reason_option
from scoreboard.whole_numbers import WholeNumber

_WAIT_SECONDS, _POLL_SECONDS = 10.0, 0.1


@click.command()
@click.argument("name")
@click.option("--board", "board_id", required=True, help="A board whose scores add up.")
@click.option(
    "--amount", required=True, type=WholeNumber(-GREATEST_SCORE, GREATEST_SCORE), help="Less than 0: take off."
)
@click.option("--second", type=WholeNumber(-GREATEST_SECOND, GREATEST_SECOND), help="What its second score gets.")
@reason_option
@click.option("--key", help="An idempotency key of your own: with it the command may be run again.")
def adjust(name: str, board_id: str, amount: int, second: int | None, reason: str, key: str | None) -> None:  # noqa: PLR0917
    """Add to the score of NAME, a username or a user id.

    It is an update like any other: it counts once, in the periods of now, and stands among the player's updates.
    """
    key = key or secrets.token_hex(16)
    if not is_idempotency_key(key):
        raise click.BadParameter(WORDS_OF_IDEMPOTENCY_KEY, param_hint="--key")
    settings, now = load_settings(), datetime.now(UTC)
    with connected() as engine, connected_to_redis() as client:
        inbox = Inbox.of(client, settings)
        with engine.begin() as connection:
            user = found_user(connection, name)
            board = _board(connection, board_id)
            wanted = Adjustment(user.id, board, amount, second, reason, key, OPERATOR)
            _check(wanted)
            if not ledger.find(connection, [(user.id, key)]) and not inbox.receipt(user.id, key):
                wanted.check_open(now)
                adjustments.note(connection, wanted, operator.operator())
        outcome = _taken(inbox, wanted.to_update(secrets.token_hex(8), now))
    _tell(user.username, wanted, outcome)


def _board(connection: Connection, board_id: str) -> Board:
    for board in catalogue.list_boards(connection):
        if board.id == board_id:
            return board
    raise click.ClickException(f"there is no board {board_id!r}")


def _check(wanted: Adjustment) -> None:
    try:
        wanted.check()
    except ScoreboardError as error:
        raise click.ClickException(sentence_of(error)) from None


def _taken(inbox: Inbox, update: Update) -> Outcome:
    """Accept the update and wait for a worker. Without a doorbell, the sweep finds it within two seconds."""
    try:
        accepted = inbox.accept(update)
    except InboxFullError:
        raise click.ClickException("the inbox is full: try again once workers have emptied it") from None
    if isinstance(accepted, Accepted) and accepted.ring:
        inbox.reset_doorbell()
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        outcome = inbox.receipt(update.user_id, update.idempotency_key)
        if outcome and (outcome["status"] != "accepted" or time.monotonic() > deadline):
            break
        if outcome is None and time.monotonic() > deadline:
            raise click.ClickException(f"its outcome is not known: run it again with --key {update.idempotency_key}")
        time.sleep(_POLL_SECONDS)
    if not claims.is_repetition(outcome, update.action_id, update.value, update.second):
        raise click.ClickException(f"the key {update.idempotency_key} was used for something else before")
    return outcome


def _tell(username: str, wanted: Adjustment, outcome: Outcome) -> None:
    what = f"{username}: {wanted.amount:+} on {wanted.board.id}"
    if outcome["status"] == "refused":
        raise click.ClickException(f"{what}: {outcome['error']['message']}")
    if outcome["status"] == "accepted":
        click.echo(f"{what}: accepted, and waits for a worker; its key is {wanted.idempotency_key}")
    else:
        click.echo(f"{what}: applied; its key is {wanted.idempotency_key}")
