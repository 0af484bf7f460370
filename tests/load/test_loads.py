"""The short form of each load, which ends as soon as it has seen enough; `make load` runs the long ones."""

from dev.harness.stack import Stack
from tests.load.runs import Report, Size, run

MOST_SECONDS = 60


def short(load: str, stack: Stack, users: int, until: dict[str, int]) -> Report:
    """Run until all of this has happened so often."""
    report = run(load, stack, Size(users, MOST_SECONDS, until))
    assert report.broken == []
    assert {name: count for name, count in until.items() if report.counted.get(name, 0) < count} == {}
    return report


def test_concurrent_updates_are_counted_exactly_once_and_never_answered_with_a_5xx(stack: Stack) -> None:
    short("updates", stack, users=8, until={"accepted": 300, "replays": 20})


def test_an_address_gets_its_sockets_and_no_more_and_each_viewer_whole_chains(stack: Stack) -> None:
    until = {"refused viewers": 10, "viewers with whole chains": 40, "places that came back": 2, "ended by logout": 1}
    short("sockets", stack, users=4, until=until)


def test_what_has_not_changed_is_read_from_the_cache_and_what_has_is_never_stale(stack: Stack) -> None:
    short("cache", stack, users=6, until={"304": 100, "same bytes": 10, "updates found at once": 20})


def test_boards_of_ten_thousand_players_are_read_whole_beside_rebuilds(stack: Stack) -> None:
    until = {"whole boards": 2, "pages from PostgreSQL": 20, "pages from Redis": 20}
    report = short("database", stack, users=4, until=until)
    assert report.counted["rebuilds"] > 0
