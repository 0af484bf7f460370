import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from common.contract.account_requests import RegisterRequest
from common.contract.requests import RESERVED_USERNAMES
from common.postgres.catalogue import DEFAULTS
from scoreboard.demo import behaviour
from scoreboard.demo.behaviour import handle, spellings
from scoreboard.demo.client import Answer, backoff, source_of
from scoreboard.demo.command import MOST_PLAYERS, USUAL_PACE, demo

SEED = 20_240_229


def test_every_player_has_a_handle_of_its_own_that_may_be_registered_in_every_spelling() -> None:
    everybody = [handle(number) for number in range(MOST_PLAYERS)]

    assert len({name.lower() for name in everybody}) == MOST_PLAYERS
    for name in (spelling for one in everybody for spelling in spellings(one)):
        assert re.fullmatch(r"[A-Za-z0-9_.-]{3,32}", name)
        assert name.lower() not in RESERVED_USERNAMES
        RegisterRequest(username=name, password="long enough")


def test_a_player_moves_at_the_pace_it_was_given_on_average_and_never_in_bursts() -> None:
    random = Random(SEED)
    pauses = [behaviour.pause_before_move(random, 10.0) for _ in range(20_000)]

    assert sum(pauses) / len(pauses) == pytest.approx(10.0, rel=0.02)
    assert min(pauses) >= 4.0
    assert max(pauses) <= 18.0


@pytest.mark.parametrize("seed", range(20))
def test_at_the_usual_pace_an_hour_of_moves_and_an_arrival_stay_within_the_limit_of_an_address(seed: int) -> None:
    random, requests = Random(seed), 4
    pauses = behaviour.opening(random, USUAL_PACE, skill=1.0)
    requests += len(pauses)
    seconds = sum(pauses) + behaviour.pause_before_first_move(random, USUAL_PACE)

    while seconds < 3600:
        seconds += behaviour.pause_before_move(random, USUAL_PACE)
        requests += 1

    assert requests < 100


@pytest.mark.parametrize("seed", range(20))
def test_the_first_minute_of_a_new_player_stays_within_the_limit_of_updates(seed: int) -> None:
    random, seconds, moves = Random(seed), 0.0, 1
    pauses = behaviour.opening(random, USUAL_PACE, skill=1.0)
    pauses.append(behaviour.pause_before_first_move(random, USUAL_PACE))

    while (seconds := seconds + (pauses.pop(0) if pauses else behaviour.pause_before_move(random, USUAL_PACE))) < 60:
        moves += 1

    assert moves <= 10


def test_all_players_arrive_within_seconds_and_new_ones_are_soon_apart() -> None:
    random = Random(SEED)
    arrivals = [behaviour.pause_before_arrival(random, USUAL_PACE) for _ in range(30)]
    scores = []
    for arrival in arrivals:
        skill, now, score = random.random(), arrival, 5
        for pause in behaviour.opening(random, USUAL_PACE, skill):
            now += pause
            if now < 10:
                score += DEFAULTS.actions[behaviour.choose_action(random, skill)].points
        scores.append(score)

    assert max(arrivals) <= 5
    assert len(set(scores)) >= 12
    assert scores.count(5) == 0


def test_players_do_only_what_the_default_catalogue_has() -> None:
    random = Random(SEED)
    chosen = {behaviour.choose_action(random, skill) for skill in (0.0, 0.5, 1.0) for _ in range(2_000)}

    assert chosen | {behaviour.ARRIVAL_ACTION} == set(DEFAULTS.actions)


def test_a_skilful_player_wins_more_often() -> None:
    random = Random(SEED)
    novice, master = (Counter(behaviour.choose_action(random, skill) for _ in range(2_000)) for skill in (0.0, 1.0))

    assert master["win-match"] > 2 * novice["win-match"]


@pytest.mark.parametrize("status", [200, 201, 202, 400, 401, 403, 409])
def test_a_final_answer_is_not_asked_for_again(status: int) -> None:
    assert backoff(Answer(status), 0, Random(SEED)) is None


@pytest.mark.parametrize("answer", [None, Answer(500), Answer(503), Answer(502)])
def test_what_may_pass_is_asked_for_again_ever_more_slowly(answer: Answer | None) -> None:
    random = Random(SEED)
    pauses = [backoff(answer, failures, random) or 0.0 for failures in (0, 2, 4, 50)]

    assert pauses == sorted(pauses)
    assert 0 < pauses[0] <= 0.5
    assert pauses[-1] <= 20.0


def test_the_wait_is_never_shorter_than_the_server_asks_for() -> None:
    assert (backoff(Answer(429, {}, 1800.0), 0, Random(SEED)) or 0.0) >= 1800.0


def test_each_player_has_an_address_of_its_own_where_the_server_is_on_loopback() -> None:
    url = "http://127.0.0.1:8000"

    assert source_of(0, url) == "127.1.0.1"
    assert len({source_of(number, url) for number in range(MOST_PLAYERS)}) == MOST_PLAYERS


def test_towards_another_machine_no_address_is_chosen() -> None:
    assert source_of(0, "https://board.example/") is None


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "localhost", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_is_refused_at_once(url: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(demo, ["--url", url, "--password-file", str(tmp_path / "password")])

    assert done.exit_code == 2
    assert "must look like" in done.output
