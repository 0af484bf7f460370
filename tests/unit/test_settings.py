"""Settings: a bad or missing one stops the start and is named; secrets come from files too and are never shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.core import settings
from common.core.settings import SettingsError

ROOT = Path(__file__).resolve().parents[2]
VALID = {
    "DATABASE_URL": "postgresql://user:hidden@localhost/scores",
    "REDIS_URL": "redis://localhost:6379/0",
    "SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2,
    "SCOREBOARD_SECRET_KEY": "server-secret-of-tests-" * 2,
}


def test_the_driver_is_named_for_sqlalchemy() -> None:
    assert settings.load(VALID).database_url == "postgresql+psycopg2://user:hidden@localhost/scores"


def test_broker_and_limiter_are_the_redis_of_the_board_unless_told() -> None:
    loaded = settings.load({**VALID, "LIMITER_URL": "redis://elsewhere/1"})
    assert loaded.celery_broker_url == VALID["REDIS_URL"]
    assert loaded.rate_limit_url == "redis://elsewhere/1"


@pytest.mark.parametrize("name", sorted(VALID))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings.load({other: value for other, value in VALID.items() if other != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/x"),
        ("REDIS_URL", "localhost:6379"),
        ("SCOREBOARD_JWT_SECRET", "too short"),
        ("SCOREBOARD_JWT_SECRET", "changeme-changeme-changeme-changeme"),
        ("SCOREBOARD_SECRET_KEY", "Your-Secret-Key-of-32-bytes-or-more"),
        ("SCOREBOARD_SECRET_KEY", " " * 32),
        ("SCOREBOARD_JWT_SECRET", "a" * 32),
        ("SCOREBOARD_SECRET_KEY", "abcd" * 16),
        ("SCOREBOARD_SECRET_KEY", VALID["SCOREBOARD_JWT_SECRET"]),
        ("SCOREBOARD_SECRET_KEY_PREVIOUS", VALID["SCOREBOARD_JWT_SECRET"]),
        ("SCOREBOARD_BATCH_UPDATE_LIMIT", "999/minute"),
        ("SCOREBOARD_ALLOWED_HOSTS", "https://scores.example"),
        ("SCOREBOARD_ALLOWED_HOSTS", "scores.example:8000"),
        ("SCOREBOARD_IP_LIMIT", "0/hour"),
        ("SCOREBOARD_ALLOWED_ORIGINS", "*"),
        ("SCOREBOARD_ALLOWED_ORIGINS", "https://game.example/"),
        ("SCOREBOARD_ALLOWED_ORIGINS", "https://game.example null"),
        ("SCOREBOARD_PORT", "70000"),
        ("SCOREBOARD_PORT", "http"),
        ("SCOREBOARD_WEB_PROCESSES", "0"),
        ("SCOREBOARD_UPDATE_LIMIT", "often"),
        ("SCOREBOARD_REGISTRATION", "maybe"),
        ("SCOREBOARD_SNAPSHOT_MINUTES", "-5"),
        ("SCOREBOARD_LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_setting_is_named_and_its_value_is_not_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refusal:
        settings.load({**VALID, name: value})
    assert "hidden" not in str(refusal.value)
    assert name not in VALID or value not in str(refusal.value)


def test_an_empty_variable_counts_as_missing() -> None:
    assert settings.load({**VALID, "BROKER_URL": "", "SCOREBOARD_PORT": ""}).port == 8000


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("secret-in-a-file-" * 3 + "\n")
    environment = {name: value for name, value in VALID.items() if name != "SCOREBOARD_JWT_SECRET"}
    loaded = settings.load({**environment, "SCOREBOARD_JWT_SECRET_FILE": str(path)})
    assert loaded.jwt_secrets == (b"secret-in-a-file-" * 3,)


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    environment = {name: value for name, value in VALID.items() if name != "REDIS_URL"}
    with pytest.raises(SettingsError, match="REDIS_URL_FILE"):
        settings.load({**environment, "REDIS_URL_FILE": str(tmp_path / "missing")})


SERVERS = ["DATABASE_URL", "REDIS_URL"]


def test_no_secret_shows_in_a_representation() -> None:
    shown = repr(settings.load({**VALID, "SCOREBOARD_FLOWER_PASSWORD": "flowerpower"}))
    assert "hidden" not in shown
    assert "jwt-secret-of-tests" not in shown
    assert "server-secret-of-tests" not in shown
    assert "flowerpower" not in shown


def test_every_setting_is_described() -> None:
    assert [name for name, field in settings.Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("command", "given", "missing"),
    [
        (
            ["-m", "gunicorn", "--config", "web/server/gunicorn_config.py", "web.server.wsgi:app"],
            SERVERS,
            "SCOREBOARD_JWT_SECRET",
        ),
        (["-m", "celery", "--app", "workers.app", "worker"], SERVERS, "SCOREBOARD_JWT_SECRET"),
        (["-m", "celery", "--app", "workers.app", "beat"], ["DATABASE_URL"], "REDIS_URL"),
        (["-m", "workers.flower"], SERVERS, "SCOREBOARD_FLOWER_PASSWORD"),
        (["-m", "scoreboard", "migrate"], SERVERS, "SCOREBOARD_JWT_SECRET"),
    ],
)
def test_no_process_starts_without_its_secrets(
    command: list[str], given: list[str], missing: str, tmp_path: Path
) -> None:
    """Each says which setting is missing in one line, and ends."""
    environment = {"PATH": os.environ["PATH"], "SCOREBOARD_DATA_DIR": str(tmp_path)}
    environment |= {name: VALID[name] for name in given}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert missing in done.stderr
    assert "Traceback" not in done.stderr
