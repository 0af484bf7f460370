"""Seasons on real servers: counted, read, watched, ended, and closed whatever was away meanwhile."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.core.timestamps import format_instant
from common.domain.corrections import Told
from common.domain.seasons import Season
from common.postgres import period_closing, seasons
from common.postgres.audit import Actor
from common.redis_store.keys import BoardKeys
from common.services.corrections import Corrector
from tests.inbox import accept, accept_at, add_users, board_of, drain_completely
from tests.player import Player, error_code, log_in, register
from tests.seasons import BEGIN, END, SPRING, add_season
from workers import closing, maintenance
from workers.snapshots import take_all
from workers.state import WorkerState

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
IN_SPRING = ("main", "s-spring")


@pytest.fixture
def chief(web: FlaskClient, worker: WorkerState) -> Iterator[Player]:
    register(web, "chief")
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET role = 'admin' WHERE username = 'chief'"))
    yield log_in(web, "chief")


def put(chief: Player, season: str, **body: Any) -> Any:  # noqa: ANN401
    return chief.client.put(f"/api/admin/boards/main/seasons/{season}", json=body, headers=chief.headers)


def end(chief: Player, season: str, **body: Any) -> Any:  # noqa: ANN401
    return chief.client.post(f"/api/admin/boards/main/seasons/{season}/end", json=body, headers=chief.headers)


def delete(chief: Player, season: str, **body: Any) -> Any:  # noqa: ANN401
    return chief.client.post(f"/api/admin/boards/main/seasons/{season}/delete", json=body, headers=chief.headers)


def in_days(days: int) -> str:
    return format_instant(datetime.now(UTC).replace(microsecond=0) + days * DAY)


def test_a_season_counts_what_is_accepted_in_it_and_nothing_drifts(web: FlaskClient, worker: WorkerState) -> None:
    add_season(worker)
    ada, ben = add_users(worker.engine, 2)
    for player, instant in ((ada, BEGIN - SECOND), (ada, BEGIN), (ben, END - SECOND), (ben, END)):
        accept_at(worker, player, instant)
    drain_completely(worker)
    assert board_of(worker, "s-spring") == {ada: 25, ben: 25}
    assert board_of(worker) == {ada: 50, ben: 50}
    page = web.get("/api/scores/leaderboard?period=s-spring").get_json()
    assert (page["period"], page["periodEndsAt"], page["total"]) == ("s-spring", format_instant(END), 2)
    assert [entry["score"] for entry in page["entries"]] == [25, 25]
    for _ in range(2):
        assert worker.verifier.check([ada, ben]) == []
        worker.verifier.checkpoint.reset()


def test_repairs_voids_and_rebuilds_follow_the_season(web: FlaskClient, worker: WorkerState) -> None:
    add_season(worker)
    ada, ben = add_users(worker.engine, 2)
    for player in (ada, ben):
        accept_at(worker, player, BEGIN)
    drain_completely(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE standings SET score = 1 WHERE period_id = 's-spring'"))
    assert len([drift for drift in worker.verifier.check([ada, ben]) if drift.where == "postgresql"]) == 2
    worker.verifier.recount([ada, ben])
    worker.rebuilder.rebuild(*IN_SPRING)
    with worker.engine.connect() as connection:
        event = connection.execute(text("SELECT min(id) FROM score_events")).scalar_one()
    Corrector(worker.engine, worker.board, worker.inbox).void_event(event, Told("a mistake"), Actor("chief"))
    assert board_of(worker, "s-spring") == {ben: 25}
    assert worker.verifier.check([ada, ben]) == []
    worker.redis.flushdb()
    assert web.get("/api/scores/leaderboard?period=s-spring").get_json()["total"] == 1


def test_a_season_that_ends_while_the_service_is_down_is_closed_at_the_next_turn(
    web: FlaskClient, worker: WorkerState
) -> None:
    """Nothing happens at its end; an update of before waits in the inbox, and the service comes back a day later."""
    add_season(worker)
    ada, ben = add_users(worker.engine, 2)
    accept_at(worker, ada, BEGIN)
    drain_completely(worker)
    accept_at(worker, ben, END - SECOND)
    accept_at(worker, ben, END + SECOND)

    back = WorkerState.create(worker.settings)
    maintenance.repair(back)
    later = END + DAY
    assert IN_SPRING not in [period[:2] for period in closing.close_ended(back, later)], "an update of it waits"
    drain_completely(back)
    assert IN_SPRING in [period[:2] for period in closing.close_ended(back, later)]
    assert closing.close_ended(back, later) == []
    accept_at(back, ada, END - SECOND, "win-tournament")
    drain_completely(back)
    assert board_of(back, "s-spring") == {ada: 25, ben: 25}, "its standings are final"
    (snapshot,) = web.get("/api/scores/snapshots?period=s-spring").get_json()["snapshots"]
    assert (snapshot["takenAt"], snapshot["total"]) == (format_instant(END), 2)
    closing.release_old(back, later)
    assert back.redis.expiretime(BoardKeys(*IN_SPRING).scores) == int((END + period_closing.KEPT_IN_REDIS).timestamp())
    back.close()


def test_the_open_season_is_read_by_its_name_everywhere(web: FlaskClient, worker: WorkerState) -> None:
    now = datetime.now(UTC)
    season = add_season(worker, Season("now", now - DAY, now + DAY, "The <b>first</b>"))
    (ada,) = add_users(worker.engine, 1)
    accept(worker, ada)
    drain_completely(worker)
    take_all(worker)
    for path in (
        *("/api/scores/leaderboard?", f"/api/scores/leaderboard?around={ada}&", f"/api/scores/user/{ada}?"),
        *(f"/api/scores/user/{ada}/boards?", "/api/scores/snapshots?"),
    ):
        for period in ("season", "s-now"):
            answer = web.get(f"{path}period={period}")
            assert answer.status_code == 200, (path, answer.text)
            assert '"s-now"' in answer.text or "user/" in path
    assert web.get(f"/api/scores/user/{ada}?period=season").get_json()["score"] == 25
    assert web.get(f"/api/scores/user/{ada}/boards?period=season").get_json()["boards"][0]["period"] == "s-now"
    board = web.get("/api/boards/main").get_json()
    assert board["periods"][-1] == "season"
    assert board["current"][-1] == {"period": "s-now", "endsAt": format_instant(season.ends_at)}
    page = web.get("/?period=season").text
    assert (
        'data-period="season" data-when="in The &lt;b&gt;first&lt;/b&gt;" data-unit="season" aria-current="page"'
        in page
    )
    (told,) = json.loads(html.unescape(re.findall('data-seasons="([^"]*)"', page)[0]))
    assert (told["period"], told["title"], told["endsAt"]) == ("s-now", season.title, format_instant(season.ends_at))
    assert web.get("/?period=s-other").status_code == 404


def test_where_no_season_is_open_that_is_said(web: FlaskClient, worker: WorkerState) -> None:
    without = web.get("/api/scores/leaderboard?period=season")
    assert (without.status_code, error_code(without)) == (400, "validation_failed"), "this board has none at all"
    add_season(worker)
    web.application.extensions["scoreboard"].catalogue.expire()
    for period in ("season", "s-autumn"):
        refused = web.get(f"/api/scores/leaderboard?period={period}")
        assert (refused.status_code, error_code(refused)) == (404, "no_season")
    assert web.get("/api/scores/leaderboard?period=s-").status_code == 400


def test_a_season_is_planned_moved_and_ended(chief: Player, web: FlaskClient, worker: WorkerState) -> None:
    wanted = {"title": "Winter", "startsAt": in_days(1), "endsAt": in_days(9)}
    made = put(chief, "winter", **wanted)
    assert made.status_code == 201, made.text
    assert made.get_json() == {
        "board": "main", "seasonId": "winter", "period": "s-winter", "state": "planned", **wanted
    }  # fmt: skip
    assert put(chief, "winter", **wanted).status_code == 200
    moved = put(chief, "winter", **{**wanted, "startsAt": in_days(2)})
    assert moved.get_json()["startsAt"] == in_days(2)
    assert end(chief, "winter", at=in_days(5), reason="too long").get_json()["endsAt"] == in_days(5)
    assert web.get("/api/boards/main/seasons").get_json()["seasons"][0]["endsAt"] == in_days(5)
    assert web.get("/api/boards/nowhere/seasons").status_code == 404
    audited = web.get("/api/admin/audit?subject=main", headers=chief.headers).get_json()
    assert [row["action"] for row in audited["entries"]] == ["end_season", "set_season", "set_season"]
    overlapping = put(chief, "other", startsAt=in_days(4), endsAt=in_days(6))
    assert (overlapping.status_code, error_code(overlapping)) == (409, "season_overlaps")
    assert put(chief, "other", startsAt=in_days(5), endsAt=in_days(6)).status_code == 201
    assert put(chief, "third", startsAt=in_days(0), endsAt=in_days(1)).status_code == 400
    assert put(chief, "third", startsAt=in_days(9), endsAt=in_days(8)).status_code == 400
    assert error_code(end(chief, "nothing")) == "no_season"
    assert web.put("/api/admin/boards/main/seasons/x", json=wanted).status_code == 401


def test_a_planned_season_is_deleted_for_good_and_one_that_has_begun_is_not(
    chief: Player, web: FlaskClient, worker: WorkerState
) -> None:
    add_season(worker)
    assert put(chief, "winter", startsAt=in_days(1), endsAt=in_days(2)).status_code == 201
    for is_there in (True, False):
        told = delete(chief, "winter", reason="a mistake")
        assert (told.status_code, told.get_json()["deleted"]) == (200, is_there)
    kept = web.get("/api/boards/main/seasons").get_json()["seasons"]
    assert [season["seasonId"] for season in kept] == ["spring"]
    assert error_code(web.get("/api/scores/leaderboard?period=s-winter")) == "no_season"
    refused = delete(chief, "spring")
    assert (refused.status_code, error_code(refused)) == (409, "season_begun")
    audited = web.get("/api/admin/audit?subject=main", headers=chief.headers).get_json()["entries"]
    assert [row["action"] for row in audited] == ["delete_season", "set_season"]
    assert audited[0]["details"]["reason"] == "a mistake"
    assert put(chief, "winter", startsAt=in_days(3), endsAt=in_days(4)).status_code == 201
    assert web.post("/api/admin/boards/main/seasons/winter/delete", json={}).status_code == 401


def test_a_season_that_is_over_stays_so(chief: Player, worker: WorkerState) -> None:
    add_season(worker)
    body = {"title": "Spring", "startsAt": format_instant(BEGIN), "endsAt": in_days(1)}
    refused = put(chief, "spring", **body)
    assert (refused.status_code, error_code(refused)) == (409, "season_over")
    assert error_code(end(chief, "spring", at=in_days(1))) == "season_over"
    assert end(chief, "spring").get_json()["state"] == "over", "a repetition"


def test_a_season_that_is_ended_ends_the_period_that_is_counting(chief: Player, worker: WorkerState) -> None:
    now = datetime.now(UTC)
    add_season(worker, Season("now", now - DAY, now + DAY))
    (ada,) = add_users(worker.engine, 1)
    accept(worker, ada)
    drain_completely(worker)
    ended = end(chief, "now").get_json()["endsAt"]
    assert datetime.fromisoformat(ended) < now + timedelta(minutes=1)
    with worker.engine.connect() as connection:
        stored = connection.execute(text("SELECT ends_at FROM periods WHERE period_id = 's-now'")).scalar_one()
    assert format_instant(stored) == ended


def test_the_database_itself_keeps_seasons_of_a_board_apart(worker: WorkerState) -> None:
    add_season(worker)
    with pytest.raises(IntegrityError, match="ex_seasons_overlap"), worker.engine.begin() as connection:
        seasons.write(connection, [("main", Season("other", END - SECOND, END + DAY))], [])
    with worker.engine.begin() as connection:
        seasons.write(connection, [("main", Season("other", END, END + DAY))], [])


def test_who_counts_never_counts_by_a_catalogue_of_before_an_outage(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed look the copy is asked for its age again, since a season may have begun meanwhile."""
    catalogue = worker.catalogue
    assert catalogue.including(["share"]).boards["main"].seasons == ()
    add_season(worker)
    monkeypatch.setattr(catalogue, "_had_at", catalogue._had_at - 10)
    monkeypatch.setattr(catalogue, "_read_at", catalogue._read_at + 10**9)  # as after a failure just now
    assert catalogue.including(["share"]).boards["main"].seasons == (SPRING,)
