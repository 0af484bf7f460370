"""The demo players' password: random, kept, and so the same at the next start."""

import os
import secrets
from pathlib import Path


def ensure(path: Path) -> str:
    """The secret in `path`, made if it is missing, for its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")
    return path.read_text(encoding="utf-8").strip()
