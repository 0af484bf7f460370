"""The pure parts of the bench: what is counted, compared and shown."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import claims, comparison, cpu, delays, generator, load, results_file, tables, wrk
from bench.delays import Seen, Sent
from bench.players import GameServer, Player
from bench.results_file import Section
from bench.rows import Round, Row, median_of, problem_of
from common.contract.requests import BatchRequest, ScoreUpdateRequest
from common.domain import signing

PLAYER = Player("8f15d882-8a9f-4189-b783-e9fd3f6124ef", "token", b"k" * 32)
FLOOR = Round(per_second=1000.0, p50=1.0, p99=2.0, cpu={"web": 100.0}, statuses={200: 10})
PAGE = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n"


def row(name: str, ratio: float | None, problem: str = "") -> Row:
    return Row(name, 1000.0, ratio, 1.0, 2.0, {"web": 10.0, "beat": 1.0}, {200: 3}, "wrk", "", problem)


def section(*rows: Row) -> Section:
    floor = median_of("floor", [FLOOR], None)
    return Section("reads", "floor", floor, list(rows), 3, 2.0, "2026-01-01T00:00Z", "wrk 4", 0.5)


def body_of(request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    return body


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 51.0), (99, 100.0), (100, 100.0)])
def test_a_percentile_is_a_value_that_was_measured(percent: int, value: float) -> None:
    assert load.percentile([float(n) for n in range(1, 101)], percent) == value


def test_a_result_counts_every_answer_and_knows_its_rate() -> None:
    result = load.of_latencies([3.0, 1.0, 2.0], {200: 2, 503: 1}, 2.0)
    assert (result.answers, result.per_second, result.p50, result.p99) == (3, 1.5, 2.0, 3.0)


def test_a_load_without_answers_is_no_error() -> None:
    assert load.of_latencies([], {}, 0.0).per_second == 0.0


def test_every_prepared_update_has_a_key_of_its_own_and_its_player_s_signature() -> None:
    requests = claims.updates([PLAYER], 3, waits=False)
    sent = [ScoreUpdateRequest.model_validate_json(body_of(request)) for request in requests]
    assert len({claim.idempotency_key for claim in sent}) == 3
    for claim in sent:
        text = signing.score_update_text(claim.user_id, claim.action_id, claim.timestamp, claim.idempotency_key)
        assert signing.is_signed(PLAYER.key, text, claim.signature)


def test_only_updates_that_do_not_wait_ask_for_an_answer_at_once() -> None:
    (waits,), (hurries,) = claims.updates([PLAYER], 1, waits=True), claims.updates([PLAYER], 1, waits=False)
    assert (b"respond-async" in waits, b"respond-async" in hurries) == (False, True)


def test_a_batch_is_signed_with_the_api_key_and_no_two_share_an_update() -> None:
    requests = claims.batches(GameServer("sbk_1", "secret"), [PLAYER.user_id], 2, 5)
    sent = [BatchRequest.model_validate(json.loads(body_of(request))) for request in requests]
    assert len({json.dumps(item, default=str) for batch in sent for item in batch.updates}) == 10
    for request in requests:
        head = request.partition(b"\r\n\r\n")[0].decode()
        seconds, signature = head.partition("X-Signature: t=")[2].partition("\r\n")[0].split(",v2=")
        text = signing.api_request_text_v2(seconds, "POST", claims.BATCH, "sbk_1", body_of(request))
        assert signing.is_signed(b"secret", text, signature)


def test_what_wrk_prints_becomes_a_result() -> None:
    printed = (
        'Running 2s test\nRESULT {"microseconds": 2000000, "p50": 1500.0, "p99": 9000.0, "failures": 1, '
        '"statuses": {"200": 99, "503": 1}}\n'
    )
    result = wrk.parse(printed)
    assert (result.per_second, result.p50, result.p99, result.failures) == (50.0, 1.5, 9.0, 1)
    assert result.statuses == {200: 99, 503: 1}


def test_an_output_of_wrk_without_a_result_is_an_error() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1")


def test_requests_are_written_for_wrk_after_their_length() -> None:
    assert b"".join(wrk.encoded([b"ab", b"c\n"])) == b"2\nab2\nc\n"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", None),
        (b"HTTP/1.1 202 ACCEPTED\r\nContent-Len", None),
        (b"HTTP/1.1 304 NOT MODIFIED\r\nETag: x\r\n\r\n", 304),
        (b"HTTP/1.1 304 NOT MODIFIED\r\nContent-Length: 30\r\n\r\n", 304),
        (b"HTTP/1.1 503 X\r\ncontent-length:  0\r\n\r\n", 503),
    ],
)
def test_an_answer_is_complete_with_its_last_byte(answer: bytes, status: int | None) -> None:
    assert generator.complete(answer) == status


def test_a_frame_shows_every_update_up_to_its_score() -> None:
    sent = [Sent("ada", 1.0), Sent("eve", 1.1), Sent("ada", 1.2), Sent("ada", 1.3)]
    frames = [Seen(1.5, {"ada": 7}), Seen(2.0, {"ada": 8, "eve": 1}), Seen(2.5, {"ada": 8})]
    found = delays.delays({"ada": 5}, sent, frames)
    assert [round(delay) for delay in found] == [500, 300, 700, 900]


def test_an_update_that_no_frame_shows_has_no_delay() -> None:
    assert delays.delays({}, [Sent("ada", 1.0)], [Seen(2.0, {"eve": 3})]) == []


@pytest.mark.parametrize(
    ("statuses", "failures", "problem"),
    [
        ({200: 5}, 0, ""),
        ({200: 5, 429: 1}, 0, "unexpected answers: {429: 1}"),
        ({200: 5}, 2, "2 requests without an answer"),
        ({}, 0, "no answers"),
    ],
)
def test_a_load_with_any_other_answer_is_not_believed(statuses: dict[int, int], failures: int, problem: str) -> None:
    assert problem_of(statuses, [200], failures) == problem


def test_a_row_has_the_medians_of_its_rounds_and_the_sum_of_their_answers() -> None:
    rounds = [
        Round(per_second=rate, p50=rate / 100, cpu={"web": rate}, statuses={200: 1}) for rate in (100.0, 900.0, 200.0)
    ]
    found = median_of("top 10", rounds, 1000.0)
    assert (found.per_second, found.ratio, found.p50, found.cpu, found.statuses) == (
        200.0,
        0.2,
        2.0,
        {"web": 200.0},
        {200: 3},
    )


def test_one_round_with_a_problem_spoils_the_row() -> None:
    assert median_of("x", [FLOOR, Round(problem="no answers")], 1000.0).problem == "no answers"


def test_a_rate_that_was_given_is_not_compared_with_the_floor() -> None:
    assert median_of("x", [Round(per_second=500.0, compares=False)], 1000.0).ratio is None


def test_cpu_time_is_told_per_request_without_what_is_next_to_nothing() -> None:
    used = cpu.between({"web": 1.0, "beat": 1.0}, {"web": 1.5, "beat": 1.0, "new": 9.0})
    assert cpu.per_request(used, 1000) == {"web": 500.0}


@pytest.mark.parametrize(("ratio", "has_moved"), [(0.5, False), (0.401, False), (0.399, True), (0.9, False)])
def test_a_ratio_that_lost_more_than_a_fifth_has_moved(ratio: float, has_moved: bool) -> None:
    lines = comparison.moved({"reads": section(row("top 10", 0.5))}, [section(row("top 10", ratio))])
    assert bool(lines) == has_moved
    assert all(line.startswith("top 10: ") for line in lines)


def test_rows_without_a_reference_are_not_compared_but_some_row_must_be() -> None:
    reference = {"reads": section(row("user", 0.5))}
    assert comparison.moved(reference, [section(row("top 10", 0.1), row("user", 0.5), row("alone", None))]) == []
    (line,) = comparison.moved({}, [section(row("top 10", 0.1))])
    assert line.startswith("no row")


def test_rows_of_another_generator_are_not_compared() -> None:
    by_another = replace(row("user", 0.9), generator="own")
    (line,) = comparison.moved({"reads": section(by_another)}, [section(row("user", 0.1))])
    assert line.startswith("no row")


@pytest.mark.parametrize(("ratio", "sags"), [(0.90, False), (0.80, True)])
def test_a_row_must_be_as_fast_on_a_board_of_many_players(ratio: float, sags: bool) -> None:
    few = section(row("top 10, 1,000 players", 1.0), row("around, 1,000 players", 0.5))
    many = section(row("top 10, 1,000,000 players", ratio), row("around, 1,000,000 players", 0.6))
    found = comparison.sagged([few, many, section(row("top 10", 0.1))])
    assert [line.partition(":")[0] for line in found] == (["top 10"] if sags else [])


def test_stored_sections_come_back_and_replace_only_their_own(tmp_path: Path) -> None:
    path, other = tmp_path / "results" / "x.json", section(row("a", 0.5))
    results_file.store(path, [replace(other, title="live"), section(row("b", 0.25))])
    results_file.store(path, [other])
    found = results_file.load(path)
    assert set(found) == {"live", "reads"}
    assert found["reads"] == other


def test_the_marked_part_of_the_page_is_written_anew_and_nothing_else(tmp_path: Path) -> None:
    page, path = tmp_path / "performance.md", tmp_path / "x.json"
    page.write_text(PAGE)
    results_file.store(path, [section(row("top 10", 0.5, "no answers"))])
    tables.write_page(path, page)
    once = page.read_text()
    tables.write_page(path, page)
    assert page.read_text() == once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "old" not in once
    assert "| top 10 | 1,000 | 0.50 | 1.0 | 2.0 | 10 |" in once
    assert "no answers" in once
    assert "load average before it began 0.5" in once


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="substring"):
        tables.write_page(tmp_path / "x.json", page)
    assert page.read_text() == "nothing"
