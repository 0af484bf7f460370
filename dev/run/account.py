"""The account that programs run as when root starts them: an unprivileged one, if it can reach the files it needs."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from common.core.settings import SECRETS, Settings
from dev.supervise import accounts
from dev.supervise.processes import Account, StartError

_CODE = ("Procfile", "celeryconfig.py", "common", "scoreboard", "web", "workers")
_PROBE = """
import os, sys
for path in sys.argv[1:]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").close()
    except OSError as error:
        sys.exit(path)
"""
_UNPRIVILEGED_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def choose(config: Settings, env: Mapping[str, str], root: Path, folder: Path) -> tuple[Account | None, str]:
    """Return the account to run as, or None and the reason why root has to do it. No reason: we are not root."""
    try:
        account = accounts.unprivileged(os.geteuid(), accounts.by_name)
    except StartError:
        return None, "there is no user postgres or nobody"
    if account is None:
        return None, ""
    obstacle = _obstacle(account, config, env, root, folder)
    return (None, obstacle) if obstacle else (account, "")


def _obstacle(account: Account, config: Settings, env: Mapping[str, str], root: Path, folder: Path) -> str:
    """Return why the account cannot do it; empty if it can."""
    ports = (config.port, config.metrics_port, config.flower_port)
    if any(port < _first_unprivileged_port() for port in ports):
        return f"only root may listen on port {min(ports)}"
    if not accounts.can_reach(folder, account):
        return f"user {account.uid} cannot enter {folder}"
    if unreadable := _unreadable(account, [*_code(root), *_given_files(env, folder)]):
        return f"user {account.uid} cannot read {unreadable}"
    return ""


def hand_over(account: Account | None, folder: Path) -> None:
    """Create the folders that programs write to, and make the account the owner of these and of the secrets."""
    secrets = folder / "secrets"
    (folder / "beat").mkdir(mode=0o700, exist_ok=True)
    if account is None:
        return
    secrets.chmod(0o711)
    for path in (folder / "beat", folder / "metrics"):
        accounts.give(path, account)
    for name in ("jwt_secret", "secret_key", "flower_password", "demo_password"):
        if (secrets / name).exists():
            accounts.give(secrets / name, account)


def _first_unprivileged_port() -> int:
    try:
        return int(_UNPRIVILEGED_PORTS.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 1024


def _code(root: Path) -> Iterable[Path]:
    for name in _CODE:
        if (root / name).exists():
            yield root / name
            below = (path for path in (root / name).rglob("*") if "frontend" not in path.parts)
            yield from (path for path in below if path.is_dir() or path.suffix in (".py", ".lua", ".html"))
    yield Path(sys.prefix)
    yield Path(os.__file__)


def _given_files(env: Mapping[str, str], folder: Path) -> Iterable[Path]:
    """Yield the secret files that the operator has named; those in the data folder are handed over instead."""
    named = [Path(env[f"{name}_FILE"]) for name in SECRETS if env.get(f"{name}_FILE")]
    return [path for path in named if folder not in path.parents]


def _unreadable(account: Account, paths: Iterable[Path]) -> str:
    """Return the first path that the account cannot read, the Python itself included; empty if it can read all."""
    command = [sys.executable, "-I", "-S", "-c", _PROBE, *map(str, paths)]
    try:
        done = subprocess.run(
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            env={},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return sys.executable
    return (done.stderr.strip() or sys.executable) if done.returncode else ""
