"""gunicorn's log lines in our format, without its access log, because we log every request ourselves."""

from gunicorn.config import Config
from gunicorn.glogging import Logger


class GunicornLog(Logger):
    """Removes the handlers of gunicorn's loggers, so that their records reach those of the root logger."""

    def setup(self, cfg: Config) -> None:
        """Open none of the files and streams that `cfg` names."""
        del cfg
        self.error_log.propagate = True
        self.error_log.handlers = []
        self.access_log.disabled = True
