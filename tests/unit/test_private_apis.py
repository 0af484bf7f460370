"""What we use of libraries beyond their documented interfaces, each held by a test that says where it is used.

An update of a library that breaks one of these breaks a promise of ours that no other test may notice soon enough.
"""

import inspect
import logging
import socket
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask_limiter
import flask_sock
import gevent
import hiredis
import pytest
import redis
import simple_websocket
from billiard import pool
from celery import Celery
from celery.app.amqp import AMQP
from celery.worker.consumer.consumer import Consumer
from flask import Flask
from flower.options import options
from gevent.hub import Waiter
from gunicorn import util
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import errors as gunicorn_errors
from gunicorn.http import get_parser
from gunicorn.http.errors import InvalidRequestLine, ParseException
from gunicorn.http.message import HeaderPolicy
from gunicorn.http.wsgi import default_environ
from gunicorn.workers import base, ggevent
from honcho.environ import parse_procfile
from kombu import Connection as BrokerConnection
from kombu import Queue
from limits.storage import storage_from_string
from prometheus_client import CollectorRegistry, Gauge, multiprocess, values
from pydantic.json_schema import GenerateJsonSchema
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _HiredisParser
from redis.connection import HiredisRespSerializer
from simple_websocket import Server
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Map, Rule
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import Ping, TextMessage
from xdist.scheduler import LoadFileScheduling

from common.redis_store.client import FailFastConnection, FailFastTlsConnection, FailFastUnixConnection, listen
from tests import routes
from tests.scheduling import LoadFolders
from web.guards.limit_storage import SCHEME, LimitStorage
from web.live.views import _NoThread
from web.server import gunicorn_peers
from workers.broker import RECONNECT_SECONDS, Amqp, PersistentConnection


