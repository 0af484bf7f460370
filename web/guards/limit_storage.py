"""Where Flask-Limiter counts: the storage of the library `limits` for Redis, on a client that we give it."""

from limits.storage import RedisStorage

from common.redis_store.client import Client

SCHEME = "scoreboard"
"""What the library calls this kind of storage in the URL by which it chooses one."""


class LimitStorage(RedisStorage):
    """The library's storage on the client of the web's services."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the library's declaration says that it is one of instances

    def __init__(self, uri: str, client: Client, key_prefix: str) -> None:
        super().__init__("redis://", connection_pool=client.connection_pool, key_prefix=key_prefix)
        self.storage = client
        self.initialize_storage(uri)
