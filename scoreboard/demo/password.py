"""The demo players' password: random, kept, and so the same at the next start."""

import os
import secrets
from pathlib import Path


def ensure(path: Path) -> str:
    """The secret in `path`, made if it is missing, for its owner only. Written whole or not at all."""
    if not path.exists() or not path.stat().st_size:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(f"{secrets.token_urlsafe(32)}\n", encoding="utf-8")
        draft.replace(path)
    return path.read_text(encoding="utf-8").strip()
