"""A demo player and a service that answers as the test says."""

from collections.abc import Iterable
from random import Random
from threading import Event

import pytest

from common.domain import signing
from scoreboard.demo.account import Account, CannotPlayError
from scoreboard.demo.client import Answer, Client, NoAnswerError, StoppedError
from scoreboard.demo.players import Door, Player
from scoreboard.demo.stats import Stats

KEYS = {"first": bytes(32), "second": bytes([1]) * 32}
APPLIED = Answer(200, {"status": "applied", "update": {"points": 5}})


def session(name: str) -> Answer:
    body = {
        "accessToken": f"access-{name}",
        "refreshToken": f"refresh-{name}",
        "signingKey": signing.to_base64url(KEYS[name]),
        "user": {"userId": "8f15d882-8a9f-4189-b783-e9fd3f6124ef"},
    }
    return Answer(200, body)


def refusal(status: int, code: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": ""}})


class Service:
    """Gives its answers in turn and then stops the demo. None is an answer that gets lost."""

    def __init__(self, *answers: Answer | None) -> None:
        self._answers: Iterable[Answer | None] = iter(answers)
        self.stop = Event()
        self.requests: list[tuple[str, dict[str, str], str]] = []

    def post(self, path: str, body: dict[str, str], token: str = "") -> Answer:
        answer = next(iter(self._answers), refusal(503, "over"))
        if answer and answer.error_code == "over":
            self.stop.set()
        self.requests.append((path.rpartition("/")[2], body, token))
        if answer is None:
            raise NoAnswerError
        return answer

    @property
    def asked(self) -> list[str]:
        return [path for path, _, _ in self.requests]

    def updates(self) -> list[tuple[dict[str, str], str]]:
        return [(body, token) for path, body, token in self.requests if path == "update"]


def play(service: Service) -> Stats:
    """A player of great haste, until the service has nothing more to say."""
    stats, random = Stats(1), Random(1)
    client = Client(service, random, service.stop, stats)
    with pytest.raises(StoppedError):
        Player(Account(client, "neon_moth", "secret"), client, random, 0.001, stats, door=Door()).play()
    return stats


def test_a_new_player_registers_and_a_known_one_only_logs_in() -> None:
    new = Service(refusal(401, "invalid_credentials"), Answer(201), session("first"))
    known = Service(session("first"))
    play(new)
    play(known)

    assert new.asked[:3] == ["login", "register", "login"]
    assert known.asked[:2] == ["login", "update"]


def test_an_account_that_is_probably_new_is_registered_first_and_a_taken_name_logged_in_to() -> None:
    taken = refusal(409, "username_taken")
    services = [Service(Answer(201), session("first")), Service(taken, session("first"))]
    entered = []
    for service in services:
        client = Client(service, Random(1), service.stop, Stats(1))
        entered.append(Account(client, "neon_moth", "secret", is_new=True).enter())

    assert [service.asked for service in services] == [["register", "login"]] * 2
    assert entered == [True, False]


def test_a_move_is_signed_with_the_sessions_key() -> None:
    service = Service(session("first"), APPLIED)
    stats = play(service)

    body, token = service.updates()[0]
    text = signing.score_update_text(body["userId"], body["actionId"], body["timestamp"], body["idempotencyKey"])
    assert token == "access-first"
    assert signing.is_signed(KEYS["first"], text, body["signature"])
    assert (stats.moves, stats.points) == (1, 5)


@pytest.mark.parametrize("answer", [None, Answer(503), Answer(500), Answer(429)])
def test_an_answer_that_does_not_say_what_became_of_a_move_leads_to_another_try_with_the_same_key(
    answer: Answer | None,
) -> None:
    service = Service(session("first"), answer, answer, APPLIED, APPLIED)
    stats = play(service)

    keys = [body["idempotencyKey"] for body, _ in service.updates()]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert stats.moves == 2


def test_an_ended_session_is_refreshed_and_the_move_sent_again_under_its_key() -> None:
    service = Service(session("first"), refusal(401, "token_expired"), session("second"), APPLIED)
    play(service)

    (first, _), (second, token) = service.updates()[:2]
    assert service.asked[:4] == ["login", "update", "refresh", "update"]
    assert first["idempotencyKey"] == second["idempotencyKey"]
    assert token == "access-second"


def test_a_session_that_cannot_be_refreshed_is_replaced_by_a_new_login() -> None:
    ended = refusal(401, "refresh_token_invalid")
    service = Service(session("first"), refusal(401, "token_revoked"), ended, session("second"), APPLIED)
    play(service)

    assert service.asked[:5] == ["login", "update", "refresh", "login", "update"]


def test_a_handle_that_somebody_else_has_is_left_to_them() -> None:
    wrong = refusal(401, "invalid_credentials")
    service = Service(wrong, refusal(409, "username_taken"), wrong, wrong, Answer(201), session("first"))
    play(service)

    assert [body["username"] for _, body, _ in service.requests[:6]] == ["neon_moth"] * 3 + ["neon_moth_x2"] * 3


def test_a_registration_whose_answer_got_lost_is_recognised() -> None:
    wrong, taken = refusal(401, "invalid_credentials"), refusal(409, "username_taken")
    service = Service(wrong, None, taken, session("first"), APPLIED)
    play(service)

    assert service.asked[:5] == ["login", "register", "register", "login", "update"]


def test_a_closed_registration_is_told_and_not_asked_for_again() -> None:
    service = Service(refusal(401, "invalid_credentials"), refusal(403, "registration_closed"))
    client = Client(service, Random(1), service.stop, Stats(1))

    with pytest.raises(CannotPlayError, match="registration is closed"):
        Account(client, "neon_moth", "secret").enter()


def test_a_stop_ends_even_a_long_wait_at_once() -> None:
    stop = Event()
    stop.set()

    with pytest.raises(StoppedError):
        Client(Service(), Random(1), stop, Stats(1)).rest(3600)
