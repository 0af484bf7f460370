"""The dashboard: who is let in, what it draws, its tables for those who see no chart, and its history of an hour."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

from common.domain.metric_samples import Sample
from common.redis_store import keys, samples
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.browser.admin_page import AdminPage
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Complaints, Enter
from tests.browser.test_appearance import sideways

SIZES = [(390, 844), (1280, 900)]
VIEWERS = 4321


@pytest.fixture
def hour(stack: Stack) -> None:
    """Samples of most of an hour, ten seconds each. The first one alone has a number of viewers of thousands."""
    now = int(time.time())
    with stack.redis() as client, client.pipeline(transaction=False) as pipeline:
        pipeline.delete(keys.SAMPLES)
        for before in range(3300, 60, -10):
            wave = before // 10 % 30
            counts = {"updates.applied": 600 + wave, "redis.accepted": 610, "errors.rate_limited": wave, "cache.hit": 9}
            counts |= {"batches": 10, "batched": 600 + wave, "standings": 2400}
            buckets = dict.fromkeys(("answers", "submits", "applied", "shown"), (0.0, 3.0, 5.0, 9.0, 2.0))
            viewers = VIEWERS if before == 3300 else 40.0 + wave
            gauges = {"viewers": viewers, "depth": 2.0, "drift": 0.0, "chores": 1.0}
            row = samples.row("elsewhere:9101", Sample(10.0, counts, buckets, gauges))
            pipeline.xadd(keys.SAMPLES, row, id=f"{(now - before) * 1000}-1")
        pipeline.execute()


def wait_until_drawn(page: AdminPage) -> None:
    page.page.get_by_role("img", name=re.compile("^Chart of Viewers")).locator("canvas").wait_for()


def test_the_shell_is_served_to_anybody_has_no_data_and_is_on_no_list(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/dashboard", timeout=10)
    assert (answer.status_code, answer.headers["X-Robots-Tag"]) == (200, "noindex")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.usefixtures("hour")
def test_each_chart_has_a_name_a_sentence_and_a_table_and_the_keys_reach_it(enter: Enter) -> None:
    page = enter("/dashboard")
    wait_until_drawn(page)
    names = [each.get_attribute("aria-label") for each in page.page.locator("figure[role=group]").all()]
    assert names[:5] == [
        "Time to answer",
        "Viewers",
        "Cache hits",
        "Errors a second, by code",
        "Limit violations a second, by limit",
    ]
    assert len(set(names)) == len(names) >= 17
    told = page.page.get_by_role("img", name=re.compile("^Chart of Viewers")).get_attribute("aria-label") or ""
    assert re.search(r"viewers: \d+ at the end, between \d+ and 4,321\.", told)
    folded = page.page.get_by_role("group", name="Viewers", exact=True).locator("summary")
    folded.focus()
    page.page.keyboard.press("Enter")
    table = page.page.get_by_role("table", name="Viewers", exact=True)
    assert table.get_by_role("columnheader").all_inner_texts() == ["When", "viewers"]
    assert table.get_by_role("row").last.get_by_role("cell").inner_text() == "4,321"
    page.page.keyboard.press("Tab")
    focused = page.page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert focused == "Viewers, as a table", "it can be scrolled by keys"


@pytest.mark.usefixtures("hour")
def test_an_hour_of_history_survives_a_reload_and_a_restart_of_the_web(
    enter: Enter, stack: Stack, complaints: Complaints
) -> None:
    complaints.expect("ERR_|Failed to load")
    page = enter("/dashboard")
    wait_until_drawn(page)
    stack.stop("web")
    stack.start("web")
    stack.wait_until_ready()
    again = enter("/dashboard")
    wait_until_drawn(again)
    told = again.page.get_by_role("img", name=re.compile("^Chart of Viewers")).get_attribute("aria-label") or ""
    assert "4,321" in told


def test_the_web_samples_its_own_metrics_in_a_process_that_serves_nobody(stack: Stack) -> None:
    def is_sampled() -> bool:
        with stack.redis() as client:
            since = samples.since(client, datetime.now(UTC) - timedelta(minutes=5))
            return any(each.sample.buckets.get("answers") for each in since)

    requests.get(f"{stack.url}/readyz", timeout=10)
    wait_until(is_sampled, 30)


@pytest.mark.usefixtures("hour")
def test_boards_and_people_are_moved_from_the_dashboard_itself(enter: Enter, stack: Stack) -> None:
    page = enter("/dashboard")
    row = page.row("main")
    row.get_by_role("button", name="Close").wait_for()
    wait_until(lambda: row.get_by_role("cell").nth(2).inner_text().isdigit())
    boards = page.page.get_by_role("region", name="Boards")
    assert boards.get_by_role("columnheader").all_inner_texts()[-3:-1] == ["Viewers", "Next end"]
    assert row.locator("[data-label='Next end']").inner_text() == "\N{EN DASH}"
    page.page.get_by_label("Part of a name").fill("chief")
    page.page.get_by_role("button", name="Search").click()
    page.page.get_by_role("region", name="Players").get_by_role("link").first.click()
    page.page.get_by_role("heading", name="chief").wait_for()
    assert not page.page.get_by_role("heading", name="Pipeline").is_visible()
    page.page.get_by_role("navigation", name="Dashboard").get_by_role("link", name="Pipeline").click()
    page.page.get_by_role("heading", name="Pipeline").wait_for()


@pytest.mark.usefixtures("hour")
def test_nothing_of_it_is_left_on_the_page_after_signing_out(enter: Enter) -> None:
    page = enter("/dashboard")
    wait_until_drawn(page)
    page.page.get_by_role("button", name="Sign out").click()
    page.page.get_by_text("You are signed out.").last.wait_for()
    assert "4,321" not in page.page.content()
    assert page.page.locator("canvas").count() == 0


@pytest.mark.usefixtures("hour")
@pytest.mark.parametrize("size", SIZES)
def test_nothing_scrolls_sideways(enter: Enter, size: tuple[int, int]) -> None:
    width, height = size
    page = enter("/dashboard", viewport={"width": width, "height": height}, color_scheme="dark")
    wait_until_drawn(page)
    assert sideways(BoardPage(page.page)) == []
