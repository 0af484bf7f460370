"""Where the commands find the service, when the environment says a part of it."""

from pathlib import Path

import pytest

from scoreboard import environment
from scoreboard.environment import MisconfiguredError

OURS, ANOTHER = "postgresql://127.0.0.1/ours", "postgresql://127.0.0.1/another"


@pytest.fixture(autouse=True)
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `make run` that has written down where it is."""
    secret = "a-secret-of-these-tests-"
    lines = [f"DATABASE_URL={OURS}", "REDIS_URL=redis://127.0.0.1/3"]
    lines += [f"SCOREBOARD_JWT_SECRET={secret * 2}", f"SCOREBOARD_SECRET_KEY={secret * 3}"]
    (tmp_path / "run.env").write_text("\n".join(lines))
    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "SCOREBOARD_JWT_SECRET", "SCOREBOARD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SCOREBOARD_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize("given", ["", OURS])
def test_the_running_service_is_found_also_where_its_database_is_named(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", given)

    assert environment.load_settings().redis_url == "redis://127.0.0.1/3"


def test_nothing_of_the_running_service_is_taken_for_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", ANOTHER)

    with pytest.raises(MisconfiguredError, match="SCOREBOARD_JWT_SECRET"):
        environment.load_settings()


def test_without_a_service_the_command_says_what_is_missing_as_make_psql_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCOREBOARD_DATA_DIR", str(tmp_path / "nothing-runs-here"))

    with pytest.raises(MisconfiguredError, match="DATABASE_URL is not set and no `make run` is running"):
        environment.load_settings()
