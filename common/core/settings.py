"""Every setting of the service, read once from the environment into one frozen object."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from common.core.setting_groups.boards import Boards
from common.core.setting_groups.credentials import Credentials
from common.core.setting_groups.limits import Limits
from common.core.setting_groups.live import Live
from common.core.setting_groups.pages import Pages
from common.core.setting_groups.processes import Processes
from common.core.setting_groups.servers import Servers
from common.core.setting_groups.updates import Updates
from common.core.validation_messages import message_of

SECRETS = (
    "DATABASE_URL",
    "SCOREBOARD_MIGRATE_DATABASE_URL",
    "REDIS_URL",
    "BROKER_URL",
    "LIMITER_URL",
    "SCOREBOARD_JWT_SECRET",
    "SCOREBOARD_JWT_SECRET_PREVIOUS",
    "SCOREBOARD_SECRET_KEY",
    "SCOREBOARD_SECRET_KEY_PREVIOUS",
    "SCOREBOARD_FLOWER_PASSWORD",
)


class SettingsError(Exception):
    """A setting is missing or invalid; the message names each one."""


class Settings(Pages, Boards, Live, Updates, Limits, Processes, Credentials, Servers):
    """The settings. A field's alias is its environment variable; its description is its documentation.

    The fields of the last group come first: pydantic collects those of bases from the last one to the first.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True, hide_input_in_errors=True)


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment. Raises SettingsError, which names every bad or missing variable."""
    values = {name: text for name, text in environ.items() if text}
    for name in SECRETS:
        if name not in values and (path := values.get(f"{name}_FILE")):
            values[name] = _read_secret(f"{name}_FILE", path)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [f"{_variable(problem['loc'])}: {message_of(problem)}" for problem in error.errors()]
        raise SettingsError("; ".join(problems)) from None


def _read_secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}: {path} cannot be read") from error


def _variable(location: tuple[int | str, ...]) -> str:
    return str(location[0]) if location else "settings"
