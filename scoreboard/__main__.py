"""The program `scoreboard`, also run as `python -m scoreboard`."""

import sys

import click
from click.exceptions import NoArgsIsHelpError

from scoreboard.lazy import LazyGroup
from scoreboard.version import VERSION

EXIT_FAILED = 1


@click.group(cls=LazyGroup)
@click.version_option(VERSION, message="%(prog)s %(version)s")
def commands() -> None:
    """Operate a Scoreboard."""


def main() -> None:
    """Run a command. An error that the operator can mend is one line on standard error, not a traceback."""
    try:
        code = commands.main(prog_name="scoreboard", standalone_mode=False)
    except click.Abort:
        _fail("interrupted", EXIT_FAILED)
    except NoArgsIsHelpError as error:  # a group without a command: its message is the help
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        hint = f"; see: {error.ctx.command_path} --help" if error.ctx else ""
        _fail(f"{error.format_message().removesuffix('.')}{hint}", error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    click.echo(f"scoreboard: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
