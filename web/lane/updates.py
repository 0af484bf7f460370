"""The lane of score updates: a plain claim of a player is accepted by one script, with all that the view checks.

Whatever is not a clean yes changes nothing and is left to the view, which then gives the error, the earlier outcome, or
the 429, each in the order of the contract.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from flask import Flask

from common.contract.errors import ScoreboardError
from common.contract.requests import ScoreUpdateRequest
from common.contract.strict_json import parse_object
from common.core import deadlines
from common.domain.inbox_entries import Update, encode_update, version_of
from common.redis_store import keys
from common.redis_store.inbox import DOORBELL_MS, pending_receipt
from web.guards.identities import Identity
from web.guards.limit_keys import CountedLimit
from web.intake import answers, updates
from web.intake.updates import UpdateResult
from web.json_body import dump
from web.lane.message import LaneReply, LaneRequest
from web.lane.refusals import refusal_reply
from web.pipelined.script import BareScript
from web.services import Services

PATH = "/api/scores/update"

_JSON = ("Content-Type", "application/json")
_REPLAYED = ("Idempotent-Replayed", "true")
_NOTHING_DONE, _RING = 0, 2


class UpdateLimits(NamedTuple):
    """The limits that an update counts against."""

    by_address: CountedLimit
    by_user: CountedLimit


class UpdateLane:
    """Accepts updates ahead of Flask, with the services of the application."""

    def __init__(self, app: Flask, services: Services, limits: UpdateLimits) -> None:
        self._app = app
        self._services = services
        self._limits = limits
        self._script = BareScript(services.redis_clients.call_script, "take_update", idle_reply=_NOTHING_DONE)

    def answer(self, request: LaneRequest) -> LaneReply | None:
        """Accept a plain update and return the answer, or None if the view has to look at it."""
        identity = self._caller(request)
        claim = _claim_in(request) if identity else None
        if identity is None or claim is None or not self._is_good(claim, identity):
            return None
        no_wait = deadlines.has_timed_out("postgresql") or answers.asks_for_no_wait(request.header("HTTP_PREFER"))
        return self._submit(request, claim, identity, 0 if no_wait else self._services.settings.result_wait_ms / 1000)

    def _caller(self, request: LaneRequest) -> Identity | None:
        """Return the player whose access token this is; None for admins, who are counted by another limit."""
        caller = self._services.identities.in_header(request.header("HTTP_AUTHORIZATION"))
        return caller if caller and caller.role != "admin" else None

    def _is_good(self, claim: ScoreUpdateRequest, identity: Identity) -> bool:
        """Return whether the claim is the caller's own, signed, fresh, and of an action that exists."""
        if claim.user_id.lower() != identity.user_id:
            return False
        try:
            updates.verify_signature(claim, identity.signing_keys)
        except ScoreboardError:
            return False
        return updates.problem_of_new(self._services, claim) is None

    def _submit(
        self, request: LaneRequest, claim: ScoreUpdateRequest, identity: Identity, wait_seconds: float
    ) -> LaneReply | None:
        deadline = time.monotonic() + wait_seconds
        inbox = self._services.inbox
        update = updates.update_of(claim, request.request_id, self._services.process_id if wait_seconds else None)
        if not wait_seconds:
            if not self._take(request, update, identity):
                return None
            return self._reply(request, lambda: updates.result_of_accepted(inbox, update, None, 0.0))
        with self._services.replies.expect(update.user_id, update.idempotency_key) as waiter:
            if not self._take(request, update, identity):
                return None
            left = max(0.0, deadline - time.monotonic())
            return self._reply(request, lambda: updates.result_of_accepted(inbox, update, waiter, left))

    def _take(self, request: LaneRequest, update: Update, identity: Identity) -> bool:
        """Accept the update, or do nothing. Raises redis.RedisError if Redis is away."""
        address, user = self._limits
        with deadlines.effect(updates.ACCEPTED_OR_NOT):
            taken = self._script(
                9,
                keys.INBOX,
                keys.DOORBELL,
                keys.receipt(update.user_id, update.idempotency_key),
                keys.session_revoked(identity.session_id),
                keys.SESSIONS_LOADED,
                keys.session_owner(identity.session_id),
                *address.keys_of(request.address),
                *user.keys_of(update.user_id),
                identity.user_id,
                request.nonce,
                pending_receipt(update, request.nonce),
                *encode_update(update),
                str(version_of(update)),
                str(self._services.inbox.capacity),
                str(DOORBELL_MS),
                str(address.amount),
                str(address.seconds * 1000),
                str(user.amount),
                str(user.seconds),
                repr(time.time()),
            )
        if taken == _RING:
            self._services.doorbell.ring()
        return bool(taken)

    def _reply(self, request: LaneRequest, wait: Callable[[], UpdateResult]) -> LaneReply:
        try:
            result = wait()
            answer = answers.answer_about(result.outcome, request.root_path)
        except ScoreboardError as refusal:
            return refusal_reply(self._app, refusal, PATH)
        headers = (_JSON, _REPLAYED) if result.replayed else (_JSON,)
        return LaneReply(answer.status, PATH, headers, dump(answer.body))


def _claim_in(request: LaneRequest) -> ScoreUpdateRequest | None:
    if request.header("CONTENT_TYPE").partition(";")[0].strip().lower() != "application/json":
        return None
    body = request.read_body()
    if body is None:
        return None
    try:
        return ScoreUpdateRequest.model_validate(parse_object(body), strict=True)
    except (ScoreboardError, ValueError):  # pydantic's ValidationError is a ValueError
        return None