def parameters(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


class Upgraded:
    """A socket whose other end has asked for a WebSocket; what is sent to it is kept."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        return len(data)


def upgraded() -> tuple[Any, Upgraded]:
    peer = Upgraded()
    environ = {
        "gunicorn.socket": peer,
        "HTTP_HOST": "scoreboard",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_UPGRADE": "websocket",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    return Server(environ, thread_class=_NoThread, max_message_size=10), peer


# -- Flask-Limiter and limits -----------------------------------------------------------------------------------------


def test_flask_limiter_asks_for_its_limits_where_ours_asks_once_more() -> None:
    """web/guards/limits.py overrides `_check_request_limit` and clears `context.seen_limits`."""
    method = flask_limiter.Limiter._check_request_limit
    assert parameters(method) == ["self", "callable_name", "in_middleware"]
    assert "self._check_request_limit(" in inspect.getsource(flask_limiter.Limiter)


def test_flask_limiter_falls_back_by_the_flag_that_we_reset() -> None:
    """web/guards/limits.py sets `_storage_dead` to False for each new application."""
    application = Flask(__name__)
    limiter = flask_limiter.Limiter(lambda: "somebody", in_memory_fallback_enabled=True, storage_uri="memory://")
    assert limiter._storage_dead is False
    limiter.init_app(application)
    shared = limiter.limiter
    limiter._storage_dead = True
    assert limiter.limiter is not shared
    with application.test_request_context():
        limiter.context.seen_limits.clear()
        assert list(limiter.current_limits) == []


def test_limits_counts_on_the_client_that_we_give_it() -> None:
    """web/guards/limit_storage.py sets `storage` and registers the scripts anew; `limits` finds it by its scheme."""
    ours: Any = redis.Redis.from_pool(redis.ConnectionPool(host="127.0.0.1", port=1))
    storage: Any = storage_from_string(f"{SCHEME}://", client=ours, key_prefix="limits:of:tests")
    assert storage.get_connection() is ours
    assert LimitStorage in type(storage).mro()
    assert storage.lua_acquire_sliding_window.registered_client is ours
    assert storage.prefixed_key("x") == "limits:of:tests:x"


# -- simple-websocket, wsproto and flask-sock -------------------------------------------------------------------------


def test_simple_websocket_is_the_version_whose_inside_the_viewer_uses() -> None:
    pinned = (Path(__file__).resolve().parents[2] / "requirements" / "production.txt").read_text()
    assert "simple-websocket==1.1.0" in pinned
    assert version("simple-websocket") == "1.1.0"


def test_simple_websocket_works_on_what_the_viewer_gives_it() -> None:
    """web/live/viewer.py: `sock`, `connected`, `environ`, `ws.connection`, `input_buffer` and `_handle_events`."""
    server, peer = upgraded()
    assert peer.sent[0].startswith(b"HTTP/1.1 101 ")
    assert server.sock is peer
    assert server.connected is True
    assert "HTTP_UPGRADE" in server.environ
    server.ws = server.ws.connection
    server.environ = None
    other_end = Upgraded()
    server.sock = other_end
    client = Connection(ConnectionType.CLIENT)
    server.ws.receive_data(client.send(TextMessage("hello")) + client.send(Ping(b"p")))
    assert server._handle_events() is True
    assert server.input_buffer == ["hello"]
    assert other_end.sent == [b"\x8a\x01p"], "a pong goes to the socket that was put in its place, as one piece"


def test_simple_websocket_says_by_what_it_returns_that_a_viewer_must_go() -> None:
    """web/live/viewer.py drains the connection when `_handle_events` returns False."""
    server, peer = upgraded()
    client = Connection(ConnectionType.CLIENT)
    server.ws.receive_data(client.send(TextMessage("x" * 11)))
    assert server._handle_events() is False
    assert peer.sent[-1][:4] == b"\x88\x14\x03\xf1", "1009, message too big"


def test_simple_websocket_lets_its_thread_be_replaced_by_nothing() -> None:
    """web/live/views.py gives a `thread_class` without a thread: `name` and `start` are all that is used of it."""
    server, _ = upgraded()
    assert isinstance(server.thread, _NoThread)
    assert "self.sock.recv" not in inspect.getsource(simple_websocket.ws.Base.__init__)


def test_simple_websocket_closes_nothing_that_is_not_connected() -> None:
    """web/live/views.py sets `connected` to False, so that flask-sock's own close after the view does nothing."""
    server, peer = upgraded()
    server.connected = False
    before = list(peer.sent)
    with pytest.raises(simple_websocket.ConnectionClosed):
        server.close()
    assert peer.sent == before


def test_flask_sock_ends_a_view_under_gunicorn_by_stop_iteration() -> None:
    """web/live/views.py and web/server/gunicorn_worker.py: the connection is the hub's once the view has returned."""
    application = Flask(__name__)
    application.config["SOCK_SERVER_OPTIONS"] = {"thread_class": _NoThread}
    seen: list[Any] = []
    flask_sock.Sock(application).route("/live")(seen.append)
    client = application.test_client()
    server, peer = upgraded()
    with pytest.raises(StopIteration):
        client.get("/live", environ_overrides={**server.environ, "gunicorn.socket": peer, "wsgi.url_scheme": "ws"})
    assert seen[0].mode == "gunicorn"


# -- gunicorn ---------------------------------------------------------------------------------------------------------


def test_gunicorn_s_worker_has_the_methods_that_ours_overrides() -> None:
    """web/server/gunicorn_worker.py."""
    assert parameters(ggevent.GeventWorker.init_process) == ["self"]
    assert parameters(ggevent.GeventWorker.handle) == ["self", "listener", "client", "addr"]
    assert parameters(ggevent.GeventWorker.handle_request) == ["self", "listener_name", "req", "sock", "addr"]
    assert parameters(ggevent.GeventWorker.handle_exit) == ["self", "sig", "frame"]


def test_gunicorn_closes_a_connection_by_stop_iteration_out_of_handle_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """web/server/gunicorn_worker.py reads the rest of a body away when it sees that."""
    worker: Any = object.__new__(ggevent.GeventWorker)
    hooks = SimpleNamespace(pre_request=lambda *_: None, post_request=lambda *_: None, keepalive=75)
    log = SimpleNamespace(access=lambda *_: None)
    vars(worker).update(cfg=hooks, log=log, nr=0, max_requests=9, alive=True, wsgi=lambda environ, respond: [b"x"])
    response = SimpleNamespace(
        start_response=None, write=lambda _: None, close=lambda: None, should_close=lambda: True, headers_sent=True
    )
    monkeypatch.setattr("gunicorn.http.wsgi.create", lambda *_: (response, {"wsgi.file_wrapper": tuple}))
    with pytest.raises(StopIteration):
        worker.handle_request("listener", SimpleNamespace(headers=[]), None, ("127.0.0.1", 1))
    response.should_close = lambda: False
    worker.handle_request("listener", SimpleNamespace(headers=[]), None, ("127.0.0.1", 1))


def test_gunicorn_s_workers_refuse_by_a_function_that_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """web/server/gunicorn_refusals.py replaces `util.write_error` and uses `util.write_nonblock`."""
    assert parameters(util.write_error) == ["sock", "status_int", "reason", "mesg"]
    assert parameters(util.write_nonblock)[:2] == ["sock", "data"]
    written: list[tuple[Any, ...]] = []
    monkeypatch.setattr(util, "write_error", lambda *arguments: written.append(arguments))
    worker: Any = object.__new__(ggevent.GeventWorker)
    vars(worker)["log"] = SimpleNamespace(
        warning=lambda *_: None, exception=lambda *_: None, debug=lambda *_: None, access=lambda *_: None
    )
    worker.handle_error(None, "client", ("127.0.0.1", 1), InvalidRequestLine("x"))
    assert [call[:3] for call in written] == [("client", 400, "Bad Request")]


def test_gunicorn_numbers_its_workers_and_keeps_the_application_in_them() -> None:
    """web/server/gunicorn_config.py reads `age` and `pid`, web/server/gunicorn_worker.py reads `wsgi`."""
    application: Any = SimpleNamespace(wsgi=lambda: "the application")
    log: Any = logging.getLogger(__name__)
    worker: Any = base.Worker(7, 1, [], application, 30, Config(), log)
    worker.tmp.close()
    assert worker.age == 7
    assert "pid" in vars(worker)
    worker.load_wsgi()
    assert worker.wsgi == "the application"


def test_gunicorn_s_log_has_the_loggers_that_ours_rearranges() -> None:
    """web/server/gunicorn_log.py overrides `setup`."""
    assert parameters(Logger.setup) == ["self", "cfg"]
    log = Logger(Config())
    assert (log.error_log.name, log.access_log.name) == ("gunicorn.error", "gunicorn.access")
    assert isinstance(log.error_log, logging.Logger)


def test_gunicorn_hands_over_the_socket_and_the_target_as_sent() -> None:
    """web/live/views.py needs `gunicorn.socket`, web/guards/api_keys.py checks a signature over `RAW_URI`."""
    request: Any = SimpleNamespace(body=None, method="GET", query="a=%41", uri="/x?a=%41", version=(1, 1))
    with socket.socket() as connection:
        environ = default_environ(request, connection, Config())
        assert environ["gunicorn.socket"] is connection
    assert environ["RAW_URI"] == "/x?a=%41"


def test_gunicorn_s_errors_of_a_body_have_the_parent_that_we_catch() -> None:
    """web/guards/request_context.py answers `invalid_json` for a body whose framing cannot be read."""
    names = ("InvalidChunkSize", "ChunkMissingTerminator", "InvalidChunkExtension", "NoMoreData")
    assert all(issubclass(getattr(gunicorn_errors, name), (ParseException, OSError)) for name in names)


# -- Celery, kombu, billiard ------------------------------------------------------------------------------------------


def test_kombu_takes_the_intervals_that_ours_insist_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """workers/broker.py overrides `ensure_connection`, by which Celery's consumer connects."""
    asked: list[dict[str, Any]] = []
    wanted = ("interval_start", "interval_step", "interval_max")
    assert set(wanted) <= set(parameters(BrokerConnection._ensure_connection))
    monkeypatch.setattr(BrokerConnection, "_ensure_connection", lambda self, *_, **keywords: asked.append(keywords))
    connection = PersistentConnection("memory://")
    assert connection.ensure_connection(interval_start=2, interval_max=30) is connection
    assert asked == [dict(zip(wanted, (RECONNECT_SECONDS, 0, RECONNECT_SECONDS), strict=True))]


def test_celery_s_consumer_connects_by_the_method_that_ours_overrides() -> None:
    """workers/broker.py: were it another one, nobody would hear a doorbell for half a minute after an outage."""
    assert "conn.ensure_connection(" in inspect.getsource(Consumer.ensure_connected)
    assert AMQP.Connection is BrokerConnection
    assert Amqp.Connection is PersistentConnection


def test_celery_knows_the_queues_that_a_worker_was_told_to_serve() -> None:
    """workers/app.py warns by `amqp.queues.consume_from` where one worker serves both queues."""
    application: Any = Celery("tests", broker="memory://", set_as_current=False)
    application.conf.task_queues = [Queue("one"), Queue("two")]
    assert set(application.amqp.queues.consume_from) == {"one", "two"}
    application.amqp.queues.select(["two"])
    assert set(application.amqp.queues.consume_from) == {"two"}


def test_flower_keeps_a_password_with_a_comma_whole_where_its_options_are_set() -> None:
    """workers/flower.py sets `options.basic_auth`; the environment's form splits a password at its commas."""
    before = options.basic_auth
    try:
        options.basic_auth = ["admin:one,two"]
        assert options.basic_auth == ["admin:one,two"]
    finally:
        options.basic_auth = before


def test_billiard_waits_for_a_result_as_often_as_the_number_that_we_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    """workers/app.py sets GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT in each process of a worker."""
    slept: list[float] = []
    monkeypatch.setattr(pool, "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT", 20)
    monkeypatch.setattr("billiard.pool.time.sleep", slept.append)
    worker: Any = object.__new__(pool.Worker)
    worker.on_ready_counter = SimpleNamespace(value=0)
    assert worker._ensure_messages_consumed(completed=1) is False
    assert slept == [0.1] * 20


# -- redis-py ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (FailFastConnection, redis.Connection),
        (FailFastTlsConnection, redis.SSLConnection),
        (FailFastUnixConnection, redis.UnixDomainSocketConnection),
    ],
)
def test_redis_py_s_connections_have_the_methods_that_ours_override(ours: type, theirs: type) -> None:
    """common/redis_store/client.py."""
    for name in ("can_read", "connect_check_health", "send_packed_command", "read_response"):
        assert callable(getattr(theirs, name))
        assert getattr(ours, name) is not getattr(theirs, name)


