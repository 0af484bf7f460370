"""docker-compose.yml against the Compose specification's schema, and against the Procfile and the settings.

compose-spec.json is the schema of https://github.com/compose-spec/compose-spec, unchanged, under the Apache licence
in compose-spec.LICENSE.
"""

import json
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml
from honcho.environ import parse_procfile

from common.core.settings import SECRETS, Settings
from dev.supervise.program_secrets import environment_of

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROCFILE: dict[str, str] = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes
OURS = [*PROCFILE, "migrate"]

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expanded(text: str, environment: dict[str, str]) -> str:
    """`${NAME:-default}` as a shell and as Compose read it."""
    return _VARIABLE.sub(lambda found: environment.get(found[1]) or found[2] or "", text)


def variables_of(service: str) -> dict[str, str]:
    """What a service gets where the operator has set nothing."""
    return {name: expanded(str(value), {}) for name, value in SERVICES[service]["environment"].items()}


def test_the_file_follows_the_compose_specification() -> None:
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text(encoding="utf-8"))

    problems = [
        f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(COMPOSE)
    ]

    assert problems == []


def test_there_is_a_service_for_each_program_for_the_servers_for_the_migration_and_for_the_proxy() -> None:
    assert set(SERVICES) == {*OURS, "live", "postgres", "valkey", "proxy"}


def test_the_live_socket_has_a_process_group_of_its_own_that_runs_the_same_program() -> None:
    others = ("command", "healthcheck", "secrets", "depends_on", "ulimits")

    assert all(SERVICES["live"][name] == SERVICES["web"][name] for name in others)


@pytest.mark.parametrize("name", PROCFILE)
def test_a_service_runs_what_the_procfile_runs(name: str) -> None:
    command = expanded(SERVICES[name]["command"], {})

    assert shlex.split(command) == shlex.split(expanded(PROCFILE[name], variables_of(name)))


def test_the_migration_is_the_one_that_make_run_uses() -> None:
    assert SERVICES["migrate"]["command"] == "python -m scoreboard migrate"


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    settings = {field.alias for field in Settings.model_fields.values()}
    others = {"SCOREBOARD_DATA_DIR", "PROMETHEUS_MULTIPROC_DIR"}

    assert {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]} <= settings | others


@pytest.mark.parametrize("name", PROCFILE)
def test_every_setting_is_passed_on_but_the_secrets_that_a_program_does_not_need(name: str) -> None:
    aliases = {str(field.alias): "x" for field in Settings.model_fields.values()}
    passed = {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]}
    needed = set(environment_of(name, {**aliases, "BROKER_URL": ""}))

    assert needed - passed <= {"SCOREBOARD_WORKER_METRICS_PORT"}  # which the worker alone has
    assert passed & set(SECRETS) <= needed | {"BROKER_URL"}


def test_only_the_migration_knows_the_owner_of_the_database() -> None:
    knowing = {name for name, service in SERVICES.items() if "owner_database_url" in service.get("secrets", [])}

    assert knowing == {"migrate"}
    assert SERVICES["beat"]["secrets"] == ["redis_url"]
    assert set(SERVICES["flower"]["secrets"]) == {"redis_url", "flower_password"}


