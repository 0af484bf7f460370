"""How limits are keyed, and that every route has one and says who may call it."""

from contextlib import suppress
from functools import partial
from unittest.mock import Mock

import pytest
import redis
from flask import Flask
from flask_limiter import ExemptionScope

from common.core import settings
from common.core.settings import Settings
from web import create_app
from web.guards import access, addresses, limits, login_attempts

PEER = "127.0.0.1"
UNLIMITED = {
    "/",
    "/admin",
    "/dashboard",
    "/asyncapi.json",
    "/docs",
    "/healthz",
    "/openapi.json",
    "/readyz",
    "/static/<path:filename>",
    "/ws/scoreboard",
    "/avatars/<name>.svg",
    "/b/<board_id>",
    "/boards",
    "/branding/accent.css",
    "/branding/logo",
    "/p/<user_id>",
}
"""Pages, documents, probes and the live socket, which has its own cap on connections."""


@pytest.fixture(scope="module")
def config() -> Settings:
    return settings.load(
        {
            "DATABASE_URL": "postgresql://localhost:1/none",
            "REDIS_URL": "redis://localhost:1/0",
            "SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2,
            "SCOREBOARD_SECRET_KEY": "server-secret-of-tests-" * 2,
        }
    )


@pytest.fixture(scope="module")
def app(config: Settings) -> Flask:
    return create_app(config)


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    silent = [rule.rule for rule in app.url_map.iter_rules() if not access.decision(app.view_functions[rule.endpoint])]
    assert silent == []


def test_every_route_is_limited_or_known_not_to_be(app: Flask) -> None:
    """Below /api all is under the address limit, which asks nothing but the path; others have a limit of their own."""
    elsewhere = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/api/")]
    unlimited = {rule.rule for rule in elsewhere if not limits.names_of(app.view_functions[rule.endpoint])}
    assert unlimited == UNLIMITED
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.rpartition(".")[0] or None
        scope = limits._per_address.limit_manager.exemption_scope(app, rule.endpoint, blueprint)
        assert scope is ExemptionScope.NONE or not rule.rule.startswith("/api/"), rule


@pytest.mark.parametrize(
    ("path", "is_counted"),
    [("/api/scores/leaderboard", True), ("/api/nowhere", True), ("/healthz", False), ("/", False), ("/apis", False)],
)
def test_the_address_limit_counts_what_is_below_api(app: Flask, path: str, *, is_counted: bool) -> None:
    with app.test_request_context(path):
        by_address, by_admin = limits._per_address.limit_manager.application_limits
        assert by_address.is_exempt is not is_counted
        assert by_admin.is_exempt  # nobody is logged in


@pytest.mark.parametrize(
    ("path", "asked"), [("/healthz", []), ("/", []), ("/api/nowhere", ["address"]), ("/api/scores/update", ["address"])]
)
def test_limits_are_looked_for_before_a_view_only_where_one_applies(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str, asked: list[str]
) -> None:
    looked: list[str] = []

    def look(name: str) -> str:
        looked.append(name)
        return ""

    for name, limiter in (("address", limits._per_address), ("user", limits._per_user)):
        # The library's own question: what it is not asked it cannot count.
        monkeypatch.setattr(limiter, "identify_request", partial(look, name))
    with app.test_request_context(path, method="POST"):
        for limiter in (limits._per_address, limits._per_user):
            with suppress(redis.RedisError):
                limiter._check_request_limit()
    assert sorted(set(looked)) == asked


def test_a_limiter_whose_storage_is_dead_always_looks_because_it_may_find_it_recovered(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Mock(return_value="")
    monkeypatch.setattr(limits._per_user, "identify_request", looked)
    monkeypatch.setattr(limits._per_user, "_storage_dead", True)
    monkeypatch.setattr(limits._per_user, "_Limiter__should_check_backend", lambda: False)
    with app.test_request_context("/healthz"):
        limits._per_user._check_request_limit()
    looked.assert_called_once_with()


def test_no_limit_counts_before_a_view_but_those_of_addresses_and_admins() -> None:
    """`counts_before_views` knows of no other."""
    for limiter, application_limits in ((limits._per_address, 2), (limits._per_user, 0)):
        manager = limiter.limit_manager
        assert len(manager._application_limits) == application_limits
        assert not manager.default_limits
        assert not manager._blueprint_limits
        assert not limiter._meta_limits


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
    ],
)
def test_an_address_is_keyed_by_what_one_site_has(app: Flask, address: str, key: str) -> None:
    with app.test_request_context("/api/x", environ_base={"REMOTE_ADDR": address}):
        assert addresses.client_address() == key


def test_failures_are_keyed_by_account_in_any_case_and_by_address(app: Flask) -> None:
    with app.test_request_context(
        "/api/auth/login", method="POST", json={"username": "ADA"}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    ):
        assert login_attempts.place_of(login_attempts.begin("ADA").name) == "192.0.2.7:ada"


@pytest.mark.parametrize(
    ("trusted", "forwarded", "key"),
    [
        (0, "203.0.113.9, 198.51.100.1", PEER),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (2, "192.0.2.66, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (1, "198.51.100.1:4711", "198.51.100.1"),
        (1, "[2001:db8:1:2::5]:4711", "2001:db8:1:2::"),
        (1, "[2001:db8:1:2::5]", "2001:db8:1:2::"),
        (1, "2001:db8:1:2::5%eth0", "2001:db8:1:2::"),
        (1, "2001:db8:1:2::5", "2001:db8:1:2::"),
        # What the client wrote itself, before the proxy appended its address.
        (1, '", 198.51.100.1', "198.51.100.1"),
        (1, '"192.0.2.66, 198.51.100.1', "198.51.100.1"),
        (2, '192.0.2.66, ", 203.0.113.9, 198.51.100.1', "203.0.113.9"),
        (2, '192.0.2.66, "\\", 203.0.113.9, 198.51.100.1', "203.0.113.9"),
        # No address where one is due: all such clients share what the proxy has.
        (1, "", PEER),
        (1, "unknown", PEER),
        (1, "999.1.1.1", PEER),
        (1, "_hidden", PEER),
        (1, "[::1", "::"),
        (1, "x" * 5000, PEER),
        (2, "203.0.113.9", PEER),
    ],
)
def test_as_many_proxies_are_believed_as_are_trusted(config: Settings, trusted: int, forwarded: str, key: str) -> None:
    application = create_app(config.model_copy(update={"trusted_proxies": trusted}))
    seen: list[str] = []
    application.before_request(lambda: seen.append(addresses.client_address()))
    answer = application.test_client().get("/healthz", headers={"X-Forwarded-For": forwarded})
    assert (answer.status_code, seen) == (200, [key])
