"""Checks of the settings, ports and servers before anything is started."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from common.core import run_env, settings
from common.core.settings import Settings
from common.redis_store import client as redis_client
from dev.run import environment
from dev.servers import ports
from dev.supervise.processes import StartError

_SHORT_NAME_OF = {setting: short for short, setting in environment.SHORT_NAMES.items()}


def data_folder(env: Mapping[str, str], root: Path) -> Path:
    """Return the data folder, and create it if it is missing. Root's can be entered by PostgreSQL's user.

    With demo players it is another one, unless the operator has chosen it.
    """
    usual = run_env.DEMO_FOLDER if wants_demo(env) else run_env.DATA_FOLDER
    folder = (root / (env.get("SCOREBOARD_DATA_DIR") or usual)).resolve()
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
    """Return whether `DEMO` asks for demo players. Raises StartError for a word that is neither yes nor no."""
    answers = {"": False, "0": False, "1": True}
    word = env.get("DEMO", "")
    if word not in answers:
        raise StartError("DEMO: 1 adds players who move, 0 does not")
    return answers[word]


def check_settings(env: Mapping[str, str]) -> Settings:
    """Check and return all settings. The URLs of embedded servers, not known yet, are replaced by examples."""
    later = {"DATABASE_URL": "postgresql://127.0.0.1/later", "REDIS_URL": "redis://127.0.0.1/0"}
    return settings.load({**env, **{name: url for name, url in later.items() if not environment.is_given(env, name)}})


def check_redis(config: Settings, env: Mapping[str, str]) -> None:
    """Raise StartError for an operator's server that evicts keys or has a bad certificate.

    Web and worker would not start on such a server.
    """
    checks = {
        "REDIS_URL": (redis_client.refuse_eviction, config.redis_url),
        "BROKER_URL": (redis_client.refuse_eviction, config.broker_redis_url),
        "LIMITER_URL": (redis_client.refuse_untrusted, config.rate_limit_url),
    }
    for name, (refuse, url) in checks.items():
        if environment.is_given(env, name):
            try:
                refuse(url)
            except redis_client.UnfitServerError as error:
                raise StartError(f"{name}: {error}") from None


def shows_all(env: Mapping[str, str], *, on_terminal: bool) -> bool:
    """Return whether all log lines are shown. On a terminal, `LOGS=1` or a chosen log level asks for that."""
    return not on_terminal or env.get("LOGS") == "1" or bool(env.get("SCOREBOARD_LOG_LEVEL"))


def check_ports(
    config: Settings, env: Mapping[str, str], refusal: Callable[[str, int], str | None] = ports.refusal
) -> None:
    """Raise StartError that names all ports that are not available, each with the command that chooses another."""
    wanted = {
        "SCOREBOARD_PORT": (config.host, config.port),
        "SCOREBOARD_METRICS_PORT": (config.metrics_host, config.metrics_port),
        "SCOREBOARD_FLOWER_PORT": (config.flower_host, config.flower_port),
    }
    refused: dict[str, str] = {}
    settings_of: dict[int, str] = {}
    for name, (host, port) in wanted.items():
        if reason := _refusal(host, port, settings_of.get(port), refusal):
            refused[name] = reason
        settings_of.setdefault(port, name)
    if not refused:
        return
    choices: dict[str, str] = {}
    for name in refused:
        host, port = wanted[name]
        if choice := _another_port(host, port, settings_of, refusal):
            settings_of[choice] = name
            choices[name] = f"{_SHORT_NAME_OF[name]}={choice}"
    raise StartError("\n".join(_refusals(refused, choices, "make run DEMO=1" if wants_demo(env) else "make run")))


def _refusal(host: str, port: int, other: str | None, refusal: Callable[[str, int], str | None]) -> str:
    if other:
        return f"port {port} is that of {other} too"
    reason = refusal(host, port)
    return f"cannot listen on {host}, port {port}: {reason}" if reason else ""


def _another_port(
    host: str, port: int, taken: Mapping[int, str], refusal: Callable[[str, int], str | None]
) -> int | None:
    """Return the next free port; None if the address itself cannot be used."""
    if refusal(host, 0):
        return None
    first = max(port, 1024) + 1
    return next((p for p in range(first, min(first + 100, 65_536)) if p not in taken and not refusal(host, p)), None)


def _refusals(refused: Mapping[str, str], choices: Mapping[str, str], command: str) -> Iterator[str]:
    for name, reason in refused.items():
        cure = f"; type: {command} {choices[name]}" if name in choices else ""
        yield f"{name}: {reason}{cure}"
    if len(choices) > 1:
        yield f"all at once: {command} {' '.join(choices.values())}"
