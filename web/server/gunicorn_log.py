"""gunicorn's own lines, through our log: one format, and no second line for a request that has one already."""

from gunicorn.config import Config
from gunicorn.glogging import Logger


class GunicornLog(Logger):
    """Keeps gunicorn's loggers and gives them no handlers, so that their records reach the root's."""

    def setup(self, cfg: Config) -> None:
        """Instead of opening the files and streams that `cfg` names."""
        del cfg
        self.error_log.propagate = True
        self.error_log.handlers = []
        self.access_log.disabled = True
