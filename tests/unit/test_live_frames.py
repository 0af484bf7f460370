"""Frames of the live protocol, and that a viewer who applies them always sees exactly the board."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Event, Ping, TextMessage

from common.domain.entries import BoardHead, Entry
from tests.live_client import NotInOrderError, Screen
from web.live import frames
from web.live.group import Group, Watch

WATCH = Watch("main", "all", 3)
AT = 1_700_000_000_123


def events(data: bytes) -> list[Event]:
    """What a client's WebSocket library makes of the bytes."""
    connection = Connection(ConnectionType.CLIENT)
    connection.receive_data(data)
    return list(connection.events())


def messages(data: bytes) -> list[dict[str, Any]]:
    """The JSON messages in the bytes; a long one comes from the library in pieces."""
    texts, text = [], ""
    for event in events(data):
        assert isinstance(event, TextMessage)
        text += event.data
        if event.message_finished:
            texts.append(text)
            text = ""
    assert not text
    return [orjson.loads(whole) for whole in texts]


def entry(user_id: str, rank: int, score: int = 10, *, username: str = "", updated_at: int = AT) -> Entry:
    return Entry(user_id, username or user_id.upper(), score, rank, updated_at)


def top(seq: int, *entries: Entry, epoch: str = "e", total: int | None = None) -> BoardHead:
    return BoardHead(epoch, seq, AT, len(entries) if total is None else total, entries)


def group(head: BoardHead, limit: int = 3, period_id: str = "all") -> Group:
    return Group(WATCH._replace(limit=limit), period_id, head)


# -- frames ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_text_frame_of_every_length_is_understood(length: int) -> None:
    padding = "x" * max(0, length - len('{"a":""}'))
    assert messages(frames.text_frame({"a": padding})) == [{"a": padding}]


def test_a_close_frame_has_its_code_and_a_reason_that_fits() -> None:
    assert events(frames.close_frame(1012, "restart")) == [CloseConnection(code=1012, reason="restart")]
    (closed,) = events(frames.close_frame(1008, "long " * 100))
    assert isinstance(closed, CloseConnection)
    assert closed.code == 1008


def test_pings_and_heartbeats_are_what_the_contract_says() -> None:
    (ping,) = events(frames.PING)
    assert isinstance(ping, Ping)
    assert messages(frames.HEARTBEAT) == [{"type": "hb"}]


def test_a_snapshot_has_exactly_the_contract_s_fields() -> None:
    (message,) = messages(group(top(41, entry("a", 1, 125), total=1234)).snapshot)
    assert message == {
        "type": "snapshot",
        "board": "main",
        "period": "all",
        "epoch": "e",
        "seq": 41,
        "at": "2023-11-14T22:13:20.123Z",
        "limit": 3,
        "total": 1234,
        "entries": [
            {"userId": "a", "username": "A", "score": 125, "rank": 1, "lastUpdated": "2023-11-14T22:13:20.123Z"}
        ],
    }


def test_a_delta_holds_what_changed_and_who_left_and_nothing_else() -> None:
    shown = group(top(1, entry("a", 1, 30), entry("b", 2, 20), entry("c", 3, 10)))
    frame = shown.advance("all", top(3, entry("a", 1, 30), entry("d", 2, 25), entry("b", 3, 20), total=4))
    assert frame
    (message,) = messages(frame)
    assert message.pop("entries") == [
        {"userId": "d", "username": "D", "score": 25, "rank": 2, "lastUpdated": "2023-11-14T22:13:20.123Z"},
        {"userId": "b", "username": "B", "score": 20, "rank": 3, "lastUpdated": "2023-11-14T22:13:20.123Z"},
    ]
    assert message == {
        "type": "delta",
        "epoch": "e",
        "from": 1,
        "seq": 3,
        "at": "2023-11-14T22:13:20.123Z",
        "total": 4,
        "removed": ["c"],
    }


