from pathlib import Path

import pytest

from common import redis, settings
from common.redis import EvictionError
from dev.run import preflight
from dev.supervise.processes import StartError

SECRETS = {"SCOREBOARD_JWT_SECRET": "j" * 32, "SCOREBOARD_SECRET_KEY": "s" * 32}


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


def test_a_port_that_cannot_be_had_is_refused_with_the_setting_that_chooses_it() -> None:
    config = preflight.check_settings(SECRETS)

    with pytest.raises(StartError, match=r"SCOREBOARD_FLOWER_PORT: .* 5555: in use"):
        preflight.check_ports(config, lambda _, port: "in use" if port == 5555 else None)


def test_a_redis_of_the_operator_s_that_evicts_is_refused_and_one_of_ours_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: str) -> None:
        raise EvictionError("its maxmemory-policy is allkeys-lru")

    monkeypatch.setattr(redis, "refuse_eviction", refuse)
    given = {**SECRETS, "REDIS_URL": "redis://127.0.0.1:1/0"}

    preflight.check_redis(preflight.check_settings(SECRETS), SECRETS)
    with pytest.raises(StartError, match="REDIS_URL: its maxmemory-policy"):
        preflight.check_redis(preflight.check_settings(given), given)


def test_two_settings_with_one_port_are_refused() -> None:
    config = preflight.check_settings({**SECRETS, "SCOREBOARD_METRICS_PORT": "8000"})

    with pytest.raises(StartError, match=r"SCOREBOARD_METRICS_PORT: .*SCOREBOARD_PORT"):
        preflight.check_ports(config, lambda *_: None)


def test_the_data_folder_is_the_hidden_one_in_the_project_unless_it_is_set(tmp_path: Path) -> None:
    assert preflight.data_folder({}, tmp_path) == tmp_path / ".data"
    assert preflight.data_folder({"SCOREBOARD_DATA_DIR": "elsewhere/data"}, tmp_path) == tmp_path / "elsewhere/data"


def test_a_data_folder_that_cannot_be_made_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartError, match="SCOREBOARD_DATA_DIR"):
        preflight.data_folder({"SCOREBOARD_DATA_DIR": "file/data"}, tmp_path)
