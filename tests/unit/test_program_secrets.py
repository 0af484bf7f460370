"""No program gets a secret that it has no use for, and those of Celery do their work without ours."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from common import celery_settings, redis_address, settings
from common.settings import SECRETS, SettingsError
from dev.supervise.program_secrets import OWNER, environment_of

ROOT = Path(__file__).resolve().parents[2]
ALL = {name: f"secret of {name}" for name in SECRETS} | {f"{name}_FILE": f"/file/of/{name}" for name in SECRETS}
ENVIRONMENT = {**ALL, "SCOREBOARD_PORT": "8000"}


def secrets_of(program: str, env: dict[str, str]) -> set[str]:
    kept = environment_of(program, env)
    assert kept["SCOREBOARD_PORT"] == "8000"
    return {name.removesuffix("_FILE") for name in kept} & set(SECRETS)


def test_beat_knows_the_broker_alone_and_flower_its_password_too() -> None:
    without_broker = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("BROKER_URL")}

    assert secrets_of("beat", ENVIRONMENT) == {"BROKER_URL"}
    assert secrets_of("beat", without_broker) == {"REDIS_URL"}
    assert secrets_of("flower", without_broker) == {"REDIS_URL", "SCOREBOARD_FLOWER_PASSWORD"}
    assert secrets_of("demo", ENVIRONMENT) == set()


@pytest.mark.parametrize("program", ["web", "worker", "one-of-another-day"])
def test_who_serves_knows_neither_the_owner_of_the_database_nor_flowers_password(program: str) -> None:
    assert secrets_of(program, ENVIRONMENT) == set(SECRETS) - {OWNER, "SCOREBOARD_FLOWER_PASSWORD"}


def test_the_migration_knows_the_owner() -> None:
    assert OWNER in secrets_of("migrate", ENVIRONMENT)


def test_celerys_settings_need_the_brokers_address_and_nothing_else() -> None:
    config = celery_settings.load({"REDIS_URL": "redis://127.0.0.1:1/0", "SCOREBOARD_SNAPSHOT_MINUTES": "7"})

    assert config.celery_broker_url == "redis://127.0.0.1:1/0"
    assert config.snapshot_minutes == 7
    only_broker = celery_settings.load({"BROKER_URL": "redis://127.0.0.1:2/0"})
    assert only_broker.celery_broker_url == "redis://127.0.0.1:2/0"
    with pytest.raises(SettingsError, match="REDIS_URL"):
        celery_settings.load({})


def test_what_stands_in_for_a_secret_is_drawn_anew_each_time() -> None:
    environ = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    first, second = celery_settings.load(environ), celery_settings.load(environ)

    assert first.secret_key != second.secret_key
    assert first.jwt_secrets != second.jwt_secrets
    assert "not-given.invalid" in first.database_url


def test_what_is_given_is_taken_and_checked() -> None:
    environ = {"REDIS_URL": "redis://127.0.0.1:1/0", "DATABASE_URL": "postgresql://127.0.0.1/mine"}

    assert celery_settings.load(environ).database_url.endswith("/mine")
    with pytest.raises(SettingsError, match="SCOREBOARD_SECRET_KEY"):
        celery_settings.load({**environ, "SCOREBOARD_SECRET_KEY": "short"})


@pytest.mark.parametrize("password", ["", "x", "x" * 11])
def test_flower_refuses_a_password_that_can_be_guessed(password: str) -> None:
    done = run_flower(password)

    assert done.returncode == 1
    assert done.stderr.startswith("flower cannot start: SCOREBOARD_FLOWER_PASSWORD: ")


def test_a_comma_in_flowers_password_does_not_split_it() -> None:
    code = "from workers import flower; from flower.options import options; "
    code += "flower.app.start = lambda _: print(options.basic_auth); flower.main()"

    assert run_flower("one,two,three", "-c", code).stdout == "['admin:one,two,three']\n"


def run_flower(password: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SCOREBOARD_FLOWER_PASSWORD": password,
        "FLOWER_BASIC_AUTH": "somebody:else",
    }
    command = [sys.executable, *(arguments or ("-m", "workers.flower"))]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("password", ["zq/xk", "zq?xk", "zq#xk", "zq@xk", "12/34", "zq[xk", "5432/zq@xk"])
@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL", "BROKER_URL"])
def test_an_address_with_an_unescaped_password_is_refused_without_a_piece_of_it(variable: str, password: str) -> None:
    scheme = "postgresql" if variable == "DATABASE_URL" else "redis"
    environ = {
        "DATABASE_URL": "postgresql://127.0.0.1/x",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-the-tests-0123456789",
        "SCOREBOARD_SECRET_KEY": "secret-key-of-the-tests-0123456789",
        variable: f"{scheme}://user:{password}@127.0.0.1:1/0",
    }
    with pytest.raises(SettingsError) as refusal:
        settings.load(environ)

    told = str(refusal.value).replace("127.0.0.1", "")
    assert told.startswith(f"{variable}: ")
    assert told.endswith(redis_address.UNREADABLE)
    assert not [piece for piece in re.split(r"[/?#@\[]", password) if piece in told]


def test_an_address_with_an_escaped_password_or_without_any_is_taken() -> None:
    for netloc in ("user:p%40%2F%3F%23@127.0.0.1:1", ":p%40@127.0.0.1", "user@127.0.0.1", "127.0.0.1", "[::1]:1", ""):
        settings.load(
            {
                "DATABASE_URL": f"postgresql://{netloc}/x?host=/run/a@b" if not netloc else f"postgresql://{netloc}/x",
                "REDIS_URL": f"redis://{netloc}/0",
                "SCOREBOARD_JWT_SECRET": "jwt-secret-of-the-tests-0123456789",
                "SCOREBOARD_SECRET_KEY": "secret-key-of-the-tests-0123456789",
            }
        )
