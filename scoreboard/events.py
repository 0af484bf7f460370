"""`scoreboard events`: updates that count no more, and that count again."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from common.domain.corrections import Span, Told
from scoreboard.corrections import Asked, correct
from scoreboard.instants import instant
from scoreboard.reason import reason_option


@click.group()
def events() -> None:
    """Let updates count no more, or again."""


_Command = Callable[..., None]


def _choosing(command: _Command) -> _Command:
    """Add the arguments and options by which updates are chosen, and a reason."""
    for add in (
        click.option("--dry-run", is_flag=True, help="Change nothing; say how many updates of how many players it is."),
        reason_option,
        click.option("--player", metavar="USER", help="Only updates of this player, a name or a user id."),
        click.option("--to", "until", callback=instant, metavar="INSTANT", help="…and not after."),
        click.option("--from", "since", callback=instant, metavar="INSTANT", help="Accepted then or later."),
        click.option("--action", metavar="ACTION", help="Only updates of this action."),
        click.argument("event", nargs=-1, type=click.IntRange(1, 10**18 - 1)),
    ):
        command = add(command)
    return command


@events.command()
@_choosing
@click.option("--amend-closed", is_flag=True, help="Change closed periods, too; each has a new revision.")
def void(*, amend_closed: bool, **chosen: object) -> None:
    """Let the updates EVENT…, or those of a span of time, count no more: scores are as if they had never been.

    A span is --from and --to, with --action, --player or both. Everybody's are voided in slices, and updates that come
    meanwhile wait for one slice at most. What is void already stays so.
    """
    correct(_asked(chosen, amends=amend_closed, restores=False))


@events.command()
@_choosing
@click.option(
    "--amend-closed/--keep-closed", default=None, help="Change closed periods, too, or not.  [default: as voided]"
)
def restore(*, amend_closed: bool | None, **chosen: object) -> None:
    """Let the updates EVENT…, or those of a span of time, count again.

    A period that was closed while they were void stays without them, unless --amend-closed.
    """
    correct(_asked(chosen, amends=amend_closed, restores=True))


def _asked(chosen: Mapping[str, Any], *, amends: bool | None, restores: bool) -> Asked:
    """Return what the options choose. Raises click.UsageError."""
    event_ids, since, until = (chosen[name] for name in ("event", "since", "until"))
    action_id, player, reason = (chosen[name] for name in ("action", "player", "reason"))
    if event_ids and chosen["dry_run"]:
        raise click.UsageError("--dry-run is for a span of time")
    if event_ids and (since or until or action_id or player):
        raise click.UsageError("name updates by their numbers or by a span of time, not both")
    span = None
    if not event_ids:
        if not (since and until and (action_id or player)):
            raise click.UsageError("name numbers of updates, or --from and --to with --action or --player")
        if since > until:
            raise click.BadParameter("is earlier than --from", param_hint="--to")
        span = Span(since, until, action_id)
    told = Told(reason, amends)
    return Asked(tuple(event_ids), span, player, restores, told, chosen["dry_run"])
