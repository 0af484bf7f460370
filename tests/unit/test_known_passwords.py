"""The list of passwords that nobody may take."""

from importlib import resources

import pytest
from pydantic import ValidationError

from common.contract import known_passwords
from common.contract.account_requests import RegisterRequest
from common.contract.requests import SHORTEST_PASSWORD


def test_the_list_is_long_and_of_passwords_that_could_be_taken() -> None:
    lines = resources.files("common.contract").joinpath("known_passwords.txt").read_text(encoding="ascii").split()

    assert len(set(lines)) >= 3000
    assert min(len(line) for line in lines) >= SHORTEST_PASSWORD
    assert all(known_passwords.problem(line, "nobody") for line in lines)


@pytest.mark.parametrize("word", ["scoreboard", "leaderboard", "highscore", "highscores"])
def test_the_name_of_the_product_is_no_password_however_it_is_dressed(word: str) -> None:
    for password in (word, word.upper(), f"{word}2026", f"!!{word}99", word[::-1]):
        assert known_passwords.problem(password, "nobody") == "must not be the name of the product"


def test_nothing_is_asked_of_a_password_but_that_it_is_not_guessed() -> None:
    for password in ("correct horse", "kqzvwxyj", "93047162", "ünïcödé wörds", "x1" * 3 + "yz", "горячий борщ"):
        assert known_passwords.problem(password, "ada") is None


@pytest.mark.parametrize(("length", "is_taken"), [(7, False), (8, True), (64, True), (128, True), (129, False)])
def test_a_password_has_8_to_128_characters(length: int, *, is_taken: bool) -> None:
    account = {"username": "grace", "password": ("xyz-" * 33)[:length]}
    try:
        assert RegisterRequest.model_validate(account).password == account["password"]
    except ValidationError:
        assert not is_taken
    else:
        assert is_taken
