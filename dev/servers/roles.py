"""Two roles on the embedded PostgreSQL: the owner migrates, and another one serves (docs/adr/0017)."""

from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import create_engine

from common.core import secret_files
from common.postgres import grants
from common.postgres.grants import ServingRole
from dev.supervise.program_secrets import OWNER

SERVING = "scoreboard_serving"


def separate(env: dict[str, str], folder: Path) -> None:
    """Let `env` name the serving role in DATABASE_URL, and the owner for the migration alone.

    DATABASE_URL is the owner's address before. The role is made if it is missing, also in a data folder of a version
    that had one role; `scoreboard migrate` gives it its rights.
    """
    owner = env["DATABASE_URL"]
    role = ServingRole(SERVING, secret_files.ensure(folder / "secrets" / "database_password"))
    engine = create_engine(owner.replace("postgresql://", "postgresql+psycopg2://", 1))
    try:
        with engine.begin() as connection:
            grants.ensure_role(connection, role)
    finally:
        engine.dispose()
    parts = urlsplit(owner)
    address = parts.netloc.rpartition("@")[2]
    env[OWNER] = owner
    env["DATABASE_URL"] = parts._replace(netloc=f"{role.name}:{role.password}@{address}").geturl()
