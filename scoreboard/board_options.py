"""The options with which a command describes a board."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from common.contract.constants import PERIOD_NAMES, SEASON
from common.domain.boards import Rule, Ties, Visibility

Command = TypeVar("Command", bound=Callable[..., object])

_FORMAT = "integer, decimal:PLACES (0 to 6), duration:ms or duration:s."


def changeable(command: Command) -> Command:
    """Add the options for what may change of a board."""
    for option in (
        click.option("--closes-at", help="ISO 8601 with an offset; `never`: it does not close."),
        click.option("--opens-at", help="ISO 8601 with an offset; `never` takes a planned opening back."),
        click.option("--visibility", type=click.Choice([each.value for each in Visibility]), help="Who may see it."),
        click.option("--ties", type=click.Choice([each.value for each in Ties]), help="Places of equal scores."),
        click.option("--format", "score_format", help=f"How a score is written: {_FORMAT}"),
        click.option("--position", type=int, help="Its place in lists, the least first."),
        click.option("--category", help="A label for lists, of a-z, 0-9 and hyphens; empty: none."),
        click.option("--description", help="A sentence about it."),
        click.option("--title", help="Its name for people."),
    ):
        command = option(command)
    return command


def immutable(command: Command) -> Command:
    """Add the options for what never changes of a board."""
    for option in (
        click.option("--second-label", default="", help="What the second score is called."),
        click.option("--second", type=click.Choice(["ascending", "descending"]), help="A second score, by its order."),
        click.option("--order", type=click.Choice(["ascending", "descending"]), help="Which score leads."),
        click.option(
            "--period",
            "periods",
            multiple=True,
            type=click.Choice([*PERIOD_NAMES, SEASON]),
            help="May repeat. Default: all four of the calendar.",
        ),
        click.option("--rule", type=click.Choice([each.value for each in Rule]), help="Default: sum."),
    ):
        command = option(command)
    return command


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a board that the options name, as its JSON has them. Raises click.BadParameter."""
    fields = {
        name: options.get(option)
        for name, option in {
            **{"title": "title", "description": "description", "position": "position", "ties": "ties"},
            **{"visibility": "visibility", "rule": "rule", "order": "order"},
        }.items()
        if options.get(option) is not None
    }
    if options.get("category") is not None:
        fields["category"] = options["category"] or None
    if options.get("periods"):
        fields["periods"] = list(options["periods"])
    if options.get("second"):
        fields["second"] = {"order": options["second"], "label": options["second_label"]}
    if options.get("score_format") is not None:
        fields["format"] = _format(options["score_format"])
    for name, option in (("opensAt", "opens_at"), ("closesAt", "closes_at")):
        if options.get(option) is not None:
            fields[name] = None if options[option] == "never" else options[option]
    return fields


def _format(text: str) -> dict[str, Any]:
    kind, _, detail = text.partition(":")
    if kind == "decimal" and detail.isascii() and detail.isdigit():
        return {"kind": kind, "places": int(detail)}
    if kind == "duration" and detail:
        return {"kind": kind, "unit": detail}
    if text == "integer":
        return {"kind": kind}
    raise click.BadParameter(f"must be {_FORMAT[:-1]}", param_hint="--format")
