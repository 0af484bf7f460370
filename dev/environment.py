"""The environment that every process of `make run` gets, and its copy for a second terminal."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dev import secret_files

GENERATED_SECRETS = ("SCOREBOARD_JWT_SECRET", "SCOREBOARD_SECRET_KEY", "SCOREBOARD_FLOWER_PASSWORD")
_SHARED = (
    "DATABASE_URL",
    "SCOREBOARD_MIGRATE_DATABASE_URL",
    "REDIS_URL",
    "BROKER_URL",
    "LIMITER_URL",
    *GENERATED_SECRETS,
)
_FILE_NAME = "run.env"


def is_given(env: Mapping[str, str], name: str) -> bool:
    """Whether the operator has set it, as itself or as a file. Empty counts as not set."""
    return bool(env.get(name) or env.get(f"{name}_FILE"))


def with_secrets(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`env` with a `<NAME>_FILE` for each secret that the operator has not given; missing ones are made."""
    result = dict(env)
    for name in GENERATED_SECRETS:
        if not is_given(env, name):
            path = folder / "secrets" / name.removeprefix("SCOREBOARD_").lower()
            secret_files.ensure(path)
            result[f"{name}_FILE"] = str(path)
    return result


def with_programs(env: Mapping[str, str], folder: Path, here: Path) -> dict[str, str]:
    """`env` with the virtual environment's programs first, readable logs, and paths that hold in any folder."""
    files = {name: str(here / path) for name, path in env.items() if name.endswith("_FILE") and path}
    return {
        **env,
        **{name: path for name, path in files.items() if name.removesuffix("_FILE") in _SHARED},
        "SCOREBOARD_LOG_FORMAT": env.get("SCOREBOARD_LOG_FORMAT") or "console",
        "PYTHONUNBUFFERED": env.get("PYTHONUNBUFFERED") or "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "SCOREBOARD_DATA_DIR": str(folder),
    }


def publish(env: Mapping[str, str], folder: Path) -> Path:
    """Write what a second terminal needs to reach the running servers, for its owner only."""
    names = [f"{name}{suffix}" for name in _SHARED for suffix in ("", "_FILE")]
    path = folder / _FILE_NAME
    secret_files.write_private(path, "".join(f"{name}={env[name]}\n" for name in names if env.get(name)))
    return path


def withdraw(folder: Path) -> None:
    """The servers are gone: whoever asks for them shall be told so."""
    (folder / _FILE_NAME).unlink(missing_ok=True)


def published(folder: Path) -> dict[str, str]:
    """What a running `make run` wrote; empty if none runs."""
    path = folder / _FILE_NAME
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)