def test_redis_py_connects_and_asks_by_the_methods_that_ours_override() -> None:
    """common/redis_store/client.py: a second path around them would let a request wait twice."""
    abstract = redis.connection.AbstractConnection
    assert "self.connect_check_health(" in inspect.getsource(abstract.connect)
    assert "self.connect_check_health(" in inspect.getsource(abstract.send_packed_command)
    assert "self.send_packed_command(" in inspect.getsource(abstract.send_command)
    assert "read_response(" in inspect.getsource(redis.Redis.parse_response)
    for send in (redis.client.Pipeline._execute_transaction, redis.client.Pipeline._execute_pipeline):
        source = inspect.getsource(send)
        assert "send_packed_command(" in source
        assert "parse_response(" in source


def test_redis_py_asks_without_a_timeout_only_before_it_lends_a_connection() -> None:
    """common/redis_store/client.py: `can_read` tells the pool's question from that of a subscription by this."""
    assert "conn.can_read(timeout=timeout)" in inspect.getsource(redis.client.PubSub.parse_response)
    get_connection = inspect.getsource(redis.ConnectionPool.get_connection)
    assert "connection.can_read()" in get_connection
    assert "except (ConnectionError, TimeoutError, OSError):\n                connection.disconnect()" in get_connection
    reader = hiredis.Reader()
    assert reader.has_data() is False
    reader.feed(b"+OK")
    assert reader.has_data() is True


