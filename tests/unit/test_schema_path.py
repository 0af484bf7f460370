import shutil
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from common.postgres import migrate


def test_migrations_are_found_whatever_the_folder_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations = tmp_path / "100% of a clone, moved %(here)s" / "migrations"
    shutil.copytree(migrate._MIGRATIONS, migrations)
    monkeypatch.setattr(migrate, "_MIGRATIONS", migrations)

    with create_engine("sqlite://").connect() as connection:
        scripts = ScriptDirectory.from_config(migrate._config(connection))

    assert Path(scripts.dir) == migrations
    assert scripts.get_current_head()
