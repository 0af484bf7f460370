"""A service that lives below a path of its host, whether or not the proxy takes that path off."""

import pytest
from flask.testing import FlaskClient

from common.core.settings import SettingsError
from tests.conftest import SettingsFactory
from tests.game_server import game_server
from web import create_app

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("prefix", ["", "/board"])
def test_a_service_below_a_path_names_it_in_its_document(make_settings: SettingsFactory, prefix: str) -> None:
    application = create_app(make_settings(SCOREBOARD_ROOT_PATH="/board"))
    client = application.test_client()

    document = client.get(f"{prefix}/openapi.json").get_json()
    answer = client.get(f"{prefix}/healthz")
    application.extensions["scoreboard"].close()

    assert document["servers"] == [{"url": "/board"}]
    assert answer.status_code == 200


@pytest.mark.parametrize("prefix", ["", "/board"])
def test_a_client_signs_the_path_that_it_calls_whether_or_not_the_proxy_takes_the_prefix_off(
    make_settings: SettingsFactory, prefix: str
) -> None:
    settings = make_settings(SCOREBOARD_ROOT_PATH="/board")
    application = create_app(settings)
    client = application.test_client()
    adapters = application.extensions["scoreboard"]
    server = game_server(client, adapters.engine, settings.secret_key.get_secret_value())
    path = f"/api/scores/updates/an-unknown-key?userId={NOBODY}"

    right = client.get(f"{prefix}{path}", headers=server.headers_to_read(f"/board{path}"))
    wrong = client.get(f"{prefix}{path}", headers=server.headers_to_read(path))
    adapters.close()

    assert (right.status_code, wrong.status_code) == (404, 401)


def test_a_path_that_only_begins_alike_is_another_address(make_settings: SettingsFactory) -> None:
    application = create_app(make_settings(SCOREBOARD_ROOT_PATH="/board"))
    answer = application.test_client().get("/boarding/healthz")
    application.extensions["scoreboard"].close()

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["board", "/board/", "/", "/a b", "https://board.example"])
def test_a_root_path_that_is_none_is_refused_by_its_name(make_settings: SettingsFactory, path: str) -> None:
    with pytest.raises(SettingsError, match="SCOREBOARD_ROOT_PATH"):
        make_settings(SCOREBOARD_ROOT_PATH=path)


@pytest.mark.parametrize(
    ("path", "accept", "type_"),
    [
        ("/nothing", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("/nothing", "*/*", "application/json"),
        ("/api/nothing", "text/html", "application/json"),
    ],
)
def test_an_address_that_is_none_is_told_to_browsers_as_a_page(
    client: FlaskClient, path: str, accept: str, type_: str
) -> None:
    answer = client.get(path, headers={"Accept": accept})

    assert (answer.status_code, answer.mimetype) == (404, type_)
    assert "nothing at this address" in answer.text
