"""Everybody at 0: players who are enrolled stand on a board before they score, and no tie moves for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from common.domain.boards import Board, Rule
from common.domain.enrolments import Enrolment
from common.domain.permissions import Permissions, Scope
from common.domain.scoring import Action
from common.postgres import catalogue
from common.services import suspensions
from common.services.suspensions import COMMAND_LINE, Decision
from tests.command_line import CommandLine
from tests.game_server import GameServer, game_server
from tests.inbox import accept, drain_completely
from tests.integration.test_scoring_rules import add_boards
from workers.state import WorkerState

PLAYERS = "/api/players"
BOARDS = [
    Board("jury", periods=("all",)),
    Board("games", rule=Rule.COUNT, periods=("all", "weekly")),
    Board("laps", rule=Rule.LOWEST, ascending=True),
    *(Board(name, periods=("all",)) for name in ("staff", "planned", "closed", "gone")),
]

ServerOf = Callable[..., GameServer]


@pytest.fixture
def server_of(client: FlaskClient, worker: WorkerState, app: Flask) -> ServerOf:
    """Makes a game server with these scopes; the boards are there."""
    with worker.engine.begin() as connection:
        add_boards(connection, BOARDS)
        catalogue.add(connection, Action("play", 1, 5, ("jury", "games")), enabled=True)
        for board, change in {
            "staff": "visibility = 'hidden'",
            "planned": "opens_at = now() + interval '1 hour'",
            "closed": "closes_at = now() - interval '1 hour'",
            "gone": "archived_at = now() - interval '1 hour'",
        }.items():
            connection.execute(text(f"UPDATE boards SET {change} WHERE id = :board"), {"board": board})  # noqa: S608
    for known in (worker.catalogue, app.extensions["scoreboard"].catalogue):
        known._catalogue, known._read_at = None, float("-inf")

    def make(*scopes: Scope) -> GameServer:
        permissions = Permissions(frozenset(scopes or (Scope.PLAYERS,)), "arena")
        return game_server(client, worker.engine, app.extensions["scoreboard"].settings.secret_keys[0], permissions)

    return make


def enrol(server: GameServer, *external_ids: str, boards: object = ("jury",)) -> dict[str, str]:
    """The user ids of players who are enrolled on these boards."""
    body = {"players": [{"externalId": external_id, "boards": boards} for external_id in external_ids]}
    answer = server.post(PLAYERS, body)
    assert answer.status_code == 200, answer.json
    return {player["externalId"]: player["userId"] for player in answer.get_json()["players"]}


def standings(worker: WorkerState, board: str = "jury", period: str = "all") -> list[tuple[str, int, int]]:
    statement = text("""SELECT user_id::text, score, tie FROM standings
                        WHERE (board_id, period_id) = (:board, :period) ORDER BY tie""")
    with worker.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement, {"board": board, "period": period})]


def events(worker: WorkerState) -> list[tuple[Any, ...]]:
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT action_id, points, refusal, source FROM score_events ORDER BY id"))
        return [tuple(row) for row in rows]


def test_who_is_enrolled_stands_at_0_and_again_is_no_second_event(server_of: ServerOf, worker: WorkerState) -> None:
    server = server_of()
    players = enrol(server, "a", "b", boards=["jury", "games"])
    drain_completely(worker)
    assert {(user, score) for user, score, _tie in standings(worker)} == {(user, 0) for user in players.values()}
    assert len({tie for _user, _score, tie in standings(worker)}) == 2, "each tie is its own"
    assert len(standings(worker, "games")) == 2
    shown = server.client.get("/api/scores/leaderboard?board=jury").get_json()
    assert [(entry["score"], entry["rank"]) for entry in shown["entries"]] == [(0, 1), (0, 2)]
    source = server.key_id
    assert sorted(events(worker)) == [("enrol-games", 0, None, source)] * 2 + [("enrol-jury", 0, None, source)] * 2

    enrol(server, "a", "b", boards=["jury", "games", "jury"])
    worker.redis.flushdb()
    enrol(server, "a", "b", boards=["jury", "games"])
    assert worker.inbox.depth() == 0, "the ledger knows them, and nothing is sent"
    assert len(events(worker)) == 4
    assert worker.verifier.check(list(players.values())) == []


def test_an_enrolment_moves_no_tie_in_whichever_order_it_comes(server_of: ServerOf, worker: WorkerState) -> None:
    server = server_of()
    players = enrol(server, "late", "early", boards=["jury"])
    accept(worker, players["late"], "play")
    accept(worker, players["early"], "play")
    drain_completely(worker)
    ((first, score, first_tie), (second, _, _)) = standings(worker)
    assert (first, second, score) == (players["late"], players["early"], 5)

    enrol(server, "late", boards=["jury", "games"])
    drain_completely(worker)
    assert standings(worker)[0] == (first, 5, first_tie)
    assert [row[1] for row in standings(worker, "games")] == [1, 1]
    assert worker.verifier.check(list(players.values())) == []
    worker.verifier.recount(players.values())
    assert standings(worker)[0] == (first, 5, first_tie)


def test_the_first_points_of_an_enrolled_player_have_the_tie_of_the_points(
    server_of: ServerOf, worker: WorkerState
) -> None:
    (player,) = enrol(server_of(), "a").values()
    drain_completely(worker)
    ((_, _, before),) = standings(worker)
    accept(worker, player, "play")
    drain_completely(worker)
    ((_, score, after),) = standings(worker)
    assert (score, after > before) == (5, True)
    with worker.engine.connect() as connection:
        decided = connection.execute(text("SELECT decided_at FROM standings WHERE board_id = 'jury'")).scalars().all()
    assert decided == [None]
    assert worker.verifier.check([player]) == []


def test_a_player_is_enrolled_before_a_board_opens(server_of: ServerOf, worker: WorkerState) -> None:
    (player,) = enrol(server_of(), "a", boards=["planned"]).values()
    drain_completely(worker)
    assert [(user, score) for user, score, _ in standings(worker, "planned")] == [(player, 0)]
    assert worker.verifier.check([player]) == []


def test_a_suspended_player_is_enrolled_and_not_shown(server_of: ServerOf, worker: WorkerState) -> None:
    server = server_of()
    (player,) = enrol(server, "a", boards=["games"]).values()
    drain_completely(worker)
    with worker.engine.begin() as connection:
        suspensions.decide(connection, Decision(player, True, COMMAND_LINE, "a try"))
    enrol(server, "a", boards=["jury"])
    drain_completely(worker)
    assert len(standings(worker)) == 1
    assert server.client.get("/api/scores/leaderboard?board=jury").get_json()["entries"] == []


def test_what_cannot_be_is_refused_by_itself_and_makes_nobody_known(server_of: ServerOf, worker: WorkerState) -> None:
    server = server_of()
    asked = {
        "no board": (["nowhere"], "unknown_board"),
        "hidden": (["staff"], "unknown_board"),
        "keeps": (["jury", "laps"], "validation_failed"),
        "closed": (["closed"], "board_closed"),
        "archived": (["gone"], "board_closed"),
        "none": ([], "validation_failed"),
        "many": (["jury"] * 9, "validation_failed"),
        "text": ("jury", "validation_failed"),
        "form": (["A B"], "validation_failed"),
        "good": (["jury"], None),
    }
    body = {"players": [{"externalId": f"id-{n}", "boards": boards} for n, (boards, _) in enumerate(asked.values())]}
    told = server.post(PLAYERS, body).get_json()
    refused = {each["index"]: each["code"] for each in told["refused"]}
    assert refused == {n: code for n, (_, code) in enumerate(asked.values()) if code}
    assert [player["externalId"] for player in told["players"]] == ["id-9"]
    drain_completely(worker)
    assert len(standings(worker)) == 1
    reader = server_of(Scope.PLAYERS, Scope.READ)
    assert enrol(reader, "id-1", boards=["staff"])


def test_the_key_of_an_enrolment_fits_the_longest_id_of_a_board_and_the_shortest() -> None:
    for board_id in ("x" * 57, "x"):
        key = Enrolment("user", board_id, Action("enrol", 1, 0, (board_id,))).key[1]
        assert 8 <= len(key) <= 64


def test_a_file_enrols_its_players_and_may_be_imported_again(
    command_line: CommandLine, server_of: ServerOf, worker: WorkerState, tmp_path: Path
) -> None:
    server_of()
    file = tmp_path / "players.csv"
    file.write_text("externalId,displayName,boards\na,Ada,jury\nb,,jury; games\nc,,\nd,,nowhere\ne,,laps\nf,,closed\n")
    for _ in range(2):
        done = command_line("players", "import", str(file), "--realm", "arena")
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "line 5: boards: There is no board 'nowhere'.",
            "line 6: boards: nobody begins at 0 on laps, which has the rule lowest",
            "line 7: boards: The board closed is closed.",
        ]
        assert done.stdout.endswith("3 lines were refused; 3 enrolments are recorded or on their way\n")
        drain_completely(worker)
    assert (len(standings(worker)), len(standings(worker, "games"))) == (2, 1)
    assert {source for _, _, _, source in events(worker)} == {"command line"}
    assert len(events(worker)) == 3
