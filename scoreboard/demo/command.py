"""The command `scoreboard demo`."""

import os
import random
import secrets
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console

from common.core import run_env, secret_files
from common.core.timestamps import format_instant
from scoreboard.demo.client import source_of
from scoreboard.demo.players import Config, Players
from scoreboard.demo.stats import Stats

EXIT_NOBODY_PLAYS = os.EX_CONFIG
"""The exit code if no player may play. `make run` does not start the demo again after it."""
USUAL_PACE = 44.0
"""The default pace in seconds: about 82 requests an hour and player, below the default limit of 100 per address."""
MOST_PLAYERS = 250
_NEW_FOR_SECONDS = 60.0
"""A password file that is younger than this has no accounts yet."""
_LOOK_EVERY_SECONDS = 0.5
_TELL_EVERY_SECONDS = 60.0


def _data_folder() -> Path:
    return run_env.running_folder(os.environ, Path())


def _default_url() -> str:
    """Return the address of the `make run` of this folder. Another's is nobody's default."""
    folder = _data_folder()
    if not run_env.is_running(folder) or not (url := run_env.read(folder).get("SCOREBOARD_URL")):
        raise click.UsageError(f"no `make run` is running in {folder.absolute().parent}: start it, or say --url")
    return url


def _default_password_file() -> Path:
    return _data_folder() / "secrets" / "demo_password"


def _checked(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter("must look like http://127.0.0.1:8000")
    return url


@click.command()
@click.option("--players", type=click.IntRange(1, MOST_PLAYERS), default=30, show_default=True)
@click.option(
    "--url",
    default=_default_url,
    show_default="that of `make run` in this folder",
    callback=_checked,
    help="The service.",
)
@click.option(
    "--pace",
    type=click.FloatRange(min=0.01),
    default=USUAL_PACE,
    show_default=True,
    help="Seconds between two moves of one player, on average.",
)
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_default_password_file,
    show_default="in SCOREBOARD_DATA_DIR",
    help="The players' password; made if it is missing.",
)
def demo(players: int, url: str, pace: float, password_file: Path) -> None:
    """Let made-up players use the API like people, until Ctrl-C.

    Against 127.0.0.1 each has a loopback address of its own, so that the default limits suit all of them.
    """
    secret = secret_files.ensure(password_file)
    are_new = time.time() - password_file.stat().st_mtime < _NEW_FOR_SECONDS
    config = Config(url, pace, secret, Stats(players), are_new)
    _say("info", f"{players} players come to play on {url}")
    if players > 1 and source_of(0, url) is None:
        _say("info", "they share one address there: the service's limits hold for all of them together")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: config.stop.set())
    everybody = Players(config, [random.Random(secrets.randbits(64)) for _ in range(players)])  # noqa: S311 - moves, not secrets
    everybody.start()
    _watch(everybody, config)
    _say("info", config.stats.line())
    if everybody.are_gone and not config.stop.is_set():
        sys.exit(EXIT_NOBODY_PLAYS)


def _watch(players: Players, config: Config) -> None:
    """Show the state until the demo ends: one line that changes in place on a terminal, elsewhere a line a minute."""
    console = Console()
    tell_at = time.monotonic() + _TELL_EVERY_SECONDS
    with console.status(config.stats.line()) as status:
        while not players.are_gone and not config.stop.wait(_LOOK_EVERY_SECONDS):
            status.update(config.stats.line())
            _tell(players)
            if not console.is_terminal and time.monotonic() >= tell_at:
                tell_at += _TELL_EVERY_SECONDS
                _say("info", config.stats.line())
    _tell(players)


def _tell(players: Players) -> None:
    for reason in players.new_reasons():
        _say("warning", f"players cannot play: {reason}")


def _say(level: str, text: str) -> None:
    """Print a text on a terminal; elsewhere log it as the service's programs do, because `make run` shows both."""
    if Console().is_terminal:
        click.echo(text)
    else:
        click.echo(f"{format_instant(datetime.now(UTC))} [{level:<9}] {text}")
