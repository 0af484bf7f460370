"""The pages are somebody's: a title, a logo and a colour of the operator's own, and no form where nobody shall play."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from common.core.settings import SettingsError
from tests.conftest import SettingsFactory
from web import create_app
from web.pages.branding import BrandingError

LOGO = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@contextmanager
def pages(make_settings: SettingsFactory, **environment: str) -> Iterator[FlaskClient]:
    application = create_app(make_settings(**environment))
    yield application.test_client()
    application.extensions["scoreboard"].close()


def test_the_pages_have_the_title_the_logo_and_the_colour_of_the_settings(
    make_settings: SettingsFactory, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_bytes(LOGO)
    branding = {"SCOREBOARD_TITLE": "Arena <7>", "SCOREBOARD_LOGO": str(logo), "SCOREBOARD_ACCENT": "#8a1c5a"}
    with pages(make_settings, **branding) as client:
        home = client.get("/").text
        assert "<title>Arena &lt;7&gt;</title>" in home
        assert 'src="./branding/logo"' in home
        assert 'href="./branding/accent.css"' in home
        assert "Scoreboard</h1>" not in home
        sent = client.get("/branding/logo")
        assert (sent.data, sent.mimetype) == (LOGO, "image/svg+xml")
        assert "default-src 'none'" in sent.headers["Content-Security-Policy"]
        assert (
            "--accent: #8a1c5a; --accent-hover: #8a1c5a; --on-accent: #ffffff"
            in client.get("/branding/accent.css").text
        )
        assert "Arena &lt;7&gt;" in client.get("/boards").text
        assert "Arena &lt;7&gt;" in client.get("/b/nowhere").text


def test_without_them_the_pages_are_as_they_always_were(make_settings: SettingsFactory) -> None:
    with pages(make_settings) as client:
        assert "branding" not in client.get("/").text
        assert client.get("/branding/logo").status_code == client.get("/branding/accent.css").status_code == 404


def test_where_nobody_shall_play_there_is_no_form_and_no_button(make_settings: SettingsFactory) -> None:
    with pages(make_settings, SCOREBOARD_PLAY="off") as client:
        page = client.get("/").text
    assert "<form" not in page
    assert "data-action" not in page
    assert 'href="#play"' not in page


@pytest.mark.parametrize(
    ("name", "value"),
    [("SCOREBOARD_ACCENT", "red"), ("SCOREBOARD_TITLE", "a" * 61), ("SCOREBOARD_PLAY", "maybe")],
)
def test_a_setting_of_the_pages_that_makes_no_sense_is_named(
    make_settings: SettingsFactory, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        make_settings(**{name: value})


@pytest.mark.parametrize(("name", "size"), [("logo.gif", 10), ("logo.svg", 256 * 1024 + 1), ("", 0)])
def test_a_logo_that_cannot_be_shown_stops_the_start(
    make_settings: SettingsFactory, tmp_path: Path, name: str, size: int
) -> None:
    logo = tmp_path / (name or "nothing.svg")
    if name:
        logo.write_bytes(b" " * size)
    with pytest.raises(BrandingError, match="SCOREBOARD_LOGO"), pages(make_settings, SCOREBOARD_LOGO=str(logo)):
        pass
