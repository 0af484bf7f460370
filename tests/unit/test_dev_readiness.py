from itertools import pairwise

import pytest

from dev.run import readiness


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - compared, not bound
        ("::", "http://[::1]:8000"),
        ("fd00::1", "http://[fd00::1]:8000"),
        ("board.example", "http://board.example:8000"),
    ],
)
def test_an_address_is_one_that_this_machine_can_open(host: str, url: str) -> None:
    assert readiness.address(host, 8000) == url


def test_what_is_missing_is_told_when_it_takes_long_and_not_at_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told, asked = 0.0, list[str](), list[float]()

    def missing(_: str) -> str:
        asked.append(now)
        return "" if now > 11 else "Not ready: worker."

    monkeypatch.setattr(readiness, "what_is_missing", missing)
    watch = readiness.Watch("http://127.0.0.1:8000", told.append, lambda: now)
    while not watch.is_ready():
        now += 0.05

    assert told == ["Not ready: worker."] * 2  # after 5 s and after 10 s
    assert all(later - earlier > readiness.ASK_EVERY_SECONDS - 0.01 for earlier, later in pairwise(asked))
