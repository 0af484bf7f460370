"""How commands become bytes: hiredis does it, and redis-py looks at every argument before it does."""

from typing import Any

import hiredis
from redis.connection import HiredisRespSerializer


class Packer(HiredisRespSerializer):
    """Packs most commands without a look at each argument, of which a script for a batch has thousands."""

    def pack(self, *args: Any) -> list[bytes]:  # noqa: ANN401 - as redis-py
        """Return the command in Redis' protocol, in one piece."""
        if isinstance(args[0], str) and " " not in args[0]:  # `CLIENT SETINFO` is two arguments for Redis
            try:
                return [hiredis.pack_command(args)]
            except TypeError:  # bytes in another guise, or what is no argument at all: redis-py tells them apart
                pass
        return list(super().pack(*args))
