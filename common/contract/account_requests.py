"""The bodies that clients send about accounts: registration, login, passwords, refresh."""

from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from common.contract import known_passwords
from common.contract.fields import (
    composed,
)
from common.contract.requests import LONGEST_PASSWORD, NEW_USERNAME, RESERVED_USERNAMES, SHORTEST_PASSWORD, Strict


def _composed(password: object) -> object:
    """Before it is measured: what a Mac types is longer."""
    return composed(password) if isinstance(password, str) else password


class RegisterRequest(Strict):
    """The account that is wanted."""

    username: str = Field(
        pattern=NEW_USERNAME,
        description="Unique without regard to case. A few names are reserved.",
        examples=["ada"],
        json_schema_extra={"not": {"enum": [*sorted(RESERVED_USERNAMES)]}},
    )
    password: Annotated[
        str,
        Field(
            min_length=SHORTEST_PASSWORD,
            max_length=LONGEST_PASSWORD,
            description="Neither the username nor one of the passwords that are guessed first. Text that looks the "
            "same is the same password (Unicode NFC).",
            examples=["correct horse"],
        ),
        BeforeValidator(_composed),
    ] = Field(repr=False)

    @field_validator("password")
    @classmethod
    def _not_guessed_first(cls, password: str, others: ValidationInfo) -> str:
        problem = known_passwords.problem(password, others.data.get("username", ""))
        if problem:
            raise ValueError(problem)
        return password

    @field_validator("username")
    @classmethod
    def _not_reserved(cls, username: str) -> str:
        if username.lower() in RESERVED_USERNAMES:
            raise ValueError("this name is reserved")
        return username


class LoginRequest(Strict):
    """Who logs in. The name counts in any case."""

    username: str = Field(min_length=1, max_length=128, examples=["ada"])
    password: str = Field(min_length=1, max_length=128, repr=False, examples=["correct horse"])


NewPassword = Annotated[
    str,
    Field(
        min_length=SHORTEST_PASSWORD,
        max_length=LONGEST_PASSWORD,
        repr=False,
        description="As at registration: neither the username nor one of the passwords that are guessed first.",
        examples=["another horse"],
    ),
    BeforeValidator(_composed),
]


class PasswordRequest(Strict):
    """A new password of one's own, and the one that it replaces."""

    current_password: str = Field(min_length=1, max_length=128, repr=False, examples=["correct horse"])
    new_password: NewPassword


class ResetRequest(Strict):
    """A new password for an account whose operator has made a code."""

    username: str = Field(min_length=1, max_length=128, examples=["ada"])
    code: str = Field(
        min_length=1,
        max_length=64,
        repr=False,
        description="Hyphens, spaces and the case of letters do not matter.",
        examples=["K7WQ2M-PLX4RD-9ZTB3H-AVCE5N"],
    )
    new_password: NewPassword

    @field_validator("new_password")
    @classmethod
    def _not_guessed_first(cls, password: str, others: ValidationInfo) -> str:
        problem = known_passwords.problem(password, others.data.get("username", ""))
        if problem:
            raise ValueError(problem)
        return password


class RefreshRequest(Strict):
    """The refresh token that was handed out last."""

    refresh_token: str = Field(
        min_length=1, max_length=512, repr=False, examples=["Zk1mU3l2b0pXcWJ4RzVhVnR5a0hfZVBvN0ZRYzJkNnM"]
    )
