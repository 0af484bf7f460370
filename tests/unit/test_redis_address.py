"""What a URL of Redis may say, how each library is told of it, and that no refusal repeats a piece of it."""

import pytest
from kombu import Connection

from common import redis_address, settings
from common.settings import SettingsError

VALID = {
    "DATABASE_URL": "postgresql://user:hidden@localhost/scores",
    "REDIS_URL": "redis://localhost:6379/0",
    "SCOREBOARD_JWT_SECRET": "jwt-secret-of-the-tests-0123456789",
    "SCOREBOARD_SECRET_KEY": "secret-key-of-the-tests-0123456789",
}


def test_a_url_without_more_means_the_usual_port_and_database_0() -> None:
    found = redis_address.parse("redis://valkey.example")
    assert (found.host, found.port, found.database, found.username, found.password) == (
        ("valkey.example", 6379, 0, None, None)
    )


def test_user_password_and_path_are_percent_decoded() -> None:
    found = redis_address.parse("unix://us%40er:p%2F%23@/run/a%20b/valkey.sock?db=7")
    assert (found.username, found.password, found.socket_path, found.database) == (
        ("us@er", "p/#", "/run/a b/valkey.sock", 7)
    )


def test_the_database_may_stand_in_the_query() -> None:
    assert redis_address.parse("redis://localhost?db=2").database == 2


@pytest.mark.parametrize(
    ("url", "for_celery"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:p%40%2F@[::1]:1/3", "redis://:p%40%2F@[::1]:1/3"),
        ("redis://ada@localhost", "redis://ada@localhost:6379/0"),
        ("rediss://h/1", "rediss://h:6379/1?ssl_cert_reqs=required"),
        ("rediss://h/1?ssl_cert_reqs=CERT_REQUIRED", "rediss://h:6379/1?ssl_cert_reqs=required"),
        ("rediss://h?ssl_ca_certs=/a+b%25.pem", "rediss://h:6379/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fa+b%25.pem"),
        ("unix://:p%40@/run/v.sock?db=1", "redis+socket://:p%40@/run/v.sock?virtual_host=1"),
    ],
)
def test_celery_is_told_in_its_own_spelling(url: str, for_celery: str) -> None:
    assert redis_address.parse(url).for_celery() == for_celery


def test_celery_reads_the_password_and_the_files_as_they_were_meant() -> None:
    url = "rediss://us%25er:p%40%2F%3A%25@h:1/3?ssl_ca_certs=/etc/a%20%25b.pem"
    read = Connection(redis_address.parse(url).for_celery())
    assert (read.userid, read.password, read.virtual_host) == ("us%er", "p@/:%", "3")
    assert isinstance(read.ssl, dict)
    assert read.ssl["ssl_ca_certs"] == "/etc/a %b.pem"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost:6379", "must start with"),
        ("http://:hidden@localhost", "must start with"),
        ("redis+socket:///run/v.sock", "unix://"),
        ("redis://:hidden/more@localhost/0", "percent-encoded"),
        ("redis://:hidden#more@localhost/0", "percent-encoded"),
        ("redis://:123#hidden@localhost/0", "percent-encoded"),
        ("redis://:123/hidden@localhost/0", "percent-encoded"),
        ("redis://:hid[den]@localhost/0", "percent-encoded"),
        ("redis://:hidden℀@localhost/0", "percent-encoded"),
        ("redis://:12?hidden@localhost/0", "percent-encoded"),
        ("redis://localhost/hidden", "number of a database"),
        ("redis://localhost/0?hidden=1", "parameters"),
        ("redis://localhost/0?ssl_ca_certs=/hidden.pem", "rediss://"),
        ("rediss://localhost/0?ssl_cert_reqs=none", "ssl_ca_certs"),
        ("rediss://localhost/0?ssl_check_hostname=false", "ssl_ca_certs"),
        ("rediss://localhost/0?ssl_keyfile=/hidden.pem", "ssl_certfile"),
        ("rediss://localhost/0?ssl_ca_certs=/hidden/nowhere.pem", "PEM file"),
        ("unix://hidden/valkey.sock", "three slashes"),
        ("unix://", "three slashes"),
        (f"unix:///hidden/{'x' * 120}", "107 bytes"),
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "BROKER_URL", "LIMITER_URL"])
def test_what_cannot_work_is_refused_by_name_with_what_to_do_and_without_the_secret(
    name: str, url: str, says: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings.load({**VALID, name: url})
    assert name in str(refusal.value)
    assert says in str(refusal.value)
    assert "hid" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:pa@hidden@localhost/scores",
        "postgresql://ada:pa@hidden:word@localhost/scores",
        "postgresql://ada:pa@12/hidden@localhost/scores",
        "postgresql://ada:pa@12:34/hidden@localhost/scores",
    ],
)
def test_a_database_password_that_is_not_escaped_is_refused_and_no_piece_of_it_is_shown(url: str) -> None:
    with pytest.raises(SettingsError, match=r"DATABASE_URL.*percent-encoded") as refusal:
        settings.load({**VALID, "DATABASE_URL": url})
    assert "hidden" not in str(refusal.value)


def test_an_escaped_database_password_is_fine() -> None:
    url = "postgresql://ada:p%40%2F%3A%23@localhost/scores?host=/run/postgresql"
    assert settings.load({**VALID, "DATABASE_URL": url}).database_url.endswith(url.partition("://")[2])