@pytest.mark.parametrize(
    "after",
    [
        entry("a", 1, 11),
        entry("a", 1, username="Ada"),
        entry("a", 1, updated_at=AT + 1),
    ],
    ids=["score", "username", "lastUpdated"],
)
def test_every_field_of_an_entry_counts_as_a_change(after: Entry) -> None:
    frame = group(top(1, entry("a", 1))).advance("all", top(2, after))
    assert frame
    assert messages(frame)[0]["entries"] == [after.to_wire()]


def test_a_total_that_changed_alone_is_told() -> None:
    frame = group(top(1, entry("a", 1), total=1)).advance("all", top(2, entry("a", 1), total=2))
    assert frame
    assert messages(frame)[0] | {"at": ""} == {
        "type": "delta", "epoch": "e", "from": 1, "seq": 2, "at": "", "total": 2, "entries": [], "removed": [],
    }  # fmt: skip


# -- what a group is told ----------------------------------------------------------------------------------------------


def test_a_seq_that_changes_nothing_is_not_sent_and_the_next_delta_still_follows() -> None:
    shown = group(top(1, entry("a", 1)))
    assert shown.advance("all", top(2, entry("a", 1))) is None
    frame = shown.advance("all", top(3, entry("a", 1, 11)))
    assert frame
    assert messages(frame)[0]["from"] == 1


def test_a_name_that_is_there_before_its_version_is_sent_with_that_version() -> None:
    shown = group(top(1, entry("a", 1)))
    renamed = entry("a", 1, username="Ada")
    assert shown.advance("all", top(1, renamed)) is None
    frame = shown.advance("all", top(2, renamed))
    assert frame
    delta = messages(frame)[0]
    assert (delta["from"], delta["seq"], delta["entries"]) == (1, 2, [renamed.to_wire()])


def test_a_newcomer_gets_the_state_last_sent_so_that_the_next_delta_follows_it() -> None:
    shown = group(top(1, entry("a", 1)))
    shown.advance("all", top(2, entry("a", 1, 11)))
    shown.advance("all", top(7, entry("a", 1, 11)))
    newcomer = Screen()
    newcomer.show(messages(shown.welcome(None))[0])
    assert newcomer.version == "e:2"
    frame = shown.advance("all", top(8, entry("a", 1, 12)))
    assert frame
    newcomer.show(messages(frame)[0])
    assert newcomer.scores == [("a", 12)]


def test_a_viewer_resumes_only_at_what_was_last_sent() -> None:
    shown = group(top(1, entry("a", 1)))
    shown.advance("all", top(2, entry("a", 1, 11)))
    assert messages(shown.welcome("e:2")) == [{"type": "resumed", "epoch": "e", "seq": 2}]
    for since in (None, "", "e:1", "e:3", "f:2", "2", "nonsense"):
        assert messages(shown.welcome(since))[0]["type"] == "snapshot"


@pytest.mark.parametrize("after", [top(9, entry("b", 1), epoch="f"), top(4, entry("b", 1))], ids=["epoch", "seq back"])
def test_a_board_that_was_rebuilt_is_sent_whole(after: BoardHead) -> None:
    frame = group(top(5, entry("a", 1))).advance("all", after)
    assert frame
    (message,) = messages(frame)
    assert (message["type"], message["epoch"], message["seq"]) == ("snapshot", after.epoch, after.seq)
    assert [row["userId"] for row in message["entries"]] == ["b"]


def test_a_new_period_is_announced_and_then_sent_whole() -> None:
    shown = group(top(5, entry("a", 1)), period_id="2026-W47")
    frame = shown.advance("2026-W48", top(1, epoch="f"))
    assert frame
    rollover, snapshot = messages(frame)
    assert rollover == {"type": "rollover", "board": "main", "period": "2026-W48"}
    assert (snapshot["type"], snapshot["period"], snapshot["entries"]) == ("snapshot", "2026-W48", [])


