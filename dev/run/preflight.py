"""What can be known to be wrong before anything is started."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from common import redis, settings
from common.settings import Settings
from dev.run import environment
from dev.servers import ports
from dev.supervise.processes import StartError


def data_folder(env: Mapping[str, str], root: Path) -> Path:
    """The data folder, made if it is missing. Root's lets others pass, because PostgreSQL will not be root."""
    folder = (root / (env.get("SCOREBOARD_DATA_DIR") or ".data")).resolve()
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise StartError(f"SCOREBOARD_DATA_DIR: {error}") from None
    if folder.stat().st_uid != os.geteuid():
        raise StartError(f"{folder} belongs to another user: run as that user, or set SCOREBOARD_DATA_DIR")
    return folder


def wants_demo(env: Mapping[str, str]) -> bool:
    """Whether `DEMO` asks for demo players. Raises StartError for a word that is neither yes nor no."""
    answers = {"": False, "0": False, "1": True}
    word = env.get("DEMO", "")
    if word not in answers:
        raise StartError("DEMO: 1 adds players who move, 0 does not")
    return answers[word]


def check_settings(env: Mapping[str, str]) -> Settings:
    """All settings before anything starts; the URLs of embedded servers are not known yet."""
    later = {"DATABASE_URL": "postgresql://127.0.0.1/later", "REDIS_URL": "redis://127.0.0.1/0"}
    return settings.load({**env, **{name: url for name, url in later.items() if not environment.is_given(env, name)}})


def check_redis(config: Settings, env: Mapping[str, str]) -> None:
    """Raises StartError for a server of the operator's that throws keys away: web and worker would not start on it."""
    urls = {"REDIS_URL": config.redis_url, "BROKER_URL": config.celery_broker_url}
    for name, url in urls.items():
        if environment.is_given(env, name):
            try:
                redis.refuse_eviction(url)
            except redis.EvictionError as error:
                raise StartError(f"{name}: {error}") from None


def check_ports(config: Settings, refusal: Callable[[str, int], str | None] = ports.refusal) -> None:
    """Raises StartError for a port that cannot be had, with the setting that chooses it."""
    wanted = {
        "SCOREBOARD_PORT": (config.host, config.port),
        "SCOREBOARD_METRICS_PORT": (config.metrics_host, config.metrics_port),
        "SCOREBOARD_FLOWER_PORT": (config.flower_host, config.flower_port),
    }
    taken: dict[int, str] = {}
    for name, (host, port) in wanted.items():
        if first := taken.get(port):
            raise StartError(f"{name}: port {port} is that of {first} too")
        taken[port] = name
        if reason := refusal(host, port):
            raise StartError(f"{name}: cannot listen on {host}, port {port}: {reason}")
