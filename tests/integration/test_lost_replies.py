"""A web process whose Redis is away says so once, and once that it is back."""

from contextlib import closing
from typing import Any

import pytest

from common.redis_store import client as redis_client
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from web.intake import replies
from web.intake.replies import Replies
from web.live.heartbeats import Heartbeats


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:  # noqa: ANN401
        self.lines.append((event, fields))

    info = exception = warning

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.lines]


def test_replies_are_lost_once_and_found_again_once(
    servers: Servers, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, failed = Log(), []
    monkeypatch.setattr(replies, "log", log)
    listener = redis_client.connect_to_listen(through(servers.redis_url(1), proxy))
    heard = Replies(listener, "a-process", Heartbeats())
    hear = heard._receive

    def count() -> None:
        try:
            hear()
        except Exception as error:
            failed.append(error)
            raise

    monkeypatch.setattr(heard, "_receive", count)
    with closing(heard), heard.expect("user", "key"):
        proxy.manner.is_refusing = True
        proxy.manner.cut = True
        wait_until(lambda: len(failed) >= 4)
        assert log.events == ["replies_lost"]
        proxy.manner.is_refusing = False
        wait_until(lambda: "replies_found_again" in log.events)
        assert log.events == ["replies_lost", "replies_found_again"]
        assert log.lines[1][1]["seconds"] > 0
