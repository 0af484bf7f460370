"""The web, which dies at one point: `gunicorn tests.chaos.crashing_web:app`."""

from tests.chaos import crash_points
from web.server.wsgi import app

__all__ = ["app"]

crash_points.install()
