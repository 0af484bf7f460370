"""What the service answers about accounts and sessions, in JSON. Pure."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.fields import (
    UserId,
    Username,
)

Seconds = Annotated[int, Field(ge=0, description="In seconds.", examples=[3600])]
Token = Annotated[str, Field(min_length=1, max_length=2048, examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9…"])]


class User(TypedDict):
    """An account."""

    userId: UserId
    username: Username
    role: Literal["player", "admin"]


class Registered(TypedDict):
    """The new account."""

    user: User


class Moderated(TypedDict):
    """What has become of a user."""

    user: User
    suspended: Annotated[bool, Field(examples=[True])]


class Login(TypedDict):
    """A session: what a client needs to call and to sign."""

    accessToken: Token
    tokenType: Literal["Bearer"]
    expiresIn: Annotated[Seconds, Field(description="Until the access token expires, in seconds.")]
    refreshToken: Token
    refreshExpiresIn: Annotated[Seconds, Field(description="Until the session ends, in seconds.", examples=[86400])]
    signingKey: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_-]{43}$",
            description="The session's key for signatures: 32 bytes in base64url.",
            examples=["q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"],
        ),
    ]
    user: User


class PasswordChanged(TypedDict):
    """The password is another one now."""

    status: Literal["changed"]
    sessionsEnded: Annotated[int, Field(ge=0, description="How many other sessions ended.", examples=[2])]


class PasswordReset(TypedDict):
    """The password is another one now, and every session has ended."""

    status: Literal["reset"]


class IssuedResetCode(TypedDict):
    """A code with which a password is set anew, once."""

    code: Annotated[str, Field(min_length=1, max_length=64, examples=["K7WQ2M-PLX4RD-9ZTB3H-AVCE5N"])]
    expiresIn: Annotated[Seconds, Field(examples=[3600])]


class LoggedOut(TypedDict):
    """The session has ended."""

    status: Literal["logged_out"]


class IssuedTicket(TypedDict):
    """A ticket for the live socket, good for one use."""

    ticket: Annotated[
        str, Field(min_length=1, max_length=128, examples=["k3mXvT0pQeWc7dJt1sYbN5uR2aLhF8oG4iZx6KqPwEM"])
    ]
    expiresIn: Annotated[Seconds, Field(examples=[30])]
