"""Files that only their owner reads: random secrets, and logs that may quote what was said to a server."""

import os
import secrets
from pathlib import Path


def ensure(path: Path) -> str:
    """Return the secret in `path`, and create it if it is missing. A crash never leaves a partial secret."""
    if not path.exists() or not path.stat().st_size:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text(encoding="utf-8").strip()


def private_opener(path: str, flags: int) -> int:
    """Open a file as `open(…, opener=…)` asks for it; one that is made can be read by its owner alone (0600)."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, text: str) -> None:
    """Replace `path` with `text`, mode 0600."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
