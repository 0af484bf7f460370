"""`scoreboard`, also as `python -m scoreboard`."""

import sys

import click
import redis
from sqlalchemy.exc import DBAPIError, ProgrammingError

from common import catalogue, logging, schema
from common.database import TooSlowError
from common.errors import ScoreboardError
from common.settings import SettingsError
from scoreboard.actions import actions
from scoreboard.board_commands import boards
from scoreboard.demo.command import demo
from scoreboard.environment import connected
from scoreboard.keys import keys
from scoreboard.quarantine import quarantine
from scoreboard.rebuild import rebuild
from scoreboard.users import users
from scoreboard.verify import verify

EXIT_FAILED, EXIT_MISCONFIGURED = 1, 2


@click.group()
def commands() -> None:
    """Operate a Scoreboard."""


@commands.command()
def migrate() -> None:
    """Bring the database to this version and add the default catalogue."""
    with connected() as engine:
        schema.migrate(engine)
        click.echo("the schema is up to date")
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
        click.echo("the default catalogue is there")


commands.add_command(actions)
commands.add_command(boards)
commands.add_command(demo)
commands.add_command(keys)
commands.add_command(quarantine)
commands.add_command(rebuild)
commands.add_command(users)
commands.add_command(verify)


def main() -> None:
    """Run a command; what is wrong is one line, not a traceback."""
    logging.configure_quietly()
    try:
        commands(prog_name="scoreboard")
    except SettingsError as error:
        _fail(str(error), EXIT_MISCONFIGURED)
    except ScoreboardError as error:
        _fail(error.message, EXIT_FAILED)
    except (redis.ConnectionError, redis.TimeoutError) as error:
        _fail(f"Redis cannot be reached: {error}", EXIT_FAILED)
    except TooSlowError as error:
        _fail(f"PostgreSQL is too slow: {error}", EXIT_FAILED)
    except redis.RedisError as error:
        _fail(f"Redis refuses this: {error}", EXIT_FAILED)
    except ProgrammingError as error:
        _fail(f"the schema does not fit, run `scoreboard migrate`: {str(error.orig).strip()}", EXIT_FAILED)
    except DBAPIError as error:
        _fail(f"PostgreSQL {_verb_of(error)}: {str(error.orig).strip()}", EXIT_FAILED)


def _verb_of(error: DBAPIError) -> str:
    """An error with a code of PostgreSQL's own was sent by a server that can be reached."""
    return "refuses this" if getattr(error.orig, "pgcode", None) else "cannot be reached"


def _fail(message: str, code: int) -> None:
    click.echo(f"scoreboard: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
