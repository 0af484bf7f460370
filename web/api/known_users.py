"""Users that an address names."""

from common.contract.errors import ErrorCode, ScoreboardError
from common.postgres import users
from common.postgres.users import User
from web.api.boards import parsed_user_id
from web.services import services


def known_user(user_id: str) -> User:
    """Return the user of an address. Raises `not_found`, and `validation_failed` for what is no user id."""
    with services().engine.connect() as connection:
        user = users.find(connection, parsed_user_id(user_id))
    if user is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    return user
