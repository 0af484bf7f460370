"""The option `--reason` of commands that need one, which takes what the API takes."""

import click
from pydantic import TypeAdapter, ValidationError

from common.core.validation_messages import message_of


def _in_words(_context: click.Context, parameter: click.Parameter, given: str) -> str:
    from common.contract.requests import Reason  # noqa: PLC0415 - it comes with a long list of passwords

    try:
        words: str = TypeAdapter(Reason).validate_python(given)
    except ValidationError as error:
        raise click.BadParameter(message_of(error.errors()[0]), param=parameter) from None
    return words


reason_option = click.option("--reason", required=True, callback=_in_words, help="Why, for the audit log.")
