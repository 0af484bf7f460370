"""Where `scoreboard users create` gets a password from: a terminal, or the first line of standard input."""

import sys

import click


def ask() -> str:
    """Ask twice on the terminal, without showing it."""
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def read_line() -> str:
    """The first line of standard input without its line ending, `\\n` or `\\r\\n`. Raises click.ClickException."""
    line = sys.stdin.buffer.readline()
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise click.ClickException("the password on standard input is not text in UTF-8") from None
