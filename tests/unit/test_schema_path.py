import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from common.postgres import migrate, schema


def test_migrations_are_found_whatever_the_folder_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations = tmp_path / "100% of a clone, moved %(here)s" / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations)
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)

    with create_engine("sqlite://").connect() as connection:
        scripts = ScriptDirectory.from_config(migrate._config(connection))

    assert Path(scripts.dir) == migrations
    assert scripts.get_current_head() == schema.known_versions()[-1]


def test_every_migration_is_known_by_the_number_of_its_file() -> None:
    with create_engine("sqlite://").connect() as connection:
        scripts = ScriptDirectory.from_config(migrate._config(connection))
    assert schema.known_versions() == sorted(script.revision for script in scripts.walk_revisions())


def test_a_process_that_serves_loads_nothing_of_alembic() -> None:
    loaded = "import sys, web, workers.tasks, common.postgres.schema; print('alembic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]
