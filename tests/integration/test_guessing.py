"""Guessed passwords: which are refused, how failures are budgeted, and that no stranger keeps anybody out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import argon2
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from common.domain import passwords
from common.redis_store.client import Client
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.player import PASSWORD, error_code, register
from web.server import hashing
from workers.state import WorkerState

GENEROUS = {
    "SCOREBOARD_IP_LIMIT": "1000/hour",
    "SCOREBOARD_LOGIN_LIMIT": "1000/minute",
    "SCOREBOARD_LOGIN_FAILURE_LIMIT": "1000/minute",
    "SCOREBOARD_NETWORK_FAILURE_LIMIT": "1000/minute",
    "SCOREBOARD_ACCOUNT_FAILURE_LIMIT": "1000/minute",
}
NEVER_THERE = "2001:db8:99::1"


@contextmanager
def limited(make_settings: SettingsFactory, **limits: str) -> Iterator[FlaskClient]:
    with documented_application(make_settings(**{**GENEROUS, **limits})) as application:
        yield application.test_client()


def log_in_from(client: FlaskClient, address: str, password: str = PASSWORD, username: str = "ada") -> TestResponse:
    body = {"username": username, "password": password}
    return client.post("/api/auth/login", json=body, environ_base={"REMOTE_ADDR": address})


def guess_from(client: FlaskClient, *addresses: str, username: str = "ada") -> list[int]:
    return [log_in_from(client, address, "wrong password", username).status_code for address in addresses]


@pytest.mark.parametrize(
    "password",
    ["password", "12345678", "Sunshine", "PASSWORD2024!", "drowssap", "grace.hopper", "Grace.Hopper99",
     "99reppoh.ecarg", "scoreboard", "Leaderboard1!", "zzzzzzzzzz", "abababab"],
)  # fmt: skip
def test_what_is_guessed_first_is_no_password(client: FlaskClient, command_line: CommandLine, password: str) -> None:
    answer = client.post("/api/auth/register", json={"username": "Grace.Hopper", "password": password})
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")
    assert [each["field"] for each in answer.get_json()["error"]["details"]["fields"]] == ["password"]


def test_the_command_line_refuses_them_too(command_line: CommandLine) -> None:
    refused = command_line("users", "create", "grace", "--password-stdin", stdin=b"password1\n")
    assert refused.returncode == 1
    assert "most common" in refused.stderr


@pytest.mark.parametrize("username", ["-rf", "--help", ".hidden", "-a-"])
def test_a_new_name_is_none_that_a_program_takes_for_an_option(
    client: FlaskClient, command_line: CommandLine, username: str
) -> None:
    answer = client.post("/api/auth/register", json={"username": username, "password": PASSWORD})
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")
    made = command_line("users", "create", "--password-stdin", "--", username, stdin=f"{PASSWORD}\n".encode())
    assert made.returncode == 2


def test_an_account_that_has_such_a_name_logs_in_as_before(client: FlaskClient, worker: WorkerState) -> None:
    register(client, "ada")
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET username = '-rf', username_key = '-rf'"))
    assert log_in_from(client, "192.0.2.1", username="-rf").status_code == 200


def test_a_password_is_the_same_however_a_keyboard_composes_it(client: FlaskClient, command_line: CommandLine) -> None:
    composed, decomposed = "caf\u00e9 cr\u00e8me", "cafe\u0301 cre\u0300me"
    assert client.post("/api/auth/register", json={"username": "ada", "password": decomposed}).status_code == 201
    assert command_line("users", "create", "bob", "--password-stdin", stdin=f"{decomposed}\n".encode()).returncode == 0
    for username in ("ada", "bob"):
        for password in (composed, decomposed):
            assert log_in_from(client, "192.0.2.1", password, username).status_code == 200


def test_a_hash_of_text_that_was_not_composed_still_fits(client: FlaskClient, worker: WorkerState) -> None:
    decomposed = "cafe\u0301 cre\u0300me"
    register(client, "ada")
    old = argon2.PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1).hash(decomposed)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET password_hash = :old"), {"old": old})
    assert log_in_from(client, "192.0.2.1", decomposed).status_code == 200


def test_a_login_hashes_anew_what_has_parameters_of_old(client: FlaskClient, worker: WorkerState) -> None:
    register(client, "ada")
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET password_hash = :weak"), {"weak": weak})
    assert log_in_from(client, "192.0.2.1", "wrong password").status_code == 401
    assert log_in_from(client, "192.0.2.1").status_code == 200
    with worker.engine.connect() as connection:
        stored = connection.execute(text("SELECT password_hash FROM users")).scalar_one()
    assert stored != weak
    assert not passwords.is_outdated(stored)
    assert log_in_from(client, "192.0.2.1").status_code == 200


def test_a_network_of_ipv6_has_a_budget_at_each_of_its_sizes(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    with limited(make_settings, SCOREBOARD_NETWORK_FAILURE_LIMIT="1/hour") as client:
        register(client, "ada")
        each_of_one_56 = [f"2001:db8:1:{number:x}::1" for number in range(6)]
        assert guess_from(client, *each_of_one_56) == [401] * 4 + [429] * 2
        each_of_one_48 = [f"2001:db8:1:{number:x}00::1" for number in range(1, 16)]
        assert guess_from(client, *each_of_one_48) == [401] * 12 + [429] * 3
        refused = log_in_from(client, "2001:db8:1:ff00::1")
        assert (refused.status_code, error_code(refused)) == (429, "login_throttled")
        assert int(refused.headers["Retry-After"]) >= 1
        assert guess_from(client, "2001:db8:2::1", "192.0.2.1") == [401, 401]


def test_failures_of_many_accounts_from_one_address_are_budgeted(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    with limited(make_settings, SCOREBOARD_NETWORK_FAILURE_LIMIT="3/hour") as client:
        sprayed = [guess_from(client, "192.0.2.1", username=f"user-{number}")[0] for number in range(5)]
        assert sprayed == [401, 401, 401, 429, 429]


def test_an_account_under_attack_is_slow_for_strangers_and_open_for_who_has_been_there(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    with limited(make_settings, SCOREBOARD_ACCOUNT_FAILURE_LIMIT="5/hour") as client:
        register(client, "ada")
        assert log_in_from(client, "203.0.113.1").status_code == 200
        assert guess_from(client, *(f"198.51.100.{number}" for number in range(5))) == [401] * 5
        assert guess_from(client, "198.51.100.99", "198.51.100.99") == [401, 429], "one for each stranger, then none"
        assert log_in_from(client, "198.51.100.99").status_code == 429
        assert log_in_from(client, "198.51.100.77").status_code == 200, "the right password from a new place"
        assert guess_from(client, "203.0.113.1", "203.0.113.1") == [401, 401], "who is known meets the own limit alone"
        assert log_in_from(client, "203.0.113.1").status_code == 200
        assert guess_from(client, "198.51.100.1", username="bob") == [401]


def test_a_neighbour_who_fails_keeps_nobody_out_who_was_there_before(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    with limited(make_settings, SCOREBOARD_NETWORK_FAILURE_LIMIT="2/hour") as client:
        register(client, "ada")
        assert log_in_from(client, "192.0.2.1").status_code == 200
        assert guess_from(client, *["192.0.2.1"] * 3, username="bob") == [401, 401, 429]
        assert log_in_from(client, "192.0.2.1").status_code == 200


def test_what_is_remembered_of_a_login_names_nobody(
    make_settings: SettingsFactory, worker: WorkerState, client_of_redis: Client
) -> None:
    with limited(make_settings) as client:
        register(client, "lovelace")  # which no hash in hexadecimal can hold
        log_in_from(client, "203.0.113.1", username="lovelace")
    known = [str(key) for key in client_of_redis.scan_iter("login:known:*")]
    assert known
    assert not any("lovelace" in key.removeprefix("login:known:") or "203.0.113" in key for key in known)
    assert all(29 * 86_400 < int(client_of_redis.ttl(key)) <= 30 * 86_400 for key in known)


def test_a_password_in_the_field_of_the_name_is_in_no_key_of_redis(
    make_settings: SettingsFactory, worker: WorkerState, client_of_redis: Client
) -> None:
    with limited(make_settings, SCOREBOARD_ACCOUNT_FAILURE_LIMIT="1/hour") as client:
        statuses = guess_from(client, *["203.0.113.1"] * 2, username="my-secret-passphrase")
    counters = [str(key) for key in client_of_redis.scan_iter("*login_failures*")]

    assert statuses == [401, 429]
    assert counters
    assert not any("passphrase" in str(key) for key in client_of_redis.scan_iter("*"))


def test_budgets_bind_from_memory_while_redis_is_away(make_settings: SettingsFactory, worker: WorkerState) -> None:
    dead = {"LIMITER_URL": "redis://127.0.0.1:1/0", "SCOREBOARD_NETWORK_FAILURE_LIMIT": "2/hour"}
    with limited(make_settings, **dead) as client:
        assert guess_from(client, *["192.0.2.1"] * 3, username="nobody") == [401, 401, 429]


def test_a_name_that_is_taken_is_refused_before_anything_is_hashed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client, "ada")
    monkeypatch.setattr(hashing, "hashed", lambda *_: pytest.fail("hashed"))
    answer = client.post("/api/auth/register", json={"username": "ADA", "password": PASSWORD})
    assert (answer.status_code, error_code(answer)) == (409, "username_taken")


def test_registrations_have_a_limit_of_their_own(make_settings: SettingsFactory, worker: WorkerState) -> None:
    with limited(make_settings, SCOREBOARD_REGISTER_LIMIT="2/hour") as client:
        bodies = [{"username": f"user-{number}", "password": PASSWORD} for number in range(3)]
        assert [client.post("/api/auth/register", json=body).status_code for body in bodies] == [201, 201, 429]
        assert log_in_from(client, "127.0.0.1", username="user-0").status_code == 200


def test_a_crowd_behind_one_address_waits_for_itself_and_for_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the crowd three are in the queue of the process at most, so that who comes last is fourth in it."""
    order: list[str] = []
    may_go_on, first_has_begun = threading.Event(), threading.Event()

    def slowly(password: str) -> str:
        order.append(password)
        first_has_begun.set()
        assert may_go_on.wait(20)
        return ""

    monkeypatch.setattr(passwords, "hashed", slowly)
    crowd = [threading.Thread(target=hashing.hashed, args=("crowd", "192.0.2.1")) for _ in range(12)]
    for thread in crowd:
        thread.start()
    assert first_has_begun.wait(10)
    wait_until(lambda: hashing._queues._of_address["192.0.2.1"].waiting == len(crowd), 10)
    lone = threading.Thread(target=hashing.hashed, args=("lone", "198.51.100.1"))
    lone.start()
    assert hashing._queues._of_address["192.0.2.1"].places.acquire(blocking=False) is False
    may_go_on.set()
    for thread in (*crowd, lone):
        thread.join()
    assert sorted(order) == ["crowd"] * 12 + ["lone"]
    assert hashing._queues._of_address == {}
