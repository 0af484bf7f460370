import json
import socket
from pathlib import Path

from dev.servers import ports


def test_a_port_on_which_somebody_listens_is_refused_in_the_systems_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ports.refusal("127.0.0.1", server.getsockname()[1]) == "Address already in use"


def test_a_free_port_is_below_those_that_outgoing_connections_get() -> None:
    port = ports.any_free()

    assert ports.LOWEST <= port <= ports.HIGHEST
    assert ports.refusal("127.0.0.1", port) is None


def test_a_name_that_does_not_resolve_is_refused() -> None:
    assert ports.refusal("no-such-host.invalid", 8000)


def test_a_remembered_port_is_taken_again_and_another_if_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = ports.remembered(path, "postgres")
    assert ports.remembered(path, "postgres") == first

    with socket.create_server(("127.0.0.1", first)):
        second = ports.remembered(path, "postgres")

    assert second != first
    assert json.loads(path.read_text()) == {"postgres": second}


def test_a_file_that_cannot_be_read_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    path.write_text('{"postgres": ')

    assert ports.remembered(path, "valkey") == ports.remembered(path, "valkey")
