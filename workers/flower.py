"""Flower with its password from the settings: `python -m workers.flower`. The password is on no command line."""

import logging
import os
import sys

from flower.options import options

from common.core import celery_settings, settings
from workers.app import app

USER = "admin"
SHORTEST_PASSWORD = 12
TASKS_KEPT = 10_000
"""Its own default is ten times that: sweeps alone are 43,200 a day, and each is kept in memory."""


def main() -> None:
    try:
        config = celery_settings.load()
    except settings.SettingsError as error:
        sys.exit(f"flower cannot start: {error}")
    if config.flower_password is None:
        sys.exit("flower cannot start: SCOREBOARD_FLOWER_PASSWORD: Field required")
    password = config.flower_password.get_secret_value()
    if len(password) < SHORTEST_PASSWORD:
        sys.exit(
            f"flower cannot start: SCOREBOARD_FLOWER_PASSWORD: must have at least {SHORTEST_PASSWORD} characters: "
            "whoever guesses it can end the worker"
        )
    # Not by FLOWER_BASIC_AUTH, which is a list and splits a password at its commas.
    os.environ.pop("FLOWER_BASIC_AUTH", None)
    options.basic_auth = [f"{USER}:{password}"]
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)  # at a start it asks before anybody can answer
    address = [f"--address={config.flower_host}", f"--port={config.flower_port}"]
    app.start(["flower", *address, f"--max-tasks={TASKS_KEPT}"])


if __name__ == "__main__":
    main()