def test_hiredis_parser_tells_whether_something_came_before_a_timeout() -> None:
    """common/redis_store/client.py: a listening connection waits by reading."""
    parser = redis._parsers._HiredisParser
    given = inspect.signature(parser.read_from_socket).parameters
    assert {"timeout", "raise_on_timeout"} <= given.keys()
    source = inspect.getsource(parser.read_from_socket)
    assert "reader.feed(self._buffer, 0, bufflen)" in source
    assert "if raise_on_timeout:\n                raise TimeoutError" in source
    assert "sock.settimeout(self._socket_timeout)" in source


def test_redis_py_keeps_socket_and_reader_where_the_link_takes_them() -> None:
    """web/pipelined/link.py reads and writes them by itself, once the connection has shaken hands."""
    assert redis.Connection()._sock is None  # type: ignore[no-untyped-call]
    assert "self._sock = sock" in inspect.getsource(redis.connection.AbstractConnection.connect_check_health)
    on_connect = inspect.getsource(_HiredisParser.on_connect)
    assert "self._reader = hiredis.Reader(" in on_connect
    for word in ('"replyError": self.parse_error', '"notEnoughData": NOT_ENOUGH_DATA', '"protocolError"'):
        assert word in on_connect
    reader = hiredis.Reader(notEnoughData=NOT_ENOUGH_DATA, encoding="utf-8")
    assert reader.gets() is NOT_ENOUGH_DATA
    reader.feed(b"$1\r\na\r\n$1\r\na\r\n")
    assert (reader.gets(True), reader.gets(False)) == ("a", b"a")


