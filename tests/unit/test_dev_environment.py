import pwd
import stat
from pathlib import Path

import pytest

from dev.run import environment
from dev.supervise.processes import Account

HERE = Path("/project")


def test_a_missing_secret_is_made_and_named_by_its_file(tmp_path: Path) -> None:
    env = environment.with_secrets({}, tmp_path)

    for name in environment.GENERATED_SECRETS:
        path = Path(env[f"{name}_FILE"])
        assert len(path.read_text(encoding="utf-8").strip()) >= 43  # 32 random bytes in base64
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    first = environment.with_secrets({}, tmp_path)
    texts = [path.read_bytes() for path in sorted((tmp_path / "secrets").iterdir())]

    assert environment.with_secrets({}, tmp_path) == first
    assert [path.read_bytes() for path in sorted((tmp_path / "secrets").iterdir())] == texts


def test_a_secret_that_the_operator_gave_is_left_alone(tmp_path: Path) -> None:
    given = {"SCOREBOARD_JWT_SECRET": "x" * 40, "SCOREBOARD_SECRET_KEY_FILE": "/run/secrets/key"}

    env = environment.with_secrets(given, tmp_path)

    assert "SCOREBOARD_JWT_SECRET_FILE" not in env
    assert env["SCOREBOARD_SECRET_KEY_FILE"] == "/run/secrets/key"
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["flower_password"]


def test_an_empty_variable_counts_as_not_given(tmp_path: Path) -> None:
    env = environment.with_secrets({"SCOREBOARD_JWT_SECRET": ""}, tmp_path)

    assert env["SCOREBOARD_JWT_SECRET_FILE"] == str(tmp_path / "secrets" / "jwt_secret")


def test_programs_find_the_environment_first_and_paths_that_hold_in_any_folder(tmp_path: Path) -> None:
    env = environment.with_programs({"PATH": "/usr/bin", "DATABASE_URL_FILE": "secrets/url"}, tmp_path, HERE)

    assert env["PATH"].endswith(":/usr/bin")
    assert (Path(env["PATH"].partition(":")[0]) / "python").exists()
    assert env["DATABASE_URL_FILE"] == "/project/secrets/url"
    assert env["SCOREBOARD_DATA_DIR"] == str(tmp_path)
    assert env["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")


def test_programs_choose_the_format_of_their_logs_by_themselves_unless_the_operator_does(tmp_path: Path) -> None:
    assert "SCOREBOARD_LOG_FORMAT" not in environment.with_programs({}, tmp_path, HERE)
    asked = {"SCOREBOARD_LOG_FORMAT": "console"}
    assert environment.with_programs(asked, tmp_path, HERE)["SCOREBOARD_LOG_FORMAT"] == "console"


def test_a_second_terminal_is_told_where_the_service_is_and_nothing_else() -> None:
    env = {
        "DATABASE_URL": "postgresql://u:p=w@127.0.0.1/db",
        "REDIS_URL": "redis://127.0.0.1/0",
        "SCOREBOARD_JWT_SECRET_FILE": "/data/jwt",
        "HOME": "/root",
    }

    told = environment.published(env, "http://127.0.0.1:8001")

    assert told == {**{name: env[name] for name in env if name != "HOME"}, "SCOREBOARD_URL": "http://127.0.0.1:8001"}


@pytest.mark.parametrize(
    ("typed", "setting"),
    [
        ("PORT", "SCOREBOARD_PORT"),
        ("FLOWER_PORT", "SCOREBOARD_FLOWER_PORT"),
        ("METRICS_PORT", "SCOREBOARD_METRICS_PORT"),
    ],
)
def test_what_is_typed_after_make_run_wins_over_the_setting_that_it_stands_for(typed: str, setting: str) -> None:
    assert environment.with_long_names({typed: "8001", setting: "8000"}) == {setting: "8001"}
    assert environment.with_long_names({typed: "", setting: "8000"}) == {setting: "8000"}


def test_only_programs_that_count_something_of_ours_write_into_the_folder_of_metrics(tmp_path: Path) -> None:
    env = environment.with_programs({}, tmp_path, HERE)

    counting = {
        name
        for name in ("web", "worker", "beat", "flower", "demo")
        if "PROMETHEUS_MULTIPROC_DIR" in environment.of_program(name, env, tmp_path, None)
    }

    assert counting == {"web", "worker"}


def test_a_program_of_another_user_gets_a_home_and_a_folder_of_that_user(tmp_path: Path) -> None:
    env = environment.with_programs({"HOME": "/root"}, tmp_path, HERE)
    nobody = Account(pwd.getpwnam("nobody").pw_uid, 0)

    assert environment.of_program("web", env, tmp_path, None)["HOME"] == "/root"
    theirs = environment.of_program("web", env, tmp_path, nobody)
    assert theirs["HOME"] == pwd.getpwnam("nobody").pw_dir
    assert theirs["SCOREBOARD_DATA_DIR"] == str(tmp_path / "beat")  # and not where run.env is, which is not theirs


def test_demo_players_who_have_to_share_an_address_get_limits_that_let_all_of_them_in() -> None:
    shared = environment.for_demo({"SCOREBOARD_HOST": "::1", "SCOREBOARD_LOGIN_LIMIT": "7/minute"})

    assert shared["SCOREBOARD_IP_LIMIT"] == "10000/hour"
    assert shared["SCOREBOARD_LOGIN_LIMIT"] == "7/minute"  # the operator's own
    assert environment.for_demo({"SCOREBOARD_HOST": "127.0.0.1"}) == {"SCOREBOARD_HOST": "127.0.0.1"}