def test_a_group_is_cut_to_its_limit() -> None:
    head = top(1, entry("a", 1, 30), entry("b", 2, 20), entry("c", 3, 10), total=9)
    shown = group(head, limit=2)
    assert [row["userId"] for row in messages(shown.snapshot)[0]["entries"]] == ["a", "b"]
    assert shown.advance("all", replace(head, seq=2, entries=(*head.entries[:2], entry("d", 3, 10)))) is None
    frame = shown.advance("all", top(3, entry("a", 1, 30), entry("d", 2, 25), entry("b", 3, 20), total=9))
    assert frame
    assert messages(frame)[0]["removed"] == ["b"]


def test_the_viewer_of_these_tests_notices_a_gap() -> None:
    screen = Screen()
    screen.show(messages(frames.snapshot("main", "all", 3, top(1, entry("a", 1))))[0])
    delta = frames.delta(top(2, entry("a", 1)), top(3, entry("a", 1, 11)))
    assert delta
    with pytest.raises(NotInOrderError):
        screen.show(messages(delta)[0])


# -- any history -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One change of a board: scores by player (None: gone), a rename, or all of it built anew."""

    scores: dict[str, int | None]
    renamed: str | None
    rebuilt: bool
    rolled_over: bool


def steps() -> st.SearchStrategy[Step]:
    players = st.sampled_from("abcdefgh")
    return st.builds(
        Step,
        scores=st.dictionaries(players, st.none() | st.integers(-5, 5), max_size=4),
        renamed=st.none() | players,
        rebuilt=st.sampled_from([False] * 9 + [True]),
        rolled_over=st.sampled_from([False] * 9 + [True]),
    )


@dataclass
class BoardModel:
    """A board in a few lines, to compare with."""

    epoch: int = 0
    seq: int = 0
    period: int = 0

    def __post_init__(self) -> None:
        self.scores: dict[str, int] = {}
        self.names: dict[str, str] = {}

    def take(self, step: Step) -> None:
        if step.rolled_over:
            self.period, self.epoch, self.seq, self.scores = self.period + 1, self.epoch + 1, 0, {}
        elif step.rebuilt:
            self.epoch, self.seq = self.epoch + 1, 0
        for player, score in step.scores.items():
            if score is None:
                self.scores.pop(player, None)
            else:
                self.scores[player] = score
        if step.renamed:
            self.names[step.renamed] = self.names.get(step.renamed, step.renamed) + "'"
        self.seq += 1

    def head(self, limit: int) -> BoardHead:
        order = sorted(self.scores.items(), key=lambda item: (-item[1], item[0]))
        rows = [
            entry(player, rank, score, username=self.names.get(player, player))
            for rank, (player, score) in enumerate(order[:limit], start=1)
        ]
        return BoardHead(str(self.epoch), self.seq, AT, len(order), tuple(rows))


@given(st.lists(steps(), max_size=30), st.integers(1, 10), st.data())
def test_whatever_happens_a_viewer_who_applies_every_frame_sees_the_board(
    history: list[Step], limit: int, data: st.DataObject
) -> None:
    board = BoardModel()
    shown = group(board.head(10), limit, "0")
    screens = [Screen()]
    screens[0].show(messages(shown.welcome(None))[0])
    for step in history:
        board.take(step)
        if data.draw(st.booleans(), label="a tick"):
            frame = shown.advance(str(board.period), board.head(10))
            for screen in screens:
                for message in messages(frame or b""):
                    screen.show(message)
        if data.draw(st.sampled_from([False, False, False, True]), label="a newcomer"):
            newcomer = Screen()
            newcomer.show(messages(shown.welcome(None))[0])
            screens.append(newcomer)
    for message in messages(shown.advance(str(board.period), board.head(10)) or b""):
        for screen in screens:
            screen.show(message)
    expected = board.head(limit)
    for screen in screens:
        assert screen.entries == [row.to_wire() for row in expected.entries]
        assert (screen.total, screen.period, screen.epoch) == (expected.total, str(board.period), expected.epoch)
