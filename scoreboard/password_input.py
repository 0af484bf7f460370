"""The input of a password for `scoreboard users create`: a terminal, or the first line of standard input."""

import sys

import click


def ask() -> str:
    """Ask for a password twice on the terminal, without showing it."""
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def read_line() -> str:
    """Return the first line of standard input without its `\\n` or `\\r\\n`. Raises click.ClickException."""
    line = sys.stdin.buffer.readline()
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise click.ClickException("the password on standard input is not text in UTF-8") from None
