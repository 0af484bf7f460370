import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.core import run_env
from dev.harness.servers import Servers
from tests.dev.dummy import REPOSITORY


def console(name: str, folder: Path, text: str, path: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": path, "PYTHONPATH": str(REPOSITORY), "SCOREBOARD_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "dev.consoles", name]
    return subprocess.run(command, input=text, env=env, capture_output=True, text=True, check=False)


def test_psql_opens_the_database_of_the_running_service(servers: Servers, tmp_path: Path) -> None:
    run_env.write(tmp_path, {"DATABASE_URL": servers.database_url})

    done = console("psql", tmp_path, "SELECT 6 * 7 AS answer;", os.defpath)

    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout


def test_a_console_without_a_running_service_says_so(tmp_path: Path) -> None:
    done = console("psql", tmp_path, "", os.defpath)

    assert done.returncode == 1
    assert "no `make run` is running" in done.stderr


def test_a_machine_without_a_console_for_valkey_is_told(tmp_path: Path) -> None:
    run_env.write(tmp_path, {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"})

    done = console("redis-cli", tmp_path, "", str(tmp_path))

    assert done.returncode == 1
    assert "neither valkey-cli nor redis-cli is installed" in done.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://:secret@127.0.0.1:1/0", "-u redis://127.0.0.1:1/0"),
        ("rediss://:secret@127.0.0.1:1/0?ssl_ca_certs=/ca.pem", "-u rediss://127.0.0.1:1/0 --cacert /ca.pem"),
        ("unix://ada:secret@/run/valkey.sock?db=3", "-s /run/valkey.sock -n 3 --user ada"),
    ],
)
def test_the_console_for_valkey_gets_the_address_and_the_password_apart(tmp_path: Path, url: str, words: str) -> None:
    run_env.write(tmp_path, {"REDIS_URL": url})
    program = tmp_path / "valkey-cli"
    program.write_text('#!/bin/sh\necho "$REDISCLI_AUTH" "$@"\n')
    program.chmod(0o755)

    done = console("redis-cli", tmp_path, "", f"{tmp_path}:{os.defpath}")

    assert done.stdout == f"secret {words}\n"
