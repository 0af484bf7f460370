"""The environment that every process of `make run` gets, and its copy for a second terminal."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from dev import secret_files

GENERATED_SECRETS = ("SCOREBOARD_JWT_SECRET", "SCOREBOARD_SECRET_KEY", "SCOREBOARD_FLOWER_PASSWORD")
_SHARED = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "LIMITER_URL")


def with_secrets(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`env` with a `<NAME>_FILE` for each secret that the operator has not given; missing ones are made."""
    result = dict(env)
    for name in GENERATED_SECRETS:
        if not env.get(name) and not env.get(f"{name}_FILE"):
            path = folder / "secrets" / name.removeprefix("SCOREBOARD_").lower()
            secret_files.ensure(path)
            result[f"{name}_FILE"] = str(path)
    return result


def with_programs(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`env` with the virtual environment's programs first, readable logs, and an empty folder for metrics."""
    metrics = folder / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    return {
        "SCOREBOARD_LOG_FORMAT": "console",
        "PYTHONUNBUFFERED": "1",
        **env,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "SCOREBOARD_DATA_DIR": str(folder),
    }


def publish(env: Mapping[str, str], folder: Path) -> Path:
    """Write what a second terminal needs to reach the running servers, for its owner only."""
    secrets = [f"{name}{suffix}" for name in GENERATED_SECRETS for suffix in ("", "_FILE")]
    lines = [f"{name}={env[name]}\n" for name in (*_SHARED, *secrets) if env.get(name)]
    path = folder / "run.env"
    secret_files.write_private(path, "".join(lines))
    return path
