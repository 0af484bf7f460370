"""The secrets of the service itself. Those of its servers are in their URLs."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, SecretBytes, SecretStr, model_validator

_SHORTEST_SECRET = 32
_FEWEST_BYTES = 8
"""The least number of different bytes in a secret: 32 random hexadecimal digits have fewer once in ten million."""

_PLACEHOLDER = re.compile(rb"(change|replace).{0,3}(me|this)|your.{0,3}(secret|key)|placeholder", re.IGNORECASE)
"""The texts that examples contain in the place of a secret."""


def _random_enough(secret: SecretBytes) -> SecretBytes:
    value = secret.get_secret_value()
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(f"must be at least {_SHORTEST_SECRET} bytes of randomness")
    if not value.strip() or _PLACEHOLDER.search(value):
        raise ValueError("is a placeholder: take 32 or more random bytes")
    if len(set(value)) < _FEWEST_BYTES:
        raise ValueError("repeats itself: take 32 or more random bytes")
    return secret


Secret = Annotated[SecretBytes, AfterValidator(_random_enough)]


class Credentials(BaseModel):
    """What tokens, keys and cursors are signed with, and Flower's password."""

    jwt_secret: Secret = Field(alias="SCOREBOARD_JWT_SECRET", description="Signs access tokens (HS256).")
    jwt_secret_previous: Secret | None = Field(
        None, alias="SCOREBOARD_JWT_SECRET_PREVIOUS", description="Still accepted while the secret is rotated."
    )
    secret_key: Secret = Field(
        alias="SCOREBOARD_SECRET_KEY",
        description="Derives signing keys, refresh tokens and the secrets of API keys, and signs cursors.",
    )
    secret_key_previous: Secret | None = Field(
        None, alias="SCOREBOARD_SECRET_KEY_PREVIOUS", description="Still accepted while the secret is rotated."
    )
    flower_password: SecretStr | None = Field(
        None,
        alias="SCOREBOARD_FLOWER_PASSWORD",
        description="Flower's password, of 12 characters or more; its user is `admin`.",
    )

    @model_validator(mode="after")
    def _secrets_differ(self) -> Self:
        of_tokens, of_the_rest = set(self.jwt_secrets), set(self.secret_keys)
        if of_tokens & of_the_rest:
            raise ValueError(
                "SCOREBOARD_JWT_SECRET and SCOREBOARD_SECRET_KEY, and their PREVIOUS ones "
                "(SCOREBOARD_SECRET_KEY_PREVIOUS), must not be the same secret"
            )
        return self

    @property
    def jwt_secrets(self) -> tuple[bytes, ...]:
        """The secret that signs, followed by one that is still accepted, if any."""
        secrets = (self.jwt_secret, self.jwt_secret_previous)
        return tuple(secret.get_secret_value() for secret in secrets if secret)

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The secret that new keys are derived from, followed by one whose derived keys are still accepted, if any."""
        secrets = (self.secret_key, self.secret_key_previous)
        return tuple(secret.get_secret_value() for secret in secrets if secret)
