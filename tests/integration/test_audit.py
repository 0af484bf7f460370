"""Who changed what: every command and every route that changes something leaves a row in the audit log."""

import json
import os
import pwd
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text

from common.core.settings import Settings
from common.domain.achievements import StepKey
from common.domain.inbox_entries import MalformedEntry
from common.postgres import audit, quarantine, tables, unlocks
from common.postgres.audit import COMMAND_LINE, AuditRow
from dev.harness.servers import Servers
from scoreboard.__main__ import commands
from scoreboard.operator import _os_user
from tests.conftest import draining_thread
from tests.inbox import accept, add_users
from tests.player import Player, log_in, register
from web.guards.access import decision
from workers.state import WorkerState

READING = {
    "achievements list",
    "actions list",
    "audit list",
    "backup",
    "boards list",
    "boards show",
    "catalogue export",
    "export",
    "demo",  # which goes through the API
    "keys list",
    "periods list",
    "quarantine list",
    "seasons list",
    "users list",
}
PUT = {
    "boards/<board_id>",
    "actions/<action_id>",
    "achievements/<achievement_id>",
    "boards/<board_id>/seasons/<season_id>",
}
AUDITED_ELSEWHERE = {"reset", "restore", "periods archive", "periods restore"}
"""In `test_reset_demo.py`, `test_backup.py` and `test_archiving.py`, since they need a demo, a backup and old days."""
READING_METHODS = {"GET", "HEAD", "OPTIONS"}
OS_USER = _os_user(os.getuid(), os.environ.get("SUDO_USER"))
PAYLOAD = {
    "user_id": "00000000-0000-4000-8000-000000000000",
    "action_id": "share",
    "idempotency_key": "set-aside",
    "occurred_at": "2026-11-23T09:15:00.123Z",
    "request_id": "request-id",
    "reply_to": None,
}
ADJUSTMENT = ("--board", "main", "--amount", "5", "--reason", "a try", "--key", "a-key-of-ours")

Command = Callable[..., Result]


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in this process, which is quicker than a new one for each."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url.replace("postgresql+psycopg2", "postgresql"))
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SCOREBOARD_JWT_SECRET", "jwt-secret-of-the-tests-0123456789")
    monkeypatch.setenv("SCOREBOARD_SECRET_KEY", settings.secret_key.get_secret_value().decode())

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        done = CliRunner().invoke(commands, arguments, input=stdin)
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        return done

    return run