def test_redis_py_sends_a_pipeline_over_what_we_put_in_its_connection_s_place() -> None:
    """web/pipelined/client.py: `_Block` has three methods; a fourth would be missing only when a pipeline runs."""
    pipeline = redis.client.Pipeline
    for method in (pipeline._execute_transaction, pipeline._execute_pipeline):
        assert parameters(method) == ["self", "connection", "commands", "raise_on_error"]
    assert "self.immediate_execute_command" in inspect.getsource(pipeline.load_scripts)
    assert parameters(pipeline.__init__) == [
        "self",
        "connection_pool",
        "response_callbacks",
        "transaction",
        "shard_hint",
    ]
    packed = HiredisRespSerializer().pack("CLIENT ID", "a")  # type: ignore[arg-type]  # redis-py annotates it wrongly
    assert packed == [b"*3\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n$1\r\na\r\n"]
    assert "NEVER_DECODE" in inspect.getsource(redis.Redis.parse_response)


def test_gevent_has_the_watchers_by_which_the_link_reads_and_writes() -> None:
    """web/pipelined/link.py: a waiter that was left is switched to no more, and knows its hub."""
    waiter: Any = Waiter()
    assert waiter.hub is gevent.get_hub()
    waiter.switch("nobody waits")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        heard: list[bytes] = []
        readable: Any = gevent.get_hub().loop.io(ours.fileno(), 1)
        readable.start(lambda: heard.append(ours.recv(9)))
        assert readable.active
        theirs.send(b"x")
        gevent.sleep(0.05)
        readable.stop()
        readable.close()
        assert heard == [b"x"]


def test_redis_py_takes_a_plain_pong_apart_into_letters() -> None:
    """common/redis_store/client.py: `listen` passes on no message but the two kinds that it knows."""
    subscription = redis.Redis(decode_responses=True).pubsub()  # type: ignore[no-untyped-call]
    letters = subscription.handle_message("PONG")
    assert (letters["type"], letters["channel"], letters["data"]) == ("P", "O", "N")
    told = iter([letters, subscription.handle_message(["message", "channel", "data"])])
    subscription.get_message = lambda timeout: next(told)
    heard = listen(subscription)
    assert next(heard) is None
    assert next(heard) == {"type": "message", "pattern": None, "channel": "channel", "data": "data"}


# -- the rest ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder_of_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    yield tmp_path


def _value_of_process(pid: int) -> object:
    return values.MultiProcessValue(process_identifier=lambda: pid)  # type: ignore[no-untyped-call]


