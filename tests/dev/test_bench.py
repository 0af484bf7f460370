"""A very small bench, whole: the product as `make run` starts it, the floor beside it, and both generators."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench import claims, generator, http_rows, meter, viewer, wrk
from bench.meter import OWN, WRK
from bench.place import Place, running_place
from bench.rows import Round

PLAYERS = 2
OTHERS = 20
FEW = 10


@pytest.fixture(scope="module")
def small() -> Iterator[Place]:
    with running_place(OWN, 0.2, OTHERS, PLAYERS) as place:
        yield place


@pytest.fixture(params=[OWN, WRK])
def place(small: Place, request: pytest.FixtureRequest) -> Place:
    """With either generator; a load of wrk takes a whole second."""
    if request.param == WRK and not wrk.is_installed():
        pytest.skip("wrk is not installed")
    return replace(small, meter=replace(small.meter, generator=request.param))


def whole(found: Round) -> bool:
    """Whether a round has everything that a row shows."""
    assert found.problem == ""
    return bool(found.per_second and found.p50 and found.p99 and found.cpu.get("web") and found.statuses)


def test_the_floor_and_every_read_answer_as_expected(place: Place) -> None:
    assert whole(place.floor())
    rows = http_rows.reads(place)
    assert {name: whole(take()) for name, take in rows.items()} == dict.fromkeys(rows, True)


def test_updates_are_accepted_and_applied(place: Place) -> None:
    assert whole(http_rows.updates_of(place, 202, 4))


def test_updates_and_batches_are_counted_in_the_ledger(small: Place) -> None:
    before = small.product.ledger_rows()
    assert whole(small.meter.alone(claims.updates(small.players, FEW, waits=True), [200]))
    batch = claims.batches(small.server, [player.user_id for player in small.players], 1, FEW)
    assert whole(small.meter.closed(batch, 1, [202], until_applied=True, updates_each=FEW))
    assert small.product.ledger_rows() - before == 2 * FEW


def test_an_answer_that_is_not_expected_is_a_problem_of_the_row(small: Place) -> None:
    found = small.meter.closed([claims.get("/api/nowhere")], 1, [200], cycles=True)
    assert "404" in found.problem


def test_a_pace_is_kept_and_its_answers_are_checked(small: Place) -> None:
    found = small.meter.paced(claims.updates(small.players, FEW, waits=True), 20.0, 4, [200])
    assert whole(found)
    assert found.per_second is not None
    assert found.per_second < 40


def test_a_viewer_sees_every_update(small: Place) -> None:
    found = viewer.measure(small, 20.0, 0.5)
    assert found.problem == ""
    assert found.statuses == {202: FEW}
    assert found.p50


def test_the_generator_of_our_own_knows_its_limit() -> None:
    assert generator.ceiling(0.1, 4) > 0


def test_wrk_that_is_asked_for_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrk, "is_installed", lambda: False)
    assert meter.chosen("auto") == OWN
    with pytest.raises(RuntimeError, match="not installed"):
        meter.chosen(WRK)
