"""The banner of `make run`: where everything is, and how to stop it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from common.core import run_env
from common.core.settings import Settings
from dev.run import readiness


def rows(config: Settings, env: Mapping[str, str], folder: Path, servers: Sequence[str]) -> list[tuple[str, str]]:
    """Return names and values. `servers` are those that were started here."""
    page = readiness.address(config.host, config.port)
    password = env.get("SCOREBOARD_FLOWER_PASSWORD_FILE") or "SCOREBOARD_FLOWER_PASSWORD"
    data = f"data in {_short(folder)}"
    if folder.name == run_env.DEMO_FOLDER:
        data += f", apart from that of a `make run` without DEMO=1 ({run_env.DATA_FOLDER})"
    return [
        ("Page", page),
        ("Docs", f"{page}/docs"),
        ("Flower", f"{readiness.address(config.flower_host, config.flower_port)}, user admin"),
        ("Password", _short(password)),
        ("Servers", f"{', '.join(servers) or 'your own'}; {data}"),
        ("Log", f"{_short(folder / 'run.log')}; LOGS=1 shows all of it here"),
        ("Stop", "Ctrl-C"),
    ]


def _short(path: str | Path) -> str:
    """Return the path relative to the current folder, if it is below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if here in Path(path).parents else str(path)
