"""The settings of Celery's own programs, beat and Flower, which work without most of our secrets."""

import os
import secrets
from collections.abc import Mapping

from common.core import settings
from common.core.settings import Settings

_NOT_NEEDED = ("SCOREBOARD_JWT_SECRET", "SCOREBOARD_SECRET_KEY")
_NO_DATABASE = "postgresql://not-given.invalid/none"
_NO_REDIS = "redis://not-given.invalid/0"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Load the settings; only the broker's address is required. Raises SettingsError.

    Settings that are neither given nor needed get values that work nowhere: random secrets and addresses that do not
    exist. A worker needs all settings and checks them at its start (`workers/app.py`).
    """
    stand_ins = {name: secrets.token_urlsafe(32) for name in _NOT_NEEDED}
    stand_ins["DATABASE_URL"] = _NO_DATABASE
    if _is_given(environ, "BROKER_URL"):
        stand_ins["REDIS_URL"] = _NO_REDIS
    missing = {name: value for name, value in stand_ins.items() if not _is_given(environ, name)}
    return settings.load({**environ, **missing})


def _is_given(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))
