"""The page's files: compressed for whoever takes that, kept for good under an address with a version."""

import gzip
import re

import pytest
from flask.testing import FlaskClient

from web.pages.assets import FOLDER, Assets
from web.pages.home import RENDERED_EVERY_SECONDS


@pytest.fixture
def script(client: FlaskClient) -> str:
    """The address of the page's script, as the page names it."""
    found = re.search(r'<script type="module" src="\.(/static/[0-9a-f]{12}/js/main\.js)"', client.get("/").text)
    assert found
    return found[1]


def test_a_file_under_its_version_is_kept_for_good(client: FlaskClient, script: str) -> None:
    assert client.get(script).headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("address", ["/static/js/main.js", "/static/000000000000/js/main.js"])
def test_a_file_under_another_version_or_none_is_todays_and_asked_for_again(client: FlaskClient, address: str) -> None:
    answer = client.get(address)

    assert answer.data == (FOLDER / "js" / "main.js").read_bytes()
    assert answer.headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize("address", ["/", "/docs", "/openapi.json", "/asyncapi.json", "/static/page.css"])
def test_what_is_large_is_compressed_for_whoever_takes_that(client: FlaskClient, address: str) -> None:
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    compressed = client.get(address, headers={"Accept-Encoding": "br, gzip;q=0.5"})

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert len(compressed.data) < len(plain.data) / 2
    assert gzip.decompress(compressed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    for answer in (plain, compressed):
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("refused", ["gzip;q=0", "identity", "br"])
def test_nothing_is_compressed_for_whoever_does_not_take_it(client: FlaskClient, refused: str) -> None:
    answer = client.get("/static/page.css", headers={"Accept-Encoding": refused})

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_file_that_somebody_has_is_confirmed(client: FlaskClient, accepted: str) -> None:
    first = client.get("/static/page.css", headers={"Accept-Encoding": accepted})
    again = client.get(
        "/static/page.css", headers={"Accept-Encoding": accepted, "If-None-Match": first.headers["ETag"]}
    )

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("address", ["/static/nothing.css", "/static/../settings.py", "/static/js/%2e%2e/%2e%2e/x"])
def test_there_is_nothing_but_the_files(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_every_module_is_asked_for_at_once(client: FlaskClient) -> None:
    preloaded = re.findall(
        r'<link rel="modulepreload" href="\./static/[0-9a-f]{12}/(js/\w+\.js)"', client.get("/").text
    )

    assert preloaded == list(Assets(FOLDER).modules)
    assert "js/main.js" in preloaded
    assert not [name for name in preloaded if name == "js/early.js" or "vendor" in name]


def test_a_page_is_rendered_once_for_all_who_ask_within_a_second(client: FlaskClient) -> None:
    pages = {client.get("/").text for _ in range(20)}

    assert RENDERED_EVERY_SECONDS == 1.0
    assert len(pages) <= 2  # they hold the instant at which they were rendered
