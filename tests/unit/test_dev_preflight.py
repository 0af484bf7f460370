from pathlib import Path

import pytest

from common.core import settings
from common.redis_store import client as redis_client
from common.redis_store.client import EvictionError
from dev.run import preflight
from dev.supervise.processes import StartError

SECRETS = {"SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2, "SCOREBOARD_SECRET_KEY": "server-secret-of-tests-" * 2}


def test_settings_are_checked_before_the_addresses_of_embedded_servers_are_known() -> None:
    assert preflight.check_settings(SECRETS).port == 8000


@pytest.mark.parametrize(
    "variable",
    ["SCOREBOARD_PORT", "SCOREBOARD_WEB_PROCESSES", "SCOREBOARD_WORKER_PROCESSES", "SCOREBOARD_FLOWER_PORT"],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(variable: str) -> None:
    with pytest.raises(settings.SettingsError, match=variable):
        preflight.check_settings({**SECRETS, variable: "many"})


def test_an_address_that_the_operator_gave_is_checked_too() -> None:
    with pytest.raises(settings.SettingsError, match="DATABASE_URL"):
        preflight.check_settings({**SECRETS, "DATABASE_URL": "mysql://localhost"})


def test_a_port_that_cannot_be_had_is_refused_with_the_line_that_chooses_another() -> None:
    config = preflight.check_settings(SECRETS)

    with pytest.raises(StartError) as refused:
        preflight.check_ports(config, {}, lambda _, port: "in use" if port in (5555, 5556) else None)

    assert str(refused.value) == (
        "SCOREBOARD_FLOWER_PORT: cannot listen on 127.0.0.1, port 5555: in use; type: make run FLOWER_PORT=5557"
    )


def test_all_ports_that_cannot_be_had_are_refused_at_once_and_no_port_is_offered_twice() -> None:
    config = preflight.check_settings({**SECRETS, "SCOREBOARD_METRICS_PORT": "8001"})

    with pytest.raises(StartError) as refused:
        preflight.check_ports(config, {"DEMO": "1"}, lambda _, port: "in use" if port in (8000, 8001, 5555) else None)

    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines[:3]] == [
        "SCOREBOARD_PORT",
        "SCOREBOARD_METRICS_PORT",
        "SCOREBOARD_FLOWER_PORT",
    ]
    assert lines[0].endswith("type: make run DEMO=1 PORT=8002")
    assert lines[3] == "all at once: make run DEMO=1 PORT=8002 METRICS_PORT=8003 FLOWER_PORT=5556"


def test_no_other_port_is_offered_where_the_address_is_the_trouble() -> None:
    config = preflight.check_settings({**SECRETS, "SCOREBOARD_HOST": "nowhere.invalid"})

    with pytest.raises(StartError) as refused:
        preflight.check_ports(config, {}, lambda host, _: "unknown name" if host == "nowhere.invalid" else None)

    assert str(refused.value) == "SCOREBOARD_PORT: cannot listen on nowhere.invalid, port 8000: unknown name"


@pytest.mark.parametrize(
    ("env", "on_terminal", "shown"),
    [
        ({}, True, False),
        ({}, False, True),
        ({"LOGS": "1"}, True, True),
        ({"LOGS": "0"}, True, False),
        ({"SCOREBOARD_LOG_LEVEL": "INFO"}, True, True),
    ],
)
def test_a_terminal_is_shown_all_logs_only_if_that_is_asked_for(
    env: dict[str, str], on_terminal: bool, shown: bool
) -> None:
    assert preflight.shows_all(env, on_terminal=on_terminal) is shown


def test_a_redis_of_the_operator_s_that_evicts_is_refused_and_one_of_ours_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: str) -> None:
        raise EvictionError("its maxmemory-policy is allkeys-lru")

    monkeypatch.setattr(redis_client, "refuse_eviction", refuse)
    given = {**SECRETS, "REDIS_URL": "redis://127.0.0.1:1/0"}

    preflight.check_redis(preflight.check_settings(SECRETS), SECRETS)
    with pytest.raises(StartError, match="REDIS_URL: its maxmemory-policy"):
        preflight.check_redis(preflight.check_settings(given), given)


def test_two_settings_with_one_port_are_refused() -> None:
    config = preflight.check_settings({**SECRETS, "SCOREBOARD_METRICS_PORT": "8000"})

    with pytest.raises(StartError, match=r"SCOREBOARD_METRICS_PORT: .*SCOREBOARD_PORT"):
        preflight.check_ports(config, {}, lambda *_: None)


def test_the_data_folder_is_the_hidden_one_in_the_project_unless_it_is_set(tmp_path: Path) -> None:
    assert preflight.data_folder({}, tmp_path) == tmp_path / ".data"
    assert preflight.data_folder({"SCOREBOARD_DATA_DIR": "elsewhere/data"}, tmp_path) == tmp_path / "elsewhere/data"


def test_a_data_folder_that_cannot_be_made_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartError, match="SCOREBOARD_DATA_DIR"):
        preflight.data_folder({"SCOREBOARD_DATA_DIR": "file/data"}, tmp_path)
