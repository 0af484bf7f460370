from pathlib import Path

import pytest

from dev.supervise import accounts
from dev.supervise.processes import Account, StartError

NOBODY = Account(65534, 65534)


def test_a_normal_user_runs_postgresql_as_is() -> None:
    assert accounts.unprivileged(1000, lambda _: NOBODY) is None


def test_root_hands_postgresql_to_the_first_usual_account_that_exists() -> None:
    assert accounts.unprivileged(0, {"nobody": NOBODY}.get) == NOBODY


def test_root_without_such_an_account_is_told_to_bring_a_server() -> None:
    with pytest.raises(StartError, match="DATABASE_URL"):
        accounts.unprivileged(0, lambda _: None)


def test_a_user_without_an_entry_is_told_to_bring_a_server() -> None:
    with pytest.raises(StartError, match="DATABASE_URL"):
        accounts.require_entry(2_000_000_001)


def test_a_folder_below_a_closed_one_cannot_be_reached(tmp_path: Path) -> None:
    folder = tmp_path / "closed" / "open"
    folder.mkdir(parents=True)
    owner, stranger = Account(folder.stat().st_uid, 0), Account(2_000_000_001, 0)
    assert not accounts.can_reach(folder, stranger)  # pytest's own folder is closed to others
    assert accounts.can_reach(Path("/"), stranger)
    (tmp_path / "closed").chmod(0o700)
    assert accounts.can_reach(folder, owner)
