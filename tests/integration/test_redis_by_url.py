"""Redis over TCP, TLS and a Unix socket, for all three who connect: our client, the limiter and Celery's broker."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis as redis_py
from kombu.exceptions import OperationalError

from common.core import task_names
from common.core.settings import Settings
from common.redis_store import client as redis_client
from common.redis_store import keys
from dev.harness.servers import Servers
from dev.harness.stack import free_port, running_stack
from dev.harness.waiting import wait_until
from dev.servers import valkey
from tests.caller import Caller
from tests.conftest import PATIENT, TEMPLATE, SettingsFactory
from tests.documents import documented_application
from tests.integration.pipelined.greenlets import at_once
from tests.live_client import LiveClient
from tests.tls_proxy import Authority, TlsProxy
from web.intake.doorbell import Doorbell
from web.pipelined.client import PipelinedClient
from web.pipelined.connection import PipelinedConnection
from workers.broker import PersistentConnection

PASSWORD = "p@/#:?% ä+&"
DATABASE = 3
SCHEMES = ["redis", "rediss", "unix"]
DISTRUSTED = ["a foreign authority", "another host's certificate", "no authority given"]


@dataclass(frozen=True)
class Places:
    """Where one and the same Valkey is to be found. `own` is a client past all of them."""

    port: int
    socket_path: Path
    authority: Authority
    own: redis_py.Redis

    def url(self, scheme: str, tls: TlsProxy) -> str:
        password = quote(PASSWORD, safe="")
        if scheme == "unix":
            return f"unix://:{password}@{quote(str(self.socket_path))}?db={DATABASE}"
        if scheme == "redis":
            return f"redis://:{password}@127.0.0.1:{self.port}/{DATABASE}"
        return self.tls_url(tls, self.authority.certificate)

    @staticmethod
    def tls_url(tls: TlsProxy, authority: Path | None) -> str:
        url = f"rediss://:{quote(PASSWORD, safe='')}@127.0.0.1:{tls.port}/{DATABASE}"
        return f"{url}?ssl_ca_certs={quote(str(authority))}" if authority else url


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    """A Valkey with a password of odd characters, on a port and on a socket; stopped by its process id."""
    folder = Path(tempfile.mkdtemp(prefix="scoreboard redis "))
    port, path = free_port(), folder / "valkey.sock"
    words = ["--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(path), "--requirepass", PASSWORD]
    command = [str(valkey._binary()), *words, "--save", "", "--maxmemory-policy", "noeviction", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            with closing(redis_py.Redis(port=port, password=PASSWORD, db=DATABASE, decode_responses=True)) as own:
                wait_until(lambda: path.exists() and answers(own))
                assert own.info("server")["process_id"] == process.pid
                yield Places(port, path, Authority.create(folder / "authority"), own)
        finally:
            process.kill()
    shutil.rmtree(folder)


def answers(client: redis_py.Redis) -> bool:
    with suppress(redis_py.ConnectionError):
        return bool(client.ping())
    return False


@pytest.fixture(autouse=True)
def empty(places: Places) -> None:
    places.own.flushall()


@pytest.fixture
def tls(places: Places) -> Iterator[TlsProxy]:
    with closing(TlsProxy(places.authority.issue("IP:127.0.0.1"), places.port)) as proxy:
        yield proxy


@contextmanager
def distrusted(places: Places, why: str) -> Iterator[tuple[TlsProxy, str]]:
    """A server whose certificate is not to be believed, and its URL."""
    is_elsewhere = why == "another host's certificate"
    certificate = places.authority.issue("DNS:elsewhere.example" if is_elsewhere else "IP:127.0.0.1")
    authority: Path | None = places.authority.certificate
    if why == "a foreign authority":
        authority = Authority.create(Path(tempfile.mkdtemp(dir=places.authority.folder)) / "foreign").certificate
    with closing(TlsProxy(certificate, places.port)) as proxy:
        yield proxy, places.tls_url(proxy, None if why == "no authority given" else authority)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_our_clients_speak_and_listen(places: Places, tls: TlsProxy, scheme: str) -> None:
    url = places.url(scheme, tls)
    with closing(redis_client.connect(url)) as client, closing(redis_client.connect_to_listen(url)) as listener:
        client.set("said", scheme)
        with listener.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py
            subscription.subscribe("here")
            heard = redis_client.listen(subscription)
            assert (next(heard) or {})["type"] == "subscribe"
            client.publish("here", "news")
            assert next(message for message in heard if message)["data"] == "news"
    assert places.own.get("said") == scheme
    assert tls.served == (2 if scheme == "rediss" else 0)
    redis_client.refuse_eviction(url)
    redis_client.refuse_untrusted(url)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_pipelined_connection_leads_there(places: Places, tls: TlsProxy, scheme: str) -> None:
    url, huge = places.url(scheme, tls), b"x" * 1_000_000
    with closing(PipelinedConnection(url)) as connection:
        client: Any = PipelinedClient(connection, redis_client.pool_to_pipeline(url), repeats=True)

        def ask(index: int) -> Any:  # noqa: ANN401
            if index % 10 == 0:
                return connection.call("SET", "huge", huge) == b"OK" and connection.call("GET", "huge") == huge
            return client.pipeline(transaction=bool(index % 2)).set(f"key {index}", index).get(f"key {index}").execute()

        expected = [True if index % 10 == 0 else [True, str(index)] for index in range(50)]
        assert at_once(50, ask) == expected
        client.close()
    assert places.own.get("key 7") == "7"
    assert tls.served == (1 if scheme == "rediss" else 0)


@pytest.mark.parametrize("why", DISTRUSTED)
def test_a_pipelined_connection_sends_no_password_to_a_server_that_does_not_prove_itself(
    places: Places, why: str
) -> None:
    with distrusted(places, why) as (proxy, url), closing(PipelinedConnection(url)) as connection:
        told = at_once(3, lambda index: connection.call("ECHO", str(index)))
        assert all("CERTIFICATE_VERIFY" in str(error) for error in told)
        assert all(isinstance(error, redis_py.ConnectionError) for error in told)
        assert proxy.served == 0


def test_a_pipelined_connection_with_a_wrong_password_is_refused(places: Places) -> None:
    with closing(PipelinedConnection(f"redis://:wrong@127.0.0.1:{places.port}/{DATABASE}")) as connection:
        told = at_once(3, lambda index: connection.call("ECHO", str(index)))
        assert all(isinstance(error, redis_py.AuthenticationError) for error in told)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_limits_are_counted_there(make_settings: SettingsFactory, places: Places, tls: TlsProxy, scheme: str) -> None:
    ask(make_settings(LIMITER_URL=places.url(scheme, tls)))
    assert counted(places)


def ask(settings: Settings) -> None:
    with documented_application(settings) as application:
        assert application.test_client().get("/api/scores/leaderboard").status_code == 200


def counted(places: Places) -> bool:
    return any(places.own.scan_iter(f"{keys.RATE_LIMIT_PREFIX}*"))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_web_rings_there_and_a_worker_hears_it(
    make_settings: SettingsFactory, places: Places, tls: TlsProxy, scheme: str
) -> None:
    url = make_settings(BROKER_URL=places.url(scheme, tls)).celery_broker_url
    Doorbell(url).ring()
    wait_until(lambda: places.own.llen(task_names.QUEUE) == 1)
    with PersistentConnection(url, transport_options=task_names.BROKER_OPTIONS) as connection:
        channel: Any = connection.default_channel
        message = channel.basic_get(task_names.QUEUE, no_ack=True)
        assert message is not None
        assert message.headers["task"] == task_names.APPLY


@pytest.mark.parametrize("why", DISTRUSTED)
def test_our_clients_send_no_password_to_a_server_that_does_not_prove_itself(places: Places, why: str) -> None:
    with distrusted(places, why) as (proxy, url):
        for connect in (redis_client.connect, redis_client.connect_to_listen):
            with closing(connect(url)) as client, pytest.raises(redis_py.ConnectionError, match="CERTIFICATE_VERIFY"):
                client.ping()
        for refuse in (redis_client.refuse_eviction, redis_client.refuse_untrusted):
            with pytest.raises(redis_client.CertificateError, match="ssl_ca_certs"):
                refuse(url)
        assert proxy.served == 0


@pytest.mark.parametrize("why", DISTRUSTED)
def test_limits_stay_in_memory_rather_than_with_a_server_that_does_not_prove_itself(
    make_settings: SettingsFactory, places: Places, why: str
) -> None:
    with distrusted(places, why) as (proxy, url):
        ask(make_settings(LIMITER_URL=url))
        assert proxy.served == 0
    assert not counted(places)


@pytest.mark.parametrize("why", DISTRUSTED)
def test_a_broker_that_does_not_prove_itself_is_not_spoken_to(
    make_settings: SettingsFactory, places: Places, why: str
) -> None:
    with distrusted(places, why) as (proxy, url):
        settings = make_settings(BROKER_URL=url)
        Doorbell(settings.celery_broker_url).ring()
        connection = PersistentConnection(settings.celery_broker_url, transport_options=task_names.BROKER_OPTIONS)
        with connection, pytest.raises((OperationalError, redis_py.ConnectionError), match="CERTIFICATE_VERIFY"):
            connection.connect()
        assert proxy.served == 0
    assert places.own.llen(task_names.QUEUE) == 0


@pytest.mark.parametrize("scheme", ["rediss", "unix"])
def test_the_whole_product_runs_on_it(servers: Servers, places: Places, tls: TlsProxy, scheme: str) -> None:
    database_url = servers.create_database(f"by_url_{scheme}", TEMPLATE)
    with running_stack(servers, database_url, DATABASE, REDIS_URL=places.url(scheme, tls), **PATIENT) as stack:
        caller = Caller(stack, "ada")
        applied = caller.update("win-match")
        assert (applied.status_code, applied.json()["entry"]["score"]) == (200, 25)
        with LiveClient(stack.live_url) as viewer:
            viewer.wait_for(lambda message: message["type"] == "snapshot")
            assert viewer.screen.scores == [(caller.user_id, 25)]
        assert "insecure" not in stack.log("web") + stack.log("worker") + stack.log("beat")
