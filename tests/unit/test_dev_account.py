import os
from pathlib import Path

import pytest

from common import settings
from dev.run import account
from dev.supervise import accounts

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else to become")
GIVEN = {
    "DATABASE_URL": "postgresql://127.0.0.1/x",
    "REDIS_URL": "redis://127.0.0.1/0",
    "SCOREBOARD_JWT_SECRET": "jwt-secret-of-the-tests-0123456789",
    "SCOREBOARD_SECRET_KEY": "secret-key-of-the-tests-0123456789",
}


def test_what_the_account_cannot_read_is_named_and_root_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "can_reach", lambda *_: True)  # pytest's folder is closed to others
    (tmp_path / "Procfile").write_text("web: true\n")

    chosen, reason = account.choose(settings.load(GIVEN), {}, tmp_path, tmp_path)

    assert chosen is None
    assert "cannot read" in reason


def test_a_port_that_only_root_may_have_leaves_root_in_charge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "_first_unprivileged_port", lambda: 1024)

    chosen, reason = account.choose(settings.load({**GIVEN, "SCOREBOARD_PORT": "80"}), {}, tmp_path, tmp_path)

    assert (chosen, reason) == (None, "only root may listen on port 80")


def test_what_programs_write_and_read_is_handed_over_and_nothing_else(tmp_path: Path) -> None:
    nobody = accounts.by_name("nobody")
    assert nobody
    for folder in ("secrets", "metrics"):
        (tmp_path / folder).mkdir(mode=0o700)
    for name in ("jwt_secret", "postgres_password"):
        (tmp_path / "secrets" / name).write_text("x")

    account.hand_over(nobody, tmp_path)

    owners = {str(path.relative_to(tmp_path)): path.stat().st_uid for path in tmp_path.rglob("*")}
    theirs = {name for name, uid in owners.items() if uid == nobody.uid}
    assert theirs == {"beat", "metrics", "secrets/jwt_secret"}
