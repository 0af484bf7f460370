"""After tables were filled by SQL: what the service would do about it later, in the middle of a measurement."""

from sqlalchemy import Engine, text

from common.postgres import checkpoint
from common.postgres.checkpoint import Checkpoint

_TIMEOUT_MS = 5_000


def vacuum(engine: Engine) -> None:
    """Do what autovacuum would do."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def take_in(engine: Engine) -> None:
    """Advance the checkpoint over the whole ledger, as `scoreboard verify` does."""
    of = Checkpoint(engine)
    most, at, chunk = of.find_stable_id(), 0, checkpoint.CHUNK
    while at < most:
        at, chunk = of.step(most, chunk, _TIMEOUT_MS)
