"""`scoreboard players import`: all good lines and no others, as often as one likes."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from common.postgres import audit, identities, users
from scoreboard import player_lines
from scoreboard.player_lines import PlayerLine, RefusedLine
from scoreboard.players import _import_file
from tests.command_line import CommandLine
from tests.inbox import add_users

FORM = (r"^[a-z]{3,32}$", "must be letters")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "players.csv"


def identities_in(engine: Engine) -> dict[tuple[str, str], str]:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT realm, external_id, username FROM identities JOIN users ON users.id = user_id")
        )
        return {(row.realm, row.external_id): row.username for row in found}


def test_a_file_is_imported_and_again_nothing_changes(command_line: CommandLine, engine: Engine, file: Path) -> None:
    file.write_text("externalId,username\nsteam:1,ada\nsteam:2,\n")
    first = command_line("players", "import", str(file), "--realm", "arena")
    before = identities_in(engine)
    second = command_line("players", "import", str(file), "--realm", "arena")

    assert (first.returncode, first.stdout) == (
        0,
        "2 players are new, 0 were there already, 0 lines were refused\n",
    )
    assert (second.returncode, second.stdout) == (
        0,
        "0 players are new, 2 were there already, 0 lines were refused\n",
    )
    assert identities_in(engine) == before
    assert before["arena", "steam:1"] == "ada"
    assert before["arena", "steam:2"].startswith("p-")
    with engine.connect() as connection:
        rows = [row for row in audit.latest(connection, 10) if row.action == "import_players"]
    assert [(row.subject, row.details["new"]) for row in rows] == [("arena", 2)]


def test_every_refused_line_is_named_and_the_others_are_imported(
    command_line: CommandLine, engine: Engine, file: Path
) -> None:
    add_users(engine, 1)
    with engine.begin() as connection:
        users.create(connection, "Taken", "-", "player")
        identities.ensure(connection, "default", ["known"], {"known": "hedy"})
    lines = [
        b"externalId,username",
        b"good-1,ada",
        b"with space,bob",
        b"good-1,carl",
        b"good-2,ADA",
        b"good-3,taken",
        b"good-4,x",
        b"good-5",
        b"",
        b"known,other",
        b"known-\xff,",
        b'"good, too",',
        b"good-6,",
    ]
    file.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines) + b"\r\n")
    done = command_line("players", "import", str(file))

    assert done.returncode == 1
    assert done.stdout == "2 players are new, 0 were there already, 9 lines were refused\n"
    assert done.stderr.splitlines() == [
        "line 3: externalId: must be 1 to 128 printable ASCII characters without a space",
        "line 4: externalId: stands in line 2 too",
        "line 5: username: stands in line 2 too",
        "line 6: username: taken is taken",
        "line 7: username: must be 3 to 32 of A-Z a-z 0-9 _ . - and begin with neither . nor -",
        "line 8: has 1 values where the header has 2",
        "line 10: username: the player is called hedy already",
        "line 11: externalId: must be 1 to 128 printable ASCII characters without a space",
        "line 12: externalId: must be 1 to 128 printable ASCII characters without a space",
    ]
    names = identities_in(engine)
    assert {external_id for _realm, external_id in names} == {"good-1", "good-6", "known"}
    assert names["default", "good-1"] == "ada"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column externalId"),
        (b"\n", "no column externalId"),
        (b"username\nada\n", "no column externalId"),
        (b"externalId,password\na,b\n", "'password'"),
        (b"externalId,externalId\na,b\n", "twice"),
        (b"steam:1\nsteam:2\n", "'steam:1'"),
        (b"\xff\xfe\n", "column"),
    ],
)
def test_a_file_without_the_header_is_wrong_use(
    command_line: CommandLine, engine: Engine, file: Path, content: bytes, words: str
) -> None:
    file.write_bytes(content)
    done = command_line("players", "import", str(file))
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert identities_in(engine) == {}


def test_names_and_countries_are_imported_and_change_with_the_file(
    command_line: CommandLine, engine: Engine, file: Path
) -> None:
    def shown() -> list[tuple[str | None, str | None]]:
        with engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT display_name, country FROM identities JOIN users ON users.id = user_id ORDER BY external_id"
                )
            )
            return [(row.display_name, row.country) for row in rows]

    file.write_text("country,externalId,displayName\nGB,a,Ada\n,b,\nZZ,c,Cleo\nDE,d,\u0430da\n")
    done = command_line("players", "import", str(file))
    assert (done.returncode, shown()) == (1, [("Ada", "GB"), (None, None)])
    assert done.stderr.splitlines() == [
        "line 4: country: must be an ISO 3166-1 alpha-2 code of a country, such as DE",
        "line 5: displayName: must not mix Latin and Cyrillic letters",
    ]
    file.write_text("externalId,displayName\na,Grace\nb,Bob\n")
    assert command_line("players", "import", str(file)).returncode == 0
    assert shown() == [("Grace", "GB"), ("Bob", None)]


def test_a_file_that_is_missing_and_a_realm_of_another_form_are_wrong_use(
    command_line: CommandLine, file: Path
) -> None:
    assert command_line("players", "import", str(file)).returncode == 2
    file.write_text("externalId\na\n")
    assert command_line("players", "import", str(file), "--realm", "A B").returncode == 2


def test_two_imports_of_the_same_players_at_once_make_each_once(engine: Engine, file: Path) -> None:
    file.write_text("externalId,username\n" + "".join(f"player-{n},name-{n}\n" for n in range(2_500)))
    done: list[tuple[int, int, int]] = []

    def run() -> None:
        result = _import_file(engine, file, "arena")
        done.append((result.new, result.known, len(result.refused)))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(identities_in(engine)) == 2_500
    assert sum(new for new, _known, _refused in done) == 2_500
    assert sum(refused for _new, _known, refused in done) == 0


def test_a_quoted_value_may_span_lines_and_is_named_by_its_first() -> None:
    found = list(player_lines.read(["externalId\n", '"a\n', 'b"\n', "good\n", '"x"y\n', "\n", "last\n"], FORM))
    assert [type(line) for line in found] == [RefusedLine, PlayerLine, RefusedLine, PlayerLine]
    assert [line.number for line in found] == [2, 4, 5, 7]


def test_a_quotation_mark_that_is_never_closed_is_told_to_end_the_file() -> None:
    good, bad = player_lines.read(["externalId\n", "good\n", '"a\n', "b\n"], FORM)
    assert isinstance(good, PlayerLine)
    assert (bad.number, "nothing that follows is read" in str(bad)) == (3, True)
