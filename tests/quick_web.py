"""The application that gunicorn serves, in which a password is hashed cheaply (`tests/quick_hashes.py`)."""

from common.domain import passwords
from tests.quick_hashes import DUMMY_HASH, HASHER
from web.server.wsgi import app

__all__ = ["app"]

passwords._hasher, passwords.DUMMY_HASH = HASHER, DUMMY_HASH
