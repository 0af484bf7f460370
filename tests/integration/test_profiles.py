"""What is shown of a player: names, country and picture, at once and everywhere."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from common.domain.details import Details, KnownDetails
from common.postgres import audit, users
from common.services import showing
from tests.conftest import BOTH_WAYS
from tests.inbox import accept, drain_completely
from tests.player import PASSWORD, Player, error_code, log_in, register
from web.pages import home
from workers import maintenance, snapshots
from workers.state import WorkerState


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    with worker.engine.begin() as connection:
        users.create(connection, "chief", _hash_of(PASSWORD), "admin")
    return log_in(client, "chief")


def _hash_of(password: str) -> str:
    from common.domain import passwords  # noqa: PLC0415 - it hashes when it is imported

    return passwords.hashed(password)


@pytest.fixture
def scored(ada: Player, worker: WorkerState) -> Player:
    accept(worker, ada.user_id)
    drain_completely(worker)
    return ada


def change(player: Player, **fields: Any) -> Any:  # noqa: ANN401
    return player.client.post("/api/me/profile", json=fields, headers=player.headers)


def row(client: FlaskClient) -> dict[str, Any]:
    (entry,) = client.get("/api/scores/leaderboard").get_json()["entries"]
    return dict(entry)


def test_a_plain_row_has_no_field_more_than_before(client: FlaskClient, scored: Player) -> None:
    assert set(row(client)) == {"userId", "username", "score", "rank", "lastUpdated"}


@BOTH_WAYS
def test_what_is_set_stands_in_every_read_at_once(client: FlaskClient, scored: Player, worker: WorkerState) -> None:
    assert row(client)["username"] == "ada"
    snapshots.take_all(worker)
    answer = change(scored, displayName=" Ada Lovelace ", country="GB", avatar=7)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["profile"] == {"displayName": "Ada Lovelace", "country": "GB", "avatar": 7}
    told = {"username": "ada", "displayName": "Ada Lovelace", "country": "GB", "avatar": 7}
    place = client.get(f"/api/scores/user/{scored.user_id}").get_json()
    listed = client.get("/api/scores/snapshots").get_json()["snapshots"]
    (stored,) = client.get(f"/api/scores/snapshots/{listed[0]['id']}").get_json()["entries"]
    for shown in (row(client), place, stored):
        assert told.items() <= shown.items()
    assert client.get("/api/me", headers=scored.headers).get_json()["profile"]["country"] == "GB"
    assert change(scored, country=None).get_json()["profile"]["country"] is None
    assert "country" not in row(client)
    assert row(client)["displayName"] == "Ada Lovelace"


@BOTH_WAYS
def test_a_rename_moves_the_version_so_that_nobody_is_told_that_nothing_has_changed(
    client: FlaskClient, scored: Player
) -> None:
    first = client.get("/api/scores/leaderboard?limit=5")
    again = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/api/scores/leaderboard?limit=5", headers=again).status_code == 304
    assert change(scored, displayName="Ada L").status_code == 200
    after = client.get("/api/scores/leaderboard?limit=5", headers=again)
    assert after.status_code == 200
    assert after.get_json()["entries"][0]["displayName"] == "Ada L"
    assert change(scored, displayName="Ada L").status_code == 200  # changes nothing, and moves nothing
    same = {"If-None-Match": after.headers["ETag"]}
    assert client.get("/api/scores/leaderboard?limit=5", headers=same).status_code == 304


def test_a_copy_that_was_read_before_a_rename_does_not_replace_the_newer_one(
    client: FlaskClient, scored: Player, worker: WorkerState
) -> None:
    assert change(scored, displayName="New").status_code == 200
    worker.board.remember_details({scored.user_id: KnownDetails(Details("ada", "Old"), 0)})
    assert row(client)["displayName"] == "New"


def test_a_change_whose_process_died_is_shown_by_the_next_sweep(
    client: FlaskClient, scored: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert row(client)["username"] == "ada"  # so that Redis knows the name of before
    with monkeypatch.context() as dying:
        dying.setattr(showing, "show", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            change(scored, displayName="Ada L")
    assert "displayName" not in row(client)
    maintenance.show_changes(worker)
    assert row(client)["displayName"] == "Ada L"
    with worker.engine.connect() as connection:
        assert showing.pending(connection, 9) == []


def test_a_board_of_postgresql_shows_the_same(client: FlaskClient, scored: Player, worker: WorkerState) -> None:
    assert change(scored, displayName="Ada L", country="GB").status_code == 200
    from_redis = row(client)
    worker.redis.flushdb()
    assert row(client) == from_redis


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"displayName": "Аda"}, "displayName", "must not mix Latin and Cyrillic letters"),  # noqa: RUF001
        ({"displayName": ""}, "displayName", "must not be empty"),
        ({"displayName": "admin"}, "displayName", "this name is reserved"),
        ({"displayName": "BOB"}, "displayName", "must not be the username of another player"),
        ({"country": "XX"}, "country", "must be an ISO 3166-1 alpha-2 code of a country, such as DE"),
        ({"country": "de"}, "country", "must be an ISO 3166-1 alpha-2 code of a country, such as DE"),
        ({"avatar": 64}, "avatar", "Input should be less than or equal to 63"),
        ({"avatar": "1"}, "avatar", "Input should be a valid integer"),
        ({"displayname": "x"}, "displayname", "Extra inputs are not permitted"),
    ],
)
def test_bad_input_is_refused_in_words_and_changes_nothing(
    client: FlaskClient, ada: Player, fields: dict[str, Any], field: str, words: str
) -> None:
    register(client, "bob")
    answer = change(ada, **{"avatar": 3, **fields})
    assert error_code(answer) == "validation_failed"
    assert answer.get_json()["error"]["details"]["fields"] == [{"field": field, "message": words}]
    profile = client.get("/api/me", headers=ada.headers).get_json()["profile"]
    assert profile == {"displayName": None, "country": None, "avatar": None}


def test_a_name_may_be_ones_own_username_and_need_not_be_unique(client: FlaskClient, ada: Player) -> None:
    bob = register(client, "bob")
    assert change(ada, displayName="ADA").status_code == 200
    for player in (ada, bob):
        assert change(player, displayName="Same").status_code == 200


def test_five_renames_a_day_and_no_more_while_everything_else_may_change(
    client: FlaskClient, ada: Player, worker: WorkerState
) -> None:
    for number in range(5):
        assert change(ada, displayName=f"Ada {number}").status_code == 200
    refused = change(ada, displayName="Ada 5")
    assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
    assert 86_000 < int(refused.headers["Retry-After"]) <= 86_401
    assert change(ada, country="GB").status_code == 200
    with worker.engine.begin() as connection:
        connection.execute(
            text("UPDATE users SET renamed_at[1] = :then WHERE username = 'ada'"),
            {"then": datetime.now(UTC) - timedelta(days=1)},
        )
    assert change(ada, displayName="Ada 5").status_code == 200
    assert change(ada, displayName="Ada 6").status_code == 429


def test_an_admin_takes_an_insult_away_however_often_it_is_counted_and_it_is_audited_without_the_name(
    client: FlaskClient, ada: Player, chief: Player, worker: WorkerState
) -> None:
    path = f"/api/admin/users/{ada.user_id}/profile"
    assert change(ada, displayName="An Insult").status_code == 200
    answer = client.post(path, json={"displayName": None, "reason": "insults"}, headers=chief.headers)
    assert answer.get_json()["profile"]["displayName"] is None
    with worker.engine.connect() as connection:
        last = audit.latest(connection, 1)[0]
    assert (last.actor, last.action, last.subject) == (chief.user_id, "change_profile", ada.user_id)
    assert last.details == {"fields": ["display_name"], "reason": "insults"}
    assert error_code(client.post(path, json={}, headers=ada.headers)) == "forbidden"
    nobody = f"/api/admin/users/{uuid.uuid4()}/profile"
    assert error_code(client.post(nobody, json={}, headers=chief.headers)) == "not_found"


def test_the_page_shows_the_name_and_the_handle_where_two_have_the_same(
    app: Flask, client: FlaskClient, scored: Player, worker: WorkerState
) -> None:
    bob = register(client, "bob")
    accept(worker, bob.user_id)
    drain_completely(worker)
    assert change(scored, displayName="Ada & Co", avatar=1).status_code == 200
    home.forget_rendered(app)
    assert ">Ada &amp; Co</bdi>" in client.get("/").text
    assert "@ada" not in client.get("/").text
    assert change(bob, displayName="Ada & Co").status_code == 200
    home.forget_rendered(app)
    assert {"@ada", "@bob"} <= set(client.get("/").text.replace("<", " ").replace(">", " ").split())


@pytest.mark.parametrize("name", ["0", "63", "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"])
def test_pictures_are_drawn_here_and_can_be_kept(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/avatars/{name}.svg")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert answer.text.startswith("<svg")
    assert "max-age" in answer.headers["Cache-Control"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["64", "-1", "00", "x", "3F2B8C1E-5D4A-4C3B-9A2E-7F6D5C4B3A21"])
def test_there_are_no_other_pictures(client: FlaskClient, name: str) -> None:
    assert client.get(f"/avatars/{name}.svg").status_code == 404