def test_prometheus_client_forgets_a_dead_process_by_the_name_of_its_file(
    folder_of_metrics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """web/server/gunicorn_config.py calls `mark_process_dead`: viewers of a process that has ended are none."""
    monkeypatch.setattr(values, "ValueClass", _value_of_process(4711))
    monkeypatch.setattr("prometheus_client.metrics.values", values)
    gauge = Gauge("viewers_of_tests", "Of tests", multiprocess_mode="livesum", registry=None)
    gauge.set(3)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    assert registry.get_sample_value("viewers_of_tests") == 3
    multiprocess.mark_process_dead(4711)  # type: ignore[no-untyped-call]
    assert registry.get_sample_value("viewers_of_tests") is None


def test_werkzeug_keeps_the_address_of_before_the_proxies() -> None:
    """web/guards/proxies.py reads `werkzeug.proxy_fix.orig`."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: object) -> list[bytes]:
        del start_response
        seen.update(environ)
        return []

    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7", "wsgi.url_scheme": "http"}
    ProxyFix(application, x_for=1)(environ, lambda *_: None)  # type: ignore[arg-type]
    assert seen["REMOTE_ADDR"] == "192.0.2.7"
    assert seen["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"] == "10.0.0.1"


def test_pydantic_asks_whether_a_field_has_a_title() -> None:
    """web/reference/json_schemas.py overrides `field_title_should_be_set`."""
    assert parameters(GenerateJsonSchema.field_title_should_be_set) == ["self", "schema"]


def test_honcho_parses_a_procfile() -> None:
    """dev/supervise/programs.py."""
    assert dict(parse_procfile("web: run it\n# no\nbeat: run that\n").processes) == {
        "web": "run it",
        "beat": "run that",
    }


def test_a_detached_socket_closes_nothing() -> None:
    """web/live/viewer.py takes the descriptor; the web server's own object is closed later and must not close it."""
    ours, theirs = socket.socketpair()
    with theirs, socket.socket(fileno=ours.detach()) as taken:
        ours.close()
        taken.sendall(b"x")
        assert theirs.recv(1) == b"x"


def test_gunicorn_asks_of_every_request_whether_its_peer_is_believed() -> None:
    """web/server/gunicorn_peers.py answers for an empty `forwarded_allow_ips`, as gunicorn does."""
    for peer, believed in ((("192.0.2.7", 1), False), (b"", True)):
        message = SimpleNamespace(peer_addr=peer, cfg=Config())
        message.cfg.set("forwarded_allow_ips", "")
        policy: Any = HeaderPolicy
        assert policy._peer_is_trusted_proxy(message) is believed
        assert gunicorn_peers._is_no_address(message) is believed


def test_gunicorn_s_requests_have_what_the_lane_reads() -> None:
    """web/server/gunicorn_lane.py; its body takes an attribute, which middleware finds again."""
    raw = b"POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
    request: Any = next(get_parser(Config(), iter([raw]), ("192.0.2.7", 1)))
    assert (request.method, request.path, request.query, request.scheme) == ("POST", "/a/b", "c=d", "http")
    assert (request.version, request.headers[0]) == ((1, 1), ("HOST", "x"))
    request.body.handed_on = {"a": 1}
    assert request.should_close() is False
    assert (request.body.read(2), request.body.handed_on) == (b"ok", {"a": 1})


def test_the_library_limits_names_the_windows_of_a_sliding_counter() -> None:
    """web/guards/limit_keys.py names them for scripts of ours."""
    storage: Any = storage_from_string("redis://127.0.0.1:1", key_prefix="ratelimit")
    assert storage._current_window_key("a/b") == "{a/b}"
    assert storage._previous_window_key("a/b") == "{a/b}/-1"
    assert storage.prefixed_key("{a/b}") == "ratelimit:{a/b}"


def test_xdist_asks_by_what_to_share_tests_among_processes() -> None:
    """tests/scheduling.py names folders, too."""
    assert "scope = self._split_scope(nodeid)" in inspect.getsource(LoadFileScheduling.schedule)
    scheduler: Any = LoadFolders.__new__(LoadFolders)
    scheduler._folders = ["tests/browser/"]
    assert scheduler._split_scope("tests/browser/test_one.py::test_this") == "tests/browser/"
    assert scheduler._split_scope("tests/web/test_one.py::test_this[a::b]") == "tests/web/test_one.py"


def test_werkzeug_s_builder_of_addresses_gets_its_rule_as_an_argument() -> None:
    """tests/routes.py has one builder for all rules that are the same."""
    assert parameters(routes.of_werkzeug) == ["self", "append_unknown"]
    first, second = (Map([Rule("/a/<int:number>", endpoint="a", defaults={"page": 1})]) for _ in range(2))
    rules: list[Any] = [*first.iter_rules(), *second.iter_rules()]
    assert rules[0]._build.__func__ is rules[1]._build.__func__
    other = Map([Rule("/a/<number>", endpoint="a"), Rule("/a/<int:number>", endpoint="b", defaults={"page": 2})])
    assert [second.bind("x").build("a", {"number": 7}), other.bind("x").build("a", {"number": "of one"})] == [
        "/a/7",
        "/a/of%20one",
    ]
    assert first.bind("x").build("a", {"number": 7, "page": 1, "more": "b"}) == "/a/7?more=b"
