"""`make docs`: write docs/configuration.md from the descriptions of the settings, so that both always agree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from common.core.setting_groups.boards import Boards
from common.core.setting_groups.credentials import Credentials
from common.core.setting_groups.limits import Limits
from common.core.setting_groups.live import Live
from common.core.setting_groups.pages import Pages
from common.core.setting_groups.processes import Processes
from common.core.setting_groups.servers import Servers
from common.core.setting_groups.updates import Updates
from common.core.settings import SECRETS, Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

_HEAD = """\
# Configuration

Settings are environment variables, read once at the start of each process. A missing or bad value stops the start,
and its name is told. An empty value counts as not set. `make docs` makes this page from `common/core/setting_groups`.

Each variable marked *secret* may stand in a file instead: `NAME_FILE=/path/to/file`. The variable wins if both are set.
`make run` makes the random ones that are missing, mode 0600, in `secrets` of its data folder. A process that is
started by itself makes none and refuses to start.

Limits are written `10/minute`, `100/hour`, `10/15minute`: so many in so long.
"""

_RUN_ONLY = """\
## Of `make run` and the tools

| variable | default | what |
|---|---|---|
| `SCOREBOARD_DATA_DIR` | `.data` | Where `make run` keeps database, append-only file, logs of the servers and secrets; where the `scoreboard` command looks for a running service. |
| `DEMO` | `0` | `1`: `make run` adds 30 made-up players, and keeps its data in `.data-demo`. See [operations](operations.md#demo-players). |
| `PORT`, `FLOWER_PORT`, `METRICS_PORT` | not set | Short for `SCOREBOARD_PORT` and so on: `make run PORT=8001`. They win over those. |
| `LOGS` | `0` | `1`: `make run` shows all that is logged, on a terminal too, where it shows warnings and errors otherwise. So does a `SCOREBOARD_LOG_LEVEL`. All of it is in `run.log` of the data folder in any case: as JSON, unless `SCOREBOARD_LOG_FORMAT=console`. |
| `PYTHON` | the first that is found | The Python (3.11 or newer) that `make` builds the environment with. |
| `PROMETHEUS_MULTIPROC_DIR` | set by `make run` | The folder in which all processes of one machine count for `/metrics`. Empty it before a start. |
| `SCOREBOARD_URL` | written by `make run` | In `run.env` of the data folder: where the service is. `scoreboard demo` reads it there. |
| `SCOREBOARD_CI` | not set | `1`: no test may be skipped. |
| `SCOREBOARD_FUZZ_SEED` | drawn anew | The seed of the requests that the tests make up. |
| `SCOREBOARD_LIVE_PROCESSES` | `1` | With `docker-compose.yml`: web processes that serve the live socket alone. |

With `DATABASE_URL` or `REDIS_URL` set, `make run` uses that server and starts none in its place.
"""  # noqa: E501 - a table's row is one line

_HEADINGS: dict[type[BaseModel], str] = {
    Servers: "Servers",
    Credentials: "Secrets",
    Processes: "Addresses, processes and logs",
    Limits: "Accounts and limits",
    Updates: "Updates, snapshots and periods",
    Live: "The live socket",
    Boards: "Boards and actions",
    Pages: "The pages and their addresses",
}
"""The sections of the page, each with the settings of one group."""


def text() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *_rows(), _RUN_ONLY])


def _rows() -> Iterator[str]:
    for group, heading in _HEADINGS.items():
        yield f"## {heading}\n\n| variable | default | what |\n|---|---|---|"
        for name in group.model_fields:
            field = Settings.model_fields[name]
            yield f"| `{field.alias}` | {_default(field)} | {_meaning(field)} |"
        yield ""


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**needed**"
    return "not set" if field.default in (None, "") else f"`{field.default}`"


def _meaning(field: FieldInfo) -> str:
    told = [str(field.description), _allowed(field)]
    if field.alias in SECRETS:
        told.append("*Secret.*")
    return " ".join(part for part in told if part)


def _allowed(field: FieldInfo) -> str:
    """Return the allowed values of a setting, as far as its type says them."""
    if get_origin(field.annotation) is Literal:
        return f"One of {', '.join(f'`{word}`' for word in get_args(field.annotation))}."
    least = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    most = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    if least is None:
        return ""
    return f"{least} to {most}." if most is not None else f"{least} or more."


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
