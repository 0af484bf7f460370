"""Flower with its password from the settings: `python -m workers.flower`. The password is on no command line."""

import os
import sys

from common import settings
from workers.app import app

USER = "admin"


def main() -> None:
    try:
        config = settings.load()
    except settings.SettingsError as error:
        sys.exit(f"flower cannot start: {error}")
    if config.flower_password is None:
        sys.exit("flower cannot start: SCOREBOARD_FLOWER_PASSWORD: Field required")
    os.environ["FLOWER_BASIC_AUTH"] = f"{USER}:{config.flower_password.get_secret_value()}"
    app.start(["flower", f"--address={config.flower_host}", f"--port={config.flower_port}"])


if __name__ == "__main__":
    main()
