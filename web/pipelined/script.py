"""A script of ours that is called with bytes, at the least cost there is."""

import hashlib
from collections.abc import Callable
from typing import Any

import redis
from redis.exceptions import NoScriptError

from common.core import deadlines
from common.redis_store.client import sources

Argument = bytes | str


class BareScript:
    """The script `<name>.lua`, called by its hash, whose replies are as Redis sends them.

    `call` is as `RedisClients.call_script`: it gives the script the run id of its server as the last argument, and
    repeats nothing. A call whose connection broke is repeated once, so the script must know its own repetition.
    `idle_reply` is what it replies if it did nothing: such a call leaves nothing in doubt that was not before.
    """

    def __init__(self, call: Callable[..., Any], name: str, *, idle_reply: object = None) -> None:
        self._call = call
        self._idle_reply = idle_reply
        self._source = "\n".join(sources(name).values()).encode()
        self._hash = hashlib.sha1(self._source).hexdigest()  # noqa: S324 - the name that Redis gives to a script

    def __call__(self, key_count: int, *arguments: Argument) -> Any:  # noqa: ANN401 - whatever Redis replies
        """Run the script on `key_count` keys, which are the first arguments. Raises redis.RedisError."""
        try:
            return self._run(key_count, arguments)
        except redis.ConnectionError:
            return self._run(key_count, arguments)

    def _run(self, key_count: int, arguments: tuple[Argument, ...]) -> Any:  # noqa: ANN401
        doubt_before = deadlines.in_doubt()
        try:
            reply = self._call("EVALSHA", self._hash, str(key_count), *arguments)
        except NoScriptError:
            reply = self._call("EVAL", self._source, str(key_count), *arguments)
        if reply is not None and reply == self._idle_reply:
            deadlines.command_refused(doubt_before)
        return reply