def test_the_secrets_of_an_installation_with_one_role_get_a_second_and_others_stay(tmp_path: Path) -> None:
    def make() -> dict[str, str]:
        subprocess.run(["/bin/sh", ROOT / "dev" / "compose_secrets.sh"], cwd=tmp_path, check=True, capture_output=True)
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir() if path.name[0] != "."}

    first = make()
    assert set(first) >= set(COMPOSE["secrets"])
    assert make() == first
    owner = urlsplit(first["owner_database_url"].strip())
    assert (owner.username, owner.password) == ("scoreboard", first["postgres_password"].strip())
    (tmp_path / "secrets" / "database_url").write_text(first["owner_database_url"])
    assert make() == first
    (tmp_path / "secrets" / "database_url").write_text("postgresql://elsewhere/mine\n")
    assert make()["database_url"] == "postgresql://elsewhere/mine\n"


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_can_gain_rights_fill_the_disk_or_fork_without_end(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert service["pids_limit"]


def test_what_does_not_grow_with_the_data_has_a_limit_of_memory() -> None:
    assert {name for name, service in SERVICES.items() if "mem_limit" not in service} == {"postgres", "valkey"}


def test_the_proxy_has_no_way_to_the_servers_and_they_have_none_out() -> None:
    assert COMPOSE["networks"]["servers"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["valkey"]["networks"] == ["servers"]
    assert SERVICES["proxy"]["networks"] == ["front"]
    assert all(SERVICES[name]["networks"] == ["front", "servers"] for name in [*OURS, "live"])


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_as_files_that_the_service_is_given(name: str) -> None:
    service = SERVICES[name]
    read = {Path(value).name for key, value in service.get("environment", {}).items() if key.endswith("_FILE")}

    assert read <= set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert not {"SCOREBOARD_JWT_SECRET", "SCOREBOARD_SECRET_KEY", "DATABASE_URL"} & set(service.get("environment", {}))


def test_every_secret_is_made_by_the_documented_command_and_stays_as_it_is(tmp_path: Path) -> None:
    def run() -> dict[str, str]:
        subprocess.run(["/bin/sh", ROOT / "dev" / "compose_secrets.sh"], cwd=tmp_path, check=True, capture_output=True)
        return {name: (tmp_path / each["file"]).read_text() for name, each in COMPOSE["secrets"].items()}

    made = run()

    assert [name for name, secret in made.items() if not secret.strip()] == []
    assert run() == made


@pytest.mark.parametrize("name", PROCFILE)
def test_a_program_starts_when_the_servers_are_healthy_and_the_schema_is_there(name: str) -> None:
    conditions = {on: wanted["condition"] for on, wanted in SERVICES[name]["depends_on"].items()}

    assert conditions == {
        "postgres": "service_healthy",
        "valkey": "service_healthy",
        "migrate": "service_completed_successfully",
    }


@pytest.mark.parametrize("name", set(SERVICES) - {"migrate"})
def test_whatever_runs_on_has_a_health_check_a_restart_policy_and_time_to_stop(name: str) -> None:
    service = SERVICES[name]

    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"]


def test_web_is_healthy_when_the_service_is_whole() -> None:
    assert "/readyz" in " ".join(SERVICES["web"]["healthcheck"]["test"])


def test_valkey_loses_nothing_and_evicts_nothing() -> None:
    words = shlex.split(SERVICES["valkey"]["command"])

    options = dict(pairwise(words))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--maxmemory-policy"] == "noeviction"
    assert "valkey:/data" in SERVICES["valkey"]["volumes"]


def test_nothing_is_published_beyond_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(published) == {"proxy", "flower"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_service_believes_the_one_proxy_that_stands_before_it() -> None:
    assert all(variables_of(name)["SCOREBOARD_TRUSTED_PROXIES"] == "1" for name in ("web", "live"))


def test_tls_is_added_on_the_ports_of_the_internet_with_a_certificate_that_comes_as_a_file() -> None:
    text = (ROOT / "deploy" / "docker-compose.tls.yml").read_text(encoding="utf-8").replace("!override ", "")
    added: dict[str, Any] = yaml.safe_load(text)
    proxy = added["services"]["proxy"]
    configuration = (ROOT / "deploy" / "tls.conf").read_text(encoding="utf-8")

    assert set(added["services"]) <= set(SERVICES)
    assert proxy["ports"] == ["80:8080", "443:8443"]
    assert set(proxy["secrets"]) == set(added["secrets"])
    assert all(f"/run/secrets/{name};" in configuration for name in added["secrets"])
    assert all((ROOT / volume.partition(":")[0]).is_file() for volume in proxy["volumes"])


def test_the_image_installs_by_hash_and_runs_as_nobody_in_particular() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert "--require-hashes -r requirements/production.txt" in dockerfile
    assert re.search(r"^USER 10001", dockerfile, re.MULTILINE)
    copied = re.findall(r"^COPY (?!--)(\S+)", dockerfile, re.MULTILINE)
    assert copied
    assert all((ROOT / path).exists() for path in copied)


def test_the_image_gets_what_it_copies_and_nothing_else() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert kept == set(re.findall(r"^COPY (?!--)(\S+)", dockerfile, re.MULTILINE))
