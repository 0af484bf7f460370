"""The environment of the processes of `make run`, and the part of it that other terminals can read."""

import os
import pwd
import sys
from collections.abc import Mapping
from pathlib import Path

from common.core import secret_files
from dev.supervise.processes import Account

GENERATED_SECRETS = ("SCOREBOARD_JWT_SECRET", "SCOREBOARD_SECRET_KEY", "SCOREBOARD_FLOWER_PASSWORD")
SHORT_NAMES = {
    "PORT": "SCOREBOARD_PORT",
    "FLOWER_PORT": "SCOREBOARD_FLOWER_PORT",
    "METRICS_PORT": "SCOREBOARD_METRICS_PORT",
}
"""The short names that may follow `make run`, and their settings."""

_SHARED_LIMITS = {
    "SCOREBOARD_IP_LIMIT": "10000/hour",
    "SCOREBOARD_LOGIN_LIMIT": "1000/minute",
    "SCOREBOARD_REGISTER_LIMIT": "1000/hour",
}
_PLACES = (
    "DATABASE_URL",
    "SCOREBOARD_MIGRATE_DATABASE_URL",
    "REDIS_URL",
    "BROKER_URL",
    "LIMITER_URL",
    *GENERATED_SECRETS,
)
_PUBLISHED = (*_PLACES, *(f"{name}_FILE" for name in _PLACES))
_WITHOUT_METRICS = frozenset({"beat", "flower", "demo"})
"""Programs without metrics of ours: files that they write into the shared folder would stay in /metrics for ever."""


def is_given(env: Mapping[str, str], name: str) -> bool:
    """Return whether the operator has set a variable, itself or as a `_FILE`. An empty value counts as not set."""
    return bool(env.get(name) or env.get(f"{name}_FILE"))


def with_long_names(env: Mapping[str, str]) -> dict[str, str]:
    """Return `env` with each short name in place of the setting that it stands for. A short name wins."""
    typed = {setting: env[short] for short, setting in SHORT_NAMES.items() if env.get(short)}
    return {**{name: text for name, text in env.items() if name not in SHORT_NAMES}, **typed}


def for_demo(env: Mapping[str, str]) -> dict[str, str]:
    """Return `env` with limits that thirty players behind one address stay below, where they have to share one.

    Over IPv4 each has a loopback address of its own; IPv6 has only `::1`. What the operator has set stays.
    """
    shares = env.get("SCOREBOARD_HOST") == "::1"
    return {
        **{name: limit for name, limit in _SHARED_LIMITS.items() if shares},
        **{name: text for name, text in env.items() if text},
    }


def with_secrets(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return `env` with a `<NAME>_FILE` for each secret that the operator has not given; missing ones are made."""
    result = dict(env)
    for name in GENERATED_SECRETS:
        if not is_given(env, name):
            path = folder / "secrets" / name.removeprefix("SCOREBOARD_").lower()
            secret_files.ensure(path)
            result[f"{name}_FILE"] = str(path)
    return result


def with_programs(env: Mapping[str, str], folder: Path, here: Path) -> dict[str, str]:
    """Return `env` with the virtual environment's Python first, and paths that hold in any folder."""
    files = {name: str(here / path) for name, path in env.items() if name.endswith("_FILE") and path}
    return {
        **env,
        **{name: path for name, path in files.items() if name.removesuffix("_FILE") in _PLACES},
        "PYTHONUNBUFFERED": env.get("PYTHONUNBUFFERED") or "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "SCOREBOARD_DATA_DIR": str(folder),
    }


def of_program(name: str, env: Mapping[str, str], folder: Path, account: Account | None) -> dict[str, str]:
    """Return what one program gets of `env`: a home that it can enter, and only the folders that it writes to."""
    result = dict(env)
    if name in _WITHOUT_METRICS:
        del result["PROMETHEUS_MULTIPROC_DIR"]
    if account or name == "beat":  # another user can enter no other folder
        result["SCOREBOARD_DATA_DIR"] = str(folder / "beat")
    if account:
        result["HOME"] = pwd.getpwuid(account.uid).pw_dir
    return result


def published(env: Mapping[str, str], url: str) -> dict[str, str]:
    """Return what another terminal needs to reach the running service, whose page is at `url`."""
    return {**{name: env[name] for name in _PUBLISHED if env.get(name)}, "SCOREBOARD_URL": url}
