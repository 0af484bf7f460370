"""`bench/results/<name>.json`: what a run has measured, by section, and on what machine."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psutil

from bench.rows import Row

FOLDER = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Section:
    """Rows that were measured in one run beside one floor, interleaved."""

    title: str
    floor_name: str
    floor: Row
    rows: Sequence[Row]
    rounds: int
    seconds: float
    measured_at: str
    generator: str
    """Who made the closed loops, and where its own limit lies."""

    load_before: float
    """The machine's load average before anything was started: what else it was busy with."""


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


def load(path: Path) -> dict[str, Section]:
    """Return the sections of a file by title; none if there is no file."""
    if not path.exists():
        return {}
    stored = orjson.loads(path.read_bytes())["sections"]
    return {one["title"]: _section(one) for one in stored}


def store(path: Path, sections: Sequence[Section]) -> None:
    """Put these sections in the place of those with the same titles, and leave the others as they are."""
    merged = {**load(path), **{section.title: section for section in sections}}
    path.parent.mkdir(exist_ok=True)
    body = {"machine": machine(), "sections": [asdict(section) for section in merged.values()]}
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    path.write_bytes(orjson.dumps(_rounded(body), option=options))


def machine() -> dict[str, str | int]:
    """Return what a figure depends on, without the name of this machine."""
    return {
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def now() -> str:
    """Return this instant to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _section(stored: dict[str, Any]) -> Section:
    return Section(**{**stored, "floor": _row(stored["floor"]), "rows": [_row(row) for row in stored["rows"]]})


def _row(stored: dict[str, Any]) -> Row:
    return Row(**{**stored, "statuses": {int(status): count for status, count in stored["statuses"].items()}})


def _rounded(value: object) -> object:
    """Return the value with every number to four digits that matter."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