def leaves(group: click.Group, path: str = "") -> Iterator[str]:
    """Every command by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found
        if isinstance(found, click.Group):
            yield from leaves(found, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def rows(engine: Engine) -> list[AuditRow]:
    with engine.connect() as connection:
        return audit.latest(connection, 100)


def quarantined(engine: Engine, number: int) -> str:
    with engine.begin() as connection:
        entry = MalformedEntry(f"1700000000000-{number}", {"update": json.dumps(PAYLOAD)}, 5)
        quarantine.put(connection, entry, "UnknownUserError: [red]nobody[/red]")
        return str(quarantine.page(connection, 0, 100)[-1].id)


def test_every_command_that_changes_something_is_audited_with_the_systems_user(
    command: Command, worker: WorkerState, servers: Servers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = worker.engine
    done: dict[str, str] = {}

    def audited(words: str, *arguments: str, stdin: bytes = b"") -> Result:
        before = len(rows(engine))
        result = command(*words.split(), *arguments, stdin=stdin)
        new = rows(engine)[before:]
        assert new, words
        assert {(row.actor, row.details["os_user"]) for row in new} == {(COMMAND_LINE, OS_USER)}
        done[words] = new[-1].action
        return result

    audited("users create", "chief", "--role", "admin", "--password-stdin", stdin=b"a password of its own\n")
    audited("users suspend", "chief", "--reason", "a try")
    audited("users reinstate", "chief")
    audited("users reset-code", "chief")
    audited("users set-password", "chief", "--password-stdin", stdin=b"another phrase of mine\n")
    audited("users create", "leaver", "--password-stdin", stdin=b"a password of its own\n")
    audited("users erase", "leaver", "--yes")
    key_id = json.loads(audited("keys create", "arena", "--json").output)["id"]
    audited("keys rotate", key_id)
    audited("keys revoke", key_id)
    audit_corrections(audited, worker)
    (tmp_path / "players.csv").write_text("externalId\nsteam:1\n")
    audited("players import", str(tmp_path / "players.csv"))
    with draining_thread(worker):
        audited("players adjust", "chief", *ADJUSTMENT)
    audit_catalogue(audited, tmp_path / "catalogue.toml")
    audit_revocation(audited, worker)
    audited("quarantine retry", quarantined(engine, 1))
    audited("quarantine discard", quarantined(engine, 2))
    audited("rebuild", "--board", "main", "--period", "all")
    accept(worker, *add_users(engine, 1))
    worker.drain.run()
    with engine.begin() as connection:
        connection.execute(text("UPDATE standings SET score = score + 1"))
    audited("verify", "--repair", "--patience", "0")
    monkeypatch.setenv("DATABASE_URL", servers.create_database("audited_migration"))
    command("migrate")
    migrated = create_engine(servers.postgres.url_of("audited_migration").replace("postgresql", "postgresql+psycopg2"))
    (row,) = rows(migrated)
    migrated.dispose()
    assert (row.actor, row.subject, row.details["before"]) == (COMMAND_LINE, "schema", None)
    assert row.details["os_user"] == OS_USER
    done["migrate"] = row.action

    assert set(done) == set(leaves(commands)) - READING - AUDITED_ELSEWHERE
    assert len(set(done.values())) == len(done)


def audit_catalogue(audited: Callable[..., Result], file: Path) -> None:
    audited("boards close", "main", "--at", "2099-12-31T20:00:00Z")
    audited("boards open", "main")
    audited("boards create", "laps", "--rule", "lowest")
    audited("boards set", "laps", "--title", "Laps")
    audited("boards archive", "laps")
    audited("actions set", "share", "--cooldown", "60")
    audited("seasons add", "main", "last", "--from", "2099-01-01T00:00:00Z", "--to", "2099-12-31T00:00:00Z")
    audited("seasons end", "main", "last", "--at", "2099-06-30T00:00:00Z")
    audited("seasons delete", "main", "last")
    audited("achievements set", "sharer", "--title", "Sharer", "--action", "share", "--goal", "3")
    file.write_text('version = 1\n[[boards]]\nid = "of-a-file"\n')
    audited("apply", str(file))


def audit_revocation(audited: Callable[..., Result], worker: WorkerState) -> None:
    (player,) = add_users(worker.engine, 1)
    with worker.engine.begin() as connection:
        unlocks.add(connection, [StepKey(player, "sharer", "")], datetime.now(UTC))
    audited("achievements revoke", "sharer", player, "--reason", "a try")


def audit_corrections(audited: Callable[..., Result], worker: WorkerState) -> None:
    (player,) = add_users(worker.engine, 1)
    accept(worker, player)
    worker.drain.run()
    event = last_event(worker)
    audited("events void", event, "--reason", "a try")
    audited("events restore", event, "--reason", "a try")
    audited("players disqualify", player, "--board", "main", "--reason", "a try")
    audited("players requalify", player, "--board", "main", "--reason", "a try")


def last_event(worker: WorkerState) -> str:
    with worker.engine.connect() as connection:
        return str(connection.scalar(text("SELECT max(id) FROM score_events")))


def test_a_command_that_only_reads_or_changes_nothing_leaves_no_row(command: Command, worker: WorkerState) -> None:
    for words in READING - {"backup", "demo"}:
        command(*words.split())
    command("verify")
    command("migrate")

    assert rows(worker.engine) == []


def test_every_route_for_admins_that_changes_something_is_audited_with_the_admins_id(
    app: Flask, client: FlaskClient, ada: Player, worker: WorkerState, command: Command
) -> None:
    command("users", "create", "chief", "--role", "admin", "--password-stdin", stdin=b"correct horse\n")
    chief = log_in(client, "chief")
    changing = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if decision(app.view_functions[rule.endpoint]) in ("admin", "manager")
        and (rule.methods or set()) - READING_METHODS
    }
    done = {
        "suspend": ({"reason": "a try"}, "suspend", {"reason": "a try"}),
        "reinstate": ({"reason": "a try"}, "reinstate", {"reason": "a try"}),
        "profile": (
            {"displayName": "Ada L", "reason": "a try"},
            "change_profile",
            {"fields": ["display_name"], "reason": "a try"},
        ),
        "reset-code": (None, "issue_reset_code", {}),
        "adjust": (
            {"board": "main", "amount": 5, "reason": "a try", "idempotencyKey": "a-key-of-ours"},
            "adjust_score",
            {"board": "main", "amount": 5, "second": 0, "reason": "a try", "idempotency_key": "a-key-of-ours"},
        ),
    }
    for what, (body, action, details) in done.items():
        before = len(rows(worker.engine))
        path = f"/api/admin/users/{ada.user_id}/{what}"
        assert client.post(path, json=body, headers=chief.headers).status_code in (200, 202)
        (row,) = rows(worker.engine)[before:]
        assert (row.actor, row.action, row.subject, row.details) == (chief.user_id, action, ada.user_id, details)

    made = {f"/api/admin/users/<user_id>/{what}" for what in done}
    accept(worker, ada.user_id)
    worker.drain.run()
    event = last_event(worker)
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z"}
    for what, subject, more in (
        ("events/<event_id>/void", ada.user_id, {}),
        ("events/<event_id>/restore", ada.user_id, {}),
        ("users/<user_id>/void", ada.user_id, span),
        ("users/<user_id>/restore", ada.user_id, span),
        ("boards/<board_id>/disqualify", "main", {"userId": ada.user_id}),
        ("boards/<board_id>/requalify", "main", {"userId": ada.user_id}),
    ):
        before = len(rows(worker.engine))
        path = what.replace("<event_id>", event).replace("<user_id>", ada.user_id).replace("<board_id>", "main")
        sent = client.post(f"/api/admin/{path}", json={"reason": "a try", **more}, headers=chief.headers)
        assert sent.status_code == 200, sent.text
        (row,) = rows(worker.engine)[before:]
        assert (row.actor, row.subject, row.details["reason"]) == (chief.user_id, subject, "a try")
        made.add(f"/api/admin/{what}")
    bodies: dict[str, dict[str, object]] = {
        "boards/<board_id>/seasons/<season_id>": {
            "startsAt": "2098-01-01T00:00:00Z",
            "endsAt": "2098-06-01T00:00:00Z",
        },
        "boards/<board_id>/seasons/<season_id>/end": {"at": "2098-05-01T00:00:00Z"},
        "boards/<board_id>/seasons/<season_id>/delete": {"reason": "a try"},
        "boards/<board_id>/open": {},
        "boards/<board_id>": {"title": "A try"},
        "boards/<board_id>/close": {},
        "boards/<board_id>/archive": {},
        "actions/<action_id>": {"points": 1},
        "achievements/<achievement_id>": {"title": "A try", "granted": {}},
        "achievements/<achievement_id>/revoke": {"userId": ada.user_id, "reason": "a try"},
        "catalogue": {"catalogue": {"version": 1, "boards": [{"id": "of-a-file"}]}},
    }
    with worker.engine.begin() as connection:
        connection.execute(tables.boards.insert(), {"id": "tried", "closes_at": "2099-01-01T00:00:00Z"})
        unlocks.add(connection, [StepKey(ada.user_id, "tried", "")], datetime.now(UTC))
    for what, values in bodies.items():
        before = len(rows(worker.engine))
        send = client.put if what in PUT else client.post
        path = f"/api/admin/{re.sub('<[a-z_]+>', 'tried', what)}"
        assert send(path, json=values, headers=chief.headers).status_code in (200, 201), path
        (row,) = rows(worker.engine)[before:]
        assert (row.actor, row.subject) == (chief.user_id, "catalogue" if what == "catalogue" else "tried")
        made.add(f"/api/admin/{what}")

    assert made == changing


def test_the_log_is_listed_for_people_and_for_programs(command: Command, worker: WorkerState) -> None:
    key_id = json.loads(command("keys", "create", "[red]arena[/red]", "--json").output)["id"]
    command("keys", "revoke", key_id)

    listed = json.loads(command("audit", "list", "--json").output)
    assert [(row["action"], row["subject"]) for row in listed] == [("create_key", key_id), ("revoke_key", key_id)]
    assert listed[0]["at"].endswith("Z")
    allowed = {"scopes": ["submit"], "realm": "default", "actions": None}
    assert listed[0]["details"] == {"name": "[red]arena[/red]", "os_user": OS_USER, **allowed}
    shown = command("audit", "list", "--limit", "1").output
    assert f"command line ({OS_USER})" in shown
    assert "create_key" not in shown


def test_the_user_before_sudo_and_a_user_without_a_name_are_told() -> None:
    root = pwd.getpwuid(0).pw_name

    assert _os_user(0, "ada") == f"{root} (sudo: ada)"
    assert _os_user(0, None) == root
    assert _os_user(2**31 - 7, "ada") == str(2**31 - 7)


def test_registering_and_playing_is_no_matter_for_the_audit(client: FlaskClient, worker: WorkerState) -> None:
    register(client, "grace").update("share")

    assert rows(worker.engine) == []
